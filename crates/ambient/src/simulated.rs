//! Taking the machine's place, one thread at a time.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{Request, Response};

use crate::network::Lost;

/// A request on its way, and its answer on the way back.
pub type Sending = Pin<Box<dyn Future<Output = Result<Response, Lost>> + Send>>;

/// What takes the machine's place.
pub trait Surroundings: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;
    /// What time it is on every other machine.
    fn elsewhere(&self) -> Timestamp {
        self.now()
    }
    /// The next number of the seed's.
    fn draw(&self) -> u64;
    /// Carries a request, and gives up after the request's own timeout.
    fn send(&self, request: Request) -> Sending;
}

thread_local! {
    static PLACE: RefCell<Option<Arc<dyn Surroundings>>> = const { RefCell::new(None) };
}

/// On this thread the machine's place is taken until this is dropped.
#[must_use = "the simulation ends when this is dropped"]
pub struct Simulation {
    before: Option<Arc<dyn Surroundings>>,
    /// It belongs to the thread it was made on.
    _here: PhantomData<*const ()>,
}

/// Takes the machine's place on this thread.
pub fn simulate(surroundings: Arc<dyn Surroundings>) -> Simulation {
    let before = PLACE.with(|place| place.borrow_mut().replace(surroundings));
    Simulation { before, _here: PhantomData }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        PLACE.with(|place| *place.borrow_mut() = self.before.take());
    }
}

/// Who took the machine's place on this thread; `None`: nobody did.
pub(crate) fn place() -> Option<Arc<dyn Surroundings>> {
    // A thread that is ending has no place any more; nobody took it.
    PLACE.try_with(|place| place.borrow().clone()).ok().flatten()
}
