//! Creating a new, empty data folder.
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::binaries::Binaries;
use crate::error::{At, StartError};
use crate::guard::Guard;
use crate::place::Place;
use crate::wait;

/// It takes half a second, or on a slow disk some.
const LIMIT: Duration = Duration::from_secs(120);

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
    let mut command = vec![binaries.folder.join("initdb").into(), "-D".into(), draft.into()];
    command.extend(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"].map(OsString::from));
    command.push(format!("--locale={locale}").into());
    if quick {
        command.push("--no-sync".into());
    }
    // Under a guard as well: if we are killed meanwhile, neither it nor a throwaway folder stays.
    let mut guard = Guard::spawn(place, &command, None)?;
    let status = || fs::read_to_string(place.exit_status()).unwrap_or_default();
    let ended = wait::until(LIMIT, || status().ends_with('\n') || guard.is_gone()).await;
    let success = ended && status().trim() == "0";
    let let_go = guard.halt("INT").await;
    if success && let_go.is_ok() {
        return Ok(None);
    }
    let text = fs::read(place.log()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Ok(Some(text.lines().map(str::trim).collect::<Vec<_>>().join(" ")))
}
