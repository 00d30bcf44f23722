//! The fields of a form or a query, as they were sent.

use actix_multipart::{Multipart, MultipartError};
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// A file that was sent with a form.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// The field.
    field: String,
    /// What it is called where it comes from.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// Names and values, in order; a name may come several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    uploads: Vec<Upload>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self { fields: form_urlencoded::parse(bytes).into_owned().collect(), uploads: Vec::new() }
    }

    /// Reads `multipart/form-data`, as forms with files are sent.
    pub(crate) async fn parse_parts(headers: &HeaderMap, bytes: Bytes) -> Result<Self, MultipartError> {
        let mut form = Self::default();
        let mut parts = Multipart::new(headers, stream::once(async { Ok(bytes) }).boxed_local());
        while let Some(mut part) = parts.try_next().await? {
            let field = part.name().unwrap_or_default().to_owned();
            let disposition = part.content_disposition();
            let file = disposition.and_then(|one| one.get_filename()).map(str::to_owned);
            let mut bytes = Vec::new();
            while let Some(piece) = part.try_next().await? {
                bytes.extend_from_slice(&piece);
            }
            match file {
                // A field for a file without one.
                Some(name) if name.is_empty() && bytes.is_empty() => {}
                Some(name) => form.uploads.push(Upload { field, name, bytes }),
                None => form.fields.push((field, String::from_utf8_lossy(&bytes).into_owned())),
            }
        }
        Ok(form)
    }

    /// The first value that is not empty, without white space around it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields(name).map(str::trim).find(|value| !value.is_empty())
    }

    /// The value as a word, number or id; `None` also where it is none.
    pub(crate) fn read<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name).and_then(|value| value.parse().ok())
    }

    /// Whether a box was ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every value of a name.
    pub(crate) fn fields<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The first value as it was written, line ends as one character.
    pub(crate) fn raw(&self, name: &str) -> String {
        self.fields(name).next().unwrap_or_default().replace("\r\n", "\n")
    }

    /// Every name that begins so, without that beginning, with its value.
    pub(crate) fn under<'a>(&'a self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// The file of a field.
    pub(crate) fn upload(&self, name: &str) -> Option<&Upload> {
        self.uploads.iter().find(|one| one.field == name)
    }
}

/// A query string of these fields, without those that are empty.
pub(crate) fn query<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.append_pair(name, value);
    }
    text.finish()
}
