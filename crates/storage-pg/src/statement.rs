//! Prepared statements with a fixed text.
//!
//! diesel prepares anew each time whatever it can't prove to have one text: every UPDATE, every `sql_query`, every
//! insert of several rows. A statement declared here has one text by construction and is prepared once a connection.

/// Declares a statement: its parameters in the order of `$1, $2, ..`, the type of a row of its answer, and its text.
macro_rules! statement {
    ($(#[$meta:meta])* $name:ident<'a> { $($field:ident: $rust:ty => $sql:ty,)* } -> $row:ty, $text:expr) => {
        $crate::statement::statement!(@declare ['a] [$name<'a>] [$name<'static>]
            $(#[$meta])* $name { $($field: $rust => $sql,)* } -> $row, $text);
    };
    ($(#[$meta:meta])* $name:ident { $($field:ident: $rust:ty => $sql:ty,)* } -> $row:ty, $text:expr) => {
        $crate::statement::statement!(@declare [] [$name] [$name]
            $(#[$meta])* $name { $($field: $rust => $sql,)* } -> $row, $text);
    };
    (@declare [$($life:lifetime)?] [$this:ty] [$fixed:ty] $(#[$meta:meta])* $name:ident {
        $($field:ident: $rust:ty => $sql:ty,)*
    } -> $row:ty, $text:expr) => {
        $(#[$meta])*
        #[derive(Default)]
        pub(crate) struct $name$(<$life>)? { $(pub(crate) $field: $rust,)* }

        impl$(<$life>)? diesel::query_builder::QueryFragment<diesel::pg::Pg> for $this {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                diesel::query_builder::QueryFragment::<diesel::pg::Pg>::walk_ast(&$text, out.reborrow())?;
                $(out.push_bind_param_value_only::<$sql, _>(&self.$field)?;)*
                Ok(())
            }
        }

        impl$(<$life>)? diesel::query_builder::QueryId for $this {
            type QueryId = $fixed;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl$(<$life>)? diesel::query_builder::Query for $this {
            type SqlType = $row;
        }
    };
}
pub(crate) use statement;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::serialize::{IsNull, Output, Result as Serialized, ToSql};
use diesel::sql_types::{Array, Nullable};

/// An array that is sent as null where none of its elements is anything: unnested beside others it is the same, and
/// nobody reads its elements one by one.
#[derive(Debug)]
pub(crate) struct Sparse<T>(pub(crate) Vec<Option<T>>);

impl<T> Sparse<T> {
    /// With room for so many.
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, S> ToSql<Array<Nullable<S>>, Pg> for Sparse<T>
where
    T: std::fmt::Debug,
    S: diesel::sql_types::SqlType,
    Vec<Option<T>>: ToSql<Array<Nullable<S>>, Pg>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> Serialized {
        if self.0.iter().all(Option::is_none) { Ok(IsNull::Yes) } else { self.0.to_sql(out) }
    }
}

/// The fixed text of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql(pub(crate) &'static str);

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// The fixed text of a statement that answers whole messages: the columns, then what follows `select ..`, where the
/// two tables go by their own names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SelectMessages(pub(crate) &'static str);

impl QueryFragment<Pg> for SelectMessages {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select ");
        crate::rows::MESSAGE_COLUMNS.walk_ast(out.reborrow())?;
        out.push_sql(" ");
        out.push_sql(self.0);
        Ok(())
    }
}

/// The same for a statement that answers where messages stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SelectStandings(pub(crate) &'static str);

impl QueryFragment<Pg> for SelectStandings {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "select outbound_delivery.message_id, outbound_delivery.channel, coalesce(outbound_delivery.created_at,
                (select m.created_at from outbound_message m where m.id = outbound_delivery.message_id)), ",
        );
        crate::rows::delivery::COLUMNS.walk_ast(out.reborrow())?;
        out.push_sql(" ");
        out.push_sql(self.0);
        Ok(())
    }
}
