//! `?dryRun=true`: tell what would be, and store nothing.

use serde::Deserialize;

use crate::error::ApiError;

/// Whether a request is only a question.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DryRunQuery {
    /// `true`: say what would be wrong or noteworthy, and store nothing.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

impl DryRunQuery {
    /// Whether it is. What is not plainly one or the other is refused: to take it for `false` would store something.
    pub(super) fn asked(&self) -> Result<bool, ApiError> {
        match self.dry_run.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::field("dryRun", "must be true or false")),
        }
    }
}
