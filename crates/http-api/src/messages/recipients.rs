//! Many recipients of one request. A bad one is left out by its place, and does not spoil the others.

mod rows;

use domain::usecase::create::{RecipientSpec, Rejected};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::rows::{Rows, row};
use super::problems::refusal;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::scalar::Values;

/// One of several recipients: at least one of `leadId`, `studentId` and `to`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecipientForm {
    /// A lead that the CRM pushed.
    #[schema(min_length = 1, max_length = 64)]
    lead_id: Option<String>,
    /// A student that the CRM pushed.
    #[schema(min_length = 1, max_length = 64)]
    student_id: Option<String>,
    /// A phone number, or a Facebook page-scoped id; wins over the contact's.
    to: Option<String>,
    /// Values for the template's variables; they win over those of the request.
    variables: Option<Values>,
}

impl TryFrom<RecipientForm> for RecipientSpec {
    type Error = ApiError;

    fn try_from(form: RecipientForm) -> Result<Self, ApiError> {
        let RecipientForm { lead_id, student_id, to, variables } = form;
        recipient(lead_id, student_id, to, variables)
    }
}

/// Reads the fields that name a recipient.
pub(crate) fn recipient(
    lead_id: Option<String>,
    student_id: Option<String>,
    to: Option<String>,
    variables: Option<Values>,
) -> Result<RecipientSpec, ApiError> {
    let mut fields = Fields::default();
    let spec = RecipientSpec {
        lead_id: fields.parse("leadId", lead_id.as_deref()),
        student_id: fields.parse("studentId", student_id.as_deref()),
        to,
        variables: variables.unwrap_or_default().0,
    };
    fields.finish(Some(spec))
}

/// A row that was left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedRow {
    /// Its place in the request, from 0.
    index: usize,
    /// The code that the row alone would be answered with.
    #[schema(example = "VALIDATION_ERROR")]
    code: &'static str,
    /// What is wrong with it.
    message: String,
}

impl RejectedRow {
    /// A row, and what it alone would be answered with.
    pub(crate) fn new(index: usize, error: &ApiError) -> Self {
        Self { index, code: error.code(), message: error.message().into_owned() }
    }
}

/// The recipients of a request that could be read.
#[derive(Default)]
pub(crate) struct Recipients {
    specs: Vec<RecipientSpec>,
    /// Where each of them stood in the request.
    places: Vec<usize>,
    /// Those that could not be read.
    unreadable: Vec<RejectedRow>,
}

impl Recipients {
    /// Reads them.
    pub(crate) fn read(rows: Vec<Result<RecipientForm, ApiError>>) -> Self {
        let mut read = Self::default();
        for (index, row) in rows.into_iter().enumerate() {
            match row.and_then(RecipientSpec::try_from) {
                Ok(spec) => {
                    read.specs.push(spec);
                    read.places.push(index);
                }
                Err(error) => read.unreadable.push(RejectedRow::new(index, &error)),
            }
        }
        read
    }

    /// For the command; [`Recipients::rejected`] knows the places of what is taken here.
    pub(crate) fn take_specs(&mut self) -> Vec<RecipientSpec> {
        std::mem::take(&mut self.specs)
    }

    /// Where in the request the recipient stood that has this place in the command.
    pub(crate) fn place(&self, index: usize) -> usize {
        place(&self.places, index)
    }

    /// All that were left out, those by the use case among them, by their places in the request.
    pub(crate) fn rejected(self, by_usecase: Vec<Rejected>) -> Vec<RejectedRow> {
        let Self { specs: _, places, mut unreadable } = self;
        unreadable.extend(
            by_usecase.into_iter().map(|Rejected { index, problems }| {
                RejectedRow::new(place(&places, index), &refusal(problems))
            }),
        );
        unreadable.sort_by_key(|row| row.index);
        unreadable
    }
}

fn place(places: &[usize], index: usize) -> usize {
    places.get(index).copied().unwrap_or(index)
}
