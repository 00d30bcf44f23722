//! Finding PostgreSQL's server programs.
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::StartError;

/// The oldest major version that has all we use (`CREATE DATABASE .. STRATEGY`).
pub const OLDEST_POSTGRES: u32 = 15;

/// Folders whose entries are versions, each with the way to its programs.
const VERSIONED: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),                          // Debian, Ubuntu
    ("/usr", "bin"),                                         // Fedora, RHEL: /usr/pgsql-15/bin
    ("/opt/homebrew/opt", "bin"),                            // Homebrew on Apple silicon
    ("/usr/local/opt", "bin"),                               // Homebrew on Intel
    ("/home/linuxbrew/.linuxbrew/opt", "bin"),               // Homebrew on Linux
    ("/Applications/Postgres.app/Contents/Versions", "bin"), // Postgres.app
    ("/Library/PostgreSQL", "bin"),                          // EDB's installer
];

/// A folder with `postgres` and `initdb` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// The programs to use for `data`: those that made it, or for a new folder the first that are new enough.
    pub(crate) fn find(bin_dir: Option<&Path>, data: &Path, account: &Account) -> Result<Self, StartError> {
        let candidates = bin_dir.map_or_else(usual_places, |folder| vec![folder.to_owned()]);
        Self::choose(candidates, bin_dir, data, account)
    }

    fn choose(
        candidates: Vec<PathBuf>,
        bin_dir: Option<&Path>,
        data: &Path,
        account: &Account,
    ) -> Result<Self, StartError> {
        let mut seen: Vec<Self> = Vec::new();
        let made_by = fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        for candidate in candidates {
            let Some(found) = Self::in_folder(&candidate, account) else { continue };
            let fits = match &made_by {
                Some(version) => found.major.to_string() == *version,
                None => found.major >= OLDEST_POSTGRES,
            };
            if fits {
                return Ok(found);
            }
            seen.push(found);
        }
        match (made_by, seen.is_empty(), bin_dir) {
            (Some(made_by), false, _) => {
                let mut majors: Vec<u32> = seen.iter().map(|found| found.major).collect();
                majors.dedup();
                let found = majors.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                Err(StartError::OtherVersion { data: data.to_owned(), made_by, found })
            }
            (_, _, Some(folder)) => Err(StartError::BadBinDir(folder.to_owned())),
            (_, _, None) => Err(StartError::NoBinaries),
        }
    }

    /// Both programs side by side, the way `initdb` needs them, and runnable by `account`.
    fn in_folder(folder: &Path, account: &Account) -> Option<Self> {
        // A link such as /usr/local/bin/postgres may stand alone; what it points to does not.
        let folder = folder.join("postgres").canonicalize().ok()?.parent()?.to_owned();
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = account.command(&folder.join("postgres")).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder, major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and `17beta1` alike.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = number.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn usual_places() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> =
        std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (parent, below) in VERSIONED {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let mut versions: Vec<(u32, PathBuf)> = entries
            .filter_map(|entry| Some((version_in(&entry.file_name())?, entry.path().join(below))))
            .collect();
        versions.sort();
        places.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    }
    places
}

/// The version in `15`, `pgsql-15`, `postgresql@15`; `postgresql` and `latest` name the newest.
fn version_in(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    if name == "postgresql" || name == "latest" {
        return Some(u32::MAX);
    }
    let digits = name.strip_prefix("postgresql@").or_else(|| name.strip_prefix("pgsql-")).unwrap_or(name);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_programs_and_from_folder_names() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("something else"), None);
        for (name, version) in
            [("15", Some(15)), ("pgsql-16", Some(16)), ("postgresql@17", Some(17)), ("lib", None)]
        {
            assert_eq!(version_in(OsStr::new(name)), version, "{name}");
        }
    }

    #[test]
    fn the_scripts_install_no_older_version() {
        let script = include_str!("../../../scripts/lib.sh");
        assert!(script.lines().any(|line| line == format!("oldest_postgres={OLDEST_POSTGRES}")));
    }

    #[test]
    fn without_programs_the_message_says_how_to_install_them() {
        let nowhere = vec![PathBuf::from("/nonexistent")];
        let error = Binaries::choose(nowhere, None, Path::new("/nonexistent"), &Account::Ours).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("apt-get install postgresql") && text.contains("brew install postgresql@15"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
