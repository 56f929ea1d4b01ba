//! Every argument of every command.

mod color;
mod health;
mod init;
mod silence;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use evenkeel_core::{EventType, Severity};
use evenkeel_store::JournalKind;
use evenkeel_web::{Level, Scope};
use jiff::Timestamp;

pub(crate) use color::Color;
pub(crate) use health::HealthOptions;
pub(crate) use init::InitOptions;
pub(crate) use silence::{AckOptions, MakeOptions, SilenceCommand, SilenceOptions, SilencesOptions};

/// Says what should exist, what does exist, and keeps telling the difference.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, about, long_about = None, max_term_width = 110)]
pub(crate) struct Args {
    /// The configuration [default: ./evenkeel.toml, then /etc/evenkeel/evenkeel.toml]
    #[arg(long, short, global = true, env = "EVENKEEL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,

    /// Log more: -v debug, -vv trace
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask NetBox what there is, and write a configuration for it
    #[command(
        after_help = "Asks on a terminal what no option says; elsewhere it asks nothing. Ends as `doctor` does."
    )]
    Init(Box<InitOptions>),
    /// Read the configuration and say everything that is wrong with it
    Check,
    /// Prove reach and rights of every source and destination, and print the fingerprints to pin
    Doctor,
    /// Compare everything once and print the differences; writes nothing
    #[command(
        after_help = "Exit codes: 0 in sync and complete, 1 drift, 2 failed, 3 no drift seen but a scope is blind."
    )]
    Diff(DiffOptions),
    /// Keep comparing, remembering and telling until stopped (SIGHUP reads the configuration again)
    Run,
    /// Run the controller on a simulated homelab and play a few incidents
    Demo(DemoOptions),
    /// Ask whether the evenkeel of this machine lives: for the health check of a container
    #[command(after_help = "Exit codes: 0 it lives, 1 it does not, 2 it is not known where to ask.")]
    Health(HealthOptions),
    /// Tell everything about one drift
    Explain(ExplainOptions),
    /// List what happened, newest last
    Events(EventsOptions),
    /// List what was decided and done, newest last
    Journal(JournalOptions),
    /// Copy the SQLite database into a new file while the controller runs
    Backup(BackupOptions),
    /// Write events and snapshots as JSON Lines
    Export(ExportOptions),
    /// Show what is proposed, decide about it, or say what would run now
    #[command(subcommand)]
    Repairs(RepairsCommand),
    /// Keep something quiet for a while, or list and end what is
    #[command(
        after_help = "The controller that runs does it; EVENKEEL_TOKEN holds your API token where it wants to know who asks."
    )]
    Silence(SilenceOptions),
    /// Say that you know: a drift is kept quiet until it is resolved, at most for `longest_silence`
    Ack(AckOptions),
    /// Make a password's hash: asks for the password and prints the lines to paste into the configuration
    Passwd(PasswdOptions),
    /// Make a token: prints it once, and the lines with its hash
    Token(TokenOptions),
    /// Say who is told, or try whether it arrives
    #[command(subcommand)]
    Sink(SinkCommand),
    /// Write a shell's completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, one for each command
    Man {
        /// The folder they are written into
        folder: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct DiffOptions {
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// Only these hosts (globs)
    #[arg(value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// Also show what ignore rules accept
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoOptions {
    /// Keep running after the incidents, until stopped
    #[arg(long)]
    pub(crate) stay: bool,
    /// Where the API listens
    #[arg(long, default_value = "127.0.0.1:9797", value_name = "ADDRESS")]
    pub(crate) listen: std::net::SocketAddr,
    /// Keep the database here instead of in memory
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Write a configuration for this homelab, to try the other commands on it (with --stay)
    #[arg(long, value_name = "FILE")]
    pub(crate) save_config: Option<PathBuf>,
    /// Skip the incidents
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Speak as this NetBox
    #[arg(long, default_value = "4.5", value_name = "VERSION")]
    pub(crate) netbox: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainOptions {
    /// The drift's handle, as `diff`, `events` and every webhook show it
    pub(crate) handle: String,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = TextOrJson::Table)]
    pub(crate) output: TextOrJson,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsOptions {
    /// Only these types (older names are understood)
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type, value_delimiter = ',')]
    pub(crate) types: Vec<EventType>,
    /// Only of this severity or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) severity: Option<Severity>,
    /// Only on this host
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Only about this service
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Only since then: a moment (2026-11-21T08:00:00Z) or an age (2h, 7d)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = EventsFormat::Table)]
    pub(crate) output: EventsFormat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JournalOptions {
    /// Only these kinds: decision, task, action, log
    #[arg(long = "kind", value_name = "KIND", value_parser = journal_kind, value_delimiter = ',')]
    pub(crate) kinds: Vec<JournalKind>,
    /// Only about this host
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Only about the drift with this handle
    #[arg(long, value_name = "HANDLE")]
    pub(crate) handle: Option<String>,
    /// Only since then: a moment (2026-11-21T08:00:00Z) or an age (2h, 7d)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = EventsFormat::Table)]
    pub(crate) output: EventsFormat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupOptions {
    /// The new file; one that exists is never written over
    pub(crate) file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportOptions {
    /// Only since then: a moment (2026-11-21T08:00:00Z) or an age (2h, 7d)
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// JSON Lines, the only form there is
    #[arg(long, hide = true)]
    pub(crate) jsonl: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RepairsCommand {
    /// List proposals, newest last
    List(ProposalsOptions),
    /// Tell everything about one proposal
    Show {
        /// Its handle or key
        proposal: String,
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = TextOrJson::Table)]
        output: TextOrJson,
    },
    /// Say what would run now, and what holds the rest back; changes nothing
    Rehearse {
        /// The form of the output
        #[arg(long, short, value_enum, default_value_t = TextOrJson::Table)]
        output: TextOrJson,
    },
    /// Consent to a proposal: it runs as soon as nothing holds it back
    Approve {
        /// Its handle or key
        proposal: String,
        #[command(flatten)]
        word: Word,
    },
    /// Decline a proposal: it is not asked again until the drift ends
    Reject {
        /// Its handle or key
        proposal: String,
        #[command(flatten)]
        word: Word,
    },
    /// Stop all repairs at once; what runs is not recalled
    Halt(Word),
    /// Let repairs go on after a halt
    Resume(Word),
    /// Release the brake; what has begun until now is not counted again
    Release(Word),
}

#[derive(Debug, clap::Args)]
pub(crate) struct PasswdOptions {
    /// What they log in with
    #[arg(default_value = "admin")]
    pub(crate) name: String,
    /// What they may do: viewer, operator, approver, admin
    #[arg(long, default_value = "admin", value_name = "ROLE", value_parser = role)]
    pub(crate) role: Level,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TokenOptions {
    /// What it is for; the journal has it with everything it does
    pub(crate) name: String,
    /// What it may do: viewer, operator, approver, admin
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) role: Level,
    /// Only these parts of its role: read, silence, resend, decide, metrics
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope, value_delimiter = ',')]
    pub(crate) scopes: Vec<Scope>,
    /// How long it opens anything: 90d, 12h [default: for good]
    #[arg(long, value_name = "DURATION", value_parser = crate::config::duration)]
    pub(crate) expires: Option<std::time::Duration>,
}

/// Who decides, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct Word {
    /// Why; the journal keeps it
    #[arg(long, short, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,
    /// As which [[remediation.approver]] [default: the only one there is]
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) who: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProposalsOptions {
    /// Also those that are over
    #[arg(long)]
    pub(crate) all: bool,
    /// Only on this host
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = TextOrJson::Table)]
    pub(crate) output: TextOrJson,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SinkCommand {
    /// List every sink, where it is, and what waits for it
    List(SinkListOptions),
    /// Send one clearly marked test to one sink
    #[command(after_help = "Exit codes: 0 the sink took it, 2 it did not.")]
    Test {
        /// The sink's name in the configuration
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct SinkListOptions {
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = TextOrJson::Table)]
    pub(crate) output: TextOrJson,
}

/// The forms of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Jsonl,
    Markdown,
    Junit,
}

/// For people or for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    Table,
    Json,
}

/// The forms of a list of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventsFormat {
    Table,
    Json,
    Jsonl,
}

fn event_type(text: &str) -> Result<EventType, String> {
    EventType::parse(text).ok_or_else(|| {
        let known: Vec<&str> = EventType::ALL.into_iter().map(EventType::code).collect();
        format!("not an event type; there are {}", known.join(", "))
    })
}

fn journal_kind(text: &str) -> Result<JournalKind, String> {
    JournalKind::parse(&text.to_ascii_lowercase())
        .ok_or_else(|| "not a kind; there are decision, task, action, log".to_owned())
}

fn role(text: &str) -> Result<Level, String> {
    let known = || Level::ALL.map(Level::as_str).join(", ");
    let found = Level::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("not a role; there are {}", known()))
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    let found = Scope::ALL.into_iter().find(|scope| scope.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("not a scope; there are {}", known()))
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text)
        .ok_or_else(|| "not a severity; there are info, low, medium, high, critical".to_owned())
}

/// A moment, or an age counted back from now.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    // Days are 24 hours here: an age has no calendar.
    let age: jiff::Span =
        text.parse().map_err(|_| "neither a moment (2026-11-21T08:00:00Z) nor an age (2h, 7d)".to_owned())?;
    let seconds = age
        .total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours()))
        .map_err(|error| error.to_string())?;
    let age = jiff::SignedDuration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    Timestamp::now().checked_sub(age).map_err(|error| error.to_string())
}
