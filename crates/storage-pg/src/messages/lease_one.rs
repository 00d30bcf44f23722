//! Leasing one message that is named.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::ids::MessageId;
use uuid::Uuid;

use super::lease::LeaseDue;
use crate::statement::{Sql, statement};

statement! {
    /// Leases the message; see the function in the migrations. All but the first are those of [`LeaseDue`].
    LeaseOne<'a> {
        only: Uuid => SqlUuid,
        now: DateTime<Utc> => Timestamptz,
        waited_ms: i32 => Integer,
        lease_id: Uuid => SqlUuid,
        lease_expires_at: DateTime<Utc> => Timestamptz,
        deadline: Option<DateTime<Utc>> => Nullable<Timestamptz>,
        limit: i32 => Integer,
        channels: Vec<&'static str> => Array<Text>,
        closes_at: Vec<Option<DateTime<Utc>>> => Array<Nullable<Timestamptz>>,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
        retry_only: bool => Bool,
        global_limit: Option<i32> => Nullable<Integer>,
        owner_limit: Option<i32> => Nullable<Integer>,
        actor: String => Text,
        ignored_quiet_hours: bool => Bool,
        dry_run: bool => Bool,
        read_next: bool => Bool,
    } -> (Array<SqlUuid>, Array<SqlUuid>, Integer),
    Sql("select leased, suppressed, rate_limited
         from outbound_lease_one_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         where not ($18 and cardinality(leased) > 0) or set_config('synchronous_commit', 'off', true) = 'off'")
}

impl<'a> LeaseOne<'a> {
    /// The lease of this message, on the terms of `due`.
    pub(super) fn new(only: MessageId, due: LeaseDue<'a>) -> Self {
        let LeaseDue {
            now,
            waited_ms,
            lease_id,
            lease_expires_at,
            deadline,
            limit,
            channels,
            closes_at,
            owner_id,
            branch_id,
            retry_only,
            global_limit,
            owner_limit,
            actor,
            ignored_quiet_hours,
            dry_run,
            read_next,
        } = due;
        Self {
            only: only.uuid(),
            now,
            waited_ms,
            lease_id,
            lease_expires_at,
            deadline,
            limit,
            channels,
            closes_at,
            owner_id,
            branch_id,
            retry_only,
            global_limit,
            owner_limit,
            actor,
            ignored_quiet_hours,
            dry_run,
            read_next,
        }
    }
}
