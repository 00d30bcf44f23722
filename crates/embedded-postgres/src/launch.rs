//! Starting `postgres` in a prepared place and waiting until it answers.
use std::ffi::OsString;
use std::fs;
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::binaries::Binaries;
use crate::config::{Config, Storage};
use crate::error::StartError;
use crate::guard::Guard;
use crate::place::Place;
use crate::{initdb, leftovers};

const STEP: Duration = Duration::from_millis(5);

/// For a server whose data nobody will miss.
const CARELESS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_wal_senders", "0"),
    ("wal_level", "minimal"),
    // In the data folder, so that a killed server leaves nothing in /dev/shm either.
    ("dynamic_shared_memory_type", "mmap"),
];

/// All that is needed to start the same server again.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) place: Place,
    pub(crate) binaries: Binaries,
    config: Config,
}

impl Launch {
    /// Finds the place, the user, the programs.
    pub(crate) fn prepare(config: Config) -> Result<Self, StartError> {
        let place = Place::prepare(&config.storage)?;
        match Binaries::find(config.bin_dir.as_deref(), &place.data(), &place.account) {
            Ok(binaries) => Ok(Self { place, binaries, config }),
            Err(error) => {
                place.remove.iter().for_each(|folder| drop(fs::remove_dir_all(folder)));
                Err(error)
            }
        }
    }

    pub(crate) fn address(&self) -> Address {
        Address::in_folder(&self.place.socket_dir)
    }

    /// Starts the server, which ends with `follow` or else with us.
    pub(crate) async fn run(&self, follow: Option<u32>) -> Result<Guard, StartError> {
        leftovers::clear(&self.place).await?;
        initdb::ensure(&self.place, &self.binaries, self.is_careless()).await?;
        let mut guard = Guard::spawn(&self.place, &self.command(), follow)?;
        self.wait_until_ready(&mut guard).await?;
        Ok(guard)
    }

    fn is_careless(&self) -> bool {
        matches!(self.config.storage, Storage::Throwaway { durable: false, .. })
    }

    fn command(&self) -> Vec<OsString> {
        let mut settings: Vec<(&str, &str)> =
            vec![("timezone", "UTC"), ("log_timezone", "UTC"), ("log_checkpoints", "off")];
        if self.is_careless() {
            settings.extend(CARELESS);
        }
        settings.extend(self.config.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        // The last one of a name counts: these are not for the caller to change.
        let tag = self.place.tag();
        settings.extend([
            ("listen_addresses", ""),
            ("port", "5432"),
            ("unix_socket_permissions", "0700"),
            ("cluster_name", &tag),
        ]);

        let mut command =
            vec![self.binaries.folder.join("postgres").into(), "-D".into(), self.place.data().into()];
        command.extend([OsString::from("-k"), self.place.socket_dir.clone().into()]);
        for (name, value) in settings {
            command.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        command
    }

    async fn wait_until_ready(&self, guard: &mut Guard) -> Result<(), StartError> {
        let end = Instant::now() + self.config.start_limit;
        loop {
            // Only an answered connection counts: the files of a dead server still say "ready".
            let last = match self.address().connect("postgres").await {
                Ok(_client) => return Ok(()),
                Err(error) => error,
            };
            if guard.is_gone() || self.place.exit_status().exists() {
                return Err(StartError::Exited { log: self.end_of_log() });
            }
            if Instant::now() >= end {
                return Err(StartError::TooSlow { last: last.to_string(), log: self.end_of_log() });
            }
            tokio::time::sleep(STEP).await;
        }
    }

    fn end_of_log(&self) -> String {
        let text = fs::read(self.place.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines[lines.len().saturating_sub(5)..].join(" / ")
    }
}
