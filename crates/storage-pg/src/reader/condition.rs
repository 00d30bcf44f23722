//! One condition of a WHERE: which column, compared how and with what.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::conditions::MESSAGE;

/// A value in a condition.
#[derive(Clone)]
pub(super) enum Bind {
    None,
    Text(String),
    /// The digest of a text, as the index of errors has it.
    Digest(String),
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
    Time(DateTime<Utc>),
    Rank(i16),
}

/// Where the column of a condition is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Message,
    Delivery,
    /// In both tables, as a copy.
    Either,
    /// As `Either`, but looked at in each row that something else finds.
    Looked,
    /// The id, which has another name in each.
    Id,
}

#[derive(Clone)]
pub(super) struct Condition {
    pub(super) home: Home,
    /// Column and operator.
    pub(super) test: &'static str,
    pub(super) bind: Bind,
}

impl Condition {
    /// Whether an index on the message's own table finds it in the order of the ids.
    pub(super) fn is_found_in_order(&self) -> bool {
        match self.home {
            Home::Either => self.test != "channel =",
            Home::Looked | Home::Id => true,
            Home::Message => matches!(self.test, "lead_id =" | "student_id =" | "urgency ="),
            Home::Delivery => false,
        }
    }

    /// Whether it says where a message stands, in the words of an index that has them in the order of the ids.
    pub(super) fn is_of_lead(&self) -> bool {
        matches!(self.test, "status =" | "failure_kind =")
    }

    /// ` and ..`, as a range of one value. The planner does not take it for the value alone, so the column stays in the
    /// order that is asked for.
    pub(super) fn between<'b>(
        &'b self,
        column: &'static str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        for comparison in [">=", "<="] {
            out.push_sql(&format!(" and outbound_delivery.{column} {comparison} "));
            self.value(out)?;
        }
        Ok(())
    }

    /// ` and ..`, about this table.
    pub(super) fn on<'b>(&'b self, table: &'static str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // No index knows a comparison that is compared again.
        let is_looked = self.home == Home::Looked;
        out.push_sql(if is_looked { " and (" } else { " and " });
        out.push_sql(table);
        out.push_sql(match (self.home, table) {
            (Home::Id, MESSAGE) => ".id ",
            (Home::Id, _) => ".message_id ",
            (Home::Message | Home::Delivery | Home::Either | Home::Looked, _) => ".",
        });
        out.push_sql(self.test);
        out.push_sql(" ");
        self.value(out)?;
        if is_looked {
            out.push_sql(") is true");
        }
        Ok(())
    }

    fn value<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.bind {
            Bind::None => Ok(()),
            Bind::Text(text) => out.push_bind_param::<Text, _>(text),
            Bind::Digest(text) => {
                out.push_sql("md5(");
                out.push_bind_param::<Text, _>(text)?;
                out.push_sql(")");
                Ok(())
            }
            Bind::Uuid(id) => out.push_bind_param::<SqlUuid, _>(id),
            Bind::Time(time) => out.push_bind_param::<Timestamptz, _>(time),
            Bind::Rank(rank) => out.push_bind_param::<SmallInt, _>(rank),
            Bind::Uuids(ids) => {
                out.push_sql("(");
                out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
                out.push_sql(")");
                Ok(())
            }
        }
    }
}
