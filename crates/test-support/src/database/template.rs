//! The database that the tests' databases are copies of.
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::{Duration, Instant};

use embedded_postgres::Address;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::must;

/// By path, not by a dependency: `storage-pg` itself is tested with this crate.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");

/// diesel's own book-keeping, filled so that the application finds nothing left to do when it starts.
const BOOK_KEEPING: &str = "create table if not exists __diesel_schema_migrations (
    version varchar(50) primary key not null,
    run_on timestamp not null default current_timestamp
)";

/// Any number will do, as long as nothing else locks it in the database `postgres`.
const LOCK: i64 = 0x6f75_7462_6f75_6e64;

/// A folder of `migrations/`.
#[derive(Hash)]
struct Migration {
    version: String,
    up: String,
}

/// The name of the template for the present migrations, built unless another test did it.
pub(super) async fn ensure(address: &Address) -> String {
    let migrations = migrations();
    let mut hasher = DefaultHasher::new();
    migrations.hash(&mut hasher);
    let name = format!("template_{:016x}", hasher.finish());

    let admin = must("reach the tests' PostgreSQL", address.connect("postgres").await);
    if exists(&admin, &name).await {
        return name;
    }
    // Released with the connection, so a test that dies in here holds nobody up.
    must("lock the template", admin.execute("select pg_advisory_lock($1)", &[&LOCK]).await);
    if !exists(&admin, &name).await {
        build(address, &admin, &name, &migrations).await;
    }
    name
}

/// Applies all migrations to the client's database.
pub(super) async fn migrate(client: &Client) {
    apply(client, &migrations()).await;
}

async fn exists(admin: &Client, name: &str) -> bool {
    let found = admin.query_opt("select 1 from pg_database where datname = $1", &[&name]).await;
    must("look for the template", found).is_some()
}

/// Under another name until it is complete: a database with the right name is a finished one.
async fn build(address: &Address, admin: &Client, name: &str, migrations: &[Migration]) {
    let draft = format!("draft_of_{name}");
    let dropped = admin.batch_execute(&format!("drop database if exists {draft} with (force)")).await;
    must("drop an unfinished template", dropped);
    must("create the template", admin.batch_execute(&format!("create database {draft}")).await);
    let client = must("connect to the template", address.connect(&draft).await);
    apply(&client, migrations).await;
    drop(client);
    // The server takes a moment to see that the connection is closed, and renames nothing before that.
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match admin.batch_execute(&format!("alter database {draft} rename to {name}")).await {
            Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) && Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            result => return must("rename the template", result),
        }
    }
}

async fn apply(client: &Client, migrations: &[Migration]) {
    must("create diesel's table", client.batch_execute(BOOK_KEEPING).await);
    for Migration { version, up } in migrations {
        let applied = client.batch_execute(up).await.map_err(|error| explain(&error));
        must(&format!("apply migration {version}"), applied);
        let noted =
            client.execute("insert into __diesel_schema_migrations (version) values ($1)", &[version]).await;
        must("note a migration", noted);
    }
}

/// `tokio-postgres` says only "db error".
fn explain(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |cause| format!("{cause} ({:?})", cause.position()))
}

fn migrations() -> Vec<Migration> {
    read(Path::new(MIGRATIONS))
}

/// All `<version>_<name>/up.sql` below `folder`, in order.
fn read(folder: &Path) -> Vec<Migration> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut migrations: Vec<Migration> = entries
        .filter_map(|entry| {
            let up = fs::read_to_string(entry.path().join("up.sql")).ok()?;
            let name = entry.file_name().into_string().ok()?;
            // As diesel reads it: 2024-01-02-000000_name has the version 20240102000000.
            let version = name.split('_').next()?.replace('-', "");
            Some(Migration { version, up })
        })
        .collect();
    migrations.sort_by(|one, other| one.version.cmp(&other.version));
    migrations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_read_in_order_with_diesels_versions() {
        let folder = std::env::temp_dir().join(format!("outbound-migrations-{}", std::process::id()));
        for (name, sql) in [("2026-01-02-000000_b", "two"), ("00000000000000_first", "one")] {
            fs::create_dir_all(folder.join(name)).unwrap();
            fs::write(folder.join(name).join("up.sql"), sql).unwrap();
        }
        fs::create_dir_all(folder.join("no_sql_in_here")).unwrap();
        let found: Vec<_> = read(&folder).into_iter().map(|found| (found.version, found.up)).collect();
        fs::remove_dir_all(&folder).unwrap();
        let expected = [("00000000000000", "one"), ("20260102000000", "two")];
        assert_eq!(found, expected.map(|(version, up)| (version.to_owned(), up.to_owned())));
        assert!(read(Path::new("/nonexistent")).is_empty());
    }
}
