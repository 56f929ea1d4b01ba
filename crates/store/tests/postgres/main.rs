//! PostgreSQL: the contract, adoption, rights, crashes.

#[cfg(test)]
mod adoption;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod hints;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod repairs;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod undone;
#[cfg(test)]
mod views;
