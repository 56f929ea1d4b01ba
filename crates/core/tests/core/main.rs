//! The comparison, the ledger, identity and remediation, by example and by property, over small worlds made up for it.

#[cfg(test)]
mod both;
#[cfg(test)]
mod diff_mended;
#[cfg(test)]
mod diff_properties;
#[cfg(test)]
mod fingerprints;
#[cfg(test)]
mod fold_examples;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod heartbeat;
#[cfg(test)]
mod identity_hosts;
#[cfg(test)]
mod identity_services;
#[cfg(test)]
mod judge_examples;
#[cfg(test)]
mod judge_hosts;
#[cfg(test)]
mod judge_machines;
#[cfg(test)]
mod judge_sources;
#[cfg(test)]
mod ledger_examples;
#[cfg(test)]
mod ledger_outside;
#[cfg(test)]
mod ledger_properties;
#[cfg(test)]
mod ledger_rules;
#[cfg(test)]
mod ledger_set_back;
#[cfg(test)]
mod ledger_states;
#[cfg(test)]
mod names;
#[cfg(test)]
mod own_store;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod remediation_guards;
#[cfg(test)]
mod remediation_properties;
#[cfg(test)]
mod remediation_steps;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod silences;
#[cfg(test)]
mod world;
