//! Raw PostgreSQL: pgbench with prepared statements that do the bare minimum.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::world::World;

/// One of the scripts in `bench/raw`.
#[derive(Debug, Clone, Copy)]
pub struct Raw {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// How many rows a transaction does.
    pub rows: f64,
    /// With how many clients it runs.
    pub clients: usize,
}

/// Leases 200 and settles them.
pub const CYCLE_200: Raw =
    Raw { name: "cycle200", text: include_str!("../raw/cycle200.sql"), rows: 200.0, clients: 4 };
/// Leases 50 and settles them.
pub const CYCLE_50: Raw =
    Raw { name: "cycle50", text: include_str!("../raw/cycle50.sql"), rows: 50.0, clients: 4 };
/// Inserts one row.
pub const INSERT_1: Raw =
    Raw { name: "insert1", text: include_str!("../raw/insert1.sql"), rows: 1.0, clients: 16 };
/// Inserts a thousand rows.
pub const BULK_1000: Raw =
    Raw { name: "bulk1000", text: include_str!("../raw/bulk1000.sql"), rows: 1_000.0, clients: 1 };
/// Settles one row.
pub const SETTLE_1: Raw =
    Raw { name: "settle1", text: include_str!("../raw/settle1.sql"), rows: 1.0, clients: 8 };

const SCHEMA: &str = include_str!("../raw/schema.sql");
/// The database of the raw figures.
const NAME: &str = "raw";

/// Makes the table anew, with so many rows.
pub async fn fill(world: &World, rows: u32, status: &str) -> anyhow::Result<()> {
    world.postgres.address().create_database(NAME).await?;
    let client = world.client(NAME).await?;
    client.batch_execute(&format!("drop table if exists outbound_message; {SCHEMA}")).await?;
    let fill = format!(
        "insert into outbound_message (id, channel, recipient, body, status, owner_id, branch_id)
         select md5(n::text)::uuid, 'sms', '+8490' || lpad(n::text, 7, '0'),
                repeat('Hello student, lesson. ', 8) || lpad(n::text, 16, '0'), '{status}',
                '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222'
         from generate_series(1, {rows}) n"
    );
    client.batch_execute(&fill).await?;
    client.batch_execute("vacuum analyze outbound_message").await?;
    client.batch_execute("checkpoint").await?;
    Ok(())
}

/// Runs a script for some seconds; answers rows a second.
pub async fn run(world: &World, raw: Raw, seconds: u64) -> anyhow::Result<f64> {
    run_in(world, NAME, raw, seconds).await
}

/// The same in another database.
pub async fn run_in(world: &World, database: &str, raw: Raw, seconds: u64) -> anyhow::Result<f64> {
    let script = world.folder.join(format!("{}.sql", raw.name));
    std::fs::write(&script, raw.text)?;
    let program = world.postgres.bin_dir().join("pgbench");
    let clients = raw.clients.to_string();
    let mut command = tokio::process::Command::new(&program);
    command
        .args(["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds.to_string(), "-f"])
        .arg(&script)
        .args(["-D", "i=0", "-D", &format!("nc={clients}"), "-U", "postgres", "-p", "5432", "-h"])
        .arg(world.postgres.socket_dir())
        .arg(database)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.with_context(|| missing(&program))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match tps(&text) {
        Some(tps) if output.status.success() => Ok(tps * raw.rows),
        _ => bail!("pgbench {} failed: {text}{}", raw.name, String::from_utf8_lossy(&output.stderr)),
    }
}

fn missing(program: &Path) -> String {
    format!("cannot run {} (Debian has it in the package postgresql)", program.display())
}

/// The transactions a second in what pgbench says.
fn tps(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("tps = "))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rate_is_read_from_what_pgbench_says() {
        let text = "latency average = 0.6 ms\ntps = 1234.567 (without initial connection time)\n";
        assert_eq!(super::tps(text), Some(1234.567));
        assert_eq!(super::tps("pgbench: error"), None);
    }
}
