//! Creating a new, empty data folder.
use std::fs;
use std::path::Path;

use crate::binaries::Binaries;
use crate::error::{At, StartError};
use crate::place::Place;

/// The first that the system knows: Vietnamese needs a UTF-8 one for `lower()` and `ILIKE`.
const LOCALES: &[&str] = &["C.UTF-8", "en_US.UTF-8", "C"];

/// Creates the data folder unless it is there. `quick` leaves out the flush to disk.
pub(crate) async fn ensure(place: &Place, binaries: &Binaries, quick: bool) -> Result<(), StartError> {
    let data = place.data();
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    // Made beside and then renamed, so that a kill in the middle cannot leave half a data folder.
    let draft = place.base.join("data.new");
    let mut output = String::new();
    for locale in LOCALES {
        if draft.exists() {
            fs::remove_dir_all(&draft).at("remove", &draft)?;
        }
        output = match run(place, binaries, &draft, locale, quick).await? {
            None => return fs::rename(&draft, &data).at("create", &data),
            Some(output) => output,
        };
        if !output.contains("invalid locale") {
            break;
        }
    }
    Err(StartError::Initdb { data, output })
}

/// What `initdb` said when it failed.
async fn run(
    place: &Place,
    binaries: &Binaries,
    draft: &Path,
    locale: &str,
    quick: bool,
) -> Result<Option<String>, StartError> {
    let program = binaries.folder.join("initdb");
    let mut initdb = place.account.command(&program);
    initdb.arg("-D").arg(draft).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"]);
    initdb.arg(format!("--locale={locale}"));
    if quick {
        initdb.arg("--no-sync");
    }
    let output =
        tokio::process::Command::from(initdb).kill_on_drop(true).output().await.at("run", &program)?;
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(Some(text.lines().map(str::trim).collect::<Vec<_>>().join(" ")))
}
