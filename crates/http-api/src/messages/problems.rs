//! What a use case found wrong with a request, as an error.

use domain::usecase::create::CreateError;
use domain::usecase::create::prepare::{Problem, ProblemKind};

use crate::error::{ApiError, FieldProblem};

/// One error for several problems: what is forbidden goes before what does not exist, that before what is merely wrong.
pub(crate) fn refusal(problems: Vec<Problem>) -> ApiError {
    let reasons = |kind: ProblemKind| {
        let of_kind: Vec<_> = problems
            .iter()
            .filter(|problem| problem.kind == kind)
            .map(|problem| format!("{}: {}", problem.field, problem.reason))
            .collect();
        (!of_kind.is_empty()).then(|| of_kind.join("; "))
    };
    if let Some(message) = reasons(ProblemKind::Forbidden) {
        return ApiError::Forbidden(message.into());
    }
    if let Some(message) = reasons(ProblemKind::NotFound) {
        return ApiError::NotFound(message.into());
    }
    ApiError::Validation(
        problems.into_iter().map(|problem| FieldProblem::new(problem.field, problem.reason)).collect(),
    )
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Command(problems) => refusal(problems),
            CreateError::Store(error) => error.into(),
        }
    }
}
