//! The WHERE of lists and counts, put together from scope and filter.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Text};
use domain::access::Scope;
use domain::message::{Priority, Status};
use domain::ports::Filter;
use uuid::Uuid;

use super::condition::{Bind, Condition, Home};
use crate::rows::delivery::rank;
use crate::terms::{Search, SearchWord};

/// A message's own table; the order of lists is that of its ids.
pub(super) const MESSAGE: &str = "outbound_message";
/// The table of where it stands.
pub(super) const DELIVERY: &str = "outbound_delivery";
/// Both.
pub(super) const BOTH: &str =
    "outbound_message join outbound_delivery on outbound_delivery.message_id = outbound_message.id";

/// How far the time in an id may be from the message's time of creation: ids go on counting when a clock is put back.
const SLACK: TimeDelta = TimeDelta::hours(1);

/// What knows the order in which the rows that match are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// The index of what is QUEUED.
    Queued,
    /// The index of what is settled, by status.
    Settled,
    /// The index of failures, by kind.
    Failure,
    /// What finds the messages themselves: those in flight have no index in the order of the ids.
    Message,
}

/// Conditions that must all hold, and the tables that they need.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    all: Vec<Condition>,
    lead: Option<Lead>,
    /// Looked at row by row.
    search: Option<Search>,
}

impl Conditions {
    /// What the caller may see and wants to see, but for what is searched for.
    pub(super) fn new(scope: &Scope, filter: &Filter) -> Self {
        let Filter {
            status,
            failure_kind,
            cause,
            channel,
            priority,
            created_from,
            created_before,
            text: _,
            lead_id,
            student_id,
            owner_id,
            branch_id,
            job_id,
        } = filter;
        let mut all = Self::default();
        for owner in scope.owner.iter().chain(owner_id) {
            all.push(Home::Either, "owner_id =", Bind::Text(owner.to_string()));
        }
        let has_owner = !all.all.is_empty();
        for branch in scope.branch.iter().chain(branch_id) {
            // An owner's messages are found by the owner, in their order; the branch's index would only mix them up.
            let home = if has_owner { Home::Looked } else { Home::Either };
            all.push(home, "branch_id =", Bind::Text(branch.to_string()));
        }
        // The kind of a failure says the status too, and has the better index.
        let status = status.as_ref().filter(|status| **status != Status::Failed || failure_kind.is_none());
        if let Some(status) = status {
            all.lead = Some(match status {
                Status::Queued => Lead::Queued,
                Status::Leased | Status::Dispatched => Lead::Message,
                Status::Sent | Status::Failed | Status::Skipped | Status::Cancelled => Lead::Settled,
            });
            all.push(Home::Delivery, "status =", Bind::Text(status.to_string()));
            if all.lead == Some(Lead::Message) {
                // What finds them in their index.
                all.push(Home::Delivery, "lease_expires_at is not null", Bind::None);
            }
            if *status == Status::Queued && (scope.owner.is_some() || owner_id.is_some()) {
                // What finds those of one owner in theirs.
                all.push(Home::Delivery, "next_attempt_at is not null", Bind::None);
                all.push(Home::Delivery, "lease_id is null", Bind::None);
                // All that there are: its index begins with them.
                all.push(Home::Delivery, "priority in (1, 2, 3)", Bind::None);
            }
        }
        if let Some(kind) = failure_kind {
            all.lead = Some(Lead::Failure);
            all.push(Home::Delivery, "failure_kind =", Bind::Text(kind.to_string()));
        }
        if let Some(cause) = cause {
            all.lead = None;
            // As its index has them.
            all.push(Home::Delivery, "error =", Bind::Text(cause.clone()));
            all.push(
                Home::Delivery,
                "failure_kind in ('DEAD', 'HELD') and md5(outbound_delivery.error) =",
                Bind::Digest(cause.clone()),
            );
        }
        match priority {
            None => {}
            // In every part of a list, and in no index.
            Some(Priority::Medium) => {
                all.push(Home::Delivery, "priority =", Bind::Rank(rank(Priority::Medium)))
            }
            Some(rare @ (Priority::High | Priority::Low)) => {
                all.push(Home::Message, "urgency =", Bind::Rank(rank(*rare)));
            }
        }
        if let Some(channel) = channel {
            // Beside where messages stand, which has indexes of its own.
            let home = if all.need_delivery() { Home::Delivery } else { Home::Either };
            all.push(home, "channel =", Bind::Text(channel.to_string()));
        }
        if let Some(job) = job_id {
            all.push(Home::Either, "job_id =", Bind::Uuid(job.uuid()));
        }
        if let Some(lead) = lead_id {
            all.push(Home::Message, "lead_id =", Bind::Text(lead.to_string()));
        }
        if let Some(student) = student_id {
            all.push(Home::Message, "student_id =", Bind::Text(student.to_string()));
        }
        if let Some(from) = created_from {
            all.push(Home::Message, "created_at >=", Bind::Time(*from));
            all.push(Home::Id, ">=", Bind::Uuid(first_id(*from - SLACK)));
        }
        if let Some(before) = created_before {
            all.push(Home::Message, "created_at <", Bind::Time(*before));
            all.push(Home::Id, "<", Bind::Uuid(first_id(*before + SLACK)));
        }
        all
    }

    /// Only what a search finds; looked at row by row, without an index.
    pub(super) fn found_by(&mut self, search: Search) {
        self.search = Some(search);
    }

    /// Of them only those with ids below this one.
    pub(super) fn before(&self, id: Option<Uuid>) -> Self {
        let mut these = self.clone();
        if let Some(id) = id {
            these.push(Home::Id, "<", Bind::Uuid(id));
        }
        these
    }

    /// Only ids above this one.
    pub(super) fn after(&mut self, id: Uuid) {
        self.push(Home::Id, ">", Bind::Uuid(id));
    }

    /// ` and ..`, of those that an index on the message's own table finds in the order of the ids.
    pub(super) fn on_message_in_order<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut found = self.all.iter().filter(|condition| condition.is_found_in_order());
        found.try_for_each(|condition| condition.on(MESSAGE, out))
    }

    /// Those of them that say how many there are, as far as the planner knows: an owner is nearly always of one branch, the
    /// ids say nearly the same as the time of creation, and what has no value is only there for an index.
    pub(super) fn telling_apart(&self) -> Self {
        self.only(|condition| {
            condition.home != Home::Looked
                && !matches!(condition.bind, Bind::None)
                && !condition.test.starts_with("created_at")
        })
    }

    fn only(&self, these: impl Fn(&Condition) -> bool) -> Self {
        let all = self.all.iter().filter(|condition| these(condition)).cloned().collect();
        Self { all, lead: self.lead, search: None }
    }

    /// Those that an index on the message's own table finds in the order of the ids.
    pub(super) fn in_order(&self) -> Self {
        self.only(Condition::is_found_in_order)
    }

    /// What knows the order, where the status does.
    pub(super) const fn lead(&self) -> Option<Lead> {
        self.lead
    }

    /// Those that the lead's index finds.
    pub(super) fn of_lead(&self) -> Self {
        self.only(|condition| condition.is_of_lead() || condition.home == Home::Id)
    }

    /// Whether they only say where a message stands.
    pub(super) fn only_say_where(&self) -> bool {
        self.all.iter().all(|condition| condition.is_of_lead() || matches!(condition.bind, Bind::None))
            && self.lead.is_some()
    }

    /// Whether the lead's index finds exactly what matches.
    pub(super) fn is_all_said_by_lead(&self) -> bool {
        self.lead.is_some_and(|lead| lead != Lead::Message)
            && self.all.iter().all(|condition| condition.is_of_lead() || condition.home == Home::Id)
    }

    /// ` and ..`, as the lead's index has them in its order.
    pub(super) fn lead_on_delivery<'b>(
        &'b self,
        lead: Lead,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        for condition in &self.all {
            if condition.home == Home::Id {
                condition.on(DELIVERY, out)?;
            } else if condition.is_of_lead() {
                match lead {
                    Lead::Message => condition.on(DELIVERY, out)?,
                    Lead::Queued => {
                        // As the index has it: a statement that is kept does not say what it is asked for.
                        out.push_sql(" and outbound_delivery.status = 'QUEUED'");
                        condition.on(DELIVERY, out)?;
                    }
                    Lead::Settled => {
                        out.push_sql(
                            " and outbound_delivery.status not in ('QUEUED', 'LEASED', 'DISPATCHED')",
                        );
                        condition.between("status", out)?;
                    }
                    Lead::Failure if condition.test == "failure_kind =" => {
                        condition.between("failure_kind", out)?;
                    }
                    Lead::Failure => condition.on(DELIVERY, out)?,
                }
            }
        }
        Ok(())
    }

    /// ` and ..`, of what the lead's index does not say.
    pub(super) fn rest_of_lead<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut rest = self.all.iter().filter(|one| !one.is_of_lead() && one.home != Home::Id);
        rest.try_for_each(|condition| match condition.home {
            Home::Message => condition.on(MESSAGE, out),
            Home::Delivery | Home::Either | Home::Looked | Home::Id => condition.on(DELIVERY, out),
        })
    }

    /// Whether an index of the message's own table finds few of all: those of somebody, or of a job.
    pub(super) fn are_of_somebody(&self) -> bool {
        let narrow = ["owner_id =", "job_id =", "lead_id =", "student_id ="];
        self.all.iter().any(|condition| narrow.contains(&condition.test))
    }

    /// Whether any is about what only the message's own table has.
    pub(super) fn needs_message(&self) -> bool {
        self.all.iter().any(|condition| condition.home == Home::Message)
    }

    /// Whether an index of the message's own table may find some.
    pub(super) fn is_about_the_message(&self) -> bool {
        self.all.iter().any(|condition| matches!(condition.home, Home::Message | Home::Either))
    }

    /// Whether an index of where messages stand begins with the owner or the branch and what is asked for.
    fn by_where_they_stand(&self) -> bool {
        self.all.iter().any(|condition| {
            condition.test.starts_with("failure_kind") || condition.test.starts_with("next_attempt_at")
        })
    }

    /// Only these ids.
    pub(super) fn among(&mut self, ids: Vec<Uuid>) {
        self.push(Home::Id, "= any", Bind::Uuids(ids));
    }

    /// Also settled at or after this time.
    pub(super) fn sent_since(&mut self, time: DateTime<Utc>) {
        self.push(Home::Delivery, "sent_at >=", Bind::Time(time));
    }

    /// The smallest FROM that has all columns: a count need not join.
    pub(super) fn tables(&self) -> &'static str {
        let needs = |home| self.all.iter().any(|condition| condition.home == home);
        match (needs(Home::Message) || self.search.is_some(), needs(Home::Delivery)) {
            (true, true) => BOTH,
            (false, true) => DELIVERY,
            (true | false, false) => MESSAGE,
        }
    }

    fn push(&mut self, home: Home, test: &'static str, bind: Bind) {
        self.all.push(Condition { home, test, bind });
    }

    /// Whether all messages match.
    pub(super) fn are_none(&self) -> bool {
        self.all.is_empty() && self.search.is_none()
    }

    /// Whether they are so few that others ask for the same.
    pub(super) fn are_few(&self) -> bool {
        const FEW: usize = 3;
        self.all.len() <= FEW
    }

    /// Whether any is about where a message stands.
    pub(super) fn need_delivery(&self) -> bool {
        self.all.iter().any(|condition| condition.home == Home::Delivery)
    }

    /// What a row must say beside being one of the newest; see [`super::keys`]. It is found by its id: what is only there
    /// for another index is left out, or the planner might go by that.
    pub(super) fn on_both<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.on_message(out)?;
        let said = |one: &&Condition| one.home == Home::Delivery && !matches!(one.bind, Bind::None);
        self.all.iter().filter(said).try_for_each(|condition| condition.on(DELIVERY, out))
    }

    /// ` and ..`, of all that the message's own table can tell.
    pub(super) fn on_message<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let told = self.all.iter().filter(|condition| condition.home != Home::Delivery);
        told.into_iter().try_for_each(|condition| condition.on(MESSAGE, out))
    }

    /// ` and ..`, of the rest.
    pub(super) fn on_delivery<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let rest = self.all.iter().filter(|condition| condition.home == Home::Delivery);
        rest.into_iter().try_for_each(|condition| condition.on(DELIVERY, out))
    }
}

/// The smallest id that a message of this time or later can have: a UUIDv7 begins with its milliseconds.
fn first_id(time: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

/// What a search is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Rows that something else has found.
    Rows,
    /// Those that the index over words finds, where the planner likes it.
    Index,
    /// The same by a statement that is kept: what is searched for comes by a subselect, or the planner would look at it
    /// and plan anew each time, which takes longer than to find a phone number.
    KeptIndex,
}

/// ` and ..`, of a message that a search finds.
pub(super) fn found<'b>(search: &'b Search, by: Use, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let has = |query: &'b String, out: &mut AstPass<'_, 'b, Pg>| {
        let (begin, end) = match by {
            // No index knows a comparison that is compared again.
            Use::Rows => ("", "::tsquery) is true"),
            Use::Index => ("", "::tsquery)"),
            Use::KeptIndex => ("(select ", "::tsquery))"),
        };
        out.push_sql("(outbound_message.terms @@ ");
        out.push_sql(begin);
        out.push_bind_param::<Text, _>(query)?;
        out.push_sql(end);
        QueryResult::Ok(())
    };
    out.push_sql(" and ");
    has(&search.narrow, out)?;
    if !search.needs_check() {
        return Ok(());
    }
    let says = |word: &'b SearchWord, out: &mut AstPass<'_, 'b, Pg>| {
        out.push_sql("(");
        if !word.digits.is_empty() {
            out.push_sql("replace(outbound_message.recipient, '+84', '0') like any(");
            out.push_bind_param::<Array<Text>, _>(&word.digits)?;
            out.push_sql(") or ");
        }
        has(&word.query, out)?;
        out.push_sql(")");
        QueryResult::Ok(())
    };
    out.push_sql(" and (true");
    for word in &search.words {
        out.push_sql(" and ");
        says(word, out)?;
    }
    if let Some(number) = &search.number {
        out.push_sql(" or ");
        says(number, out)?;
    }
    out.push_sql(")");
    Ok(())
}

/// A SELECT that is put together at run time: its head, FROM, conditions and tail.
pub(super) struct Select<H, R> {
    /// `select ..`, without FROM.
    pub(super) head: H,
    /// [`MESSAGE`], [`DELIVERY`] or [`BOTH`].
    pub(super) tables: &'static str,
    /// WHERE.
    pub(super) conditions: Conditions,
    /// ORDER BY, LIMIT and the like.
    pub(super) tail: String,
    /// The type of a row.
    pub(super) row: std::marker::PhantomData<R>,
}

impl<H: QueryFragment<Pg>, R> QueryFragment<Pg> for Select<H, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        self.head.walk_ast(out.reborrow())?;
        out.push_sql(" from ");
        out.push_sql(self.tables);
        out.push_sql(" where true");
        for condition in &self.conditions.all {
            match condition.home {
                Home::Message => condition.on(MESSAGE, &mut out)?,
                Home::Delivery => condition.on(DELIVERY, &mut out)?,
                Home::Either | Home::Looked | Home::Id if self.tables == DELIVERY => {
                    condition.on(DELIVERY, &mut out)?;
                }
                Home::Either if self.tables == BOTH && self.conditions.by_where_they_stand() => {
                    // On both copies, so that the indexes of either table may serve; elsewhere the planner would
                    // only take fewer rows for granted than there are.
                    condition.on(MESSAGE, &mut out)?;
                    condition.on(DELIVERY, &mut out)?;
                }
                Home::Either | Home::Looked | Home::Id => condition.on(MESSAGE, &mut out)?,
            }
        }
        if let Some(search) = &self.conditions.search {
            found(search, Use::Rows, &mut out)?;
        }
        out.push_sql(&self.tail);
        Ok(())
    }
}

impl<H, R> diesel::query_builder::QueryId for Select<H, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<H, R> diesel::query_builder::Query for Select<H, R> {
    type SqlType = R;
}
