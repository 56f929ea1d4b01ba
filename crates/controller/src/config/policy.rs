//! `[policy]`: how to compare, when to believe, what is too much at once. What does not live here: the rules of the
//! operator about particular things, see [`super::rules`].

use std::time::Duration;

use evenkeel_core::policy::{Brake, Confirm, FirstRun, Flap, Policy, confirm::Window};
use evenkeel_core::{EventType, PortRule, Rules};

use super::key::{Key, Section, meant};
use super::machines;
use super::table::{Table, Value};
use super::value::{OrNever, Read, at_least, some_time, word};

const PORTS: Key = Key::with_default(
    "ports",
    "`exact` or `subset`",
    "\"exact\"",
    "`exact`: declared and published ports are the same set. `subset`: every declared port is published, and more may be.",
);
const RESTART_LOOP: Key = Key::with_default(
    "restart_loop",
    "number",
    "3",
    "From how many unasked-for restarts within `restart_window` a service is in a restart loop.",
);
const NOT_CONTAINERS: Key = Key::with_default(
    "not_containers",
    "list of names",
    "[\"ssh\", \"sshd\", \"rdp\", \"winrm\", \"smb\", \"nfs\", \"snmp\", \"ntp\", \"cockpit\", \"webmin\", \"proxmox-ui\", \
     \"truenas-ui\", \"pve\", \"ipmi\"]",
    "Declared services that never are containers; an engine that does not show them proves nothing. Replaces the list.",
);
const FIRST_RUN: Key = Key::with_default(
    "first_run",
    "`announce` or `baseline`",
    "\"announce\"",
    "What the first complete pass over a host does with what it finds, and the first one with what a new source shows of \
     it: announce it like anything else, or take it as the baseline that is shown and sent to nobody.",
);
const REMIND_AFTER: Key = Key::with_default(
    "remind_after",
    "duration or `never`",
    "\"never\"",
    "How often a drift that stays open is said again.",
);
const LONGEST_SILENCE: Key = Key::with_default(
    "longest_silence",
    "duration",
    "\"90d\"",
    "How long a silence may last that somebody makes at run time, and an acknowledgement at most. Those of the \
     configuration last as long as they say.",
);
const CONFIRM: Key = Key::optional("confirm", "table", "its defaults", "See `[policy.confirm]`.");
const FLAP: Key = Key::optional("flap", "table", "its defaults", "See `[policy.flap]`.");
const BRAKE: Key = Key::optional("brake", "table", "its defaults", "See `[policy.brake]`.");
const MACHINES: Key = Key::optional("machines", "table", "its defaults", "See `[policy.machines]`.");
const LIMITS: Key = Key::optional("limits", "table", "its defaults", "See `[policy.limits]`.");

/// `[policy]`.
pub(super) const SECTION: Section = Section {
    header: "[policy]",
    doc: "How both truths are compared, and when a difference is believed.",
    keys: &[
        &PORTS,
        &RESTART_LOOP,
        &NOT_CONTAINERS,
        &FIRST_RUN,
        &REMIND_AFTER,
        &LONGEST_SILENCE,
        &CONFIRM,
        &FLAP,
        &BRAKE,
        &MACHINES,
        &LIMITS,
    ],
    inherits: &[],
};

const OPEN_AFTER: Key = Key::with_default(
    "open_after",
    "number",
    "2",
    "A difference is believed after this many distinct observations of it …",
);
const OPEN_AFTER_TIME: Key = Key::with_default(
    "open_after_time",
    "duration",
    "\"60s\"",
    "… or when observations showing it span this long.",
);
const RESOLVE_AFTER: Key = Key::with_default(
    "resolve_after",
    "number",
    "2",
    "Its end is believed after this many distinct observations without it.",
);
const BY_TYPE: Key = Key::optional(
    "by_type",
    "table",
    "every type is confirmed alike",
    "Another confirmation for particular event types: `[policy.confirm.by_type.PORT_MISMATCH]` with the three keys \
     above; those not written are as above.",
);

/// `[policy.confirm]`.
pub(super) const CONFIRM_SECTION: Section = Section {
    header: "[policy.confirm]",
    doc: "When a difference is believed, and when its end is. One observation is never enough unless it is told to be: \
          set both counts to 1 for speed instead of calm.",
    keys: &[&OPEN_AFTER, &OPEN_AFTER_TIME, &RESOLVE_AFTER, &BY_TYPE],
    inherits: &[],
};

const ONE_TYPE: Section = Section {
    header: "[policy.confirm.by_type.…]",
    doc: "",
    keys: &[&OPEN_AFTER, &OPEN_AFTER_TIME, &RESOLVE_AFTER],
    inherits: &[],
};

const TRANSITIONS: Key = Key::with_default(
    "transitions",
    "number",
    "6",
    "Opened or resolved this often within `window`, a drift is flapping.",
);
const WINDOW: Key = Key::with_default("window", "duration", "\"1h\"", "The time looked back over.");
const QUIET: Key = Key::with_default(
    "quiet",
    "duration",
    "\"10m\"",
    "A flapping drift resolves once it has been gone for this long.",
);

/// `[policy.flap]`.
pub(super) const FLAP_SECTION: Section = Section {
    header: "[policy.flap]",
    doc: "When a drift that comes and goes is held open instead of being announced again and again.",
    keys: &[&TRANSITIONS, &WINDOW, &QUIET],
    inherits: &[],
};

const SHARE: Key = Key::with_default(
    "share",
    "number from 0 to 1",
    "0.1",
    "The share of what must be there that a source may lose within `window`. Of everything it shows, declared or not, half \
     may go at once, or this share if it is larger.",
);
const ALLOWANCE: Key =
    Key::with_default("allowance", "number", "4", "Losses up to this number are always plausible.");
const BRAKE_WINDOW: Key = Key::with_default(
    "window",
    "duration",
    "\"1h\"",
    "The time looked back over, so that a view that breaks slowly is noticed as well.",
);
const ACCEPT_AFTER: Key = Key::with_default(
    "accept_after",
    "duration or `never`",
    "\"30m\"",
    "After the same answer was repeated for this long it is believed.",
);

/// `[policy.brake]`.
pub(super) const BRAKE_SECTION: Section = Section {
    header: "[policy.brake]",
    doc: "An answer that loses too much at once is held back: a permission edit in NetBox looks exactly like deletions.",
    keys: &[&SHARE, &ALLOWANCE, &BRAKE_WINDOW, &ACCEPT_AFTER],
    inherits: &[],
};

impl Read for PortRule {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a way to compare ports", &[("exact", Self::Exact), ("subset", Self::Subset)])
    }
}

impl Read for FirstRun {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a way to begin", &[("announce", Self::Announce), ("baseline", Self::Baseline)])
    }
}

/// Reads the table. The lists of rules stay empty; they stand elsewhere in the file.
pub(super) fn read(table: &Table<'_>) -> Option<Policy> {
    let ports = table.get(&PORTS);
    let restart_loop = table.checked(&RESTART_LOOP, at_least(1));
    let not_containers: Option<Vec<String>> = table.get(&NOT_CONTAINERS);
    let first_run = table.get(&FIRST_RUN);
    let remind_after: Option<OrNever> =
        table.checked(&REMIND_AFTER, |OrNever(after)| after.as_ref().map_or(Ok(()), some_time));
    let longest_silence = table.checked(&LONGEST_SILENCE, some_time);
    let confirm = confirm(&table.table(&CONFIRM, &CONFIRM_SECTION));
    let flap = flap(&table.table(&FLAP, &FLAP_SECTION));
    let brake = brake(&table.table(&BRAKE, &BRAKE_SECTION));
    let (of_machines, of_limits) =
        (table.table(&MACHINES, &machines::SECTION), table.table(&LIMITS, &machines::LIMITS_SECTION));
    let rules = machines::read(&of_machines, &of_limits, Rules::default());
    Some(Policy {
        rules: Rules {
            ports: ports?,
            restart_loop: restart_loop?,
            not_containers: not_containers?.iter().map(|name| name.to_lowercase()).collect(),
            ..rules?
        },
        confirm: confirm?,
        flap: flap?,
        remember: Duration::ZERO,
        brake: brake?,
        first_run: first_run?,
        remind_after: remind_after?.0,
        aliases: Vec::new(),
        ignore: Vec::new(),
        severity: Vec::new(),
        silences: Vec::new(),
        longest_silence: longest_silence?,
    })
}

fn confirm(table: &Table<'_>) -> Option<Confirm> {
    let default = window(table, None);
    let mut confirm = Confirm { default: default?, ..Confirm::default() };
    for (code, value) in table.entries(&BY_TYPE) {
        let kind = EventType::parse(&code);
        if kind.is_none() {
            let hint = match meant(&code, EventType::ALL.map(EventType::code)) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("use one of {}", EventType::ALL.map(EventType::code).join(", ")),
            };
            value.wrong::<()>(format!("`{code}` is not an event type; {hint}"));
        }
        let window = value.table(&ONE_TYPE).and_then(|table| window(&table, Some(confirm.default)));
        if let (Some(kind), Some(window)) = (kind, window)
            && confirm.by_type.insert(kind, window).is_some()
        {
            value.wrong::<()>(format!("{kind} is named twice, once by an older name; write it once"));
        }
    }
    Some(confirm)
}

/// The three keys of a confirmation; those not written are taken from `otherwise`, or from their defaults.
fn window(table: &Table<'_>, otherwise: Option<Window>) -> Option<Window> {
    fn or<T>(read: Option<T>, written: bool, otherwise: Option<T>) -> Option<T> {
        if written { read } else { otherwise.or(read) }
    }
    let open_after = table.checked(&OPEN_AFTER, at_least(1));
    let open_after_time: Option<Duration> = table.get(&OPEN_AFTER_TIME);
    let resolve_after = table.checked(&RESOLVE_AFTER, at_least(1));
    Some(Window {
        open_after: or(open_after, table.has(&OPEN_AFTER), otherwise.map(|w| w.open_after))?,
        open_after_time: or(
            open_after_time,
            table.has(&OPEN_AFTER_TIME),
            otherwise.map(|w| w.open_after_time),
        )?,
        resolve_after: or(resolve_after, table.has(&RESOLVE_AFTER), otherwise.map(|w| w.resolve_after))?,
    })
}

fn flap(table: &Table<'_>) -> Option<Flap> {
    let transitions = table.checked(&TRANSITIONS, at_least(2));
    let window = table.checked(&WINDOW, some_time);
    let quiet = table.checked(&QUIET, some_time);
    Some(Flap { transitions: transitions?, window: window?, quiet: quiet? })
}

fn brake(table: &Table<'_>) -> Option<Brake> {
    let share = table.checked::<f64>(&SHARE, |share| {
        if (0.0..=1.0).contains(share) {
            Ok(())
        } else {
            Err("must be from 0 to 1; 0.5 is one half".to_owned())
        }
    });
    let allowance = table.get(&ALLOWANCE);
    let window = table.checked(&BRAKE_WINDOW, some_time);
    let accept_after: Option<OrNever> = table.get(&ACCEPT_AFTER);
    Some(Brake { share: share?, allowance: allowance?, window: window?, accept_after: accept_after?.0 })
}
