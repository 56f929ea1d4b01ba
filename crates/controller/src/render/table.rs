//! The look for people: blind scopes first, then drifts by host in aligned columns, then the coverage and one last line.
//! What does not live here: the words of a difference (`words`), and dropping colour where it is not wanted (`anstream`).

use evenkeel_core::Coverage;

use super::closing;
use super::outcome::{BlindScope, Outcome, Root, SubjectOutcome};
use super::text::{
    BLIND, BOLD, DIM, WARN, age, clean, count, cut, fit, moment, of_severity, parts, styled, width, wrap,
};
use super::words::{about, change, folded, gap_words, heading, kind_and_name};

/// Below this width a drift takes two lines.
const NARROW: usize = 80;
/// A terminal narrower than this has its lines wrapped by itself.
const NARROWEST: usize = 40;
/// Wider lines are harder to read, not easier.
const WIDEST: usize = 200;

/// The whole look for a terminal of this many columns; `all` also shows what ignore rules accept. Ends with a line break.
pub fn render(outcome: &Outcome, columns: usize, all: bool) -> String {
    let columns = columns.clamp(NARROWEST, WIDEST);
    let mut page = Page { lines: Vec::new(), columns };
    header(&mut page, outcome);
    blind(&mut page, outcome);
    drifts(&mut page, outcome);
    unjudged(&mut page, outcome);
    if all {
        ignored(&mut page, outcome);
    }
    uncovered(&mut page, outcome);
    closing::write(&mut page, outcome);
    let mut out = page.lines.join("\n");
    out.push('\n');
    out
}

/// What is written so far.
pub(super) struct Page {
    lines: Vec<String>,
    columns: usize,
}

impl Page {
    /// How many columns there are.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// One line.
    pub(super) fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// An empty line, unless there is one.
    pub(super) fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// Parts with ` · ` between them behind an indentation, in as many lines as they need.
    pub(super) fn parts(&mut self, indent: usize, style: anstyle::Style, said: &[String]) {
        for line in parts(said, self.columns.saturating_sub(indent).max(20)) {
            self.line(format!("{}{}", " ".repeat(indent), styled(style, &line)));
        }
    }

    /// Words behind an indentation, in as many lines as they need.
    pub(super) fn words(&mut self, indent: usize, style: anstyle::Style, words: &str) {
        for line in wrap(words, self.columns.saturating_sub(indent).max(20)) {
            self.line(format!("{}{}", " ".repeat(indent), styled(style, &line)));
        }
    }
}

fn header(page: &mut Page, outcome: &Outcome) {
    let netbox = &outcome.netbox;
    let name = match &netbox.version {
        Some(version) => format!("NetBox {}", clean(version)),
        None => "NetBox".to_owned(),
    };
    let read = match netbox.as_of {
        Some(at) if outcome.now.duration_since(at).as_secs() < 2 => "read just now".to_owned(),
        Some(at) => format!("read {} ago", age(at, outcome.now)),
        None => "never read".to_owned(),
    };
    let hosts = count(netbox.hosts, "host", "hosts");
    let services = count(netbox.services, "service", "services");
    let sources = count(outcome.sources.len(), "source", "sources");
    let said = [
        name,
        format!("{hosts}, {services} declared"),
        read,
        format!("{sources} in {:.1} s", outcome.took.as_secs_f64()),
        moment(outcome.now),
    ];
    page.parts(0, DIM, &said);
    if let Coverage::Partial(gap) = &netbox.coverage {
        let words = format!(
            "NetBox is not known in full ({}): what is not declared is no longer proved undeclared.",
            gap_words(gap)
        );
        page.words(0, WARN, &words);
    }
}

fn blind(page: &mut Page, outcome: &Outcome) {
    page.gap();
    for subject in &outcome.subjects {
        for scope in &subject.blind {
            blind_scope(page, outcome, subject, scope);
        }
    }
}

fn blind_scope(page: &mut Page, outcome: &Outcome, subject: &SubjectOutcome, scope: &BlindScope) {
    let mut said = Vec::new();
    if let Some(drift) = &scope.drift {
        said.push(drift.id.event_type.code().to_owned());
    }
    if scope.unknown_services > 0 {
        let services = count(scope.unknown_services as usize, "service", "services");
        said.push(format!("{services} unknown, not reported missing"));
    }
    said.extend(scope.since.map(|since| format!("since {}", age(since, outcome.now))));
    said.extend(scope.drift.as_ref().map(|drift| drift.id.handle()));
    let name = heading(&subject.subject);
    let columns = page.columns.saturating_sub(8 + 2 + width(&name)).max(20);
    let mut lines = parts(&said, columns).into_iter();
    let first = lines.next().unwrap_or_default();
    page.line(format!("{} {}  {first}", styled(BLIND, " BLIND "), styled(BOLD, &name)));
    for line in lines {
        page.line(format!("        {line}"));
    }
    let why = format!("{}: {}", clean(&scope.source.to_string()), gap_words(&scope.gap));
    page.words(8, anstyle::Style::new(), &why);
    beneath(page, &scope.folded, scope.drift.as_ref().and_then(|drift| drift.silenced.as_deref()));
}

/// The widths of the columns, the same for every host.
struct Columns {
    kind: usize,
    name: usize,
    change: usize,
    severity: usize,
    since: usize,
}

const HANDLE: usize = 8;

impl Columns {
    fn of(outcome: &Outcome, columns: usize) -> Self {
        let roots = || outcome.subjects.iter().flat_map(|subject| &subject.roots);
        let widest = |of: &dyn Fn(&Root) -> usize| roots().map(of).max().unwrap_or(0);
        let kind = widest(&|root| root.drift.id.event_type.code().len());
        let name = widest(&|root| width(&about(&root.drift.id))).clamp(6, (columns / 4).max(8));
        let severity = widest(&|root| root.drift.severity.as_str().len());
        let since = widest(&|root| root.since.map_or(0, |since| width(&age(since, outcome.now))));
        let fixed =
            2 + kind + 2 + name + 2 + 2 + severity + 2 + HANDLE + if since > 0 { since + 2 } else { 0 };
        let change = widest(&|root| width(&change(&root.drift)));
        Self { kind, name, change: change.min(columns.saturating_sub(fixed)), severity, since }
    }
}

fn drifts(page: &mut Page, outcome: &Outcome) {
    let columns = Columns::of(outcome, page.columns);
    for subject in outcome.subjects.iter().filter(|subject| !subject.roots.is_empty()) {
        page.gap();
        let tenant = subject.tenant.as_deref().map(|tenant| styled(DIM, &format!("  {}", clean(tenant))));
        page.line(format!("{}{}", styled(BOLD, &heading(&subject.subject)), tenant.unwrap_or_default()));
        for root in &subject.roots {
            if page.columns < NARROW {
                stacked(page, outcome, root)
            } else {
                row(page, outcome, root, &columns)
            }
            beneath(page, &root.folded, root.drift.silenced.as_deref());
        }
    }
}

fn row(page: &mut Page, outcome: &Outcome, root: &Root, columns: &Columns) {
    let Root { drift, since, folded: _ } = root;
    let severity = of_severity(drift.severity);
    let since = since.map(|since| age(since, outcome.now)).unwrap_or_default();
    let mut line = format!(
        "  {}  {}  {}  {}",
        styled(severity, &fit(drift.id.event_type.code(), columns.kind)),
        fit(&about(&drift.id), columns.name),
        fit(&change(drift), columns.change),
        styled(severity, &fit(drift.severity.as_str(), columns.severity)),
    );
    if columns.since > 0 {
        line.push_str(&format!("  {}", fit(&since, columns.since)));
    }
    line.push_str(&format!("  {}", styled(DIM, &drift.id.handle())));
    page.line(line);
}

/// A drift on a narrow terminal: what and how bad, then how it differs.
fn stacked(page: &mut Page, outcome: &Outcome, root: &Root) {
    let Root { drift, since, folded: _ } = root;
    let severity = of_severity(drift.severity);
    let mut right = drift.severity.as_str().to_owned();
    right.extend(since.map(|since| format!(" · {}", age(since, outcome.now))));
    let kind = drift.id.event_type.code();
    let room = page.columns.saturating_sub(2 + kind.len() + 2 + 2 + width(&right));
    let left = format!("  {}  {}", styled(severity, kind), fit(&about(&drift.id), room));
    page.line(format!("{left}  {}", styled(severity, &right)));
    let room = page.columns.saturating_sub(4 + 2 + HANDLE);
    page.line(format!("    {}  {}", fit(&change(drift), room), styled(DIM, &drift.id.handle())));
}

fn beneath(page: &mut Page, children: &[evenkeel_core::Drift], silenced: Option<&str>) {
    let silenced = silenced.map(|name| format!("silenced by `{}`: shown, sent to nobody", clean(name)));
    for words in folded(children).into_iter().chain(silenced) {
        let columns = page.columns.saturating_sub(6);
        page.line(styled(DIM, &format!("    └ {}", cut(&words, columns))));
    }
}

fn unjudged(page: &mut Page, outcome: &Outcome) {
    let all =
        outcome.subjects.iter().flat_map(|subject| subject.unjudged.iter().map(move |open| (subject, open)));
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return;
    }
    page.gap();
    page.line(styled(
        WARN,
        &format!("{} that nobody can judge now", count(all.len(), "open drift", "open drifts")),
    ));
    for (subject, (id, gap)) in all {
        let words = format!("{} on {}: {}", kind_and_name(id), heading(&subject.subject), gap_words(gap));
        page.line(format!("  {}", cut(&words, page.columns.saturating_sub(2))));
    }
}

fn ignored(page: &mut Page, outcome: &Outcome) {
    let all =
        outcome.subjects.iter().flat_map(|subject| subject.ignored.iter().map(move |hit| (subject, hit)));
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return;
    }
    page.gap();
    page.line(styled(BOLD, "Ignored"));
    for (subject, (drift, rule)) in all {
        let words =
            format!("{} on {}: rule `{}`", kind_and_name(&drift.id), heading(&subject.subject), clean(rule));
        page.line(styled(DIM, &format!("  {}", cut(&words, page.columns.saturating_sub(2)))));
    }
}

fn uncovered(page: &mut Page, outcome: &Outcome) {
    let names: Vec<_> = outcome
        .subjects
        .iter()
        .filter(|subject| subject.uncovered)
        .map(|subject| heading(&subject.subject))
        .collect();
    if names.is_empty() {
        return;
    }
    page.gap();
    page.words(0, DIM, &format!("No source sees what runs on {}.", names.join(", ")));
}
