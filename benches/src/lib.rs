//! Measurements that stand next to their floor: the least work that any implementation has to do, measured in the same
//! run on the same data, so that a busy machine shifts both. What lives here: rows, rounds, the table. What is
//! measured lives in one module per part.
//!
//! `cargo run --release -p evenkeel-benches [-- queue …]` prints the tables of all parts, or of those named.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

pub mod queue;

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
    /// How far from the floor we are; 1 is the floor itself.
    pub fn ratio(&self) -> f64 {
        self.ours / self.floor
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

/// Bytes of memory this process occupies; `None` where `/proc` does not say.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Writes a titled table.
pub fn print(out: &mut impl Write, title: &str, rows: &[Row]) -> io::Result<()> {
    let width = rows
        .iter()
        .map(|row| row.name.len())
        .chain([title.len()])
        .max()
        .unwrap_or(0);
    writeln!(
        out,
        "{title:width$} {:>10} {:>10} {:>7}",
        "ours", "floor", "ratio"
    )?;
    for row in rows {
        let Row {
            name,
            unit,
            ours,
            floor,
        } = row;
        writeln!(
            out,
            "{name:width$} {ours:>10.1} {floor:>10.1} {:>6.2}x  {unit}",
            row.ratio()
        )?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_ours_the_floor_and_their_ratio() {
        let row = Row {
            name: "burst".into(),
            unit: "ns/key",
            ours: 30.0,
            floor: 20.0,
        };
        let mut out = Vec::new();
        print(&mut out, "queue", &[row]).unwrap();
        let text = String::from_utf8(out).unwrap();
        let words: Vec<Vec<&str>> = text
            .lines()
            .take(2)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(words[0], ["queue", "ours", "floor", "ratio"]);
        assert_eq!(words[1], ["burst", "30.0", "20.0", "1.50x", "ns/key"]);
    }
}
