//! Sending spans to a collector, by OTLP over HTTP.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor as _};
use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use url::Url;

/// How long the collector may take for a portion.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How often portions are sent.
const EVERY: Duration = Duration::from_secs(2);
/// As many spans wait to be sent; more are dropped. A bulk makes one for each recipient.
const QUEUE: usize = 16_384;

/// What takes spans and sends them to the collector at this address, below which it takes `v1/traces`.
pub(super) fn processor(
    endpoint: &Url,
    headers: &BTreeMap<String, String>,
) -> anyhow::Result<BatchSpanProcessor> {
    let builder = Client::builder().timeout(TIME_LIMIT).redirect(Policy::none());
    // Without TLS there is no need to read the system's certificates.
    let builder = if endpoint.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    let client = builder.build().context("OTEL_EXPORTER_OTLP_ENDPOINT: the HTTP client can't be set up")?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(OnRuntime { client, runtime: Handle::current(), fails: AtomicBool::new(false) })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .with_headers(headers.clone().into_iter().collect())
        .with_timeout(TIME_LIMIT)
        .build()
        .context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_scheduled_delay(EVERY).build();
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    processor.set_resource(&Resource::builder().with_service_name("outbound").build());
    Ok(processor)
}

/// The HTTP client on the server's runtime: the thread that sends has none.
#[derive(Debug)]
struct OnRuntime {
    client: Client,
    runtime: Handle,
    fails: AtomicBool,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send_bytes(request).await }).await?;
        // Once when it begins and once when it is over: the collector's troubles must not fill the log. Without the
        // error, which names the address.
        let failed = sent.is_err();
        if self.fails.swap(failed, Ordering::Relaxed) != failed {
            if failed {
                tracing::warn!(
                    "traces can't be sent to OTEL_EXPORTER_OTLP_ENDPOINT; they are dropped meanwhile"
                );
            } else {
                tracing::info!("traces are sent again");
            }
        }
        sent
    }
}
