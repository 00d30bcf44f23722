//! Looking at processes, by `/proc` where there is one: small containers have no `ps`.
use std::fs;
use std::process::Command;

/// Whether the process runs; one that is dead but not collected does not.
pub(crate) fn lives(pid: i32) -> bool {
    let Some((state, _group)) = state_and_group(pid) else { return false };
    !state.starts_with(['Z', 'X'])
}

/// The other members of the process group of `pid`.
pub(crate) fn companions_of(pid: i32) -> Vec<i32> {
    let (_state, group) = state_and_group(pid).expect("it runs");
    all()
        .into_iter()
        .filter(|other| *other != pid && state_and_group(*other).is_some_and(|it| it.1 == group))
        .collect()
}

fn all() -> Vec<i32> {
    if let Ok(entries) = fs::read_dir("/proc") {
        return entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).collect();
    }
    let output = Command::new("ps").args(["-axo", "pid="]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn state_and_group(pid: i32) -> Option<(String, i32)> {
    let text = if fs::exists("/proc/self/stat").unwrap() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything: state, parent, group.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned);
        format!("{} {}", fields.next()?, fields.nth(1)?)
    } else {
        let output = Command::new("ps").args(["-o", "stat=,pgid=", "-p", &pid.to_string()]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let mut words = text.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}
