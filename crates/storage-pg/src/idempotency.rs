//! [`Idempotency`] and [`UnitOfWork`]: a request that comes twice is done once.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::OptionalExtension as _;
use diesel::sql_types::{Bool, Bytea, Integer, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{Begin, Claim, Idempotency, Reserved, StoreError, StoredAnswer, Stores, UnitOfWork};

use crate::error::of_statement;
use crate::statement;
use crate::store::PgStore;
use crate::unit::Unit;

statement::statement! {
    /// Takes a key: a new one, an expired one, or one whose request died without an answer. A second call waits for
    /// the transaction of the first, at most for the lock timeout.
    TakeKey<'a> {
        actor: &'a str => Text,
        route: &'a str => Text,
        key: &'a str => Text,
        fingerprint: &'a [u8] => Bytea,
        now: DateTime<Utc> => Timestamptz,
        expires_at: DateTime<Utc> => Timestamptz,
    } -> Bool,
    statement::Sql("
        insert into outbound_idempotency as old (actor, route, key, fingerprint, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (actor, route, key) do update
            set fingerprint = excluded.fingerprint, answer = null, created_at = excluded.created_at,
                expires_at = excluded.expires_at
            where old.expires_at <= excluded.created_at
               or (old.answer is null and old.created_at <= excluded.created_at - interval '10 minutes')
        returning true")
}

statement::statement! {
    /// Looks at a key that somebody else took.
    ReadKey<'a> {
        actor: &'a str => Text,
        route: &'a str => Text,
        key: &'a str => Text,
        fingerprint: &'a [u8] => Bytea,
    } -> (Bool, Nullable<Text>),
    statement::Sql("
        select fingerprint = $4, answer from outbound_idempotency where actor = $1 and route = $2 and key = $3")
}

statement::statement! {
    /// Keeps the answer, if the key is still this request's.
    KeepAnswer<'a> {
        actor: &'a str => Text,
        route: &'a str => Text,
        key: &'a str => Text,
        fingerprint: &'a [u8] => Bytea,
        answer: &'a str => Text,
    } -> Integer,
    statement::Sql("
        update outbound_idempotency set answer = $5
        where actor = $1 and route = $2 and key = $3 and fingerprint = $4 and answer is null")
}

statement::statement! {
    /// Gives a key back that has no answer yet.
    FreeKey<'a> {
        actor: &'a str => Text,
        route: &'a str => Text,
        key: &'a str => Text,
        fingerprint: &'a [u8] => Bytea,
    } -> Integer,
    statement::Sql("
        delete from outbound_idempotency
        where actor = $1 and route = $2 and key = $3 and fingerprint = $4 and answer is null")
}

#[async_trait]
impl Idempotency for PgStore {
    async fn begin(&self, claim: Option<&Claim>) -> Result<Begin, StoreError> {
        // From here on, whatever goes wrong, dropping the unit rolls back.
        let unit = PgUnit { unit: Unit::begin(self).await?, claim: claim.cloned() };
        let Some(claim) = claim else { return Ok(Begin::Fresh(Box::new(unit))) };
        let taken = take(&mut *unit.unit.store.connection().await?, claim).await?;
        Ok(match taken {
            Reserved::Fresh => Begin::Fresh(Box::new(unit)),
            Reserved::Replay(answer) => Begin::Replay(answer),
            Reserved::OtherBody => Begin::OtherBody,
            Reserved::Running => Begin::Running,
        })
    }

    async fn reserve(&self, claim: &Claim) -> Result<Reserved, StoreError> {
        take(&mut *self.connection().await?, claim).await
    }

    async fn finish(&self, claim: &Claim, answer: StoredAnswer) -> Result<(), StoreError> {
        keep(&mut *self.connection().await?, claim, &answer).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        let Claim { key, route, actor, fingerprint, now: _, expires_at: _ } = claim;
        let freeing = FreeKey { actor, route, key, fingerprint };
        freeing.execute(&mut *self.connection().await?).await.map_err(of_statement)?;
        Ok(())
    }
}

async fn take(connection: &mut AsyncPgConnection, claim: &Claim) -> Result<Reserved, StoreError> {
    let Claim { key, route, actor, fingerprint, now, expires_at } = claim;
    let taking = TakeKey { actor, route, key, fingerprint, now: *now, expires_at: *expires_at };
    let taken: Option<bool> = match taking.get_result(connection).await.optional().map_err(of_statement) {
        Err(StoreError::Busy(_)) => return Ok(Reserved::Running),
        result => result?,
    };
    if taken.is_some() {
        return Ok(Reserved::Fresh);
    }
    let reading = ReadKey { actor, route, key, fingerprint };
    let found: Option<(bool, Option<String>)> =
        reading.get_result(connection).await.optional().map_err(of_statement)?;
    Ok(match found {
        Some((false, _)) => Reserved::OtherBody,
        Some((true, Some(answer))) => Reserved::Replay(StoredAnswer(answer)),
        // `None`: freed in this very moment; the client asks again.
        Some((true, None)) | None => Reserved::Running,
    })
}

async fn keep(
    connection: &mut AsyncPgConnection,
    claim: &Claim,
    answer: &StoredAnswer,
) -> Result<(), StoreError> {
    let Claim { key, route, actor, fingerprint, now: _, expires_at: _ } = claim;
    let keeping = KeepAnswer { actor, route, key, fingerprint, answer: &answer.0 };
    keeping.execute(connection).await.map_err(of_statement)?;
    Ok(())
}

/// One transaction, under a claim or without.
struct PgUnit {
    unit: Unit,
    claim: Option<Claim>,
}

#[async_trait]
impl UnitOfWork for PgUnit {
    fn stores(&self) -> &dyn Stores {
        &self.unit.store
    }

    async fn commit(self: Box<Self>, answer: StoredAnswer) -> Result<(), StoreError> {
        if let Some(claim) = &self.claim {
            keep(&mut *self.unit.store.connection().await?, claim, &answer).await?;
        }
        self.unit.commit().await
    }
}
