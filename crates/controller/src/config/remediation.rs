//! `[remediation]`: whether, by whom and within which bounds drifts are repaired. What does not live here: the rules and
//! actions, see [`super::repairs`]; what any of it means at run time; that is [`evenkeel_core::remediation`].

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel_core::remediation::{BrakeLimits, Guards, Policy, Sense, Window};
use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use url::Url;

use super::RemediationConfig;
use super::approvers;
use super::key::{Key, Section};
use super::repairs;
use super::table::{Table, Value};
use super::value::{Read, at_least, some_time, word};

/// The longest time looked back over: what is older may not be remembered.
const DAY: SignedDuration = SignedDuration::from_hours(24);

const ENABLED: Key = Key::with_default(
    "enabled",
    "true or false",
    "false",
    "Whether anything is proposed at all. Rules alone do nothing.",
);
pub(super) const CALLBACK_URL: Key = Key::optional(
    "callback_url",
    "address",
    "needed as soon as it is switched on",
    "The base address under which receivers reach this evenkeel: scheme, host, and a path where a proxy adds one. How an \
     action went is said under it, at `/api/v1/callbacks/TOKEN`.",
);
const CONCURRENCY: Key = Key::with_default("concurrency", "number", "3", "How many actions run at once.");
const ATTEMPTS: Key = Key::with_default(
    "attempts",
    "number",
    "3",
    "How often a drift is acted on; then a person is needed until it ends.",
);
const ATTEMPTS_WINDOW: Key = Key::with_default(
    "attempts_window",
    "duration",
    "\"1h\"",
    "Attempts on earlier openings of a drift count for this long: what comes back soon was not repaired. At most a day.",
);
const COOLDOWN: Key = Key::with_default(
    "cooldown",
    "duration",
    "\"10m\"",
    "The pause between two attempts on one drift. At most a day.",
);
const PER_HOUR: Key =
    Key::with_default("per_hour", "number", "10", "How many actions are dispatched within 60 minutes.");
const PER_DAY: Key =
    Key::with_default("per_day", "number", "30", "How many actions are dispatched within 24 hours.");
const APPROVE_WITHIN: Key = Key::with_default(
    "approve_within",
    "duration",
    "\"24h\"",
    "How long a proposal waits for approval, and an approved one for the moment in which it may run.",
);
const UNSEEN_AFTER: Key = Key::with_default(
    "unseen_after",
    "duration",
    "\"1h\"",
    "How long an effect that nobody can see is waited for, before a person is needed.",
);
const BRAKE: Key = Key::optional("brake", "table", "its defaults", "See `[remediation.brake]`.");
const WINDOW: Key = Key::optional("window", "list of tables", "at any time", "See `[[remediation.window]]`.");
const ACTION: Key = Key::optional("action", "list of tables", "none", "See `[[remediation.action]]`.");
const RULE: Key = Key::optional("rule", "list of tables", "none", "See `[[remediation.rule]]`.");
const APPROVER: Key =
    Key::optional("approver", "list of tables", "nobody", "See `[[remediation.approver]]`.");

/// `[remediation]`.
pub(super) const SECTION: Section = Section {
    header: "[remediation]",
    doc: "Whether drifts are repaired, and within which bounds. evenkeel repairs nothing itself: it asks a workflow and \
          looks whether it helped. See docs/remediation.md.",
    keys: &[
        &ENABLED,
        &CALLBACK_URL,
        &CONCURRENCY,
        &ATTEMPTS,
        &ATTEMPTS_WINDOW,
        &COOLDOWN,
        &PER_HOUR,
        &PER_DAY,
        &APPROVE_WITHIN,
        &UNSEEN_AFTER,
        &BRAKE,
        &WINDOW,
        &ACTION,
        &RULE,
        &APPROVER,
    ],
    inherits: &[],
};

const SHARE: Key = Key::with_default(
    "share",
    "number from 0 to 1",
    "0.1",
    "The share of all declared hosts and services that may begin to drift within `window`.",
);
const ALLOWANCE: Key = Key::with_default("allowance", "number", "5", "So many may in any case.");
const MOST: Key = Key::with_default("most", "number", "50", "More may not, however large the fleet is.");
const BRAKE_WINDOW: Key =
    Key::with_default("window", "duration", "\"1h\"", "The time looked back over. At most a day.");
const CALM: Key = Key::with_default(
    "calm",
    "duration",
    "\"30m\"",
    "After so long without a reason the brake releases itself; a person may do so earlier.",
);

/// `[remediation.brake]`.
pub(super) const BRAKE_SECTION: Section = Section {
    header: "[remediation.brake]",
    doc: "When so much drifts at once that nothing is dispatched: the cause is likelier a power cut or a slip in NetBox \
          than many broken services.",
    keys: &[&SHARE, &ALLOWANCE, &MOST, &BRAKE_WINDOW, &CALM],
    inherits: &[],
};

const NAME: Key = Key::required("name", "text", "Its name, shown where it holds something back.");
const SENSE: Key = Key::required(
    "runs",
    "`only` or `never`",
    "`only`: repairs run in this window or another of this kind. `never`: they do not, whatever else allows it.",
);
const DAYS: Key = Key::optional(
    "days",
    "list of weekdays",
    "every day",
    "The days on which it begins: `monday` … `sunday`, or their first three letters.",
);
const FROM: Key = Key::required("from", "time of day", "When it begins, as `\"02:00\"`.");
const UNTIL: Key = Key::required(
    "until",
    "time of day",
    "When it ends. Not after `from` is the next day; the same as `from` is a whole day.",
);
const TIME_ZONE: Key = Key::with_default(
    "time_zone",
    "name of a time zone",
    "\"UTC\"",
    "Whose wall clock, as `\"Europe/Paris\"`. Other zones than UTC are read from the machine's time zone database.",
);

/// `[[remediation.window]]`.
pub(super) const WINDOW_SECTION: Section = Section {
    header: "[[remediation.window]]",
    doc: "Hours of the week in which repairs may run, or may not.",
    keys: &[&NAME, &SENSE, &DAYS, &FROM, &UNTIL, &TIME_ZONE],
    inherits: &[],
};

impl Read for Sense {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a kind of window", &[("only", Self::Only), ("never", Self::Never)])
    }
}

struct Day(Weekday);

impl Read for Day {
    fn read(value: &Value<'_>) -> Option<Self> {
        let words = [
            ("monday", Weekday::Monday),
            ("tuesday", Weekday::Tuesday),
            ("wednesday", Weekday::Wednesday),
            ("thursday", Weekday::Thursday),
            ("friday", Weekday::Friday),
            ("saturday", Weekday::Saturday),
            ("sunday", Weekday::Sunday),
        ];
        let short = |text: &str| words.iter().find(|(word, _)| word[..3].eq_ignore_ascii_case(text.trim()));
        match value.as_str().and_then(short) {
            Some((_, day)) => Some(Self(*day)),
            None => word(value, "a weekday", &words).map(Self),
        }
    }
}

struct Clock(Time);

impl Read for Clock {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = match value.raw().as_datetime() {
            Some(at) => at.to_string(),
            None => String::read(value)?,
        };
        match text.parse() {
            Ok(time) => Some(Self(time)),
            Err(_) => value.wrong(format!("`{text}` is not a time of day; write \"02:00\" or \"22:30\"")),
        }
    }
}

struct Zone(TimeZone);

impl Read for Zone {
    fn read(value: &Value<'_>) -> Option<Self> {
        let name = String::read(value)?;
        if name.eq_ignore_ascii_case("utc") {
            return Some(Self(TimeZone::UTC));
        }
        match TimeZone::get(&name) {
            Ok(zone) => Some(Self(zone)),
            Err(_) => value.wrong(format!(
                "`{name}` is not in this machine's time zone database; write a name such as \"Europe/Paris\", install \
                 the database (tzdata), or use \"UTC\""
            )),
        }
    }
}

/// Reads the table and everything below it; `told`: whether a sink takes notices.
pub(super) fn read(table: &Table<'_>, told: bool) -> Option<RemediationConfig> {
    let enabled = table.get::<bool>(&ENABLED);
    let callback_url: Option<Url> = table.checked(&CALLBACK_URL, is_base);
    let guards = guards(table);
    let actions = repairs::actions(&table.tables(&ACTION, &repairs::ACTION_SECTION));
    let rules = repairs::rules(&table.tables(&RULE, &repairs::RULE_SECTION), actions.as_deref());
    if enabled == Some(true) && !table.has(&CALLBACK_URL) {
        table.wrong(&CALLBACK_URL, "is missing; receivers must be able to say how an action went");
        return None;
    }
    if callback_url.is_none() && table.has(&CALLBACK_URL) {
        return None;
    }
    let approvers = approvers::read_all(&table.tables(&APPROVER, &approvers::SECTION));
    let (enabled, guards, actions, rules, approvers) = (enabled?, guards?, actions?, rules?, approvers?);
    // Whoever writes `enabled = false` knows.
    if !table.has(&ENABLED) && !rules.is_empty() {
        let place = table.place_of(&RULE);
        table.reader().warn(&place, "nothing is proposed: remediation is not switched on (`enabled = true`)");
    }
    if enabled && rules.is_empty() {
        table.reader().warn(&table.place_of(&ENABLED), "there is no rule: nothing will be proposed");
    }
    if enabled && !rules.is_empty() && !told {
        let what = "no sink has `notices = true`: nobody is told when a proposal waits for approval, a person is needed, or \
                    the brake is on";
        table.reader().warn(&table.place_of(&ENABLED), what);
    }
    let named = actions.iter().map(|action| (action.action.name.clone(), action.action.clone())).collect();
    Some(RemediationConfig {
        policy: Policy { enabled, rules, actions: named, guards },
        callback_url,
        actions,
        approvers,
    })
}

/// A path is put behind it, so nothing may stand there.
fn is_base(url: &Url) -> Result<(), String> {
    match url.query().is_some() || url.fragment().is_some() {
        true => Err("must end before `?` and `#`; write scheme, host and, if need be, a path".to_owned()),
        false => Ok(()),
    }
}

fn guards(table: &Table<'_>) -> Option<Guards> {
    let concurrency = table.checked(&CONCURRENCY, at_least(1));
    let attempts = table.checked(&ATTEMPTS, at_least(1));
    let attempts_window = counted(table, &ATTEMPTS_WINDOW);
    let cooldown = counted(table, &COOLDOWN);
    let per_hour = table.checked(&PER_HOUR, at_least(1));
    let per_day = table.checked(&PER_DAY, at_least(1));
    let approve_within = span(table, &APPROVE_WITHIN);
    let unseen_after = span(table, &UNSEEN_AFTER);
    let brake = brake(&table.table(&BRAKE, &BRAKE_SECTION));
    let windows = windows(&table.tables(&WINDOW, &WINDOW_SECTION));
    Some(Guards {
        concurrency: concurrency?,
        attempts: attempts?,
        attempts_window: attempts_window?,
        cooldown: cooldown?,
        per_hour: per_hour?,
        per_day: per_day?,
        approve_within: approve_within?,
        unseen_after: unseen_after?,
        windows: windows?,
        brake: brake?,
    })
}

fn brake(table: &Table<'_>) -> Option<BrakeLimits> {
    let share = table.checked::<f64>(&SHARE, |share| {
        if (0.0..=1.0).contains(share) {
            Ok(())
        } else {
            Err("must be from 0 to 1; 0.1 is a tenth".to_owned())
        }
    });
    let allowance = table.get(&ALLOWANCE);
    let most = table.get(&MOST);
    let window = counted(table, &BRAKE_WINDOW);
    let calm = span(table, &CALM);
    if let (Some(allowance), Some(most)) = (allowance, most)
        && most < allowance
    {
        table.wrong(&MOST, format!("is less than `allowance` ({allowance}); make it at least as much"));
        return None;
    }
    Some(BrakeLimits { share: share?, allowance: allowance?, most: most?, window: window?, calm: calm? })
}

/// A time looked back over. What is longer than what is remembered would count too little, and nobody would notice.
fn counted(table: &Table<'_>, key: &Key) -> Option<SignedDuration> {
    let span = span(table, key)?;
    if span > DAY {
        table
            .wrong(key, "is longer than a day, and what is older is not remembered; make it \"24h\" or less");
        return None;
    }
    Some(span)
}

fn windows(tables: &[Table<'_>]) -> Option<Vec<Window>> {
    let mut seen = BTreeSet::new();
    let read: Vec<Option<Window>> = tables
        .iter()
        .map(|table| {
            if table.written_text(&NAME).is_some_and(|name| !seen.insert(name.trim().to_owned())) {
                table.wrong(&NAME, "is taken by another window; give each its own name");
            }
            if table.is_empty_list(&DAYS) {
                table.wrong(&DAYS, "is an empty list, which would mean `every day`; leave the key out");
            }
            let (name, sense) = (table.get(&NAME), table.get(&SENSE));
            let days = table.get::<Vec<Day>>(&DAYS);
            let (from, until) = (table.get::<Clock>(&FROM), table.get::<Clock>(&UNTIL));
            let zone = table.get::<Zone>(&TIME_ZONE);
            if days.is_none() && table.has(&DAYS) {
                return None;
            }
            Some(Window {
                name: name?,
                sense: sense?,
                days: days.into_iter().flatten().map(|Day(day)| day).collect(),
                from: from?.0,
                until: until?.0,
                zone: zone?.0,
            })
        })
        .collect();
    read.into_iter().collect()
}

/// A duration that is longer than nothing, as the planner counts.
pub(super) fn span(table: &Table<'_>, key: &Key) -> Option<SignedDuration> {
    let time: Duration = table.checked(key, some_time)?;
    match SignedDuration::try_from(time) {
        Ok(span) => Some(span),
        Err(_) => {
            table.wrong(key, "is too long");
            None
        }
    }
}
