//! Who is logged in: kept until they log out or their time is up, and noted as it happens.

use std::sync::Arc;

use super::Outcome as Done;
use super::keeping::NOTHING;
use super::repairs_sample::token;
use super::sample::at;
use crate::query::JournalFilter;
use crate::rows::{JournalKind, JournalRow};
use crate::sessions::SessionRow;
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

const DAY: i64 = 86_400;

fn session(n: u8, name: &str, from: i64, to: i64) -> SessionRow {
    SessionRow {
        token: token(n),
        name: name.to_owned(),
        credential: "c0ffee".to_owned(),
        created_at: at(from),
        seen_at: at(from),
        ends_at: at(to),
    }
}

fn line(seconds: i64, text: &str) -> JournalRow {
    JournalRow {
        kind: JournalKind::Action,
        at: at(seconds),
        subject: None,
        event: None,
        drift_key: None,
        actor: "ada".to_owned(),
        text: text.to_owned(),
        data: serde_json::json!({ "what": text }),
    }
}

async fn said(store: &Fresh) -> Result<Vec<String>, Error> {
    let page = store.journal(&JournalFilter::default(), None, 100).await?;
    Ok(page.rows.into_iter().map(|row| row.text).collect())
}

pub async fn a_session_is_kept_with_its_note_until_it_is_ended(store: Fresh) -> Done {
    let ada = session(1, "ada \u{0000} ✓", 10, 500);
    store.begin_session(&ada, &line(10, "in")).await?;
    let kept = store.session(token(1)).await?.ok_or("no session")?;
    assert_eq!((kept.token, kept.created_at, kept.ends_at), (ada.token, at(10), at(500)));
    assert_eq!(kept.credential, ada.credential);
    assert_eq!(store.session(token(2)).await?, None);
    assert!(store.begin_session(&session(1, "eve", 11, 500), &line(11, "again")).await.is_err());
    assert_eq!(said(&store).await?, ["in"], "of a session that did not begin there is no note");
    assert!(store.end_session(token(1), &line(12, "out")).await?);
    assert!(!store.end_session(token(1), &line(13, "out twice")).await?);
    assert_eq!(store.session(token(1)).await?, None);
    assert_eq!(said(&store).await?, ["out", "in"]);
    store.note_at_door(&line(14, "lost")).await?;
    assert_eq!(said(&store).await?, ["lost", "out", "in"]);
    assert_eq!(store.rows().await?.journal, 3);
    Ok(())
}

pub async fn a_session_that_is_seen_again_says_when(store: Fresh) -> Done {
    store.begin_session(&session(1, "ada", 10, 500), &line(10, "in")).await?;
    store.touch_session(token(1), at(60)).await?;
    store.touch_session(token(1), at(50)).await?;
    store.touch_session(token(9), at(60)).await?;
    let seen = store.session(token(1)).await?.ok_or("no session")?;
    assert_eq!((seen.seen_at, seen.created_at, seen.ends_at), (at(60), at(10), at(500)));
    Ok(())
}

pub async fn sessions_go_a_day_after_their_time_was_up(store: Fresh) -> Done {
    for (n, end) in [(1, 100), (2, 101), (3, 500_000)] {
        store.begin_session(&session(n, "ada", 10, end), &line(10, "in")).await?;
    }
    store.prune(&NOTHING, at(DAY + 101)).await?;
    assert_eq!(store.session(token(1)).await?, None);
    assert!(store.session(token(2)).await?.is_some());
    assert!(store.session(token(3)).await?.is_some());
    Ok(())
}

pub async fn somebody_who_logs_in_again_and_again_fills_nothing(store: Fresh) -> Done {
    store.begin_session(&session(200, "bob", 1, 500), &line(1, "in")).await?;
    for n in 0..52 {
        store.begin_session(&session(n, "ada", 10 + i64::from(n), 500), &line(10, "in")).await?;
    }
    assert_eq!(store.session(token(0)).await?, None, "the oldest");
    assert_eq!(store.session(token(1)).await?, None);
    for n in [2, 51, 200] {
        assert!(store.session(token(n)).await?.is_some(), "{n}");
    }
    Ok(())
}
