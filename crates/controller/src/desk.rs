//! A desk before whoever does one thing at a time: questions come in, and each gets its own answer. What does not live
//! here: the questions and the answers.

use tokio::sync::{mpsc, oneshot};

/// How many may wait for their answer.
const WAITING: usize = 64;

/// Where orders are given.
#[derive(Debug)]
pub struct Desk<Order>(mpsc::Sender<Order>);

/// Where an answer goes. Nobody waiting for it any more is no error.
pub type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// Nobody is behind the desk any more.
#[derive(Debug, thiserror::Error)]
#[error("the controller is stopping")]
pub struct Stopping;

impl<Order> Desk<Order> {
    /// A desk, and the other side of it.
    pub fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(WAITING);
        (Self(orders), received)
    }

    /// Waits for a place before the desk, and for the answer.
    ///
    /// # Errors
    /// What is answered, and [`Stopping`].
    pub async fn ask<T, E: From<Stopping>>(&self, order: impl FnOnce(Reply<T, E>) -> Order) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        self.0.send(order(reply)).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)?
    }
}

impl<Order> Clone for Desk<Order> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_so_many_orders_the_next_one_waits_before_the_desk() {
        let (desk, mut orders) = Desk::<Reply<(), Stopping>>::new();
        let asked: Vec<_> = (0..WAITING + 10)
            .map(|_| {
                let desk = desk.clone();
                tokio::spawn(async move { desk.ask(|reply| reply).await })
            })
            .collect();
        while orders.len() < WAITING {
            tokio::task::yield_now().await;
        }
        // Everybody had a turn since.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(orders.len(), WAITING);
        for _ in 0..WAITING + 10 {
            drop(orders.recv().await);
        }
        for one in asked {
            assert!(one.await.unwrap().is_err(), "nobody answered it");
        }
    }
}
