//! Finding a server that another process has started.
use std::fs;
use std::path::Path;

use crate::address::Address;
use crate::place::persistent_location;

/// Where the server of this [`crate::Storage::Persistent`] folder listens, if one runs there and answers.
///
/// Starts nothing, and takes no lock.
pub async fn running(folder: &Path) -> Option<Address> {
    let note = persistent_location(folder).join("data/postmaster.pid");
    let address = Address::in_folder(socket_dir(&fs::read_to_string(note).ok()?)?);
    // A server that was killed leaves its note behind.
    address.connect("postgres").await.ok()?;
    Some(address)
}

/// The folder of the socket, which PostgreSQL writes on the fifth line.
fn socket_dir(note: &str) -> Option<&str> {
    note.lines().nth(4).map(str::trim).filter(|folder| !folder.is_empty())
}
