//! What the process uses and what waits in it, looked at again and again. What does not live here: what is told.

use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use super::churn::Churn;
use crate::apart::Program;
use crate::{Result, Row};

/// The upper bound of a bucket: who waited longer on the queue, waited long.
const LONG: &str = "le=\"1\"";

/// One look.
struct Sample {
    at: Duration,
    mib: f64,
    files: usize,
    threads: usize,
    queued: f64,
    outbox_age: f64,
}

/// All of them.
pub(super) struct Samples {
    all: Vec<Sample>,
    cpu: f64,
    looked: Instant,
    /// Passes that waited long, and all, at the first look and at the last.
    waited: Option<[(f64, f64); 2]>,
}

impl Samples {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), cpu: 0.0, looked: Instant::now(), waited: None }
    }

    /// Looks, and says what it sees in one line.
    pub(super) fn look(
        &mut self,
        program: &Program,
        begun: Instant,
        arrivals: &mut Arrivals,
        churn: &Churn,
    ) -> Result<String> {
        let process = program.process();
        let metrics = program.metrics().map_err(|error| format!("{error}; it said: {}", program.said()))?;
        let figure = |name: &str| Program::figure(&metrics, name, &[]);
        let sample = Sample {
            at: begun.elapsed(),
            mib: process.resident_mib()?,
            files: process.open_files()?,
            threads: process.threads()?,
            queued: figure("evenkeel_workqueue_depth"),
            outbox_age: figure("evenkeel_outbox_oldest_seconds"),
        };
        let cpu = process.cpu_seconds()?;
        let share = (cpu - self.cpu) / self.looked.elapsed().as_secs_f64() * 100.0;
        (self.cpu, self.looked) = (cpu, Instant::now());
        let all = figure("evenkeel_workqueue_queue_duration_seconds_count");
        let quick = Program::figure(&metrics, "evenkeel_workqueue_queue_duration_seconds_bucket", &[LONG]);
        let first = self.waited.map_or((all - quick, all), |[first, _]| first);
        let waited = (all - quick - first.0, all - first.1);
        self.waited = Some([first, (all - quick, all)]);
        let line = format!(
            "{:>6.0} s  {:>6.1} MiB  {:>5} files  {:>2} threads  {share:>4.0} % cpu  {:>3} queued  {:>5} passes waited \
             over 1 s of {:>7}  outbox {:>4} oldest {:>5.1} s  {:>4} told  {:>6} changes",
            sample.at.as_secs_f64(),
            sample.mib,
            sample.files,
            sample.threads,
            sample.queued,
            waited.0,
            waited.1,
            figure("evenkeel_outbox_depth"),
            sample.outbox_age,
            arrivals.fresh(),
            churn.changes.len(),
        );
        self.all.push(sample);
        Ok(line)
    }

    /// What they come to, the warm-up left out.
    pub(super) fn rows(&self, warm_up: Duration) -> Result<Vec<Row>> {
        let after: Vec<&Sample> = self.all.iter().filter(|sample| sample.at >= warm_up).collect();
        let range = |of: fn(&Sample) -> f64| {
            let values = || after.iter().map(|sample| of(sample));
            let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
            Some((most, least))
        };
        let waited = self.waited.map(|[first, last]| (last.0 - first.0, last.1 - first.1));
        let rows = [
            ("memory after the warm-up, most (least beside it)", "MiB", range(|sample| sample.mib)),
            ("files open after the warm-up, most (least)", "files", range(|sample| sample.files as f64)),
            ("threads after the warm-up, most (least)", "threads", range(|sample| sample.threads as f64)),
            ("subjects queued, most (least)", "subjects", range(|sample| sample.queued)),
            ("age of the oldest event undelivered, most (least)", "s", range(|sample| sample.outbox_age)),
            ("passes since the start that waited over 1 s (beside it: all)", "passes", waited),
        ];
        rows.into_iter()
            .map(|(name, unit, figures)| {
                let figures = figures.ok_or("no look after the warm-up: it was too short")?;
                Ok(Row::new(name, unit, figures))
            })
            .collect()
    }
}
