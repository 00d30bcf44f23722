//! Tokens of an identity provider that publishes its keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::ports::Clock as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{TestApp, sms};

/// Keys that were made for tests alone.
const PUBLISHED: &[u8] = include_bytes!("../../../http-api/tests/it/keys/es256.pem");
const NEW: &[u8] = include_bytes!("../../../http-api/tests/it/keys/es256-new.pem");
const ISSUER: &str = "https://login.example.vn/";

fn key(pem: &[u8]) -> EncodingKey {
    EncodingKey::from_ec_pem(pem).unwrap()
}

/// A provider that publishes over HTTP.
struct Provider {
    url: String,
    set: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", socket.local_addr().unwrap());
        let (set, asked) = (Arc::<Mutex<String>>::default(), Arc::<AtomicUsize>::default());
        let (served, counted) = (Arc::clone(&set), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = socket.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(connection.read_u8().await.unwrap());
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let body = served.lock().unwrap().clone();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, set, asked }
    }

    fn publish(&self, keys: &[(&str, &[u8])]) {
        let keys: Vec<Value> = keys
            .iter()
            .map(|(id, pem)| {
                let mut jwk =
                    serde_json::to_value(Jwk::from_encoding_key(&key(pem), Algorithm::ES256).unwrap())
                        .unwrap();
                jwk["kid"] = json!(id);
                jwk
            })
            .collect();
        *self.set.lock().unwrap() = json!({"keys": keys}).to_string();
    }
}

fn token(app: &TestApp, id: &str, pem: &[u8], issuer: &str) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
    let expires = app.clock.now().timestamp() + 3_600;
    let claims = json!({"sub": "an", "role": "admin", "iss": issuer, "exp": expires});
    encode(&header, &claims, &key(pem)).unwrap()
}

#[tokio::test]
async fn a_provider_s_keys_are_fetched_once_and_anew_when_it_has_a_new_one() {
    let provider = Provider::start().await;
    provider.publish(&[("one", PUBLISHED)]);
    let app = TestApp::builder()
        .set("JWT_SECRET", "")
        .set("JWT_JWKS_URL", &provider.url)
        .set("JWT_ISSUER", ISSUER)
        .start()
        .await;
    let asked = || provider.asked.load(Ordering::SeqCst);
    assert_eq!(asked(), 0, "not before somebody comes");
    let good = token(&app, "one", PUBLISHED, ISSUER);
    let created = app.post("/api/outbound/messages", &good, &sms(1)).await.expect(201);
    assert_eq!(created["outboundMessage"]["ownerId"], Value::Null);
    for (what, refused) in [
        ("of another issuer", token(&app, "one", PUBLISHED, "https://else.example/")),
        ("signed by somebody else", token(&app, "one", NEW, ISSUER)),
        ("by the shared secret's algorithm", app.admin()),
    ] {
        let answer = app.get("/api/outbound/messages", &refused).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (401, &json!("AUTH_INVALID_TOKEN")),
            "{what}"
        );
    }
    assert_eq!(asked(), 1);

    provider.publish(&[("one", PUBLISHED), ("two", NEW)]);
    app.clock.advance(chrono::TimeDelta::minutes(2));
    app.get("/api/outbound/messages", &token(&app, "two", NEW, ISSUER)).await.expect(200);
    app.get("/api/outbound/messages", &good).await.expect(200);
    assert_eq!(asked(), 2);
}
