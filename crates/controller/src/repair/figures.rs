//! What Prometheus sees of repairs. Every label is bounded by the configuration or by an enum.

use std::collections::HashMap;

use evenkeel_core::remediation::{Code, Controls, Plan, Proposal, Reason, State};
use jiff::Timestamp;
use prometheus::{Gauge, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use crate::metrics::Maker;

/// The figures of repairs.
#[derive(Clone, Debug)]
pub struct Figures {
    proposals: IntGaugeVec,
    held: IntGaugeVec,
    steps: IntCounterVec,
    requests: IntCounterVec,
    braked: IntGauge,
    halted: IntGauge,
    oldest_waiting: Gauge,
}

impl Figures {
    /// Creates and registers every figure, with every label value that is known in advance at zero.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let maker = Maker(registry);
        let figures = Self {
            proposals: maker.gauges(
                "proposals",
                "Proposals that are not over, and those over that still count against a bound, by state.",
                &["state"],
            )?,
            held: maker.gauges(
                "repairs_held",
                "Drifts and proposals that wait at this moment, by what holds them back.",
                &["reason"],
            )?,
            steps: maker.counters(
                "repair_steps_total",
                "What happened to proposals and controls.",
                &["code"],
            )?,
            requests: maker.counters(
                "repair_requests_total",
                "Attempts to send a request, by result.",
                &["action", "result"],
            )?,
            braked: maker
                .gauge("repair_brake_engaged", "1 while nothing is dispatched because too much drifts.")?,
            halted: maker.gauge("repair_halted", "1 while a person has stopped all repairs.")?,
            oldest_waiting: maker.float(
                "repair_oldest_unapproved_seconds",
                "Age of the oldest proposal that waits for a person; 0 if none does.",
            )?,
        };
        for word in State::WORDS {
            figures.proposals.with_label_values(&[word]);
        }
        for word in Reason::WORDS {
            figures.held.with_label_values(&[word]);
        }
        for code in Code::ALL {
            figures.steps.with_label_values(&[code.as_str()]);
        }
        Ok(figures)
    }

    /// An action that is configured: its figures are there before its first request.
    pub fn expect(&self, action: &str) {
        for result in ["accepted", "retried", "refused"] {
            self.requests.with_label_values(&[action, result]);
        }
    }

    /// An attempt to send ended.
    pub fn sent(&self, action: &str, result: &str) {
        self.requests.with_label_values(&[action, result]).inc();
    }

    /// Something was written down.
    pub fn noted(&self, code: Code) {
        self.steps.with_label_values(&[code.as_str()]).inc();
    }

    /// How things stand. `plan`: what the newest look showed, if there was one.
    pub fn show(&self, proposals: &[Proposal], controls: &Controls, plan: Option<&Plan>, now: Timestamp) {
        let mut by_state: HashMap<&str, i64> = HashMap::new();
        for proposal in proposals {
            *by_state.entry(proposal.state().as_str()).or_default() += 1;
        }
        for word in State::WORDS {
            self.proposals.with_label_values(&[word]).set(by_state.get(word).copied().unwrap_or(0));
        }
        let mut by_reason: HashMap<&str, i64> = HashMap::new();
        for held in plan.iter().flat_map(|plan| &plan.held) {
            *by_reason.entry(held.reason.as_str()).or_default() += 1;
        }
        for word in Reason::WORDS {
            self.held.with_label_values(&[word]).set(by_reason.get(word).copied().unwrap_or(0));
        }
        let brake = plan.map_or(&controls.brake, |plan| &plan.brake);
        self.braked.set(i64::from(brake.engaged.is_some()));
        self.halted.set(i64::from(controls.halt.is_some()));
        let unapproved = proposals.iter().filter(|proposal| matches!(proposal.state(), State::Proposed));
        let oldest = unapproved.map(|proposal| proposal.created_at).min();
        self.oldest_waiting.set(oldest.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0)));
    }
}
