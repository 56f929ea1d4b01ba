//! The figures of every source: kept as numbers, and made into samples when somebody asks. There may be ten thousand sources,
//! and a vector of the library keeps a name, a help text and labels with each sample, 2 kB for the six of a source.
//!
//! What does not live here: what the figures mean and when they change (`metrics`, `collect`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::SourceId;
use evenkeel_web::SourceStatus;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Opts, core::Describer as _};

use super::Maker;

/// How many figures there are.
const FAMILIES: usize = 5;

/// The figures of the sources.
#[derive(Clone, Debug)]
pub struct Sources {
    descs: Arc<Vec<Desc>>,
    of: Arc<Mutex<BTreeMap<SourceId, Figures>>>,
}

/// How a source stands and was asked. What nobody has said yet has no sample.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    answers: Option<Answers>,
    standing: Option<Standing>,
    is_left_alone: Option<bool>,
}

/// How often a source answered since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Everything was read and understood.
    pub complete: u64,
    /// There was a gap.
    pub partial: u64,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    is_up: bool,
    /// Seconds since 1970; 0 before the first.
    complete_at: f64,
    objects: usize,
}

impl Sources {
    /// Of no source yet.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let families: [Opts; FAMILIES] = [
            opts("source_observations_total", "Observations by result.", &["result"]),
            opts("source_up", "1 if the newest answer was complete.", &[]),
            opts(
                "source_last_complete_timestamp_seconds",
                "When the newest complete answer came; 0 before the first.",
                &[],
            ),
            opts("source_objects", "Objects in the newest complete answer.", &[]),
            opts("source_breaker_open", "1 while a source is left alone after repeated failures.", &[]),
        ];
        let descs: Result<Vec<Desc>, prometheus::Error> =
            families.iter().map(|family| family.describe()).collect();
        Ok(Self { descs: Arc::new(descs?), of: Arc::default() })
    }

    /// A source as it stands.
    pub fn show(&self, status: &SourceStatus) {
        let standing = Standing {
            is_up: status.coverage.is_complete(),
            complete_at: status.complete_at.map_or(0.0, |at| at.as_millisecond() as f64 / 1000.0),
            objects: status.objects,
        };
        self.lock().entry(status.source.clone()).or_default().standing = Some(standing);
    }

    /// A source answered, completely or not, and is left alone from now on or not.
    pub fn answered(&self, id: &SourceId, is_complete: bool, is_left_alone: bool) {
        let mut of = self.lock();
        let figures = of.entry(id.clone()).or_default();
        let answers = figures.answers.get_or_insert_default();
        match is_complete {
            true => answers.complete += 1,
            false => answers.partial += 1,
        }
        figures.is_left_alone = Some(is_left_alone);
    }

    /// How often it answered.
    pub fn answers(&self, id: &SourceId) -> Answers {
        self.lock().get(id).and_then(|figures| figures.answers).unwrap_or_default()
    }

    /// A source that is no longer configured.
    pub fn forget(&self, id: &SourceId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceId, Figures>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Sources {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples: [Vec<Metric>; FAMILIES] = Default::default();
        for (id, figures) in &*self.lock() {
            let name = id.to_string();
            let [answers, up, complete_at, objects, breaker] = &mut samples;
            if let Some(counted) = figures.answers {
                answers.push(counter(&name, "complete", counted.complete));
                answers.push(counter(&name, "partial", counted.partial));
            }
            if let Some(standing) = figures.standing {
                up.push(gauge(&name, f64::from(u8::from(standing.is_up))));
                complete_at.push(gauge(&name, standing.complete_at));
                objects.push(gauge(&name, standing.objects as f64));
            }
            breaker.extend(figures.is_left_alone.map(|open| gauge(&name, f64::from(u8::from(open)))));
        }
        let families = self.descs.iter().zip(samples);
        families
            .filter(|(_, samples)| !samples.is_empty())
            .map(|(desc, samples)| family(desc, samples))
            .collect()
    }
}

/// A figure with these labels, and that of the source.
fn opts(name: &str, help: &str, labels: &[&str]) -> Opts {
    let labels = labels.iter().copied().chain(["source"]).map(str::to_owned).collect();
    Maker::opts(name, help).variable_labels(labels)
}

fn family(desc: &Desc, samples: Vec<Metric>) -> MetricFamily {
    let is_counter = desc.fq_name.ends_with("_total");
    let mut family = MetricFamily::default();
    family.set_name(desc.fq_name.clone());
    family.set_help(desc.help.clone());
    family.set_field_type(if is_counter { MetricType::COUNTER } else { MetricType::GAUGE });
    family.set_metric(samples);
    family
}

fn counter(source: &str, result: &str, count: u64) -> Metric {
    let mut value = Counter::default();
    value.set_value(count as f64);
    let mut metric = Metric::from_label(vec![label("result", result), label("source", source)]);
    metric.set_counter(value);
    metric
}

fn gauge(source: &str, value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_label(vec![label("source", source)]);
    metric.set_gauge(gauge);
    metric
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

#[cfg(test)]
mod tests {
    use evenkeel_core::{Coverage, SourceKind};
    use prometheus::{Registry, TextEncoder};

    use super::*;

    fn status(id: &SourceId) -> SourceStatus {
        SourceStatus {
            source: id.clone(),
            host: None,
            coverage: Coverage::Complete,
            answered_at: None,
            complete_at: Some("2026-05-01T12:00:00.25Z".parse().unwrap()),
            blind_since: None,
            objects: 7,
            asking: None,
        }
    }

    fn text(sources: &Sources) -> String {
        let registry = Registry::new();
        registry.register(Box::new(sources.clone())).unwrap();
        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[test]
    fn a_source_has_six_samples_and_what_is_asked_no_more_has_none() {
        let sources = Sources::new().unwrap();
        let ids: Vec<SourceId> =
            (0..3).map(|n| SourceId::new(SourceKind::Docker, format!("box-{n}"))).collect();
        assert_eq!(text(&sources), "");
        for id in &ids {
            sources.show(&status(id));
            sources.answered(id, true, false);
            sources.answered(id, false, true);
        }
        let said = text(&sources);
        for line in [
            "# TYPE evenkeel_source_observations_total counter",
            r#"evenkeel_source_observations_total{result="complete",source="docker/box-1"} 1"#,
            r#"evenkeel_source_observations_total{result="partial",source="docker/box-1"} 1"#,
            "# HELP evenkeel_source_up 1 if the newest answer was complete.",
            "# TYPE evenkeel_source_up gauge",
            r#"evenkeel_source_up{source="docker/box-1"} 1"#,
            r#"evenkeel_source_last_complete_timestamp_seconds{source="docker/box-1"} 1777636800.25"#,
            r#"evenkeel_source_objects{source="docker/box-1"} 7"#,
            r#"evenkeel_source_breaker_open{source="docker/box-1"} 1"#,
        ] {
            assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
        }
        let samples = |said: &str| said.lines().filter(|line| line.contains("source=")).count();
        assert_eq!(samples(&said), 18);
        sources.forget(&ids[0]);
        assert_eq!(samples(&text(&sources)), 12);
        assert_eq!(sources.answers(&ids[1]), Answers { complete: 1, partial: 1 });
        assert_eq!(sources.answers(&ids[0]), Answers::default());
        ids.iter().for_each(|id| sources.forget(id));
        assert_eq!(text(&sources), "");
    }

    #[test]
    fn a_source_that_was_not_asked_yet_shows_how_it_stands_and_nothing_else() {
        let sources = Sources::new().unwrap();
        sources.show(&status(&SourceId::new(SourceKind::Docker, "box")));
        let said = text(&sources);
        assert_eq!(said.lines().filter(|line| line.contains("source=")).count(), 3, "{said}");
    }
}
