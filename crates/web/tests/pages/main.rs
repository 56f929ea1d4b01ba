//! The pages as a browser meets them: over a real socket, with a real store in memory and a world made up for the test.

#[cfg(test)]
mod away;
#[cfg(test)]
#[path = "../http/client.rs"]
#[allow(dead_code, reason = "the tests of the API use the rest of it")]
mod client;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod escaping;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod site;
#[cfg(test)]
mod verdicts;
