//! Receivers that are ill in every way at once, each in its own: the one that is well is not delayed, and all get
//! everything at last, under the same ids.

use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_lab::receiver::Mode;
use evenkeel_tests::faults::{Figures, Inbox, rounds};
use evenkeel_tests::program::Program;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Scene, file, until};

/// Each way to be ill, by the name of its sink.
const ILL: [&str; 6] = ["hangs", "fails", "resets", "deaf", "forgets to answer", "gone"];

/// A receiver that takes connections and never reads, in the place of one that does.
struct Deaf(JoinHandle<()>);

impl Deaf {
    async fn instead_of(inbox: &Inbox) -> Self {
        inbox.receiver.close().await;
        let listener = TcpListener::bind(inbox.receiver.address()).await.unwrap();
        Self(tokio::spawn(async move {
            let mut held: Vec<TcpStream> = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        }))
    }

    async fn hears_again(self, inbox: &Inbox) {
        self.0.abort();
        let _ = self.0.await;
        inbox.receiver.reopen().await.unwrap();
    }
}

/// Makes it ill; what stands in its place, if anything does.
async fn sicken(inbox: &Inbox) -> Option<Deaf> {
    let mode = match inbox.sink.as_str() {
        "hangs" => Mode::Hang,
        "fails" => Mode::status(500),
        "resets" => Mode::Reset,
        "forgets to answer" => Mode::ResetMidAnswer,
        "deaf" => return Some(Deaf::instead_of(inbox).await),
        "gone" => {
            inbox.receiver.close().await;
            return None;
        }
        other => panic!("{other} is no illness"),
    };
    inbox.receiver.set_mode(mode);
    None
}

async fn heal(inbox: &Inbox, deaf: Option<Deaf>) {
    inbox.receiver.set_mode(Mode::Acknowledge);
    if let Some(deaf) = deaf {
        deaf.hears_again(inbox).await;
    }
    if inbox.sink == "gone" {
        inbox.receiver.reopen().await.unwrap();
    }
}

/// The one that is well knows everything and nothing waits for it, though for each that is ill something does.
async fn until_the_well_one_knows(scene: &Scene, books: &evenkeel_tests::faults::Books, program: &Program) {
    let truth = scene.world.truth();
    let well: &Arc<Inbox> = &scene.inboxes[0];
    until("the well one knows, the others wait", program, async || {
        let Some(waiting) = books.waiting().await else { return false };
        let waits = |sink: &str| waiting.get(sink).is_some_and(|count| *count > 0);
        well.open() == truth && !waits(&well.sink) && ILL.iter().all(|sink| waits(sink))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ails_a_receiver_no_other_waits_and_it_gets_everything_under_the_same_ids() {
    let mut names = vec!["n8n"];
    names.extend(ILL);
    let mut scene = Scene::new(&names).await;
    let home = scene.home();
    let books = file(&home);
    let program = home.start().await;
    program.until_logged("running").await;
    let mut oracle = scene.oracle(books.clone());
    let mut figures =
        Figures::of("receivers that hang, fail, reset, are deaf, gone, or die after the effect");
    let mut well = Figures::of("  the receiver beside them, from the last change on");
    for _ in 0..rounds(1) {
        let mut deaf = Vec::new();
        for inbox in &scene.inboxes[1..] {
            deaf.push(sicken(inbox).await);
        }
        scene.churn(300).await.unwrap();
        let changed = Instant::now();
        until_the_well_one_knows(&scene, &books, &program).await;
        well.add(changed.elapsed());
        // Long enough for every first attempt to have failed, too short for the second.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let begun = Instant::now();
        for (inbox, deaf) in scene.inboxes[1..].iter().zip(deaf) {
            heal(inbox, deaf).await;
        }
        figures.add(oracle.recovered(begun, &program).await);
    }
    // What had its effect before it was answered came again, and was the same.
    let kept: usize = scene.inboxes[0].threads().values().map(Vec::len).sum();
    for inbox in scene.inboxes.iter().filter(|inbox| inbox.sink == "forgets to answer") {
        assert!(inbox.requests() > kept, "{} of {kept}", inbox.requests());
    }
    oracle.assert_outbox_whole().await;
    figures.tell();
    well.tell();
    program.stop().await;
}
