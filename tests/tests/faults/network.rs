//! Cables that are cut: the controller in a network of its own, from which three lead to what it watches and tells.

use std::net::Ipv4Addr;
use std::time::Instant;

use evenkeel_tests::faults::{Books, Figures, HOSTS, rounds};
use evenkeel_tests::program::{Home, Program};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use xtask::real::Room;

use super::{Scene, blocking, file, until};

/// What is at the end of each cable.
const CABLES: [&str; 3] = ["NetBox", "Docker", "receiver"];
const NETBOX: usize = 0;
const DOCKER: usize = 1;
const RECEIVER: usize = 2;

type Act = fn(&mut Room, usize) -> anyhow::Result<()>;

/// How a cable ends to carry anything, and begins again.
const WAYS: [(&str, Act, Act); 2] =
    [("cut, packets vanish", Room::cut, Room::mend), ("link down", Room::unplug, Room::plug)];

/// Listens on the outer end of a cable and passes on what comes; says where.
async fn pass_on(at: Ipv4Addr, to: String) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind((at, 0)).await.unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let passing = tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let Ok(mut outer) = TcpStream::connect(to).await else { return };
                // Whichever side goes away first, the other learns it.
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            });
        }
    });
    (here, passing)
}

/// Leads everything that the configuration names through its cable.
async fn rewire(scene: &Scene, room: &Room, home: &Home) {
    let netbox = scene.world.lab.netbox.url();
    let mut ends = vec![(NETBOX, netbox.trim_start_matches("http://").trim_end_matches('/').to_owned())];
    ends.extend(HOSTS.map(|host| (DOCKER, scene.world.lab.engine(host).address().to_string())));
    ends.push((RECEIVER, scene.inboxes[0].receiver.address().to_string()));
    for (cable, address) in ends {
        let (here, _) = pass_on(room.outside(cable), address.clone()).await;
        home.edit(&address, &here);
    }
    home.edit("[netbox]\n", "[netbox]\ninsecure_http = true\n");
    home.edit("[docker_defaults]\n", "[docker_defaults]\ninsecure_http = true\n");
}

/// What is blind while these cables are cut.
fn blindness(cables: &[usize]) -> Vec<String> {
    let mut blind = Vec::new();
    if cables.contains(&NETBOX) {
        blind.push("SNAPSHOT_ERROR netbox/main".to_owned());
    }
    if cables.contains(&DOCKER) {
        blind.extend(HOSTS.map(|host| format!("DOCKER_UNREACHABLE {host}")));
    }
    blind
}

/// Waits until what should be blind is, and somebody waits in vain; nothing else opened or ended that nobody could see.
async fn until_blind(cables: &[usize], before: &[String], books: &Books, program: &Program) {
    let blind = blindness(cables);
    let failures = program.log().matches("not delivered yet").count();
    until("blind", program, async || {
        let Some(open) = books.open_drifts().await else { return false };
        if cables.contains(&DOCKER) {
            let seen: Vec<_> = open.iter().filter(|drift| drift.starts_with("SERVICE")).cloned().collect();
            assert_eq!(seen, before, "while nobody can see: {}", program.log());
        }
        let failed = || program.log().matches("not delivered yet").count() > failures;
        blind.iter().all(|drift| open.contains(drift)) && (!cables.contains(&RECEIVER) || failed())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_makes_blind_and_nothing_missing_and_comes_back() {
    let mut room = match tokio::task::block_in_place(|| Room::start(3)) {
        Ok(room) => room,
        Err(error) => return evenkeel_tests::skip(&format!("no network to cut: {error:#}")),
    };
    let mut scene = Scene::new(&["n8n"]).await;
    let mut home = scene.home();
    rewire(&scene, &room, &home).await;
    home.around = room.inside();
    let program = home.start().await;
    program.until_logged("running").await;
    let books = file(&home);
    let mut oracle = scene.oracle(books.clone());
    oracle.blindness = vec!["DOCKER_UNREACHABLE", "SNAPSHOT_ERROR", "NODE_UNREACHABLE"];
    scene.churn(300).await.unwrap();
    oracle.recovered(Instant::now(), &program).await;
    for (way, cut, mend) in WAYS {
        for cables in [&[NETBOX][..], &[DOCKER], &[RECEIVER], &[NETBOX, DOCKER, RECEIVER]] {
            let ends: Vec<_> = cables.iter().map(|cable| CABLES[*cable]).collect();
            let mut figures = Figures::of(format!("network to {}: {way}", ends.join(", ")));
            for _ in 0..rounds(1) {
                let before: Vec<String> = scene.world.truth().into_iter().collect();
                blocking(|| cables.iter().try_for_each(|cable| cut(&mut room, *cable)));
                scene.churn(500).await.unwrap();
                until_blind(cables, &before, &books, &program).await;
                let begun = Instant::now();
                blocking(|| cables.iter().try_for_each(|cable| mend(&mut room, *cable)));
                figures.add(oracle.recovered(begun, &program).await);
            }
            figures.tell();
        }
    }
    oracle.assert_outbox_whole().await;
    program.stop().await;
}
