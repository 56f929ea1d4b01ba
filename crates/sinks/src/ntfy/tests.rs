//! Deliveries over the wire, to the lab's ntfy.

use evenkeel_core::Secret;
use evenkeel_core::remediation::Code;
use evenkeel_lab::ntfy::{Mode, Ntfy};

use super::{Config, NtfySink, Settings};
use crate::http::Login;
use crate::samples::{brake, delivery, delivery_of, event, hostile, notice};
use crate::{Receipt, Sink, SinkError};

fn sink(server: &Ntfy, login: Login) -> NtfySink {
    let settings = Settings { login, ..Settings::new("phone", server.url(), "drift") };
    NtfySink::new(Config::new(settings).unwrap(), None).unwrap()
}

#[tokio::test]
async fn an_event_arrives_as_a_message_with_its_title_whatever_its_letters() {
    let server = Ntfy::start().await.unwrap();
    let sink = sink(&server, Login::Anonymous);
    assert_eq!(sink.deliver(&delivery(&event())).await, Ok(Receipt { status: Some(200) }));
    sink.deliver(&delivery(&hostile())).await.unwrap();
    let kept = server.messages("drift");
    assert_eq!(kept[0]["title"], "SERVICE_MISSING: freshrss on box2-daily");
    assert_eq!(kept[0]["priority"], 4);
    assert!(kept[1]["title"].as_str().unwrap().contains('ü'));
}

#[tokio::test]
async fn a_notice_arrives_with_the_priority_of_what_it_asks() {
    let server = Ntfy::start().await.unwrap();
    let sink = sink(&server, Login::Anonymous);
    for told in [brake(), notice(Code::Escalated), notice(Code::ApprovalWanted), notice(Code::BrakeReleased)]
    {
        sink.deliver(&delivery_of(&told)).await.unwrap();
    }
    let kept = server.messages("drift");
    assert_eq!(kept.iter().map(|told| told["priority"].clone()).collect::<Vec<_>>(), [5, 4, 3, 2]);
    assert_eq!(kept[0]["title"], "The brake is on");
    assert_eq!(kept[0]["message"], brake().text);
    assert_eq!(kept[1]["title"], "A person is needed: freshrss on box2-daily");
}

#[tokio::test]
async fn each_login_is_shown_as_the_server_wants_it() {
    // ada:hunter2 in base64.
    for (authorization, login) in [
        ("Bearer tk_hunter2", Login::Token(Secret::new("tk_hunter2"))),
        ("Basic YWRhOmh1bnRlcjI=", Login::User { name: "ada".into(), password: Secret::new("hunter2") }),
    ] {
        let server = Ntfy::start_closed(authorization).await.unwrap();
        sink(&server, login).deliver(&delivery(&event())).await.unwrap();
        for wrong in [Login::Anonymous, Login::Token(Secret::new("tk_other"))] {
            let refused = sink(&server, wrong).deliver(&delivery(&event())).await;
            assert!(matches!(refused, Err(SinkError::Rejected { .. })), "{refused:?}");
        }
        assert_eq!(server.messages("drift").len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_taken_is_told_apart_and_never_counts_as_taken() {
    let server = Ntfy::start().await.unwrap();
    let sink = sink(&server, Login::Anonymous);
    server.set_mode(Mode::Busy);
    let busy = sink.deliver(&delivery(&event())).await;
    assert!(
        matches!(busy, Err(SinkError::Throttled { retry_after: Some(wait), .. }) if wait.as_secs() == 7),
        "{busy:?}"
    );
    for mode in [Mode::Away, Mode::Portal] {
        server.set_mode(mode);
        let away = sink.deliver(&delivery(&event())).await;
        assert!(matches!(away, Err(SinkError::Unavailable { .. })), "{mode:?}: {away:?}");
    }
    assert!(server.messages("drift").is_empty());
}
