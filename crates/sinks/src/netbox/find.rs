//! Which object a host is. Pure. What does not live here: asking for the rows.

use evenkeel_core::HostName;

use super::wire::HostRow;

/// The two models that are hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Device,
    Vm,
}

impl Model {
    /// Below `/api/`.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Device => "dcim/devices/",
            Self::Vm => "virtualization/virtual-machines/",
        }
    }

    /// As a journal entry names it.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Device => "dcim.device",
            Self::Vm => "virtualization.virtualmachine",
        }
    }

    /// What it takes to see it.
    pub(super) fn permission(self) -> &'static str {
        match self {
            Self::Device => "dcim.view_device",
            Self::Vm => "virtualization.view_virtualmachine",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Vm => "vm",
        }
    }
}

/// One object of NetBox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) model: Model,
    pub(super) id: u64,
}

/// Why there is no one object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotFound {
    #[error(
        "netbox shows this token no device or virtual machine called {host}: declare it, let the token's user see it, \
         or leave the host out with sink.filter"
    )]
    Nothing { host: String },
    #[error("{host} is more than one object in netbox ({objects}): give each a name of its own")]
    Several { host: String, objects: String },
    /// An unknown or dropped filter lets everything through, and then nothing proves anything.
    #[error(
        "netbox answers with hosts that were not asked for: does something in front of it drop the query?"
    )]
    NotAsked,
}

/// The one among the devices and virtual machines that were asked for by this name.
pub(super) fn by_name(host: &HostName, devices: &[HostRow], vms: &[HostRow]) -> Result<Object, NotFound> {
    let of = |model, rows: &[HostRow]| -> Result<Vec<Object>, NotFound> {
        rows.iter()
            .map(|row| match is_called(row, host.as_str()) {
                true => Ok(Object { model, id: row.id }),
                false => Err(NotFound::NotAsked),
            })
            .collect()
    };
    let mut found = of(Model::Device, devices)?;
    found.extend(of(Model::Vm, vms)?);
    match found.as_slice() {
        [] => Err(NotFound::Nothing { host: host.to_string() }),
        [one] => Ok(*one),
        several => {
            let objects: Vec<String> =
                several.iter().map(|object| format!("{} {}", object.model.word(), object.id)).collect();
            Err(NotFound::Several { host: host.to_string(), objects: objects.join(", ") })
        }
    }
}

/// The object that a name made here points to: a device without a name is called `device 12`, and the second of two that
/// share a name `web (vm 12)`.
pub(super) fn handle(host: &HostName) -> Option<(Object, Option<&str>)> {
    let text = host.as_str();
    let (name, handle) = match text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
        Some((name, handle)) => (Some(name), handle),
        None => (None, text),
    };
    let (word, id) = handle.split_once(' ')?;
    let model = [Model::Device, Model::Vm].into_iter().find(|model| model.word() == word)?;
    Some((Object { model, id: id.parse().ok()? }, name))
}

/// Whether the row that was asked for by its number is what the handle means.
pub(super) fn is_meant(row: &HostRow, object: Object, name: Option<&str>) -> bool {
    row.id == object.id
        && match name {
            Some(name) => is_called(row, name),
            None => row.name.is_none(),
        }
}

/// NetBox compares names without regard to case.
fn is_called(row: &HostRow, name: &str) -> bool {
    row.name.as_deref().is_some_and(|own| own.trim().to_lowercase() == name.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, name: &str) -> HostRow {
        HostRow { id, name: Some(name.to_owned()) }
    }

    fn host(name: &str) -> HostName {
        HostName::new(name)
    }

    #[test]
    fn one_name_is_one_object_whatever_its_case() {
        let found = by_name(&host("Box"), &[], &[row(7, "bOX ")]);
        assert_eq!(found, Ok(Object { model: Model::Vm, id: 7 }));
    }

    #[test]
    fn none_several_and_what_was_not_asked_for_are_told_apart() {
        assert!(matches!(by_name(&host("box"), &[], &[]), Err(NotFound::Nothing { .. })));
        let several = by_name(&host("box"), &[row(3, "box")], &[row(7, "box")]).unwrap_err();
        assert!(several.to_string().contains("(device 3, vm 7)"), "{several}");
        assert_eq!(by_name(&host("box"), &[row(3, "box"), row(4, "box2")], &[]), Err(NotFound::NotAsked));
    }

    #[test]
    fn a_name_that_was_made_here_leads_to_its_object_and_to_no_other() {
        let (object, name) = (Object { model: Model::Vm, id: 12 }, Some("web"));
        let made = host("web (vm 12)");
        assert_eq!(handle(&made), Some((object, name)));
        assert!(is_meant(&row(12, "WEB"), object, name));
        assert!(!is_meant(&row(12, "mail"), object, name) && !is_meant(&row(13, "web"), object, name));
        let unnamed = host("device 3");
        let (object, name) = handle(&unnamed).unwrap();
        assert!(is_meant(&HostRow { id: 3, name: None }, object, name));
        assert!(!is_meant(&row(3, "switch"), object, name));
        assert_eq!(handle(&host("web (rack 12)")), None);
        assert_eq!(handle(&host("vm twelve")), None);
    }
}
