//! Measurements that stand next to their floor: the least work that any implementation has to do, measured in the same
//! run on the same data, so that a busy machine shifts both. What lives here: rows, rounds, the table. What is
//! measured lives in one module per part.
//!
//! `cargo run --release -p evenkeel-benches [-- queue …]` prints the tables of all parts, or of those named.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

pub mod apart;
pub mod bare;
pub mod diff;
pub mod fleet;
pub mod latency;
pub mod memory;
pub mod netbox;
pub mod pages;
pub mod payload;
pub mod process;
pub mod queue;
pub mod reconcile;
pub mod resync;
pub mod scale;
pub mod soak;
mod stage;
pub mod stores;

/// What a part comes to.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One line of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The unit of both figures.
    pub unit: &'static str,
    /// Our figure.
    pub ours: f64,
    /// The floor's.
    pub floor: f64,
}

impl Row {
    /// A line of a table.
    pub fn new(name: impl Into<String>, unit: &'static str, (ours, floor): (f64, f64)) -> Self {
        Self { name: name.into(), unit, ours, floor }
    }

    /// How far from the floor we are; 1 is the floor itself, and nothing beside nothing is the floor, too.
    pub fn ratio(&self) -> f64 {
        if self.ours == self.floor { 1.0 } else { self.ours / self.floor }
    }
}

/// Nanoseconds per unit of two candidates: the least of `rounds` rounds, taken in turns, after one round each that
/// does not count.
pub fn in_turns(rounds: u32, units: usize, mut ours: impl FnMut(), mut floor: impl FnMut()) -> (f64, f64) {
    let mut best = (f64::MAX, f64::MAX);
    ours();
    floor();
    for _ in 0..rounds {
        best.0 = best.0.min(time(units, &mut ours));
        best.1 = best.1.min(time(units, &mut floor));
    }
    best
}

fn time(units: usize, work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    black_box(());
    start.elapsed().as_secs_f64() * 1e9 / units as f64
}

/// The value below which this share of the values lies.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).ceil() as usize).copied().unwrap_or(f64::NAN)
}

/// Writes a titled table in Markdown, ratios first.
pub fn print(out: &mut impl Write, title: &str, rows: &[Row]) -> io::Result<()> {
    let width = rows.iter().map(|row| row.name.chars().count()).chain([title.len()]).max().unwrap_or(0);
    writeln!(out, "| {title:width$} | {:>8} | {:>10} | {:>10} | {:13} |", "ratio", "ours", "floor", "unit")?;
    writeln!(out, "| {:-<width$} | {:->7}: | {:->9}: | {:->9}: | {:-<13} |", "", "", "", "", "")?;
    for row in rows {
        let (ratio, ours, floor) = (figure(row.ratio()), figure(row.ours), figure(row.floor));
        let (name, unit) = (&row.name, row.unit);
        writeln!(out, "| {name:width$} | {ratio:>8} | {ours:>10} | {floor:>10} | {unit:13} |")?;
    }
    writeln!(out)
}

/// Three digits that matter, and no more.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v < 0.01 => format!("{value:.5}"),
        v if v < 1.0 => format!("{value:.3}"),
        v if v < 10.0 => format!("{value:.2}"),
        v if v < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_ours_the_floor_and_their_ratio() {
        let row = Row::new("burst", "ns/key", (30.0, 20.0));
        let mut out = Vec::new();
        print(&mut out, "queue", &[row]).unwrap();
        let text = String::from_utf8(out).unwrap();
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split('|').map(str::trim).filter(|word| !word.is_empty()).collect())
            .collect();
        assert_eq!(words[0], ["queue", "ratio", "ours", "floor", "unit"]);
        assert_eq!(words[2], ["burst", "1.50", "30.0", "20.0", "ns/key"]);
    }

    #[test]
    fn nothing_beside_nothing_is_the_floor() {
        assert_eq!(Row::new("allocations", "", (0.0, 0.0)).ratio(), 1.0);
        assert_eq!(Row::new("allocations", "", (1.0, 0.0)).ratio(), f64::INFINITY);
    }

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let values = [3.0, 1.0, 2.0, 4.0];
        assert_eq!(quantile(&values, 0.5), 3.0);
        assert_eq!(quantile(&values, 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
