//! The terms that are stored with a message, as the database takes them.

use std::io::Write as _;

use diesel::pg::Pg;
use diesel::serialize::{IsNull, Output, Result as Serialized, ToSql};
use diesel::sql_types::SqlType;
use domain::message::Content;
use domain::search;

use super::{CHANNEL, DIGITS, NUMBER, TEMPLATE, TemplateTerms, grams, without_blanks};

/// `tsvector`.
#[derive(Debug, Clone, Copy, SqlType)]
#[diesel(postgres_type(oid = 3614, array_oid = 3643))]
pub(crate) struct TsVector;

/// What a lexeme ends with: a zero, and that it has no positions.
const END: [u8; 3] = [0; 3];

/// The terms of a message in the binary form of a `tsvector`: how many, then each with its end.
#[derive(Debug)]
pub(crate) struct Terms(Vec<u8>);

impl Terms {
    /// What is stored with a message of these templates.
    pub(crate) fn stored(content: &Content, templates: &TemplateTerms) -> Self {
        let told = told(content, templates);
        let mut terms: Vec<&str> = told.split(' ').collect();
        // The database sorts what is not in the order of its bytes, and trusts that each is there once.
        terms.sort_unstable();
        terms.dedup();
        let mut binary = Vec::with_capacity(4 + told.len() + END.len() * terms.len());
        binary.extend(u32::try_from(terms.len()).unwrap_or(u32::MAX).to_be_bytes());
        for term in terms {
            binary.extend(term.as_bytes());
            binary.extend(END);
        }
        Self(binary)
    }
}

impl ToSql<TsVector, Pg> for Terms {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> Serialized {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

/// The terms with blanks between, some perhaps twice.
fn told(content: &Content, templates: &TemplateTerms) -> String {
    let of_template = content.template_key.as_ref().and_then(|key| Some((key, templates.get(key)?)));
    let mut stored = String::with_capacity(128);
    for text in search::texts_of(content) {
        search::each_term(&search::folded(text), |term| {
            if of_template.is_none_or(|(_, known)| !known.contains(term)) {
                stored.push_str(term);
                stored.push(' ');
            }
        });
    }
    if let Some((key, _)) = of_template {
        stored.push(TEMPLATE);
        stored.push_str(&without_blanks(key.as_str()));
        stored.push(' ');
    }
    if let Some(digits) = content.to.as_ref().and_then(search::digits_of) {
        for (mark, part) in
            std::iter::once((NUMBER, digits.as_str())).chain(grams(&digits).map(|gram| (DIGITS, gram)))
        {
            stored.push(mark);
            stored.push_str(part);
            stored.push(' ');
        }
    }
    stored.push(CHANNEL);
    stored.push_str(content.channel.as_str());
    stored
}
