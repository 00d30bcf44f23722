//! [`RunStore`]: runs of the worker, and the shared circuit.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::ids::LeaseId;
use domain::policy::circuit::Circuit;
use domain::ports::{RunRecord, RunStore, SharedCircuit, StoreError};
use uuid::Uuid;

use crate::error::of_statement;
use crate::rows::{corrupt, count, number, read};
use crate::schema::{outbound_circuit as c, outbound_run as r};
use crate::store::PgStore;

type CircuitRow = (String, i64, Option<DateTime<Utc>>, i32);
type RunRow = (Uuid, DateTime<Utc>, String, bool, bool, i32, Option<DateTime<Utc>>, i32, i32, i32, i32);

#[async_trait]
impl RunStore for PgStore {
    async fn circuit(&self) -> Result<SharedCircuit, StoreError> {
        let row: CircuitRow = c::table
            .select((c::state, c::failures, c::until, c::revision))
            .first(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        circuit_of(row)
    }

    async fn save_circuit(&self, shared: &SharedCircuit) -> Result<bool, StoreError> {
        let (word, end) = match shared.circuit {
            Circuit::Closed { .. } => ("CLOSED", None),
            Circuit::Open { until, .. } => ("OPEN", Some(until)),
            Circuit::HalfOpen { probe_until, .. } => ("HALF_OPEN", Some(probe_until)),
        };
        let changed = diesel::update(c::table.filter(c::revision.eq(shared.revision)))
            .set((
                c::state.eq(word),
                c::failures.eq(i64::from(shared.circuit.failures())),
                c::until.eq(end),
                c::revision.eq(shared.revision.wrapping_add(1)),
            ))
            .execute(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        Ok(changed == 1)
    }

    async fn end_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        diesel::update(r::table.find(run.lease.uuid()))
            .set((
                r::ended_at.eq(run.ended_at),
                r::handed_off.eq(number(run.handed_off)),
                r::failed.eq(number(run.failed)),
                r::released.eq(number(run.released)),
                r::rate_limited.eq(number(run.rate_limited)),
            ))
            .execute(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        Ok(())
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        let rows: Vec<RunRow> = r::table
            .order((r::started_at.desc(), r::lease_id.desc()))
            .limit(limit.into())
            .load(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        rows.into_iter().map(run_of).collect()
    }
}

fn circuit_of((word, failures, until, revision): CircuitRow) -> Result<SharedCircuit, StoreError> {
    let failures = count("failures", failures)?;
    let circuit = match (word.as_str(), until) {
        ("CLOSED", None) => Circuit::Closed { failures },
        ("OPEN", Some(until)) => Circuit::Open { until, failures },
        ("HALF_OPEN", Some(probe_until)) => Circuit::HalfOpen { probe_until, failures },
        (other, _) => return Err(corrupt("circuit", other)),
    };
    Ok(SharedCircuit { circuit, revision })
}

fn run_of(row: RunRow) -> Result<RunRecord, StoreError> {
    let (
        lease,
        started_at,
        by,
        pulled,
        ignored_quiet_hours,
        leased,
        ended_at,
        handed_off,
        failed,
        released,
        held,
    ) = row;
    Ok(RunRecord {
        lease: LeaseId::new(lease),
        started_at,
        by: read("actor", &by)?,
        pulled,
        ignored_quiet_hours,
        leased: count("leased", leased)?,
        ended_at,
        handed_off: count("handed_off", handed_off)?,
        failed: count("failed", failed)?,
        released: count("released", released)?,
        rate_limited: count("rate_limited", held)?,
    })
}
