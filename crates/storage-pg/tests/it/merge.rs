//! The search terms of new messages: as the database would write them, and sorted into their index in the background.

use std::time::Duration;

use domain::address::Address;
use domain::channel::Channel;
use domain::message::Text;
use test_support::database::TestDatabase;

use crate::build::{fixture, insert, message, with};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// What the background task asks for.
const SORT_IN: &str = "select gin_clean_pending_list('outbound_message_terms')";

async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(database: &TestDatabase, query: &str) -> T {
    database.connect().await.query_one(query, &[]).await.unwrap().get(0)
}

/// A connection of the server's that has sorted in.
const DONE: &str = "select exists (select from pg_stat_activity
    where datname = current_database() and application_name = 'outbound' and state = 'idle' and query ilike $1)";

#[tokio::test]
async fn what_a_few_hundred_inserts_leave_is_sorted_in_after_a_while() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=499).map(message)).await;
    assert!(one::<i64>(&fixture.database, SORT_IN).await > 0, "fewer are left where they are");

    insert(&fixture.store, [message(500)]).await;
    let client = fixture.database.connect().await;
    let sorted_in = async {
        while !client.query_one(DONE, &[&format!("{SORT_IN}%")]).await.unwrap().get::<_, bool>(0) {}
    };
    tokio::time::timeout(LONG, sorted_in).await.expect("a connection that has sorted them in");
    assert_eq!(one::<i64>(&fixture.database, SORT_IN).await, 0);
}

#[tokio::test]
async fn terms_are_stored_as_the_database_would_write_them() {
    let fixture = fixture().await;
    let texts =
        ["b a b", "it's \\ \"so\" 'b'", "ab abc a ab, (ab) é e \u{10ffff} \u{e9}t\u{e9}", "50% -5", "…"];
    let texts = (1..).zip(texts).map(|(n, text)| {
        with(message(n), |content| {
            content.text = Text(text.to_owned());
            content.channel = Channel::Sms;
            content.to = Some(Address::parse(Channel::Sms, "0909090909").unwrap());
        })
    });
    insert(&fixture.store, texts).await;
    let same = "select bool_and(terms = array_to_tsvector(tsvector_to_array(terms))) from outbound_message";
    assert!(one::<bool>(&fixture.database, same).await);
    let first =
        "select array_to_string(tsvector_to_array(terms), ' ') from outbound_message order by id limit 1";
    assert_eq!(
        one::<String>(&fixture.database, first).await,
        "CSMS D0909 D909 D9090 P0909090909 Tremind_remaining a b"
    );
}
