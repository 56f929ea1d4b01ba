//! Two hours of evenkeel beside a fleet in which things go on happening and go wrong: whether it holds more and more, falls
//! behind, loses anything, or says anything twice. Its process is its own; fleet, NetBox and receiver are in this one.
//!
//! `churn` changes the fleet, `faults` breaks it, `arrivals` holds what was to be heard against what was, `readings` says what
//! could be seen, `samples` looks at the process.

mod arrivals;
mod churn;
mod faults;
mod readings;
mod samples;

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::apart::{Manner, Program, Yard};
use crate::{Result, Row, print, process};
use arrivals::Arrivals;
use churn::Churn;
use faults::Faults;
use readings::Readings;
use samples::Samples;

/// The word on the command line.
pub const SOAK: &str = "soak";
/// Services of a host.
const SERVICES: usize = 5;
/// How often something changes.
const EVERY: Duration = Duration::from_millis(250);
/// How often the process is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// The first part of the time in which memory may grow. Of two hours it is the one in which what was resolved is kept
/// (`policy.flap.window`).
const WARM_UP: f64 = 1.0 / 2.0;
/// How long everything may take to be as it should be again.
const CALM: Duration = Duration::from_secs(600);

/// How long and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Size {
    minutes: f64,
    hosts: usize,
}

impl Size {
    fn of(words: &[String]) -> Result<Self> {
        let mut size = Self { minutes: 120.0, hosts: 2000 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            match word.as_str() {
                "--minutes" => size.minutes = value.parse()?,
                "--hosts" => size.hosts = value.parse()?,
                _ => return Err(format!("{SOAK} [--minutes 120] [--hosts 2000]; there is no {word}").into()),
            }
        }
        Ok(size)
    }
}

/// Runs it and prints a line for every look, and what it comes to. An error where anything was lost, doubled or wrong.
pub fn run(words: &[String]) -> Result<()> {
    let size = Size::of(words)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(soak(size))
}

async fn soak(size: Size) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", process::machine())?;
    let folder = tempfile::tempdir()?;
    let yard = Yard::start(size.hosts, SERVICES, 0).await?;
    let program = yard.watched(folder.path(), &manner()).await?;
    let cold = program.complete(size.hosts, CALM).await?;
    let (hosts, services) = (size.hosts, size.hosts * SERVICES);
    writeln!(out, "{hosts} hosts, {services} services, complete after {:.1} s", cold.as_secs_f64())?;

    let (mut churn, mut faults) = (Churn::new(size.hosts, SERVICES), Faults::default());
    let (mut arrivals, mut samples) = (Arrivals::default(), Samples::new());
    let mut readings = Readings::default();
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(size.minutes * 60.0);
    let (mut tick, mut look) = (tokio::time::interval(EVERY), tokio::time::interval(LOOK));
    // What began lasts as long as it was to: what nobody had time to see need not be told.
    while Instant::now() < end || churn.is_under_way() {
        tokio::select! {
            _ = tick.tick() => {
                readings.step(yard.netbox.take_log().len(), faults.netbox_answers());
                let goes_on = Instant::now() < end;
                if goes_on {
                    faults.step(&yard, &mut churn).await?;
                } else {
                    faults.heal(&yard).await?;
                }
                churn.step(&yard, faults.is_on(), goes_on)?;
            }
            arrived = yard.receiver.next() => arrivals.take(&arrived.ok_or("the receiver ended")?)?,
            _ = look.tick() => {
                let line = samples.look(&program, begun, &mut arrivals, &churn)?;
                writeln!(out, "{line} {}", faults.name())?;
            }
        }
    }
    writeln!(out, "everything is whole again")?;
    let healed = Instant::now();
    until_calm(&program, &yard, &mut arrivals).await?;
    writeln!(out, "calm {:.1} s later\n", healed.elapsed().as_secs_f64())?;
    report(&mut out, &samples, &churn, &arrivals, &faults, &readings, size)?;
    let status = program.stop().await?;
    if !status.success() {
        return Err(format!("evenkeel ended with {status}").into());
    }
    Ok(())
}

/// As shipped, but that what is seen again is believed a second later and not ten: the waiting is not what is looked at.
fn manner() -> Manner {
    let lines = "[schedule]\nrecheck = \"1s\"\n\n[log]\nlevel = \"warn\"\n".to_owned();
    Manner { lines, variables: Vec::new() }
}

/// Waits until nothing is open and nothing waits to be told.
async fn until_calm(program: &Program, yard: &Yard, arrivals: &mut Arrivals) -> Result<()> {
    let begun = Instant::now();
    loop {
        take_in(yard, arrivals).await?;
        let open = program.json("/api/v1/drifts?limit=1000")?;
        let left = open["items"].as_array().ok_or("no list of drifts")?.len();
        let waits = Program::figure(&program.metrics()?, "evenkeel_outbox_depth", &[]);
        if left == 0 && waits == 0.0 {
            // The last of them may have come while this was asked.
            return take_in(yard, arrivals).await;
        }
        if begun.elapsed() > CALM {
            let text: String = open.to_string().chars().take(3000).collect();
            return Err(format!("{left} drifts stay open, {waits} events undelivered: {text}").into());
        }
    }
}

/// Whatever arrives, until nothing does.
async fn take_in(yard: &Yard, arrivals: &mut Arrivals) -> Result<()> {
    while let Ok(Some(arrived)) = tokio::time::timeout(Duration::from_millis(200), yard.receiver.next()).await
    {
        arrivals.take(&arrived)?;
    }
    Ok(())
}

fn report(
    out: &mut std::io::Stdout,
    samples: &Samples,
    churn: &Churn,
    arrivals: &Arrivals,
    faults: &Faults,
    readings: &Readings,
    size: Size,
) -> Result<()> {
    let warm_up = Duration::from_secs_f64(size.minutes * 60.0 * WARM_UP);
    let mut rows = samples.rows(warm_up)?;
    let verdict = arrivals.against(churn, faults, readings);
    rows.push(Row::new("changes that were to be told", "changes", (churn.told() as f64, 0.0)));
    rows.push(Row::new("… that nobody was told of (goal)", "events", (verdict.lost.len() as f64, 0.0)));
    rows.push(Row::new("… taken by the receiver twice (goal)", "events", (verdict.twice.len() as f64, 0.0)));
    rows.push(Row::new("told without a reason (goal)", "events", (verdict.wrong.len() as f64, 0.0)));
    let unseen = "NetBox edits undone before NetBox was read twice, and not told";
    rows.push(Row::new(unseen, "edits", (verdict.unseen as f64, 0.0)));
    rows.push(Row::new("faults", "faults", (faults.count() as f64, 0.0)));
    rows.extend(arrivals.lags(churn));
    print(out, SOAK, &rows)?;
    let bad: Vec<String> = [verdict.lost, verdict.twice, verdict.wrong].concat();
    if !bad.is_empty() {
        return Err(bad.join("\n").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_size_are_asked_for_in_words() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(Size::of(&[]).unwrap(), Size { minutes: 120.0, hosts: 2000 });
        let asked = Size::of(&words("--hosts 20 --minutes 0.5")).unwrap();
        assert_eq!(asked, Size { minutes: 0.5, hosts: 20 });
        assert!(Size::of(&words("--hours 1")).is_err());
        assert!(Size::of(&words("--hosts")).is_err());
    }
}
