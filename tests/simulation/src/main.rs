//! `simulate`: replays one seed, or runs many.

use std::process::ExitCode;

use clap::Parser;
use evenkeel_simulation::many::many;
use evenkeel_simulation::run;
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// The product's own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Runs the controller in a simulated world.
#[derive(Parser)]
struct Args {
    /// Replays this seed and prints what happened; RUST_LOG=evenkeel=debug prints what the controller says as well.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs so many seeds instead.
    #[arg(long, env = "SEEDS", default_value_t = 100)]
    seeds: u64,
    /// From this one on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Goes on after a broken promise.
    #[arg(long)]
    all: bool,
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() -> std::io::Result<ExitCode> {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).without_time().init();
        let outcome = run::run(seed)?;
        println!("{}", outcome.report());
        return Ok(if outcome.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let broken = many(args.from, args.seeds, args.all, |outcome| println!("{}\n", outcome.report()))?;
    println!("{} seeds from {}: {} broke a promise {:?}", args.seeds, args.from, broken.len(), broken);
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
