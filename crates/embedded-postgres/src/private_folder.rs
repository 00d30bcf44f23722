//! Folders that nobody else may enter: with `trust` authentication they are the server's only door.
use std::fs::{self, DirBuilder, Permissions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::account::Account;
use crate::error::{At, StartError};

/// Creates `folder` (or takes an existing one that is ours) for `account` alone.
pub(crate) fn claim(folder: &Path, account: &Account) -> Result<(), StartError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // Not following links: a name in a shared folder may have been laid out by somebody else.
            let meta = fs::symlink_metadata(folder).at("look at", folder)?;
            if !meta.is_dir() {
                return Err(Error::from(ErrorKind::NotADirectory)).at("use", folder);
            }
            if !account.trusts(meta.uid()) {
                return Err(StartError::ForeignFolder { folder: folder.to_owned(), owner: meta.uid() });
            }
            fs::set_permissions(folder, Permissions::from_mode(0o700)).at("close", folder)?;
        }
        Err(error) => return Err(error).at("create", folder),
    }
    account.own(folder)
}

/// Creates `folder`, or takes one that exists, so that only PostgreSQL's user (and root) may enter.
///
/// For a [`crate::Storage::Throwaway`] folder in which something must be put before the server starts.
pub fn claim_private_folder(folder: &Path) -> Result<(), StartError> {
    claim(folder, &Account::choose(None)?)
}

/// Creates a new folder in `parent` for `account` alone, under a name not used before.
pub(crate) fn create_new(parent: &Path, account: &Account) -> Result<PathBuf, StartError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("outbound-pg-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return account.own(&folder).map(|()| folder),
            // Left by a dead process of the same number, or laid out by somebody: leave it alone.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("create", &folder),
        }
    }
}
