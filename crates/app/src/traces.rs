//! Traces by OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to (docs/ARCHITECTURE.md, "Traces").
//!
//! A message's trace is named by the message: its id, a UUIDv7, is the trace's id, and the id of the trace's first span
//! is derived from it. So whoever leases, hands off or takes a callback knows the trace without having stored it, and
//! the database pays nothing. The spans of a message and those of the requests that moved it are linked.

mod export;
mod gateway;
mod message;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use domain::ids::{LeaseId, MessageId};
use domain::message::Message;
use domain::ports::{Clock, DeliveryGateway, Entropy};
use http_api::{Answered, RequestId, RequestSpan, Tracer};
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _};

use crate::settings::TraceSettings;
use message::MessageTrace;

/// How long the last spans may take to leave when the server stops.
pub(crate) const LAST_EXPORT: Duration = Duration::from_secs(5);

/// Records the spans of one server and sends them away, in portions, on a thread of its own.
pub struct Traces {
    spans: BatchSpanProcessor,
    scope: InstrumentationScope,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// The share of traces that are recorded, from 0 to 1.
    share: f64,
}

impl Traces {
    /// Sends to the collector that the settings name; `None` where they name none. Needs a tokio runtime.
    pub fn start(
        settings: &TraceSettings,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        Ok(Some(Arc::new(Self {
            spans: export::processor(endpoint, &settings.headers)?,
            scope: InstrumentationScope::builder("outbound").with_version(env!("CARGO_PKG_VERSION")).build(),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            share: settings.share,
        })))
    }

    /// The same way to N8N, traced: N8N is told the trace of each message.
    pub fn around(self: &Arc<Self>, gateway: Arc<dyn DeliveryGateway>) -> Arc<dyn DeliveryGateway> {
        Arc::new(gateway::Traced::new(gateway, Arc::clone(self)))
    }

    /// Messages were stored: the first span of each one's trace.
    pub fn inserted(&self, messages: &[Message], took: Duration) {
        for message in messages {
            let trace = self.trace_of(message.id);
            let status = message.state.status().as_str();
            let attributes = vec![
                KeyValue::new("outbound.status", status),
                KeyValue::new("outbound.channel", message.content.channel.as_str()),
                KeyValue::new("outbound.priority", message.priority.as_str()),
            ];
            let span = Span { attributes, ..self.span("create", SpanKind::Producer, took) };
            self.record(Span { id: trace.first_span(), parent: None, ..span }, trace);
        }
    }

    /// Messages were leased.
    pub fn leased(&self, lease: LeaseId, messages: &[Message], took: Duration) {
        for message in messages {
            let trace = self.trace_of(message.id);
            let attributes = vec![KeyValue::new("outbound.lease_id", lease.to_string())];
            let span = Span { attributes, ..self.span("lease", SpanKind::Internal, took) };
            self.record(Span { parent: Some(trace.first_span()), ..span }, trace);
        }
    }

    /// Sends what is left.
    pub async fn stop(self: Arc<Self>) {
        let ended = tokio::task::spawn_blocking(move || self.spans.shutdown_with_timeout(LAST_EXPORT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }

    fn trace_of(&self, message: MessageId) -> MessageTrace {
        MessageTrace::of(message, self.share)
    }

    /// A span that ends now, linked to the request that is under way.
    fn span(&self, name: &'static str, kind: SpanKind, took: Duration) -> Span {
        let end = SystemTime::from(self.clock.now());
        Span {
            id: self.new_span_id(),
            parent: None,
            kind,
            name: name.into(),
            start: end.checked_sub(took).unwrap_or(end),
            end,
            attributes: Vec::new(),
            link: RequestSpan::current().map(|request| context_of(&request)),
            failed: false,
        }
    }

    fn record(&self, span: Span, trace: MessageTrace) {
        let mut span = span;
        span.attributes.push(KeyValue::new("outbound.message_id", trace.message().to_string()));
        let context = trace.context(span.id);
        self.finish(span, context);
    }

    fn finish(&self, span: Span, context: SpanContext) {
        if !context.is_sampled() {
            return;
        }
        let Span { id: _, parent, kind, name, start, end, attributes, link, failed } = span;
        let mut links = SpanLinks::default();
        // Within the same trace the request is the parent, or near it.
        let elsewhere = link.filter(|link| link.trace_id() != context.trace_id());
        links.links.extend(elsewhere.map(Link::with_context));
        self.spans.on_end(SpanData {
            span_context: context,
            parent_span_id: parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: false,
            span_kind: kind,
            name,
            start_time: start,
            end_time: end,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: if failed { Status::error("") } else { Status::Unset },
            instrumentation_scope: self.scope.clone(),
        });
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(low_half(self.entropy.uuid(self.clock.now()).as_u128()))
    }
}

impl Tracer for Traces {
    fn open(&self, traceparent: Option<&str>) -> RequestSpan {
        let started = self.clock.now();
        let span = u64::from_be_bytes(self.new_span_id().to_bytes());
        match traceparent.and_then(message::parent) {
            Some(parent) => RequestSpan {
                trace: u128::from_be_bytes(parent.trace_id().to_bytes()),
                parent: Some(u64::from_be_bytes(parent.span_id().to_bytes())),
                span,
                sampled: parent.is_sampled(),
                started,
            },
            None => {
                let trace = self.entropy.uuid(started).as_u128();
                let sampled = message::is_in_share(trace, self.share);
                RequestSpan { trace, parent: None, span, sampled, started }
            }
        }
    }

    fn close(&self, opened: &RequestSpan, request: &Answered<'_>, id: &RequestId) {
        let Answered { route, method, status, took: _ } = *request;
        let span = Span {
            id: SpanId::from(opened.span),
            parent: opened.parent.map(SpanId::from),
            kind: SpanKind::Server,
            name: format!("{method} {route}").into(),
            start: SystemTime::from(opened.started),
            end: SystemTime::from(self.clock.now()),
            attributes: vec![
                KeyValue::new("http.request.method", method.to_string()),
                KeyValue::new("http.route", route.to_owned()),
                KeyValue::new("http.response.status_code", i64::from(status)),
                KeyValue::new("outbound.request_id", id.as_str().to_owned()),
            ],
            link: None,
            failed: status >= 500,
        };
        self.finish(span, context_of(opened));
    }

    fn called_back(&self, message: MessageId, outcome: &'static str, applied: &'static str) {
        let trace = self.trace_of(message);
        let request = RequestSpan::current();
        // An N8N that traces says which of its steps calls back; any other's callback follows the first span.
        let told = request.filter(|request| TraceId::from(request.trace) == trace.id());
        let parent = told.map_or_else(|| trace.first_span(), |request| SpanId::from(request.span));
        let now = self.clock.now();
        let took = request.map_or(Duration::ZERO, |request| since(request.started, now));
        let attributes =
            vec![KeyValue::new("outbound.outcome", outcome), KeyValue::new("outbound.applied", applied)];
        let span = Span { attributes, ..self.span("callback", SpanKind::Consumer, took) };
        self.record(Span { parent: Some(parent), ..span }, trace);
    }
}

/// One span, before it is known whether anybody wants it.
struct Span {
    id: SpanId,
    parent: Option<SpanId>,
    kind: SpanKind,
    name: std::borrow::Cow<'static, str>,
    start: SystemTime,
    end: SystemTime,
    attributes: Vec<KeyValue>,
    link: Option<SpanContext>,
    failed: bool,
}

fn context_of(request: &RequestSpan) -> SpanContext {
    let flags = if request.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) = (TraceId::from(request.trace), SpanId::from(request.span));
    SpanContext::new(trace, span, flags, true, TraceState::default())
}

fn since(start: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - start).to_std().unwrap_or(Duration::ZERO)
}

/// The half of a UUID that is mostly chance, and never 0.
const fn low_half(uuid: u128) -> u64 {
    uuid as u64
}
