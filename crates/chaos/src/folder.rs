//! The folder of a run: logs, the clock, and the binary that it runs.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

/// A folder for logs: kept when something went wrong.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it stays.
    pub keep: bool,
}

impl Folder {
    /// A new one.
    pub fn create(seed: u64) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("outbound-chaos-{}-{seed}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, keep: true })
    }

    /// Lines of the servers' logs that must not be there.
    pub fn bad_lines(&self) -> Vec<String> {
        let files = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let logs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
        let texts = logs.filter_map(|log| fs::read(log.path()).ok());
        texts
            .flat_map(|text| {
                let text = String::from_utf8_lossy(&text).into_owned();
                let bad = text.lines().filter(|line| line.contains("panicked at"));
                bad.map(|line| format!("in a server's log: {line}")).collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
