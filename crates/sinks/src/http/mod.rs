//! What every sink that speaks HTTP shares: which addresses and headers are taken (`target`), which never (`address`),
//! the one exchange (`client`), and what an answer means (`answer`). What does not live here: what is sent.

mod address;
mod answer;
mod client;
mod target;

pub use answer::SuccessRule;
pub use client::Error;
pub use target::{DEFAULT_TIMEOUT, Link, Login, Problem};

pub(crate) use answer::{Answer, Body, parse_retry_after};
pub(crate) use client::Client;
pub(crate) use target::{Mistakes, Target, check_header, check_login, check_name, check_timeout, check_url};
