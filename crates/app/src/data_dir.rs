//! The folder of a server with a private PostgreSQL: its data, and the secrets that were generated for it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rand::Rng as _;

use crate::settings::Values;

/// Where the secrets are, below the folder.
const SECRETS: &str = "secrets.env";
/// Random bytes of a generated secret.
const SECRET_BYTES: usize = 24;
/// Nobody else may read or write.
const OWNER_ONLY: u32 = 0o600;

/// A server's own folder.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// This folder, which need not exist yet.
    pub fn new(folder: &Path) -> io::Result<Self> {
        std::path::absolute(folder).map(Self)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The secrets that are kept; none where nothing is.
    pub fn secrets(&self) -> anyhow::Result<Values> {
        let file = self.0.join(SECRETS);
        match fs::read_to_string(&file) {
            Ok(text) => Ok(parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Values::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Keeps the secrets besides those that are kept already, readable for the owner alone.
    pub fn keep_secrets(&self, secrets: &Values) -> anyhow::Result<()> {
        if secrets.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.0).with_context(|| format!("cannot create {}", self.0.display()))?;
        let path = self.0.join(SECRETS);
        let doing = || format!("cannot write {}", path.display());
        let options = OpenOptions::new().read(true).append(true).create(true).mode(OWNER_ONLY).clone();
        let mut file = options.open(&path).with_context(doing)?;
        // Against a second server in the folder that starts at the same moment; released with the file.
        file.lock().with_context(doing)?;
        let kept = parse(&read(&mut file).with_context(doing)?);
        let mut text = String::new();
        for (name, secret) in secrets {
            match kept.get(name) {
                Some(same) if same == secret => {}
                Some(_) => bail!("another server has just written {}: start again", path.display()),
                None => text.push_str(&format!("{name}={secret}\n")),
            }
        }
        file.set_permissions(Permissions::from_mode(OWNER_ONLY)).with_context(doing)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(doing)
    }
}

/// A secret that nobody can guess, made of characters that need no quoting anywhere.
pub fn new_secret() -> String {
    let bytes: [u8; SECRET_BYTES] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// `NAME=value` lines.
fn parse(text: &str) -> Values {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("outbound-data-dir-{name}-{}", std::process::id()))
    }

    #[test]
    fn secrets_are_kept_for_the_owner_alone_and_found_again() {
        let folder = scratch("kept");
        let dir = DataDir::new(&folder).unwrap();
        assert!(dir.secrets().unwrap().is_empty() && !folder.exists());
        let one = Values::from([("A".to_owned(), new_secret())]);
        dir.keep_secrets(&one).unwrap();
        let mut both = one.clone();
        both.insert("B".to_owned(), new_secret());
        dir.keep_secrets(&both).unwrap();
        assert_eq!(dir.secrets().unwrap(), both);
        let mode = fs::metadata(folder.join(SECRETS)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
        let other = Values::from([("A".to_owned(), new_secret())]);
        assert!(dir.keep_secrets(&other).unwrap_err().to_string().contains("start again"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn generated_secrets_are_long_and_differ() {
        assert_eq!(new_secret().len(), 2 * SECRET_BYTES);
        assert_ne!(new_secret(), new_secret());
    }
}
