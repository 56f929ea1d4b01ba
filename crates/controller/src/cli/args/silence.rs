//! The arguments of `silence` and `ack`.

use clap::Subcommand;
use evenkeel_core::EventType;
use jiff::Timestamp;

use super::{TextOrJson, event_type};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct SilenceOptions {
    #[command(subcommand)]
    pub(crate) command: Option<SilenceCommand>,
    #[command(flatten)]
    pub(crate) make: MakeOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SilenceCommand {
    /// List silences, newest last
    List(SilencesOptions),
    /// End a silence before its time
    End {
        /// Its name
        name: String,
        /// Why; the journal keeps it
        #[arg(long, short, default_value = "", value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct MakeOptions {
    /// The drift's handle, as `diff`, `events` and every webhook show it
    #[arg(value_name = "HANDLE", conflicts_with_all = ["hosts", "services", "types"])]
    pub(crate) drift: Option<String>,
    /// Instead of one drift: on these hosts (globs)
    #[arg(long = "host", value_name = "HOST", value_delimiter = ',')]
    pub(crate) hosts: Vec<String>,
    /// Of these services (globs)
    #[arg(long = "service", value_name = "SERVICE", value_delimiter = ',')]
    pub(crate) services: Vec<String>,
    /// Of these types; that something cannot be seen is silenced only if its type is named
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type, value_delimiter = ',')]
    pub(crate) types: Vec<EventType>,
    /// How long: 2h, 90m, 7d
    #[arg(long = "for", value_name = "SPAN", required_unless_present = "until", conflicts_with = "until")]
    pub(crate) lasts: Option<String>,
    /// Until when: a moment (2026-12-24T18:00:00Z)
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Timestamp>,
    /// Why; whoever finds it later wants to know
    #[arg(long, short, value_name = "TEXT", required = true)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AckOptions {
    /// The drift's handle, as `diff`, `events` and every webhook show it
    #[arg(value_name = "HANDLE")]
    pub(crate) drift: String,
    /// Why; whoever finds it later wants to know
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SilencesOptions {
    /// Also those that are over
    #[arg(long)]
    pub(crate) all: bool,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// The form of the output
    #[arg(long, short, value_enum, default_value_t = TextOrJson::Table)]
    pub(crate) output: TextOrJson,
}
