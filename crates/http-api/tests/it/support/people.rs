//! Requests of other people than the admin, and contacts to write to.

use std::collections::BTreeSet;

use actix_web::http::Method;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{BranchId, LeadId, OwnerId};
use domain::phone::PhoneNumber;
use domain::ports::ContactStore;
use serde_json::{Value, json};

use super::{Answered, JWT_SECRET, TestApi, claims, noon, request, token};

/// The header of this user with this role.
pub(crate) fn bearer_of(role: &str, subject: &str) -> (&'static str, String) {
    let mut claims = claims(role);
    claims["sub"] = json!(subject);
    ("authorization", format!("Bearer {}", token(&claims, JWT_SECRET)))
}

impl TestApi {
    /// POST of JSON as this user.
    pub(crate) async fn post_as(&self, role: &str, subject: &str, path: &str, body: &Value) -> Answered {
        let request = request(Method::POST, path).insert_header(bearer_of(role, subject));
        self.send(request.set_payload(body.to_string())).await
    }

    /// POST of JSON as an admin, with an idempotency key.
    pub(crate) async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answered {
        let request = request(Method::POST, path).insert_header(bearer_of("admin", "u1"));
        self.send(request.insert_header(("idempotency-key", key)).set_payload(body.to_string())).await
    }

    /// Queues an SMS of this owner and answers its id.
    pub(crate) async fn queued_of(&self, owner: &str, to: &str) -> String {
        let body = json!({"channel": "SMS", "text": "Chào", "to": to, "ownerId": owner});
        let answer = self.post_json("/api/outbound/messages", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["outboundMessage"]["id"].as_str().unwrap().to_owned()
    }

    /// Where a message stands.
    pub(crate) async fn status_of(&self, id: &str) -> String {
        let answer = self.get(&format!("/api/outbound/messages/{id}")).await;
        answer.body["outboundMessage"]["status"].as_str().unwrap().to_owned()
    }

    /// How many messages there are.
    pub(crate) async fn total(&self) -> u64 {
        self.get("/api/outbound/messages").await.body["total"].as_u64().unwrap()
    }

    /// A lead of this owner, who wants no messages on these channels.
    pub(crate) async fn lead(&self, id: &str, phone: &str, owner: &str, opted_out: &[Channel]) {
        let contact = Contact {
            id: ContactId::Lead(LeadId::parse(id).unwrap()),
            full_name: Some("Nguyễn An".to_owned()),
            phone: Some(PhoneNumber::parse(phone).unwrap()),
            zalo_user_id: None,
            facebook_psid: None,
            owner_id: Some(OwnerId::parse(owner).unwrap()),
            owner_name: Some("Lan".to_owned()),
            branch_id: Some(BranchId::parse("b1").unwrap()),
            opted_out: opted_out.iter().copied().collect::<BTreeSet<_>>(),
        };
        self.backend.upsert_contacts(&[contact], noon()).await.unwrap();
    }
}

/// The paths of an error's details.
pub(crate) fn paths(answer: &Answered) -> Vec<&str> {
    let details = answer.body["error"]["details"].as_array();
    details.into_iter().flatten().map(|problem| problem["path"].as_str().unwrap()).collect()
}

/// The codes of a list of notices or problems.
pub(crate) fn codes(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}
