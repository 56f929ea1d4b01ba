//! What hosts are called. NetBox's names are unique per cluster and tenant only, and a device needs none.
//!
//! Pure. What does not live here: aliases and matching against what sources see (core's `identity`).

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::HostName;
use evenkeel_core::model::HostKind;

use super::rows::{HostKey, HostRow};

/// The hosts' names, each once, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) of: BTreeMap<HostKey, HostName>,
    pub(super) contradictions: Vec<(HostKey, String)>,
}

/// `device 12`, `vm 12`: how a host is told apart where its name does not do it.
pub(super) fn handle(key: HostKey) -> String {
    match key.kind {
        HostKind::Device => format!("device {}", key.id),
        HostKind::VirtualMachine => format!("vm {}", key.id),
    }
}

/// Names every host. `hosts` come devices first, by id: the first keeps the name, later ones carry their handle, too,
/// so that the same NetBox always gives the same names.
pub(super) fn assign(hosts: &[(HostKey, &HostRow)]) -> Names {
    let mut names = Names::default();
    let mut sharing: BTreeMap<String, Vec<HostKey>> = BTreeMap::new();
    for (key, row) in hosts {
        if let Some(name) = &row.name {
            sharing.entry(name.trim().to_lowercase()).or_default().push(*key);
        }
    }
    let mut taken: BTreeSet<String> = sharing.keys().cloned().collect();
    for (key, row) in hosts {
        let Some(name) = row.name.as_deref().map(str::trim) else {
            names.of.insert(*key, HostName::new(free(&mut taken, &handle(*key), *key)));
            continue;
        };
        let same = sharing.get(&name.to_lowercase()).map_or(&[][..], Vec::as_slice);
        let own = match same.first() {
            Some(first) if first != key => free(&mut taken, &format!("{name} ({})", handle(*key)), *key),
            Some(_) | None => name.to_owned(),
        };
        if same.len() > 1 {
            let all: Vec<String> = same.iter().map(|key| handle(*key)).collect();
            let what = format!("the name {name} is declared more than once: {}", all.join(", "));
            names.contradictions.push((*key, what));
        }
        names.of.insert(*key, HostName::new(own));
    }
    names
}

/// A name nobody has, should somebody have called a host `web (vm 12)` by hand.
fn free(taken: &mut BTreeSet<String>, wanted: &str, key: HostKey) -> String {
    let mut name = wanted.to_owned();
    while !taken.insert(name.to_lowercase()) {
        name = format!("{name} ({})", handle(key));
    }
    name
}
