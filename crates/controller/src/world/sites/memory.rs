//! What a site's answer is held against: what was believed before, and what an earlier run knew. Silence after a restart
//! makes nothing right that was wrong.

use evenkeel_core::model::HostSnapshot;
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, SourceKind, Subject, brake};
use jiff::Timestamp;

use super::{Site, key_of};
use crate::world::intent::Intent;
use crate::world::observations::outlasted;

impl Site {
    /// A list that lost too much at once is held back, as an engine's is: a script that could not list anything sends
    /// an empty list just as well.
    pub(super) fn hold_back(&mut self, host: &mut HostSnapshot, policy: &Policy, now: Timestamp) {
        if !host.coverage.is_complete() {
            return;
        }
        let key = key_of(host);
        if let Some((before, held_since)) = self.believed.get_mut(&key)
            && let Some(gap) = brake::host_gap(&policy.brake, before, host)
        {
            let since = *held_since.get_or_insert(now);
            if !outlasted(since, policy.brake.accept_after, now) {
                host.coverage = Coverage::Partial(gap);
                return;
            }
        }
        self.believed.insert(key, (host.clone(), None));
    }

    /// Whether it would have to say something about a machine that it does not show: as its witness; because it spoke
    /// about it in an earlier run; or because it has shown nothing in full yet, and an undeclared machine may be its own.
    pub(super) fn may_speak_about(&self, subject: &Subject, intent: &Intent) -> bool {
        let Some(name) = subject.host() else { return false };
        match self.id.kind {
            SourceKind::Proxmox | SourceKind::Truenas => match intent.host(name) {
                Some(host) => self.is_witness_of(host),
                None => self.complete_at.is_none() || self.departed.contains_key(subject),
            },
            SourceKind::Push => {
                let known = intent.index().reference(name);
                known.is_some() && self.remembered.values().any(|remembered| Some(*remembered) == known)
            }
            SourceKind::Netbox | SourceKind::Docker | SourceKind::Probe | SourceKind::Store => false,
        }
    }

    /// Whether it has had nothing to say since the start: what was wrong before may still be.
    pub(in crate::world) fn is_silent(&self, intent: &Intent) -> bool {
        self.places.is_empty()
            && match self.id.kind {
                SourceKind::Push => true,
                SourceKind::Probe => intent.complete().is_none(),
                SourceKind::Netbox
                | SourceKind::Docker
                | SourceKind::Proxmox
                | SourceKind::Truenas
                | SourceKind::Store => false,
            }
    }
}
