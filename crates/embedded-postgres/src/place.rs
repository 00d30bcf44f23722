//! Where the server's files go.
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::account::Account;
use crate::config::Storage;
use crate::error::{At, StartError};
use crate::private_folder;

/// For root, when PostgreSQL's user cannot reach the folder that was asked for.
const FALLBACK: &str = "/var/lib/outbound";
/// Names the folder with the server's files, where that is another one.
const POINTER: &str = "postgres.location";
/// Below this much room, tests would fill a memory disk (containers often have 64 MB).
const ROOM_IN_MEMORY: u64 = 1 << 30;
/// `sun_path` takes 108 bytes on Linux and 104 on macOS, with a zero at the end.
const LONGEST_SOCKET: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// The folders of one server, ready for the user it runs as.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) account: Account,
    pub(crate) base: PathBuf,
    pub(crate) socket_dir: PathBuf,
    /// What to remove when the server has ended for good.
    pub(crate) remove: Vec<PathBuf>,
    /// Held as long as the server may run.
    _lock: Option<File>,
}

impl Place {
    /// Creates the folders, takes the lock, finds the user.
    pub(crate) fn prepare(storage: &Storage) -> Result<Self, StartError> {
        let (account, base, lock, mut remove) = match storage {
            Storage::Persistent { folder } => {
                fs::create_dir_all(folder).at("create", folder)?;
                let folder = folder.canonicalize().at("find", folder)?;
                let (account, base) = persistent_base(&folder)?;
                let lock = lock(&base, &folder)?;
                (account, base, Some(lock), Vec::new())
            }
            Storage::Throwaway { folder, durable } => {
                let account = Account::choose(None)?;
                let base = throwaway_base(folder.as_deref(), *durable, &account)?;
                (account, base.clone(), None, vec![base])
            }
        };
        let socket_dir = match base.join("run") {
            near if near.join(".s.PGSQL.5432").as_os_str().len() <= LONGEST_SOCKET => {
                private_folder::claim(&near, &account)?;
                near
            }
            _too_long => {
                let short = private_folder::create_new(Path::new("/tmp"), &account)?;
                remove.push(short.clone());
                short
            }
        };
        Ok(Self { account, base, socket_dir, remove, _lock: lock })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.base.join("postgres.log")
    }

    /// The guard writes the server's exit status here.
    pub(crate) fn exit_status(&self) -> PathBuf {
        self.base.join("exited")
    }

    /// A word in the command line and title of every process of this server, and of no other's.
    pub(crate) fn tag(&self) -> String {
        format!("outbound-{:016x}", fingerprint(&self.base))
    }
}

/// Where throwaway servers go by default: memory when it has room, else the folder for temporary files.
pub fn throwaway_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match room(memory) > ROOM_IN_MEMORY && Account::Ours.can_use(memory) {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    }
}

#[cfg(target_os = "linux")]
fn room(disk: &Path) -> u64 {
    nix::sys::statvfs::statvfs(disk).map_or(0, |disk| disk.fragment_size() * disk.blocks_available())
}

/// Other systems have no memory disk at a known place.
#[cfg(not(target_os = "linux"))]
fn room(_disk: &Path) -> u64 {
    0
}

/// Held in the server's own folder: two application folders may point to the same one.
fn lock(base: &Path, folder: &Path) -> Result<File, StartError> {
    let path = base.join("lock");
    let file = File::options().create(true).append(true).open(&path).at("open", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
    }
}

/// Where the server's files of an application's folder are, or would be.
pub(crate) fn persistent_location(folder: &Path) -> PathBuf {
    match fs::read_to_string(folder.join(POINTER)) {
        Ok(text) => PathBuf::from(text.trim_end()),
        Err(_none) => folder.join("postgres"),
    }
}

fn persistent_base(folder: &Path) -> Result<(Account, PathBuf), StartError> {
    let pointer = folder.join(POINTER);
    let wanted = persistent_location(folder);
    // Without data, or without a look at it, the folder around it tells whose it is.
    let existing = [wanted.join("data"), wanted.clone()].into_iter().find(|path| path.exists());
    let account = Account::choose(existing.as_deref())?;
    private_folder::claim(&wanted, &account)?;
    if account.can_use(&wanted) {
        return Ok((account, wanted));
    }
    let unreachable = || StartError::Unreachable { folder: wanted.clone(), account: account.name() };
    if wanted.join("data").exists() || !geteuid().is_root() {
        return Err(unreachable());
    }
    // Only root gets here, on a folder such as /root/x/.outbound that the other user cannot enter.
    let _ = fs::remove_dir(&wanted);
    let fallback = Path::new(FALLBACK).join(format!("{:016x}", fingerprint(folder)));
    fs::create_dir_all(FALLBACK).at("create", Path::new(FALLBACK))?;
    private_folder::claim(&fallback, &account)?;
    if !account.can_use(&fallback) {
        return Err(unreachable());
    }
    fs::write(&pointer, format!("{}\n", fallback.display())).at("write", &pointer)?;
    Ok((account, fallback))
}

fn throwaway_base(folder: Option<&Path>, durable: bool, account: &Account) -> Result<PathBuf, StartError> {
    if let Some(folder) = folder {
        private_folder::claim(folder, account)?;
        let folder = folder.canonicalize().at("find", folder)?;
        return match account.can_use(&folder) {
            true => Ok(folder),
            false => Err(StartError::Unreachable { folder, account: account.name() }),
        };
    }
    let parent = if durable { std::env::temp_dir() } else { throwaway_parent() };
    let first = private_folder::create_new(&parent, account)?;
    if account.can_use(&first) {
        return first.canonicalize().at("find", &first);
    }
    // TMPDIR may lie below a folder that is closed to the user root hands the server to.
    let _ = fs::remove_dir(&first);
    private_folder::create_new(Path::new("/tmp"), account)
}

/// FNV-1a: short, and the same in every build, which the standard hasher does not promise.
fn fingerprint(path: &Path) -> u64 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
