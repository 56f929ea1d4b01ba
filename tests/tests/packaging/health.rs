//! `evenkeel health`, as the health check of a container asks it.

use std::net::TcpListener;

use evenkeel_tests::program::Home;
use evenkeel_tests::stage::Lab;

const SERVICES: &[(&str, u16)] = &[("web", 80)];

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_of_a_running_evenkeel_and_not_of_one_that_is_gone() {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let home = Home::new(&lab, None);
    // Free now; whoever takes it before evenkeel does makes the start fail, not lie.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.edit("listen = \"127.0.0.1:0\"", &format!("listen = \"{address}\""));
    let program = home.start().await;
    program.until_ready().await;
    let alive = home.command(&["health"]).await;
    let said = String::from_utf8_lossy(&alive.stdout);
    assert_eq!(alive.status.code(), Some(0), "{}", String::from_utf8_lossy(&alive.stderr));
    assert_eq!(said.trim(), format!("evenkeel lives at {address}"));

    // What was broken after the start says nothing about what runs.
    let good = home.read();
    home.write(&format!("{good}\n[[nonsense]]\nthis = \"is no setting\"\n"));
    assert_eq!(home.command(&["health"]).await.status.code(), Some(0));
    assert_eq!(home.command(&["check"]).await.status.code(), Some(2));

    program.stop().await;
    let dead = home.command(&["health"]).await;
    assert_eq!(dead.status.code(), Some(1));
    let said = String::from_utf8_lossy(&dead.stderr).into_owned();
    assert!(said.contains(&format!("nobody answers at {address}")), "{said}");
}
