//! A port opened, closed and filtered, as a client sees it.

use super::*;

async fn connect(machine: &Machine, port: u16) -> Result<io::Result<TcpStream>, tokio::time::error::Elapsed> {
    timeout(Duration::from_millis(400), TcpStream::connect((machine.address(), port))).await
}

#[tokio::test]
async fn a_port_can_be_opened_closed_and_opened_again() {
    let machine = Machine::start();
    let port = machine.open(Behaviour::Open).await.unwrap();
    let held = connect(&machine, port).await.unwrap().unwrap();
    machine.set(port, Behaviour::Closed).await.unwrap();
    let refused = connect(&machine, port).await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    machine.set(port, Behaviour::Http(204)).await.unwrap();
    connect(&machine, port).await.unwrap().unwrap();
    drop(held);
}

#[tokio::test]
async fn a_filtered_port_says_nothing_while_its_neighbour_answers() {
    let machine = Machine::start();
    let silent = machine.open(Behaviour::Filtered).await.unwrap();
    let open = machine.open(Behaviour::Open).await.unwrap();
    assert!(connect(&machine, silent).await.is_err(), "nothing comes back");
    connect(&machine, open).await.unwrap().unwrap();
    machine.set(silent, Behaviour::Open).await.unwrap();
    connect(&machine, silent).await.unwrap().unwrap();
}

#[tokio::test]
async fn machines_do_not_share_an_address() {
    assert_ne!(Machine::start().address(), Machine::start().address());
}
