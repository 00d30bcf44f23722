//! The database refuses states that the domain does not have.

use crate::build::{fixture, insert, message};

#[tokio::test]
async fn no_status_takes_the_columns_of_another() {
    let fixture = fixture().await;
    insert(&fixture.store, [message(1)]).await;
    let client = fixture.database.connect().await;
    for assignment in [
        "status = 'SENT'",
        "status = 'LEASED'",
        "status = 'DISPATCHED'",
        "status = 'FAILED'",
        "status = 'SKIPPED'",
        "status = 'CANCELLED'",
        "status = 'GONE'",
        "next_attempt_at = null",
        "lease_id = gen_random_uuid()",
        "sent_at = '2026-03-02'",
        "failure_kind = 'RETRY'",
        "provider_message_id = 'x'",
        "attempt = -1",
        "priority = 4",
        "status = 'CANCELLED', next_attempt_at = null, error = 'x'",
        "status = 'SKIPPED', next_attempt_at = null",
        "status = 'SENT', next_attempt_at = null, sent_at = '2026-03-02', lease_id = gen_random_uuid()",
        "status = 'FAILED', error = 'x', failure_kind = 'RETRY'",
        "status = 'FAILED', error = 'x', failure_kind = 'DEAD', next_attempt_at = '2026-03-02'",
        "status = 'FAILED', error = 'x', failure_kind = 'HELD', next_attempt_at = null",
        "status = 'FAILED', failure_kind = 'DEAD', next_attempt_at = null",
        "status = 'LEASED', lease_id = gen_random_uuid(), leased_at = '2026-03-02', lease_expires_at = '2026-03-02',
            resume_status = 'SENT'",
        "status = 'LEASED', lease_id = gen_random_uuid(), leased_at = '2026-03-02', lease_expires_at = '2026-03-02',
            resume_status = 'FAILED', error = 'x'",
        "status = 'DISPATCHED', lease_id = gen_random_uuid(), leased_at = '2026-03-02',
            lease_expires_at = '2026-03-02', dispatched_at = '2026-03-02'",
    ] {
        let error = client.batch_execute(&format!("update outbound_delivery set {assignment}")).await;
        let code = error.err().and_then(|error| error.code().cloned());
        assert_eq!(code, Some(tokio_postgres::error::SqlState::CHECK_VIOLATION), "{assignment}");
    }
    let allowed = "status = 'FAILED', error = 'x', failure_kind = 'RETRY', attempt_failed = true";
    client.batch_execute(&format!("update outbound_delivery set {allowed}")).await.unwrap();
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_told_as_such() {
    let fixture = fixture().await;
    insert(&fixture.store, [message(1)]).await;
    let client = fixture.database.connect().await;
    client.batch_execute("update outbound_message set recipient = 'nonsense'").await.unwrap();
    let error = domain::ports::MessageStore::load(&fixture.store, &[crate::build::message_id(1)]).await;
    assert!(matches!(error, Err(domain::ports::StoreError::Corrupt(_))), "{error:?}");
}
