//! Who may see what: users, tokens, roles on paths, as Proxmox VE computes them. What lives here: rights. What does not:
//! logins over HTTP (`serve`).

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::PveVersion;

/// The areas whose rights Proxmox lists even where nobody gave any there.
const AREAS: [&str; 8] = ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"];

/// A privilege and whether it holds for what lies below as well.
pub(super) type Privileges = BTreeMap<&'static str, bool>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    who: String,
    path: String,
    role: String,
    propagate: bool,
}

/// Rights that were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    grants: Vec<Grant>,
}

impl Access {
    pub(super) fn grant(&mut self, who: &str, path: &str, role: &str, propagate: bool) {
        self.grants.retain(|grant| !(grant.who == who && grant.path == path));
        self.grants.push(Grant {
            who: who.to_owned(),
            path: path.to_owned(),
            role: role.to_owned(),
            propagate,
        });
    }

    pub(super) fn revoke(&mut self, who: &str, path: &str) {
        self.grants.retain(|grant| !(grant.who == who && (path.is_empty() || grant.path == path)));
    }

    /// What this user or token holds on a path. A token holds what it shares with its user.
    pub(super) fn on(&self, who: &str, path: &str, version: PveVersion) -> Privileges {
        let own = self.own(who, path, version);
        let Some((user, _)) = who.split_once('!') else {
            return own;
        };
        let users = self.own(user, path, version);
        own.into_iter()
            .filter_map(|(name, below)| users.get(name).map(|users_below| (name, below && *users_below)))
            .collect()
    }

    pub(super) fn may(&self, who: &str, path: &str, privilege: &str, version: PveVersion) -> bool {
        self.on(who, path, version).contains_key(privilege)
    }

    /// As `/access/permissions` shows it: paths where nothing is held are left out.
    pub(super) fn all(&self, who: &str, version: PveVersion) -> BTreeMap<String, Privileges> {
        let mut paths: BTreeSet<&str> = AREAS.into_iter().collect();
        paths.extend(self.grants.iter().map(|grant| grant.path.as_str()));
        paths
            .into_iter()
            .map(|path| (path.to_owned(), self.on(who, path, version)))
            .filter(|(_, held)| !held.is_empty())
            .collect()
    }

    /// The nearest path at or above where something was given decides alone.
    fn own(&self, who: &str, path: &str, version: PveVersion) -> Privileges {
        let mut held = Privileges::new();
        for above in ancestry(path) {
            if let Some(grant) = self.grants.iter().find(|grant| grant.who == who && grant.path == above)
                && (grant.propagate || above == path)
            {
                held = role(&grant.role, version).iter().map(|name| (*name, grant.propagate)).collect();
            }
        }
        held
    }
}

fn ancestry(path: &str) -> Vec<String> {
    let mut all = vec!["/".to_owned()];
    let mut so_far = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        so_far = format!("{so_far}/{part}");
        all.push(so_far.clone());
    }
    all
}

fn role(name: &str, version: PveVersion) -> &'static [&'static str] {
    match (name, version) {
        ("PVEAuditor", PveVersion::V8) => {
            &["Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit"]
        }
        ("PVEAuditor", PveVersion::V9) => &[
            "Datastore.Audit",
            "Mapping.Audit",
            "Pool.Audit",
            "SDN.Audit",
            "Sys.Audit",
            "VM.Audit",
            "VM.GuestAgent.Audit",
        ],
        ("AgentReader", PveVersion::V8) => &["VM.Monitor"],
        ("PVEVMUser", _) => &["VM.Audit", "VM.Console", "VM.PowerMgmt"],
        ("PVEDatastoreUser", _) => &["Datastore.Audit", "Datastore.AllocateSpace"],
        // `NoAccess`, and roles that nobody made.
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_without_rights_of_its_own_sees_nothing_whatever_its_user_sees() {
        let mut access = Access::default();
        access.grant("a@pve", "/", "PVEAuditor", true);
        assert!(access.may("a@pve", "/vms/100", "VM.Audit", PveVersion::V9));
        assert!(access.all("a@pve!t", PveVersion::V9).is_empty());
        access.grant("a@pve!t", "/vms", "PVEAuditor", true);
        assert!(access.may("a@pve!t", "/vms/100", "VM.Audit", PveVersion::V9));
        assert!(!access.may("a@pve!t", "/nodes/pve1", "Sys.Audit", PveVersion::V9));
    }

    #[test]
    fn the_nearest_grant_decides_alone() {
        let mut access = Access::default();
        access.grant("a@pve", "/", "PVEAuditor", true);
        access.grant("a@pve", "/vms/105", "NoAccess", true);
        assert!(!access.may("a@pve", "/vms/105", "VM.Audit", PveVersion::V9));
        assert!(!access.all("a@pve", PveVersion::V9).contains_key("/vms/105"));
        access.grant("a@pve", "/", "PVEAuditor", false);
        assert_eq!(access.on("a@pve", "/", PveVersion::V9).get("VM.Audit"), Some(&false));
        assert!(!access.may("a@pve", "/vms", "VM.Audit", PveVersion::V9));
    }
}
