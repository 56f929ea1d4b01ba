//! The engines of a fleet, spread over as many processes as the files they may open demand: each is a port and has a
//! connection that stays. Those of this process can be told to misbehave.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use evenkeel_lab::docker::{Container, DockerLab};

use super::{host_name, service_name, service_port};
use crate::Result;

/// The argument that makes this program a part of a fleet.
pub const SERVE: &str = "serve-engines";
/// How many one process holds: a listener, a stream and now and then a question each, below 20,000 files.
const HELD: usize = 5_000;

/// All engines by number.
pub(crate) struct Engines {
    here: Vec<DockerLab>,
    urls: Vec<String>,
    _elsewhere: Vec<Part>,
}

/// A process that holds some; it ends when its standard input does.
struct Part {
    child: Child,
    input: Option<ChildStdin>,
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends by itself; this only collects it.
        let _ = self.child.wait();
    }
}

impl Engines {
    pub(super) async fn start(hosts: usize, services: usize, one_in: usize) -> Result<Self> {
        let (mut here, mut urls, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..hosts.min(HELD) {
            let engine = running(n, services, one_in).await?;
            urls.push(engine.url());
            here.push(engine);
        }
        for from in (HELD..hosts).step_by(HELD) {
            let (part, its) = Part::start(from, (from + HELD).min(hosts), services, one_in)?;
            elsewhere.push(part);
            urls.extend(its);
        }
        Ok(Self { here, urls, _elsewhere: elsewhere })
    }

    /// Where each is.
    pub(crate) fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Those that can be told something.
    pub(crate) fn here(&self) -> &[DockerLab] {
        &self.here
    }
}

impl Part {
    fn start(from: usize, to: usize, services: usize, one_in: usize) -> Result<(Self, Vec<String>)> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .args([from, to, services, one_in].map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let urls: Vec<String> = output.lines().take(to - from).collect::<io::Result<_>>()?;
        if urls.len() != to - from {
            return Err(format!("only {} engines of {} were started", urls.len(), to - from).into());
        }
        Ok((Self { child, input }, urls))
    }
}

/// Serves engines of a fleet until standard input ends: their numbers from, up to, services of each, and every which of
/// them does not run.
pub fn serve(words: &[String]) -> Result<()> {
    let numbers: Vec<usize> = words.iter().map(|word| word.parse()).collect::<std::result::Result<_, _>>()?;
    let [from, to, services, one_in] = numbers.as_slice() else {
        return Err(format!("{SERVE} FROM TO SERVICES ONE_IN").into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut engines = Vec::new();
    let mut out = io::stdout().lock();
    for n in *from..*to {
        let engine = runtime.block_on(running(n, *services, *one_in))?;
        writeln!(out, "{}", engine.url())?;
        engines.push(engine);
    }
    out.flush()?;
    for line in io::stdin().lock().lines() {
        line?;
    }
    Ok(())
}

/// An engine that runs what is declared on its host, but for every so manyth service of the fleet (0: all run).
async fn running(n: usize, services: usize, one_in: usize) -> Result<DockerLab> {
    let engine = DockerLab::start(&host_name(n)).await?;
    // Of what has only just started, an engine is asked more: a fleet that was switched on this minute is another story.
    engine.set_clock(-3600);
    for k in 0..services {
        if one_in == 0 || !(n * services + k).is_multiple_of(one_in) {
            engine.run(container(n, k));
        }
    }
    engine.set_clock(0);
    Ok(engine)
}

/// The container that makes a declared service true.
pub(crate) fn container(n: usize, k: usize) -> Container {
    let (name, port) = (service_name(k), service_port(k));
    Container::compose(&host_name(n), &name)
        .named(&name)
        .image(&format!("lab/{name}:1.0"))
        .publish(port, port)
}
