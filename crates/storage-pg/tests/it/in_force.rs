//! What a server leaves for the commands beside it.

use std::collections::BTreeMap;

use storage_pg::{GatewayKind, InForce};

use crate::build::{fixture, morning, seconds};

#[tokio::test]
async fn what_the_last_server_left_is_found_and_nothing_before_the_first() {
    let fixture = fixture().await;
    assert_eq!(fixture.store.in_force().await.unwrap(), None);
    let texts = [("OPS_TZ", "Asia/Ho_Chi_Minh"), ("OPS_QUIET_HOURS", "off")];
    let rules: BTreeMap<String, String> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for (second, gateway) in [(0, Some(GatewayKind::N8n)), (1, Some(GatewayKind::Simulator)), (2, None)] {
        let left = InForce { gateway, rules: rules.clone(), started_at: morning() + seconds(second) };
        fixture.store.leave_in_force(&left).await.unwrap();
        assert_eq!(fixture.store.in_force().await.unwrap(), Some(left));
    }
}
