//! Entries over the wire, to the lab's NetBox, in every version it can be.

mod recorded;

use std::time::Duration;

use evenkeel_core::Event;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::inventory::{Inventory, ObjectRef};
use evenkeel_lab::netbox::{Aftermath, JournalEntry, NetboxLab, NetboxVersion};

use super::{Config, NetboxSink, Settings};
use crate::samples::{HOSTILE, delivery, event, hostile, resolved};
use crate::webhook::tests::tls::Authority;
use crate::{Delivery, Receipt, Sink, SinkError};

const WRITTEN: Result<Receipt, SinkError> = Ok(Receipt { status: Some(201) });
const WAS_THERE: Result<Receipt, SinkError> = Ok(Receipt { status: Some(200) });
const ENTRIES: &str = "/api/extras/journal-entries/";

async fn netbox(version: NetboxVersion) -> NetboxLab {
    NetboxLab::start(Inventory::reference(), version).await.unwrap()
}

fn settings(lab: &NetboxLab) -> Settings {
    Settings::new("journal", lab.url(), lab.writer_v1())
}

fn sink(settings: Settings) -> NetboxSink {
    NetboxSink::new(Config::new(settings).unwrap(), None).unwrap()
}

async fn both() -> (NetboxLab, NetboxSink) {
    let lab = netbox(NetboxVersion::V4_5).await;
    let sink = sink(settings(&lab));
    (lab, sink)
}

fn about(host: &str) -> Delivery {
    delivery(&Event { hostname: Some(host.into()), ..event() })
}

fn rejected<T: std::fmt::Debug>(outcome: Result<T, SinkError>) -> String {
    match outcome {
        Err(SinkError::Rejected { why }) => why,
        other @ (Ok(_) | Err(SinkError::Throttled { .. } | SinkError::Unavailable { .. })) => {
            panic!("not rejected: {other:?}")
        }
    }
}

fn kinds(lab: &NetboxLab) -> Vec<String> {
    lab.netbox().journal().into_iter().map(|entry| entry.kind).collect()
}

#[tokio::test]
async fn an_event_is_an_entry_on_its_host_in_every_version_with_either_token() {
    for version in NetboxVersion::ALL {
        let lab = netbox(version).await;
        let v2 = (version >= NetboxVersion::V4_5).then(|| lab.writer_v2());
        for token in [Some(lab.writer_v1()), v2].into_iter().flatten() {
            let url = lab.url_below_path();
            let sink = sink(Settings::new("journal", url, token));
            let id = event().id.to_string();
            let opened = Delivery { id: format!("{id}-{token}"), ..delivery(&event()) };
            assert_eq!(sink.deliver(&opened).await, WRITTEN, "{version:?}");
        }
        let vm = lab.netbox().vm("box2-daily").unwrap();
        let JournalEntry { object, kind, comments, .. } = lab.netbox().journal().remove(0);
        assert_eq!((object, kind.as_str()), (ObjectRef::vm(vm), "danger"), "{version:?}");
        assert!(comments.starts_with("**SERVICE\\_MISSING: freshrss on box2-daily**"), "{comments}");
        assert!(comments.contains("7K3M9Q2A"), "{comments}");
    }
}

#[tokio::test]
async fn a_device_has_a_journal_too_and_a_recovery_is_a_success() {
    let (lab, sink) = both().await;
    let device = lab.netbox().add_device("nas", |_| {});
    sink.deliver(&about("NAS")).await.unwrap();
    let over = Event { hostname: Some("nas".into()), ..resolved() };
    sink.deliver(&Delivery { id: "another".into(), ..delivery(&over) }).await.unwrap();
    let objects: Vec<_> = lab.netbox().journal().into_iter().map(|entry| entry.object).collect();
    assert_eq!(objects, [ObjectRef::device(device), ObjectRef::device(device)]);
    assert_eq!(kinds(&lab), ["danger", "success"]);
}

#[tokio::test]
async fn an_entry_whose_answer_was_lost_is_not_written_again() {
    let (lab, sink) = both().await;
    let first = delivery(&event());
    for attempt in [1, 2] {
        lab.netbox().set_aftermath(Aftermath::Lost);
        let outcome = sink.deliver(&Delivery { attempt, ..first.clone() }).await;
        if attempt == 1 {
            assert!(matches!(outcome, Err(SinkError::Unavailable { .. })), "{outcome:?}");
        } else {
            assert_eq!(outcome, WAS_THERE);
        }
        assert_eq!(lab.netbox().journal().len(), 1);
    }
    // The number of the attempt proves nothing: after a power failure it begins anew.
    assert_eq!(sink.deliver(&first).await, WAS_THERE);
    lab.netbox().set_aftermath(Aftermath::Answered);
    assert_eq!(sink.deliver(&Delivery { id: "another".into(), ..first }).await, WRITTEN);
}

#[tokio::test]
async fn a_list_that_is_cut_short_does_not_say_that_nothing_is_there() {
    let (lab, sink) = both().await;
    assert_eq!(sink.deliver(&delivery(&event())).await, WRITTEN);
    for path in [ENTRIES, "/api/virtualization/virtual-machines/"] {
        lab.faults().set(path, Fault::Truncated);
        let cut = sink.deliver(&delivery(&event())).await;
        assert!(
            matches!(&cut, Err(SinkError::Unavailable { why }) if why.contains("0 rows of 1")),
            "{cut:?}"
        );
        lab.faults().clear_all();
    }
    assert_eq!(lab.netbox().journal().len(), 1);
}

#[tokio::test]
async fn the_same_words_on_another_object_or_by_somebody_else_are_no_entry_of_ours() {
    let (lab, sink) = both().await;
    let (ours, other) = (lab.netbox().vm("box2-daily").unwrap(), lab.netbox().add_vm("bystander", |_| {}));
    let id = event().id.to_string();
    lab.netbox().add_journal_entry(ObjectRef::vm(other), "info", &format!("see {id}"));
    lab.netbox().add_journal_entry(ObjectRef::vm(ours), "info", "moved to the other rack");
    assert_eq!(sink.deliver(&delivery(&event())).await, WRITTEN);
}

#[tokio::test]
async fn a_host_that_is_no_object_or_several_is_told_and_nothing_is_written() {
    let (lab, sink) = both().await;
    let why = rejected(sink.deliver(&about("guest")).await);
    assert!(why.contains("no device or virtual machine called guest"), "{why}");
    let twin = lab.netbox().add_device("box2-daily", |_| {});
    let why = rejected(sink.deliver(&about("box2-daily")).await);
    assert!(why.contains("more than one object") && why.contains(&format!("device {twin}")), "{why}");
    let nowhere = delivery(&Event { hostname: None, ..event() });
    assert!(rejected(sink.deliver(&nowhere).await).contains("about no host"));
    assert!(lab.netbox().journal().is_empty());
}

#[tokio::test]
async fn a_name_that_was_made_here_leads_to_its_object() {
    let (lab, sink) = both().await;
    let vm = lab.netbox().vm("box2-daily").unwrap();
    let unnamed = lab.netbox().add_device("", |device| device.name = None);
    let names = [format!("box2-daily (vm {vm})"), format!("device {unnamed}")];
    for name in &names {
        let delivery = Delivery { id: name.clone(), ..about(name) };
        assert_eq!(sink.deliver(&delivery).await, WRITTEN, "{name}");
    }
    let objects: Vec<_> = lab.netbox().journal().into_iter().map(|entry| entry.object).collect();
    assert_eq!(objects, [ObjectRef::vm(vm), ObjectRef::device(unnamed)]);
    rejected(sink.deliver(&about(&format!("other (vm {vm})"))).await);
}

#[tokio::test]
async fn a_hostile_name_is_asked_for_and_written_as_it_is() {
    let (lab, sink) = both().await;
    lab.netbox().add_vm(HOSTILE, |_| {});
    assert_eq!(sink.deliver(&delivery(&hostile())).await, WRITTEN);
    let comments = lab.netbox().journal().remove(0).comments;
    assert!(comments.contains("\\[b\\]\\(http://evil\\)") && !comments.contains('<'), "{comments}");
}

#[tokio::test]
async fn a_right_that_is_lacking_is_named_and_the_token_never_is() {
    let (lab, writer) = both().await;
    let reader = sink(Settings::new("journal", lab.url(), lab.token_v1()));
    let why = rejected(reader.deliver(&delivery(&event())).await);
    assert!(why.contains("extras.add_journalentry") && why.contains("may write"), "{why}");
    assert!(!why.contains(lab.token_v1()), "{why}");
    for (model, permission) in [
        ("dcim.device", "dcim.view_device"),
        ("virtualization.virtualmachine", "virtualization.view_virtualmachine"),
        ("extras.journalentry", "extras.view_journalentry"),
    ] {
        lab.netbox().deny(model);
        for why in [rejected(writer.deliver(&delivery(&event())).await), rejected(writer.look().await)] {
            assert!(why.contains(permission), "{why}");
        }
        lab.netbox().allow_all();
    }
    lab.netbox().deny_adding("extras.journalentry");
    for why in [rejected(writer.deliver(&delivery(&event())).await), rejected(writer.look().await)] {
        assert!(why.contains("extras.add_journalentry"), "{why}");
    }
    let stranger = sink(Settings::new("journal", lab.url(), "f".repeat(40)));
    assert!(rejected(stranger.deliver(&delivery(&event())).await).contains("wrong or was deleted"));
    assert!(lab.netbox().journal().is_empty());
}

#[tokio::test]
async fn a_look_says_whether_an_entry_could_be_written_and_writes_none() {
    for version in NetboxVersion::ALL {
        let lab = netbox(version).await;
        let ready = sink(settings(&lab)).look().await.unwrap();
        assert_eq!(ready.version, version.full());
        let reader = sink(Settings::new("journal", lab.url(), lab.token_v1()));
        assert!(rejected(reader.look().await).contains("extras.add_journalentry"));
        assert!(lab.netbox().journal().is_empty());
    }
}

#[tokio::test]
async fn what_is_away_for_a_while_is_told_apart_from_what_is_refused() {
    let (lab, sink) = both().await;
    let deliver = async |fault: Fault| {
        lab.faults().set(ENTRIES, fault);
        sink.deliver(&delivery(&event())).await
    };
    for fault in [Fault::Status(500), Fault::Status(503), Fault::Reset, Fault::Malformed] {
        let away = deliver(fault.clone()).await;
        assert!(matches!(away, Err(SinkError::Unavailable { .. })), "{fault:?}: {away:?}");
    }
    let busy = deliver(Fault::Status(429)).await;
    assert!(matches!(busy, Err(SinkError::Throttled { retry_after: Some(Duration::ZERO), .. })), "{busy:?}");
    lab.faults().clear_all();
    lab.down().await;
    let refused = sink.deliver(&delivery(&event())).await;
    assert!(
        matches!(&refused, Err(SinkError::Unavailable { why }) if why.contains("refused")),
        "{refused:?}"
    );
    assert!(lab.netbox().journal().is_empty());
}

#[tokio::test]
async fn a_cache_that_drops_the_query_proves_nothing() {
    let (lab, sink) = both().await;
    lab.netbox().set_ignores_queries(true);
    assert!(rejected(sink.deliver(&delivery(&event())).await).contains("drop the query"));
    assert!(lab.netbox().journal().is_empty());
}

#[tokio::test]
async fn an_attempt_ends_in_time_however_many_requests_it_takes() {
    let lab = netbox(NetboxVersion::V4_5).await;
    let timeout = Duration::from_millis(200);
    let sink = sink(Settings { timeout, ..settings(&lab) });
    lab.faults().set("", Fault::Slow(Duration::from_millis(150)));
    let slow = sink.deliver(&delivery(&event())).await;
    assert!(matches!(&slow, Err(SinkError::Unavailable { why }) if why.contains("within 200ms")), "{slow:?}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_only_where_it_is_named() {
    let authority = Authority::new();
    let address = authority.receiver("localhost").await;
    let settings = Settings::new("journal", format!("https://localhost:{}", address.port()), "0123");
    let sink = sink(settings);
    let refused = sink.deliver(&delivery(&event())).await;
    assert!(
        matches!(&refused, Err(SinkError::Unavailable { why }) if why.contains("unknown issuer")),
        "{refused:?}"
    );
}
