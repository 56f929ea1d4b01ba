//! What the controller shows: the live view behind the API, the health checks and the metrics.

use std::sync::{Arc, PoisonError, RwLock};

use evenkeel_core::identity::canonical;
use evenkeel_core::{HostName, Subject};
use evenkeel_web::{HostStatus, Intake, Live, NetboxHook, SourceStatus};
use prometheus::TextEncoder;

use crate::collect::now;
use crate::figures;
use crate::hub::Hub;

/// Shows whichever controller runs at the moment; a reload puts another one behind the same port.
#[derive(Default)]
pub struct Face(RwLock<Option<Arc<Hub>>>);

impl Face {
    /// From now on this controller is shown.
    pub fn show(&self, hub: Arc<Hub>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(hub);
    }

    fn hub(&self) -> Option<Arc<Hub>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Live for Face {
    fn hosts(&self) -> Vec<HostStatus> {
        let Some(hub) = self.hub() else { return Vec::new() };
        let now = now();
        hub.see(|world| {
            let subjects = world.subjects();
            subjects.iter().filter_map(Subject::host).map(|host| world.host_status(host, now)).collect()
        })
    }

    fn host(&self, name: &HostName) -> Option<HostStatus> {
        let hub = self.hub()?;
        let now = now();
        hub.see(|world| {
            let subjects = world.subjects();
            let mut hosts = subjects.iter().filter_map(Subject::host);
            let wanted = canonical(name.as_str());
            let found = hosts.find(|host| {
                host.as_str().eq_ignore_ascii_case(name.as_str()) || canonical(host.as_str()) == wanted
            })?;
            Some(world.host_status(found, now))
        })
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.hub()
            .map(|hub| hub.see(|world| world.source_statuses(crate::collect::now())))
            .unwrap_or_default()
    }

    fn intakes(&self) -> Vec<Arc<dyn Intake>> {
        self.hub().map(|hub| hub.intakes.clone()).unwrap_or_default()
    }

    fn netbox_hook(&self) -> Option<Arc<dyn NetboxHook>> {
        self.hub()?.netbox_bell.clone().map(|bell| bell as Arc<dyn NetboxHook>)
    }

    fn metrics(&self) -> String {
        let Some(hub) = self.hub() else { return String::new() };
        figures::refresh(&hub);
        // The encoder fails only on a metric family without a name; ours have names.
        TextEncoder::new().encode_to_string(&hub.registry.gather()).unwrap_or_default()
    }
}
