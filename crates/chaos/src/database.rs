//! The database: a durable PostgreSQL that is restarted under the servers, and a log of its own in it.
//!
//! A trigger keeps every step of every message with the database's time and the process that made it. So the verdict
//! rests neither on the servers' own history nor on their clocks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use embedded_postgres::{Address, Config, EmbeddedPostgres, StopMode};
use tokio::sync::Mutex;
use tokio_postgres::Client;

use crate::journal::Journal;

const NAME: &str = "outbound";

/// The log of every step.
const AUDIT: &str = "
    create schema if not exists chaos;
    create table if not exists chaos.audit (
        n bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        process text,
        message_id uuid not null,
        from_status text, to_status text not null,
        from_kind text, to_kind text,
        lease_id uuid, old_lease_id uuid, leased_at timestamptz, next_attempt_at timestamptz,
        attempt integer not null, retry_count integer not null,
        owner_id text, channel text not null
    );
    create index if not exists audit_message on chaos.audit (message_id);
    create table if not exists chaos.full_until (at timestamptz not null);
    create or replace function chaos.note() returns trigger language plpgsql as $$
    begin
        if exists (select from chaos.full_until where at > clock_timestamp()) then
            raise exception using errcode = 'disk_full',
                message = 'could not extend file \"base/5/16385\": No space left on device';
        end if;
        insert into chaos.audit (process, message_id, from_status, to_status, from_kind, to_kind, lease_id,
            old_lease_id, leased_at, next_attempt_at, attempt, retry_count, owner_id, channel)
        values (current_setting('chaos.process', true), new.message_id,
            case when tg_op = 'UPDATE' then old.status end, new.status,
            case when tg_op = 'UPDATE' then old.failure_kind end, new.failure_kind, new.lease_id,
            case when tg_op = 'UPDATE' then old.lease_id end, new.leased_at, new.next_attempt_at,
            new.attempt, new.retry_count, new.owner_id, new.channel);
        return null;
    end $$;
    create or replace trigger chaos_note after insert or update on outbound_delivery
        for each row execute function chaos.note();";

/// The database of all servers.
#[derive(Debug)]
pub struct Database {
    server: Mutex<EmbeddedPostgres>,
    address: Address,
    url: String,
    journal: Arc<Journal>,
}

impl Database {
    /// Starts an empty one, with production's durability.
    pub async fn start(journal: Arc<Journal>) -> anyhow::Result<Self> {
        let programs = std::env::var_os("PG_BIN_DIR").map(PathBuf::from);
        let config = Config::throwaway_durable().bin_dir(programs);
        let server = EmbeddedPostgres::start(config).await?;
        let address = server.address().clone();
        address.create_database(NAME).await?;
        Ok(Self { url: server.url(NAME), address, server: Mutex::new(server), journal })
    }

    /// `DATABASE_URL` for a process; its connections carry its name.
    pub fn url_for(&self, process: &str) -> String {
        format!("{}&options=-c%20chaos.process%3D{process}", self.url)
    }

    /// A plain connection.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let connecting = tokio::time::timeout(Duration::from_secs(5), self.address.connect(NAME)).await;
        Ok(connecting.context("the database does not answer")??)
    }

    /// Starts to log every step. The tables must be there.
    pub async fn watch(&self) -> anyhow::Result<()> {
        self.connect().await?.batch_execute(AUDIT).await.context("cannot watch the database")
    }

    /// Brings the server down, and up again after some time.
    pub async fn restart(&self, mode: StopMode, down: Duration) -> anyhow::Result<()> {
        let mut server = self.server.lock().await;
        let outage = self.journal.outage_begins();
        server.halt(mode).await?;
        tokio::time::sleep(down).await;
        server.resume().await?;
        self.journal.outage_ends(outage);
        Ok(())
    }

    /// Waits until no restart is under way.
    pub async fn settled(&self) {
        drop(self.server.lock().await);
    }

    /// Ends a share of the servers' connections, as an administrator or a broken network would.
    pub async fn cut_connections(&self, one_in: u32) -> anyhow::Result<()> {
        let cut = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'outbound' and pid % {one_in} = 0"
        );
        Ok(self.connect().await?.batch_execute(&cut).await?)
    }

    /// For some time nothing can be written, as on a disk that is full.
    pub async fn fill_disk(&self, time: Duration) -> anyhow::Result<()> {
        let client = self.connect().await?;
        let until =
            "insert into chaos.full_until values (clock_timestamp() + $1::bigint * interval '1 millisecond')";
        let millis = i64::try_from(time.as_millis())?;
        client.execute(until, &[&millis]).await?;
        tokio::time::sleep(time).await;
        Ok(())
    }

    /// Locks the messages' table for some time, as a careless administrator does.
    pub async fn lock_messages(&self, time: Duration) -> anyhow::Result<()> {
        let client = self.connect().await?;
        let outage = self.journal.outage_begins();
        let locked =
            client.batch_execute("begin; lock table outbound_delivery in access exclusive mode").await;
        if locked.is_ok() {
            tokio::time::sleep(time).await;
        }
        drop(client);
        self.journal.outage_ends(outage);
        Ok(locked?)
    }

    /// A process that holds leases now.
    pub async fn a_holder(&self) -> anyhow::Result<Option<String>> {
        let held = "
            select a.process from outbound_delivery d
            join chaos.audit a on a.message_id = d.message_id and a.lease_id = d.lease_id
            where d.status = 'LEASED' limit 1";
        Ok(self.connect().await?.query_opt(held, &[]).await?.map(|row| row.get(0)))
    }

    /// Holds the lock of every limited lease for some time, as a slow statement would.
    pub async fn hold_limits(&self, time: Duration) -> anyhow::Result<()> {
        let client = self.connect().await?;
        client.batch_execute("begin; select from outbound_rate_window where key = '' for update").await?;
        tokio::time::sleep(time).await;
        Ok(client.batch_execute("rollback").await?)
    }
}
