//! Which user the server runs as: us, or somebody else when we are root.
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, geteuid};

use crate::error::{At, StartError};

/// The user that PostgreSQL runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    /// The user of this process.
    Ours,
    /// Another one, because this process is root.
    Other { uid: u32, gid: u32, name: String },
}

impl Account {
    /// Us, or for root: whoever owns the `existing` data, else `postgres`, else `nobody`.
    pub(crate) fn choose(existing: Option<&Path>) -> Result<Self, StartError> {
        let owner = existing.and_then(|data| data.metadata().ok()).map(|meta| meta.uid());
        if !geteuid().is_root() {
            return match (existing, owner) {
                (Some(data), Some(owner)) if owner != geteuid().as_raw() => {
                    Err(StartError::ForeignFolder { folder: data.to_owned(), owner })
                }
                _ => Ok(Self::Ours),
            };
        }
        let user = match owner {
            Some(owner) if owner != 0 => match User::from_uid(Uid::from_raw(owner)) {
                Ok(Some(user)) => Some(user),
                // An owner without a name, as in a container: its number is enough.
                _ => return Ok(Self::Other { uid: owner, gid: owner, name: owner.to_string() }),
            },
            _ => ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten()),
        };
        let User { name, uid, gid, .. } = user.ok_or(StartError::NoAccount)?;
        Ok(Self::Other { uid: Uid::as_raw(uid), gid: Gid::as_raw(gid), name })
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Ours => format!("uid {}", geteuid()),
            Self::Other { name, .. } => name.clone(),
        }
    }

    /// A command that will run as this user, free of the caller's PostgreSQL environment and folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // PGDATA, PGPORT, PGOPTIONS and their like would bend a server that is meant to be private.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        // Our working folder may be closed to the other user. `C` so that messages can be recognised.
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes this user the owner of `path`.
    pub(crate) fn own(&self, path: &Path) -> Result<(), StartError> {
        match self {
            Self::Ours => Ok(()),
            Self::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).at("change the owner of", path)
            }
        }
    }

    /// Whether this user can really work in `folder`: tried, since parents, mounts and ACLs all count.
    pub(crate) fn can_use(&self, folder: &Path) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", r#"cd "$1" && [ -w . ]"#, "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Whether `uid` is one of those that may own our private folders.
    pub(crate) fn trusts(&self, uid: u32) -> bool {
        uid == geteuid().as_raw() || matches!(self, Self::Other { uid: other, .. } if *other == uid)
    }
}
