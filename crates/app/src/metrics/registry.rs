//! The metrics of one server, registered by name. Not the process's global recorder: servers in one process, as in
//! tests, keep theirs apart.

use anyhow::Context as _;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::names::{ALL, BUCKETS, Kind, Metric};

/// Where it is recorded: asked for by the recorder, used by nobody.
const METADATA: Metadata<'static> = Metadata::new("outbound", Level::INFO, None);

/// Keeps what is recorded, and writes it down.
pub(super) struct Registry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Registry {
    pub(super) fn new() -> anyhow::Result<Self> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).context("the histograms' buckets")?;
        let recorder = builder.build_recorder();
        for Metric { name, kind, help } in ALL.iter().copied() {
            match kind {
                Kind::Counter => recorder.describe_counter(name.into(), None, help.into()),
                Kind::Gauge => recorder.describe_gauge(name.into(), None, help.into()),
                Kind::Histogram => recorder.describe_histogram(name.into(), None, help.into()),
            }
        }
        let handle = recorder.handle();
        Ok(Self { recorder, handle })
    }

    pub(super) fn counter(&self, metric: Metric, labels: Vec<Label>) -> Counter {
        self.recorder.register_counter(&Key::from_parts(metric.name, labels), &METADATA)
    }

    pub(super) fn gauge(&self, metric: Metric, labels: Vec<Label>) -> Gauge {
        self.recorder.register_gauge(&Key::from_parts(metric.name, labels), &METADATA)
    }

    pub(super) fn histogram(&self, metric: Metric, labels: Vec<Label>) -> Histogram {
        self.recorder.register_histogram(&Key::from_parts(metric.name, labels), &METADATA)
    }

    /// All of it in the text format of Prometheus.
    pub(super) fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts what was timed into the buckets. Until then each time is kept as it is, so this must be done now and
    /// then even if nobody asks for the metrics.
    pub(super) fn tidy(&self) {
        self.handle.run_upkeep();
    }
}
