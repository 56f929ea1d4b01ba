//! Time as pictures, drawn on the server: how a host stood, as a row of bars, and how much was open, as a line. What is said
//! by colour is said by height as well: low is good, tall differs, broken in two cannot be seen, a dot is not known. Not
//! here: what they show.

use std::fmt::Write;

use evenkeel_core::heartbeat::{Bar, Beat};
use maud::{Markup, html};

use super::asked::Asked;
use super::past::{Reach, Sample, Trend};
use super::time::exact;
use super::words::Words;

/// How wide and how high a bar stands, in units of the drawing.
const BAR: (usize, usize) = (4, 20);
/// The drawing of a trend.
const TREND: (usize, usize) = (600, 90);

/// A row of bars.
pub(super) fn row(words: Words, bars: &[Bar], reach: Reach) -> Markup {
    let title = words.say(&format!("bars-{}", reach.as_str()));
    let view = format!("0 0 {} {}", bars.len() * BAR.0, BAR.1);
    html! {
        svg.bars viewBox=(view) preserveAspectRatio="none" role="img" aria-label=(format!("{title}: {}", shares(words, bars))) {
            title { (title) ": " (shares(words, bars)) }
            @for beat in Beat::ALL {
                @let path = path(bars, beat);
                @if !path.is_empty() { path class=(beat.as_str()) d=(path) {} }
            }
        }
    }
}

/// The outline of every bar that is so.
fn path(bars: &[Bar], wanted: Beat) -> String {
    let mut path = String::new();
    for (at, _) in bars.iter().enumerate().filter(|(_, bar)| bar.beat() == wanted) {
        let x = at * BAR.0;
        // Writing to a string cannot fail.
        let _ = match wanted {
            Beat::InSync => write!(path, "M{x} 11h3v9h-3z"),
            Beat::Drift => write!(path, "M{x} 0h3v20h-3z"),
            Beat::Blind => write!(path, "M{x} 0h3v8h-3zM{x} 12h3v8h-3z"),
            Beat::Unknown => write!(path, "M{x} 17h3v3h-3z"),
        };
    }
    path
}

/// How much of the time it was how, in words.
pub(super) fn shares(words: Words, bars: &[Bar]) -> String {
    let part = |beat: Beat| -> i64 { bars.iter().map(|bar| bar.part(beat)).sum() };
    let whole: i64 = Beat::ALL.map(part).iter().sum();
    let percent = |beat: Beat| -> String {
        let part = part(beat);
        // What is there is not nothing, and what is not all of it is not all.
        match (part.saturating_mul(200) + whole) / (whole.max(1) * 2) {
            0 => "<1".to_owned(),
            100 if part < whole => ">99".to_owned(),
            n => n.to_string(),
        }
    };
    let said = |beat: Beat| {
        let word = words.say(&format!("beat-{}", beat.as_str()));
        words.with("beat-share", [("word", word.into()), ("n", percent(beat).into())])
    };
    let said: Vec<String> = [Beat::InSync, Beat::Drift, Beat::Blind, Beat::Unknown]
        .into_iter()
        .filter(|beat| part(*beat) > 0)
        .map(said)
        .collect();
    if said.is_empty() { words.say("not-known") } else { said.join(", ") }
}

/// What the bars mean.
pub(super) fn legend(words: Words) -> Markup {
    let bar = |beat| {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let mut bar = Bar { from: at, to: at, parts: [0; 4] };
        bar.parts[beat as usize] = 1;
        bar
    };
    html! {
        ul.legend {
            @for beat in [Beat::InSync, Beat::Drift, Beat::Blind, Beat::Unknown] {
                li {
                    svg.bar viewBox="0 0 4 20" aria-hidden="true" { path class=(beat.as_str()) d=(path(&[bar(beat)], beat)) {} }
                    (words.say(&format!("beat-{}", beat.as_str())))
                }
            }
        }
    }
}

/// The choice of how far back it reaches.
pub(super) fn reaches(asked: &Asked, current: Reach) -> Markup {
    let words = asked.words;
    html! {
        ul.choices aria-label=(words.say("reach")) {
            @for reach in Reach::ALL {
                li { a href=(asked.again(&[("span", Some(reach.as_str()))])) aria-current=[(reach == current).then_some("true")] {
                    (words.say(&format!("reach-{}", reach.as_str())))
                } }
            }
        }
    }
}

/// Open drifts and blind scopes over time.
pub(super) fn trend(asked: &Asked, trend: &Trend, reach: Reach) -> Markup {
    let words = asked.words;
    let samples = &trend.samples;
    let of = |read: fn((usize, usize)) -> usize| -> Vec<Option<usize>> {
        samples.iter().map(|sample| sample.most.map(read)).collect()
    };
    let (drifts, blind) = (of(|most| most.0), of(|most| most.1));
    let top = drifts.iter().chain(&blind).flatten().copied().max().unwrap_or(0);
    let said = in_words(words, samples);
    let title = words.say(&format!("trend-{}", reach.as_str()));
    let scale = top.max(4);
    html! {
        figure.trend {
            svg viewBox=(format!("0 0 {} {}", TREND.0, TREND.1)) preserveAspectRatio="none" role="img" aria-label=(format!("{title}. {said}")) {
                title { (title) }
                desc { (said) }
                path.axis d=(format!("M0 {0}.5h{1}M0 .5h{1}", TREND.1 - 1, TREND.0)) {}
                path.unknown d=(gaps(samples)) {}
                path.drift d=(steps(&drifts, scale)) {}
                path.blind d=(steps(&blind, scale)) {}
            }
            figcaption {
                span.key.drift { (words.say("trend-drifts")) } " "
                span.key.blind { (words.say("trend-blind")) } " "
                span.quiet { (words.with("trend-top", [("n", scale.into())])) " · " (said) }
            }
        }
    }
}

fn in_words(words: Words, samples: &[Sample]) -> String {
    let worst = samples.iter().filter_map(|sample| Some((sample.most?, sample.from)));
    match worst.max_by_key(|((drifts, blind), _)| drifts + blind) {
        None => words.say("not-known"),
        Some(((0, 0), _)) => words.say("trend-none"),
        Some(((drifts, blind), from)) => words.with(
            "trend-most",
            [("drifts", drifts.into()), ("blind", blind.into()), ("at", exact(from).into())],
        ),
    }
}

/// A line in steps, broken where nothing is known.
fn steps(values: &[Option<usize>], top: usize) -> String {
    let (mut path, mut is_down) = (String::new(), false);
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            is_down = false;
            continue;
        };
        let x = at * TREND.0 / values.len().max(1);
        let width = (at + 1) * TREND.0 / values.len().max(1) - x;
        let y = (TREND.1 - 4) - value * (TREND.1 - 8) / top.max(1);
        let _ = match is_down {
            true => write!(path, "V{y}h{width}"),
            false => write!(path, "M{x} {y}h{width}"),
        };
        is_down = true;
    }
    path
}

/// A low line of dots where nothing is known.
fn gaps(samples: &[Sample]) -> String {
    let mut path = String::new();
    for (at, _) in samples.iter().enumerate().filter(|(_, sample)| sample.most.is_none()) {
        let x = at * TREND.0 / samples.len().max(1);
        let _ = write!(path, "M{x} {}h4v3h-4z", TREND.1 - 6);
    }
    path
}
