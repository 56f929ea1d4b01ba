//! What may be seen: Proxmox answers 200 with a shorter list to whoever lacks rights, so what is not in a list is absent
//! only where the rights are proved. What lives here: the judgement of `/access/permissions`. What does not: when to ask.

use evenkeel_core::{Gap, GapKind};
use serde_json::{Map, Value};

use super::config::Login;
use super::wire::flag_of;

/// The rights that matter, each held or not with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    /// Every guest is listed: `VM.Audit`.
    pub(super) guests: Result<(), Gap>,
    /// The figures of every node: `Sys.Audit`.
    pub(super) nodes: Result<(), Gap>,
    /// Every storage is listed: `Datastore.Audit`.
    pub(super) storages: Result<(), Gap>,
    /// Guest agents may be asked: `VM.GuestAgent.Audit`, before 9 `VM.Monitor`.
    pub(super) agents: Result<(), Gap>,
}

impl Rights {
    /// All of them for one reason.
    pub(super) fn unproved(gap: &Gap) -> Self {
        let no = || Err(gap.clone());
        Self { guests: no(), nodes: no(), storages: no(), agents: no() }
    }

    /// What is missing for a list of guests and nodes to be whole.
    pub(super) fn gap(&self) -> Option<&Gap> {
        self.guests.as_ref().err().or(self.nodes.as_ref().err())
    }
}

/// Reads the `data` of `/access/permissions`: path → privilege → whether it holds for what lies below.
pub(super) fn judge(data: &Value, login: &Login) -> Rights {
    // Perl's empty hash becomes an empty object; somebody without any right gets that.
    let Some(paths) = data.as_object() else {
        let gap = Gap::new(GapKind::Malformed, "the list of permissions is no list of permissions");
        return Rights::unproved(&gap);
    };
    let held = |area: &str, privileges: &[&str]| {
        if holds(paths, area, privileges) {
            return Ok(());
        }
        let why = format!(
            "{} lacks {} on {area}, so what is not shown may be there all the same; `{}`",
            login.who(),
            privileges.join(" or "),
            login.grant()
        );
        Err(Gap::new(GapKind::Unauthorized, why))
    };
    let guests = held("/vms", &["VM.Audit"]).and_then(|()| match exception(paths, "/vms/", "VM.Audit") {
        None => Ok(()),
        Some(path) => {
            let why = format!("{} lacks VM.Audit on {path}, where other rights are given", login.who());
            Err(Gap::new(GapKind::Unauthorized, why))
        }
    });
    Rights {
        guests,
        nodes: held("/nodes", &["Sys.Audit"]),
        storages: held("/storage", &["Datastore.Audit"]),
        agents: held("/vms", &["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted", "VM.Monitor"]),
    }
}

fn holds(paths: &Map<String, Value>, area: &str, privileges: &[&str]) -> bool {
    let below = |path: &str| {
        paths
            .get(path)
            .is_some_and(|held| privileges.iter().any(|name| held.get(name).and_then(flag_of) == Some(true)))
    };
    if paths.contains_key(area) {
        return below(area);
    }
    // Proxmox lists its areas one by one, and leaves out those where nothing is held: an area that is missing beside
    // others was taken away.
    let listed = ["/access", "/nodes", "/vms", "/storage", "/pool", "/sdn"]
        .iter()
        .any(|area| paths.contains_key(*area));
    !listed && below("/")
}

fn exception<'a>(paths: &'a Map<String, Value>, below: &str, privilege: &str) -> Option<&'a str> {
    let lacking = paths.iter().find(|(path, held)| {
        // Here the right itself counts, not whether it is handed down.
        path.starts_with(below) && held.get(privilege).and_then(flag_of).is_none()
    });
    lacking.map(|(path, _)| path.as_str())
}

#[cfg(test)]
mod tests {
    use evenkeel_core::Secret;
    use serde_json::json;

    use super::*;

    fn login() -> Login {
        Login::Token { id: "evenkeel@pve!ro".into(), secret: Secret::new("x") }
    }

    fn guests(data: Value) -> Result<(), Gap> {
        judge(&data, &login()).guests
    }

    #[test]
    fn an_auditor_sees_everything_but_old_agents() {
        let held = json!({"VM.Audit": 1, "Sys.Audit": 1, "Datastore.Audit": 1});
        let rights = judge(&json!({"/": held, "/vms": held, "/nodes": held, "/storage": held}), &login());
        assert_eq!((rights.gap(), &rights.storages), (None, &Ok(())));
        assert!(rights.agents.is_err());
        assert_eq!(guests(json!({"/": {"VM.Audit": 1}})), Ok(()));
        assert_eq!(guests(json!({"/vms": {"VM.Audit": "1"}})), Ok(()));
    }

    #[test]
    fn a_right_that_is_not_handed_down_proves_nothing() {
        for data in [json!({}), json!({"/": {"VM.Audit": 0}}), json!({"/": {"Sys.Audit": 1}}), json!([])] {
            assert!(guests(data.clone()).is_err(), "{data}");
        }
    }

    #[test]
    fn an_exception_below_costs_the_proof() {
        let data = json!({"/": {"VM.Audit": 1}, "/vms": {"VM.Audit": 1}, "/vms/105": {"VM.Console": 1}});
        assert!(guests(data).unwrap_err().why.contains("/vms/105"));
        let taken = json!({"/": {"VM.Audit": 1}, "/nodes": {"Sys.Audit": 1}});
        assert!(guests(taken).is_err(), "nothing is held on /vms, so it is not listed");
        let kept = json!({"/vms": {"VM.Audit": 1}, "/vms/105": {"VM.Audit": 0}});
        assert_eq!(guests(kept), Ok(()));
    }

    #[test]
    fn what_is_lacking_is_said_with_the_command_that_gives_it() {
        let gap = guests(json!({})).unwrap_err();
        let why = &gap.why;
        assert!(
            why.contains("pveum acl modify / --roles PVEAuditor --propagate 1 --users 'evenkeel@pve' --tokens 'evenkeel@pve!ro'"),
            "{why}"
        );
    }
}
