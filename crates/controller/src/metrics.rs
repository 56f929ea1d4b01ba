//! What Prometheus sees: one struct, registered on the registry it is given. Names follow controller-runtime where
//! the meaning is the same; every label is bounded by the configuration or by an enum.

mod sources;

use evenkeel_core::{EventType, Severity, SourceKind, Transition};
use evenkeel_store::{Pruned, RowCounts};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

pub use sources::{Answers, Sources};

/// Every figure evenkeel keeps about itself.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Passes by result: `changed`, `unchanged`, `error`.
    pub passes: IntCounterVec,
    /// Time of one pass.
    pub pass_seconds: Histogram,
    /// Passes running at this moment.
    pub active_workers: IntGauge,
    /// Subjects waiting.
    pub queue_depth: IntGauge,
    /// Time a subject waited.
    pub queue_seconds: Histogram,
    /// Age of the longest pass still running.
    pub longest_running: Gauge,
    /// Open root drifts by type and severity.
    pub drift_open: IntGaugeVec,
    /// Transitions by type.
    pub transitions: IntCounterVec,
    /// How each source stands and answered.
    pub sources: Sources,
    /// Time of one observation by kind of source.
    pub observe_seconds: HistogramVec,
    /// Attempts to deliver by sink and outcome: `delivered`, `retried`, `dead`; `repeated` and `unrepeated` where what is
    /// open is told again.
    pub deliveries: IntCounterVec,
    /// Undelivered events.
    pub outbox_depth: IntGauge,
    /// Age of the oldest undelivered event.
    pub outbox_oldest: Gauge,
    sink_depth: IntGaugeVec,
    sink_dead: IntGaugeVec,
    sink_oldest: GaugeVec,
    sink_success_at: GaugeVec,
    /// Hosts with at least one blind source.
    pub hosts_blind: IntGauge,
    /// When a sign of life was last given.
    pub heartbeat_at: Gauge,
    /// Hosts known.
    pub hosts: IntGauge,
    store_size: Gauge,
    store_rows: IntGaugeVec,
    pruned: IntCounterVec,
}

impl Metrics {
    /// Creates and registers every metric, with every label value that is known in advance at zero.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let maker = Maker(registry);
        let metrics = Self {
            passes: maker.counters("reconcile_total", "Passes by result.", &["result"])?,
            pass_seconds: maker.histogram("reconcile_time_seconds", "Time of one pass.")?,
            active_workers: maker.gauge("active_workers", "Passes running at this moment.")?,
            queue_depth: maker.gauge("workqueue_depth", "Subjects waiting for a pass.")?,
            queue_seconds: maker
                .histogram("workqueue_queue_duration_seconds", "Time a subject waited for its pass.")?,
            longest_running: maker.float(
                "workqueue_longest_running_processor_seconds",
                "Age of the longest pass still running.",
            )?,
            drift_open: maker.gauges("drift_open", "Open root drifts.", &["type", "severity"])?,
            transitions: maker.counters(
                "drift_transitions_total",
                "Transitions of drifts.",
                &["type", "transition"],
            )?,
            sources: maker.sources()?,
            observe_seconds: maker.histograms(
                "source_observe_duration_seconds",
                "Time of one observation.",
                &["kind"],
            )?,
            deliveries: maker.counters(
                "deliveries_total",
                "Attempts to deliver, by outcome.",
                &["sink", "outcome"],
            )?,
            outbox_depth: maker.gauge("outbox_depth", "Events not delivered yet.")?,
            outbox_oldest: maker
                .float("outbox_oldest_seconds", "Age of the oldest event not delivered yet.")?,
            sink_depth: maker.gauges("sink_undelivered", "Events not delivered yet.", &["sink"])?,
            sink_dead: maker.gauges("sink_dead", "Events given up; they can be sent again.", &["sink"])?,
            sink_oldest: maker.floats(
                "sink_oldest_undelivered_seconds",
                "Age of the oldest event not delivered yet.",
                &["sink"],
            )?,
            sink_success_at: maker.floats(
                "sink_last_success_timestamp_seconds",
                "When the sink last took an event; 0 before the first since the start.",
                &["sink"],
            )?,
            heartbeat_at: maker.float(
                "heartbeat_last_success_timestamp_seconds",
                "When a sign of life was last given; 0 before the first since the start.",
            )?,
            hosts_blind: maker.gauge("hosts_blind", "Hosts that a source cannot see at this moment.")?,
            hosts: maker.gauge("hosts", "Hosts declared or observed.")?,
            store_size: maker
                .float("store_size_bytes", "What the store takes up on its disk; NaN while it is away.")?,
            store_rows: maker.gauges("store_rows", "Rows kept, by table.", &["table"])?,
            pruned: maker.counters("store_pruned_rows_total", "Rows that retention removed.", &["table"])?,
        };
        metrics.zero();
        Ok(metrics)
    }

    fn zero(&self) {
        self.store_size.set(f64::NAN);
        self.pruned(&Pruned::default());
        for result in ["changed", "unchanged", "error"] {
            self.passes.with_label_values(&[result]);
        }
        for kind in EventType::ALL {
            for severity in Severity::ALL {
                self.drift_open.with_label_values(&[kind.code(), severity.as_str()]);
            }
            for transition in
                [Transition::Opened, Transition::Reopened, Transition::Changed, Transition::Resolved]
            {
                self.transitions.with_label_values(&[kind.code(), transition.as_str()]);
            }
        }
        for kind in [SourceKind::Netbox, SourceKind::Docker] {
            self.observe_seconds.with_label_values(&[kind.as_str()]);
        }
    }

    /// A sink that is configured: its figures are there before its first event.
    pub fn expect_sink(&self, sink: &str) {
        for outcome in ["delivered", "retried", "dead"] {
            self.deliveries.with_label_values(&[sink, outcome]);
        }
        self.outbox_of(sink, 0, 0, 0.0);
        self.sink_success_at.with_label_values(&[sink]);
    }

    /// What waits for a sink.
    pub fn outbox_of(&self, sink: &str, pending: u64, dead: u64, oldest_seconds: f64) {
        let label = [sink];
        self.sink_depth.with_label_values(&label).set(i64::try_from(pending).unwrap_or(i64::MAX));
        self.sink_dead.with_label_values(&label).set(i64::try_from(dead).unwrap_or(i64::MAX));
        self.sink_oldest.with_label_values(&label).set(oldest_seconds);
    }

    /// A sink took something.
    pub fn delivered_now(&self, sink: &str, at: jiff::Timestamp) {
        self.sink_success_at.with_label_values(&[sink]).set(at.as_millisecond() as f64 / 1000.0);
    }

    /// What the store takes up; `None` while nobody can say.
    pub fn store_size(&self, bytes: Option<u64>) {
        self.store_size.set(bytes.map_or(f64::NAN, |bytes| bytes as f64));
    }

    /// How much the store holds.
    pub fn store_rows(&self, rows: &RowCounts) {
        let RowCounts {
            events,
            deliveries,
            observed_snapshots,
            expected_snapshots,
            journal,
            proposals,
            notices,
        } = rows;
        for (table, rows) in [
            ("events", events),
            ("deliveries", deliveries),
            ("observed_snapshots", observed_snapshots),
            ("expected_snapshots", expected_snapshots),
            ("journal", journal),
            ("proposals", proposals),
            ("notices", notices),
        ] {
            self.store_rows.with_label_values(&[table]).set(i64::try_from(*rows).unwrap_or(i64::MAX));
        }
    }

    /// What retention removed.
    pub fn pruned(&self, pruned: &Pruned) {
        let Pruned { events, snapshots, deliveries, journal, proposals, notices, silences } = pruned;
        for (table, rows) in [
            ("events", events),
            ("snapshots", snapshots),
            ("deliveries", deliveries),
            ("journal", journal),
            ("proposals", proposals),
            ("notices", notices),
            ("silences", silences),
        ] {
            self.pruned.with_label_values(&[table]).inc_by(*rows);
        }
    }
}

/// Makes figures under our name and registers them.
pub(crate) struct Maker<'a>(pub(crate) &'a Registry);

impl Maker<'_> {
    fn opts(name: &str, help: &str) -> Opts {
        Opts::new(name, help).namespace("evenkeel")
    }

    fn add<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        made: Result<C, prometheus::Error>,
    ) -> Result<C, prometheus::Error> {
        let made = made?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn sources(&self) -> Result<Sources, prometheus::Error> {
        self.add(Sources::new())
    }

    pub(crate) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.add(IntGauge::with_opts(Self::opts(name, help)))
    }

    pub(crate) fn float(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.add(Gauge::with_opts(Self::opts(name, help)))
    }

    pub(crate) fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.add(IntGaugeVec::new(Self::opts(name, help), labels))
    }

    pub(crate) fn floats(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, prometheus::Error> {
        self.add(GaugeVec::new(Self::opts(name, help), labels))
    }

    pub(crate) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.add(IntCounterVec::new(Self::opts(name, help), labels))
    }

    pub(crate) fn histogram(&self, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
        self.add(Histogram::with_opts(Self::buckets(name, help)))
    }

    pub(crate) fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<HistogramVec, prometheus::Error> {
        self.add(HistogramVec::new(Self::buckets(name, help), labels))
    }

    fn buckets(name: &str, help: &str) -> HistogramOpts {
        HistogramOpts::from(Self::opts(name, help)).buckets(vec![
            0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
            10.0, 30.0, 60.0,
        ])
    }
}
