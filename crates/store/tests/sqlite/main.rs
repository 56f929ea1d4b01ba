//! SQLite: the contract, its files, its crashes.

#[cfg(test)]
mod backup;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod files;
#[cfg(test)]
mod full;
#[cfg(test)]
mod views;
