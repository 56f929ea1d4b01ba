//! Silences made at run time: what is kept of one, who finds it, when it goes.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::EventType;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Pattern, Stands, Target, Until, Wish, name_of};
use futures_util::TryStreamExt;
use jiff::SignedDuration;
use serde_json::Value;

use super::Outcome as Done;
use super::keeping::{NOTHING, at_most, older_than};
use super::sample::{at, journal, missing};
use crate::query::JournalFilter;
use crate::rows::{JournalKind, JournalRow};
use crate::silences::SilenceFilter;
use crate::types::{Pruned, RetentionPolicy};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

const HOUR: i64 = 3600;

/// A silence that somebody makes at this second and that lasts so many; the number makes its name.
pub fn silence(number: u64, target: Target, made: i64, lasts: i64) -> Result<MadeSilence, String> {
    let until = Some(Until::After(SignedDuration::from_secs(lasts)));
    let wish = Wish { target, reason: "the disks are being changed".to_owned(), starts: None, until };
    let longest = Duration::from_secs(10_000 * 3600);
    MadeSilence::new(name_of(number), wish, "ada".into(), longest, at(made))
        .map_err(|wrong| format!("{wrong:?}"))
}

fn drift(service: &str) -> Target {
    Target::Drift(missing("a", service))
}

fn pattern() -> Target {
    let types = vec![EventType::ServiceMissing, EventType::VmDown];
    Target::Pattern(Pattern { hosts: vec!["box*".into()], services: vec!["web".into()], types })
}

fn line(text: &str) -> Vec<JournalRow> {
    vec![journal(JournalKind::Decision, text, 1)]
}

async fn noted(store: &Fresh) -> Result<Vec<String>, Error> {
    let rows = store.journal(&JournalFilter::default(), None, 99).await?.rows;
    Ok(rows.into_iter().rev().map(|row| row.text).collect())
}

async fn named(store: &Fresh, filter: SilenceFilter) -> Result<Vec<String>, Error> {
    let rows = store.silences(&filter, None, 99).await?.rows;
    Ok(rows.iter().map(|silence| silence.name.to_string()).collect())
}

pub async fn a_silence_is_kept_with_its_line_of_the_journal(store: Fresh) -> Done {
    assert_eq!(store.silences_left(at(0)).await?, []);
    let (one, two) = (silence(1, drift("x"), 0, HOUR)?, silence(2, pattern(), 0, 2 * HOUR)?);
    store.add_silence(&one, &line("one was made")).await?;
    store.add_silence(&two, &line("two was made")).await?;
    assert_eq!(store.silences_left(at(HOUR - 1)).await?, [one.clone(), two.clone()]);
    assert_eq!(store.silences_left(at(HOUR)).await?, std::slice::from_ref(&two));
    let ended = two.end("bob".into(), "done", at(60))?;
    store.end_silence(&ended, &line("two was ended")).await?;
    assert_eq!(store.silences_left(at(61)).await?, std::slice::from_ref(&one));
    assert_eq!(store.silences(&SilenceFilter::default(), None, 9).await?.rows, [ended, one]);
    assert_eq!(noted(&store).await?, ["one was made", "two was made", "two was ended"]);
    assert_eq!(store.rows().await?.journal, 3);
    Ok(())
}

pub async fn a_silence_that_is_refused_leaves_nothing(store: Fresh) -> Done {
    let one = silence(1, drift("x"), 0, HOUR)?;
    store.add_silence(&one, &line("one was made")).await?;
    let again = silence(1, pattern(), 5, HOUR)?;
    let refused = store.add_silence(&again, &line("again")).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    let unknown = silence(2, pattern(), 0, HOUR)?.end("bob".into(), "", at(9))?;
    let refused = store.end_silence(&unknown, &line("unknown")).await;
    assert!(matches!(refused, Err(Error::Conflict { expected: 1, found: 0, .. })), "{refused:?}");
    let ended = one.end("bob".into(), "", at(9))?;
    store.end_silence(&ended, &line("one was ended")).await?;
    let twice = one.end("eve".into(), "", at(20))?;
    let refused = store.end_silence(&twice, &line("twice")).await;
    assert!(matches!(refused, Err(Error::Conflict { expected: 1, found: 2, .. })), "{refused:?}");
    assert_eq!(store.silences(&SilenceFilter::default(), None, 9).await?.rows, [ended]);
    assert_eq!(noted(&store).await?, ["one was made", "one was ended"]);
    assert_eq!(store.rows().await?.journal, 2);
    Ok(())
}

pub async fn silences_are_filtered(store: Fresh) -> Done {
    let later = MadeSilence { starts: at(HOUR), ends: at(2 * HOUR), ..silence(3, pattern(), 0, 60)? };
    let others = MadeSilence { owner: "bob".into(), ..silence(4, pattern(), 0, 9 * HOUR)? };
    let ended = silence(5, drift("y"), 0, 9 * HOUR)?;
    for silence in
        [&silence(1, drift("x"), 0, HOUR)?, &silence(2, pattern(), 0, 60)?, &later, &others, &ended]
    {
        store.add_silence(silence, &[]).await?;
    }
    store.end_silence(&ended.end("ada".into(), "", at(50))?, &[]).await?;
    let name = |number: u64| name_of(number).to_string();
    let stands =
        |stands, seconds| SilenceFilter { stands: Some((stands, at(seconds))), ..SilenceFilter::default() };
    assert_eq!(named(&store, stands(Stands::InForce, 59)).await?, [name(4), name(2), name(1)]);
    assert_eq!(named(&store, stands(Stands::Coming, 59)).await?, [name(3)]);
    assert_eq!(named(&store, stands(Stands::Over, 60)).await?, [name(5), name(2)]);
    assert_eq!(named(&store, stands(Stands::InForce, HOUR)).await?, [name(4), name(3)]);
    let drift_key = Some(missing("a", "x").to_string());
    assert_eq!(named(&store, SilenceFilter { drift_key, ..SilenceFilter::default() }).await?, [name(1)]);
    let owner = Some("bob".to_owned());
    assert_eq!(named(&store, SilenceFilter { owner, ..SilenceFilter::default() }).await?, [name(4)]);
    let one = SilenceFilter { name: Some(name(3).to_lowercase()), ..SilenceFilter::default() };
    assert_eq!(named(&store, one).await?, [name(3)]);
    Ok(())
}

pub async fn pages_of_silences_stay_stable_while_silences_are_made(store: Fresh) -> Done {
    for number in 1..=5 {
        store.add_silence(&silence(number, pattern(), 0, HOUR)?, &[]).await?;
    }
    let (mut seen, mut after, mut number) = (Vec::new(), None, 5);
    loop {
        let page = store.silences(&SilenceFilter::default(), after, 2).await?;
        seen.extend(page.rows.iter().map(|silence| silence.name.clone()));
        number += 1;
        store.add_silence(&silence(number, pattern(), 0, HOUR)?, &[]).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (1..=5).rev().map(name_of).collect::<Vec<_>>());
    Ok(())
}

pub async fn silences_of_any_script_survive(store: Fresh) -> Done {
    let long = "ö🚢".repeat(4000);
    for (number, name) in
        (1..).zip(["jelly\"fin", "zwölf\nzeilen", "a\0b\\u0000", "</script>", long.as_str()])
    {
        let target = Target::Drift(missing(name, name));
        let made =
            MadeSilence { reason: name.into(), owner: name.into(), ..silence(number, target, 0, HOUR)? };
        store.add_silence(&made, &[]).await?;
        assert_eq!(store.silences_left(at(1)).await?.last(), Some(&made));
        let drift_key = Some(missing(name, name).to_string());
        assert_eq!(
            store.silences(&SilenceFilter { drift_key, ..SilenceFilter::default() }, None, 9).await?.rows,
            [made]
        );
    }
    Ok(())
}

pub async fn silences_are_exported(store: Fresh) -> Done {
    let made = silence(1, drift("x"), 100, HOUR)?;
    store.add_silence(&made, &[]).await?;
    let lines: Vec<_> = store.export(None).try_collect().await?;
    let [line] = lines.as_slice() else { return Err(format!("{lines:?}").into()) };
    let value: Value = serde_json::from_str(&line.json)?;
    assert_eq!((&value["record"], &value["name"]), (&Value::from("silence"), &Value::from(&*made.name)));
    assert_eq!(store.export(Some(at(101))).try_collect::<Vec<_>>().await?.len(), 0);
    Ok(())
}

pub async fn retention_removes_only_silences_that_are_over(store: Fresh) -> Done {
    let now = 1000 * HOUR;
    // 1 over long ago, 2 ended long ago, 3 over since less than a day, 4 in force.
    store.add_silence(&silence(1, pattern(), 0, HOUR)?, &[]).await?;
    let ended = silence(2, pattern(), 0, 2000 * HOUR)?;
    store.add_silence(&ended, &[]).await?;
    store.end_silence(&ended.end("ada".into(), "", at(2 * HOUR))?, &[]).await?;
    store.add_silence(&silence(3, pattern(), 0, now - 23 * HOUR)?, &[]).await?;
    store.add_silence(&silence(4, pattern(), 0, 2000 * HOUR)?, &[]).await?;
    assert_eq!(store.prune(&NOTHING, at(now)).await?, Pruned::default());
    let by_age = RetentionPolicy { journal: older_than(u64::try_from(998 * HOUR)?), ..NOTHING };
    assert_eq!(store.prune(&by_age, at(now)).await?, Pruned { silences: 1, ..Pruned::default() });
    let by_count = RetentionPolicy { journal: at_most(0), ..NOTHING };
    assert_eq!(store.prune(&by_count, at(now)).await?, Pruned { silences: 1, ..Pruned::default() });
    assert_eq!(
        named(&store, SilenceFilter::default()).await?,
        [name_of(4).to_string(), name_of(3).to_string()]
    );
    assert_eq!(
        store.prune(&by_count, at(now + 2 * HOUR)).await?,
        Pruned { silences: 1, ..Pruned::default() }
    );
    Ok(())
}
