//! Traces, as a collector sees them.

use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data, post};
use actix_web::{App, HttpResponse, HttpServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtelValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Method;
use serde_json::json;
use test_support::scripted_n8n::Reaction;

use crate::http::answer;
use crate::support::{CALLBACK_SECRET, TestApp, eventually, sms};

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    bytes: Vec<u8>,
    service: String,
    authorization: String,
}

/// Takes traces by OTLP over HTTP.
struct Collector {
    url: String,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    fn start() -> Self {
        let received: Arc<Mutex<Received>> = Arc::default();
        let state = Data::new(Arc::clone(&received));
        let server =
            HttpServer::new(move || App::new().app_data(state.clone()).route("/v1/traces", post().to(take)))
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        Self { url, received }
    }

    /// Waits until the trace has spans of all these names, and answers them in this order.
    async fn trace(&self, id: &str, names: &[&str]) -> Vec<Span> {
        eventually(&format!("the trace {id} has {names:?}"), async || {
            let received = self.received.lock().unwrap();
            let mine: Vec<_> = received.spans.iter().filter(|span| hex(&span.trace_id) == id).collect();
            names
                .iter()
                .map(|name| mine.iter().find(|span| span.name == *name).map(|span| (*span).clone()))
                .collect()
        })
        .await
    }
}

async fn take(
    request: actix_web::HttpRequest,
    body: Bytes,
    received: Data<Arc<Mutex<Received>>>,
) -> HttpResponse {
    let mut received = received.lock().unwrap();
    received.bytes.extend_from_slice(&body);
    if let Some(value) = request.headers().get("authorization") {
        received.authorization = value.to_str().unwrap().to_owned();
    }
    for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
        for attribute in resource.resource.unwrap_or_default().attributes {
            if let (true, Some(OtelValue::StringValue(name))) =
                (attribute.key == "service.name", attribute.value.and_then(|value| value.value))
            {
                received.service = name;
            }
        }
        received.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    HttpResponse::Ok().finish()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const CLIENT_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// Creates a message as part of a client's trace, and answers its id.
async fn create(app: &TestApp, number: u32) -> String {
    let request = app
        .request(Method::POST, "/api/outbound/messages")
        .bearer_auth(app.admin())
        .header("traceparent", format!("00-{CLIENT_TRACE}-{CLIENT_SPAN}-01"));
    let created = answer(request.json(&sms(number))).await.expect(201);
    created["outboundMessage"]["id"].as_str().unwrap().to_owned()
}

/// Calls back as N8N does; one that traces says which of its spans does it.
async fn call_back(app: &TestApp, id: &str, traceparent: Option<&str>) {
    let mut request =
        app.request(Method::POST, "/api/outbound/callback").header("x-callback-secret", CALLBACK_SECRET);
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    answer(request.json(&json!({"messageId": id, "status": "SENT"}))).await.expect(200);
}

#[tokio::test]
async fn one_trace_leads_from_the_request_over_lease_and_hand_off_to_the_callback() {
    let collector = Collector::start();
    let app = TestApp::builder()
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .set("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer of-the-collector")
        .script(|_| Reaction::accepted())
        .start()
        .await;
    let (traced, plain) = (create(&app, 7_001).await, create(&app, 7_002).await);
    assert_eq!(app.run_worker(json!({})).await["processed"], 2);
    let told = |id: &str| {
        let log = app.n8n.log();
        let hand_off = log.hand_offs.iter().find(|hand_off| hand_off.message_id == id).unwrap();
        hand_off.header("traceparent").unwrap().to_owned()
    };
    // An N8N with OpenTelemetry goes on in the trace that the hand-off named.
    call_back(&app, &traced, Some(&told(&traced))).await;
    call_back(&app, &plain, None).await;

    let of_client = collector.trace(CLIENT_TRACE, &["POST /api/outbound/messages"]).await.pop().unwrap();
    assert_eq!(hex(&of_client.parent_span_id), CLIENT_SPAN);

    for (id, goes_on) in [(&traced, true), (&plain, false)] {
        let trace = id.replace('-', "");
        let spans = collector.trace(&trace, &["create", "lease", "hand-off", "callback"]).await;
        let [first, lease, hand_off, callback] = spans.as_slice() else { unreachable!() };
        assert!(first.parent_span_id.is_empty());
        assert_eq!(hex(&first.links[0].trace_id), CLIENT_TRACE, "the request that made it");
        assert_eq!(lease.parent_span_id, first.span_id);
        assert_eq!(lease.links.len(), 1, "the request that ran the worker");
        assert_eq!(hand_off.parent_span_id, first.span_id);
        assert_eq!(told(id), format!("00-{trace}-{}-01", hex(&hand_off.span_id)));
        if goes_on {
            let request = collector.trace(&trace, &["POST /api/outbound/callback"]).await.pop().unwrap();
            assert_eq!(request.parent_span_id, hand_off.span_id);
            assert_eq!(callback.parent_span_id, request.span_id);
        } else {
            assert_eq!(callback.parent_span_id, first.span_id);
            assert_eq!(callback.links.len(), 1, "the request that called back");
        }
        for span in &spans {
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano && span.start_time_unix_nano > 0);
        }
    }
    app.stop().await;
    let received = collector.received.lock().unwrap();
    assert_eq!(received.service, "outbound");
    assert_eq!(received.authorization, "Bearer of-the-collector");
    let bytes = String::from_utf8_lossy(&received.bytes);
    assert!(!bytes.contains("00007001") && !bytes.contains("bạn"), "neither phone numbers nor texts");
}

#[tokio::test]
async fn without_a_collector_nothing_is_traced_and_one_that_is_gone_holds_nothing_up() {
    let app = TestApp::start().await;
    let id = app.create(sms(7_010)).await;
    app.run_worker(json!({})).await;
    app.wait_for_status(&id, "SENT").await;
    assert_eq!(app.n8n.log().hand_offs[0].header("traceparent"), None);

    let gone = TestApp::builder()
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .set("OTEL_TRACES_SAMPLER_ARG", "0")
        .start()
        .await;
    let id = gone.create(sms(7_011)).await;
    gone.run_worker(json!({})).await;
    gone.wait_for_status(&id, "SENT").await;
    let told = gone.n8n.log().hand_offs[0].header("traceparent").unwrap().to_owned();
    assert!(told.ends_with("-00"), "N8N is told that nobody records it: {told}");
    gone.stop().await;
}
