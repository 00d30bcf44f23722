//! Reaching a server through its socket.
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    socket_dir: PathBuf,
}

impl Address {
    /// The server whose socket is in `socket_dir`.
    pub fn in_folder(socket_dir: impl Into<PathBuf>) -> Self {
        Self { socket_dir: socket_dir.into() }
    }

    /// The folder of the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// A URL for `tokio-postgres`, `diesel-async` and `psql`.
    pub fn url(&self, database: &str) -> String {
        let database = escape(database.as_bytes(), b"");
        let folder = escape(self.socket_dir.as_os_str().as_bytes(), b"/");
        format!("postgresql:///{database}?host={folder}&port=5432&user=postgres")
    }

    /// A connection, served by a task of the current runtime until the client is dropped.
    pub async fn connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        // Its error also reaches every waiting call of the client.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Creates the database unless it exists.
    pub async fn create_database(&self, name: &str) -> Result<(), tokio_postgres::Error> {
        let client = self.connect("postgres").await?;
        if client.query_opt("select 1 from pg_database where datname = $1", &[&name]).await?.is_some() {
            return Ok(());
        }
        match client.batch_execute(&format!("create database {}", quote(name))).await {
            // Somebody else was faster.
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            result => result,
        }
    }
}

/// A name as SQL takes it.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Percent-encodes all but letters, digits, `-._~` and what `keep` adds.
fn escape(text: &[u8], keep: &[u8]) -> String {
    text.iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*byte).to_string()
            }
            other if keep.contains(other) => char::from(*other).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_folder_names_survive_the_url() {
        let url = Address::in_folder("/tmp/học phí & more%").url("a/b");
        assert_eq!(
            url,
            "postgresql:///a%2Fb?host=/tmp/h%E1%BB%8Dc%20ph%C3%AD%20%26%20more%25&port=5432&user=postgres"
        );
        let parsed: tokio_postgres::Config = url.parse().unwrap();
        assert_eq!(parsed.get_dbname(), Some("a/b"));
        let host = tokio_postgres::config::Host::Unix("/tmp/học phí & more%".into());
        assert_eq!(parsed.get_hosts(), [host]);
    }
}
