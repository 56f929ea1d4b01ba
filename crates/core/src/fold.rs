//! One cause, one alarm: which drift is a consequence of which.

use crate::event::EventType as T;
use crate::id::{DriftId, Field, Subject};

/// Whether `root` being true makes `other` unsurprising. `blind` says that `other` cannot be judged at the moment:
/// only then is a failed observation its cause. A cause always lies deeper than what it explains, so that no two
/// drifts can explain each other away.
pub fn explains(root: &DriftId, other: &DriftId, blind: bool) -> bool {
    if root.subject != other.subject || depth(root) >= depth(other) {
        return false;
    }
    match root.event_type {
        T::VmDown | T::NodeUnreachable => true,
        // That what runs on it, what it is called and how full it is are not declared follows.
        T::VmUndeclared => undeclared_too(other),
        T::DockerUnreachable => blind && !outranks_engine(other) && same_source_or_none(root, other),
        T::SnapshotError => blind && other.service.is_some() && other.event_type != T::ResourceExceeded,
        T::ConfigDrift if root.service.is_none() => explains_as_host_config(root, other),
        T::RestartLoop => same_service(root, other) && other.event_type != T::ServiceUnexpected,
        T::ServiceMissing => same_service(root, other) && !is_volume(other),
        // Who the service is cannot be decided, so it cannot be judged. What can be judged all the same (a declaration
        // that contradicts itself in its role, and the service dies) is no consequence, and must not hide behind it.
        T::ConfigDrift => blind && root.field == Some(Field::Identity) && same_service(root, other),
        T::ServiceUnexpected | T::PortMismatch | T::ResourceExceeded => false,
    }
}

/// The root-most drift among `roots` that explains `id`, whatever their order.
pub fn cause<'a>(id: &DriftId, blind: bool, roots: &[&'a DriftId]) -> Option<&'a DriftId> {
    roots.iter().copied().filter(|root| explains(root, id, blind)).min_by_key(|root| (depth(root), *root))
}

/// Whether a drift of this id can explain others at all; lets callers skip the many that cannot.
pub fn can_explain(id: &DriftId) -> bool {
    match id.event_type {
        T::NodeUnreachable
        | T::VmDown
        | T::VmUndeclared
        | T::DockerUnreachable
        | T::SnapshotError
        | T::RestartLoop
        | T::ServiceMissing => true,
        T::ConfigDrift => match (&id.service, id.field) {
            (None, Some(Field::Identity | Field::Status)) | (Some(_), Some(Field::Identity)) => true,
            (None | Some(_), _) => false,
        },
        T::ServiceUnexpected | T::PortMismatch | T::ResourceExceeded => false,
    }
}

/// How far from the ground a drift lies: the machine first, then its engine, then the service, then its attributes.
pub(crate) fn depth(id: &DriftId) -> u8 {
    match id.event_type {
        // A machine that is off cannot be reached, not the other way round.
        T::VmDown => 0,
        T::NodeUnreachable => 1,
        T::VmUndeclared => 2,
        T::DockerUnreachable => 3,
        T::SnapshotError => 4,
        T::ConfigDrift if id.service.is_none() => 5,
        T::ConfigDrift if id.field == Some(Field::Identity) => 6,
        T::RestartLoop => 7,
        T::ServiceMissing => 8,
        T::ConfigDrift | T::ServiceUnexpected | T::PortMismatch | T::ResourceExceeded => 9,
    }
}

/// A storage or pool carries its name in the place of a service's, and is none.
fn is_volume(id: &DriftId) -> bool {
    matches!(id.field, Some(Field::Storage | Field::Pool))
}

fn undeclared_too(other: &DriftId) -> bool {
    match (other.event_type, other.field) {
        (T::ConfigDrift, Some(Field::Identity)) | (T::ServiceUnexpected, _) => true,
        (
            T::ConfigDrift
            | T::ServiceMissing
            | T::PortMismatch
            | T::VmDown
            | T::VmUndeclared
            | T::DockerUnreachable
            | T::NodeUnreachable
            | T::SnapshotError
            | T::ResourceExceeded
            | T::RestartLoop,
            _,
        ) => false,
    }
}

fn outranks_engine(id: &DriftId) -> bool {
    matches!(id.event_type, T::NodeUnreachable | T::VmDown)
}

fn same_source_or_none(root: &DriftId, other: &DriftId) -> bool {
    other.source.is_none() || other.source == root.source
}

fn same_service(a: &DriftId, b: &DriftId) -> bool {
    a.service.is_some() && a.service == b.service
}

/// A machine that is not declared at all explains that its services are not; a machine that should be off explains
/// that anything runs on it.
fn explains_as_host_config(root: &DriftId, other: &DriftId) -> bool {
    matches!(root.field, Some(Field::Identity | Field::Status))
        && matches!(root.subject, Subject::Host(_))
        && other.event_type == T::ServiceUnexpected
}
