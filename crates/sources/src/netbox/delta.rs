//! What the changelog says must be read again, so that a large NetBox is not read whole every time.
//!
//! Ids in the changelog are given out inside a transaction and appear at its end: a cursor loses changes for good (a
//! bulk write of some seconds is enough). So every look covers the last ten minutes before the newest change seen,
//! and rows already seen are told apart by id. What even that misses (direct SQL, scripts) the full read finds.
//! What does not live here: reading the rows (`walk`) and keeping them (`tables`).

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::{Gap, GapKind};
use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::model::{Model, Version};
use super::walk::{List, walk};
use super::wire::{self, Change};

/// How far back every look goes. Longer than any transaction NetBox survives (its worker timeout is minutes).
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Changes remembered from before a full read. More than this in ten minutes only costs reading some rows again.
const REMEMBERED: u32 = 200;

/// Up to where the changelog is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// The changes seen within the overlap, with their times.
    seen: BTreeMap<u64, Timestamp>,
}

/// What must be read again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Single rows.
    pub(super) rows: BTreeMap<Model, BTreeSet<u64>>,
    /// Whole models: something that is nested in their rows changed.
    pub(super) models: BTreeSet<Model>,
    /// Rows whose deletion is on record.
    pub(super) deleted: BTreeSet<(Model, u64)>,
    /// Everything, and why.
    pub(super) everything: Option<String>,
    /// It lacks what it told before: what it does not tell may have happened all the same, or nothing has.
    pub(super) cut: bool,
}

impl Touched {
    /// Whether nothing happened that concerns us.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.models.is_empty() && self.everything.is_none()
    }
}

impl Cursor {
    /// The newest change seen.
    pub(super) fn newest(&self) -> Option<u64> {
        self.seen.keys().next_back().copied()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.seen.len()
    }

    /// Where the next look begins.
    pub(super) fn from(&self) -> Option<Timestamp> {
        self.seen.values().max().and_then(|newest| newest.checked_sub(OVERLAP).ok())
    }
}

/// Where the changelog stands before a full read. `None` where it cannot be read: then every read is a full one.
pub(super) async fn baseline(client: &Client, version: Version) -> Option<Cursor> {
    let query =
        [("ordering", "-id".to_owned()), ("limit", REMEMBERED.to_string()), ("fields", FIELDS.to_owned())];
    let reply = match client.get(version.changelog(), &query, Some(permission(version))).await {
        Ok(reply) => reply,
        Err(gap) => {
            tracing::debug!(%gap, "no changelog: every read is a full one");
            return None;
        }
    };
    let page = wire::page::<Change>(&reply.body).ok()?;
    let mut cursor = Cursor::default();
    for row in page.rows {
        if let Ok(change) = row.row {
            cursor.seen.insert(change.id, change.time);
        }
    }
    forget(&mut cursor);
    Some(cursor)
}

/// The id of the newest change, for the probe.
pub(super) async fn newest(client: &Client, version: Version) -> Result<Option<u64>, Gap> {
    let query = [("limit", "1".to_owned()), ("ordering", "-id".to_owned()), ("fields", "id".to_owned())];
    let reply = client.get(version.changelog(), &query, Some(permission(version))).await?;
    let page = wire::page::<wire::AnyRow>(&reply.body)
        .map_err(|why| Gap::new(GapKind::Malformed, format!("changelog: {why}")))?;
    Ok(page.rows.first().map(|row| row.id))
}

/// What happened since the cursor, and the cursor after it. One request, unless more than a page happened.
pub(super) async fn since(
    client: &Client,
    version: Version,
    cursor: &Cursor,
    page_size: u32,
    config_context: bool,
) -> Result<(Touched, Cursor), Gap> {
    let mut query = Vec::new();
    let from = cursor.from();
    if let Some(from) = from {
        query.push(("time_after", from.to_string()));
    }
    let list = List {
        path: version.changelog(),
        permission: permission(version).to_owned(),
        fields: FIELDS,
        query,
        page_size,
    };
    let rows = walk::<Change>(client, &list).await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows {
        match row.row {
            Ok(change) => changes.push(change),
            Err((why, _)) => {
                let everything = Some(format!("change {} could not be understood: {why}", row.id));
                return Ok((Touched { everything, ..Touched::default() }, cursor.clone()));
            }
        }
    }
    Ok(digest(&changes, cursor, from, config_context))
}

/// Which rows of these models were ever deleted, as far back as the changelog goes. No time is asked for: NetBox's clock and
/// ours may be far apart, and a number is given out once.
pub(super) async fn deletions(
    client: &Client,
    version: Version,
    models: impl Iterator<Item = Model>,
    page_size: u32,
) -> Result<Touched, Gap> {
    let mut touched = Touched::default();
    for model in models {
        let list = List {
            path: version.changelog(),
            permission: permission(version).to_owned(),
            fields: FIELDS,
            query: vec![
                ("action", "delete".to_owned()),
                ("changed_object_type", model.content_type().to_owned()),
            ],
            page_size,
        };
        // One that is not understood tells of nothing: what it was about stays unexplained.
        let changes = walk::<Change>(client, &list).await?.into_iter().filter_map(|row| row.row.ok());
        changes.for_each(|change| touch(&mut touched, &change, false));
    }
    Ok(touched)
}

/// The pure half of [`since`].
pub(super) fn digest(
    changes: &[Change],
    cursor: &Cursor,
    from: Option<Timestamp>,
    config_context: bool,
) -> (Touched, Cursor) {
    let mut touched = Touched::default();
    let all: BTreeSet<u64> = changes.iter().map(|change| change.id).collect();
    if cursor.newest().is_some_and(|newest| !all.contains(&newest)) {
        touched.everything = Some("the changelog was cut or restored".to_owned());
        touched.cut = true;
    }
    if let Some(from) = from
        && changes.iter().any(|change| change.time < from)
    {
        touched.everything = Some("the changelog ignored the time asked for".to_owned());
    }
    let mut next = cursor.clone();
    for change in changes {
        if next.seen.insert(change.id, change.time).is_none() {
            touch(&mut touched, change, config_context);
        }
    }
    forget(&mut next);
    (touched, next)
}

/// Drops what lies before the next look.
fn forget(cursor: &mut Cursor) {
    if let Some(from) = cursor.from() {
        cursor.seen.retain(|_, time| *time >= from);
    }
}

fn touch(touched: &mut Touched, change: &Change, config_context: bool) {
    let kind = &*change.changed_object_type;
    if let Some(model) = Model::ALL.into_iter().find(|model| model.content_type() == kind) {
        touched.rows.entry(model).or_default().insert(change.changed_object_id);
        if &*change.action.0 == "delete" {
            touched.deleted.insert((model, change.changed_object_id));
        }
        return;
    }
    let hosts = [Model::Devices, Model::Vms];
    match kind {
        // Nested in hosts; renaming one leaves no trace on them.
        "dcim.site" | "tenancy.tenant" | "dcim.devicerole" | "virtualization.cluster" => {
            touched.models.extend(hosts);
        }
        "extras.tag" => touched.models.extend([Model::Devices, Model::Vms, Model::Services]),
        // Recalculates the disk of its machine without a trace on it.
        "virtualization.virtualdisk" => touched.models.extend([Model::Vms]),
        "extras.configcontext"
        | "extras.configcontextprofile"
        | "dcim.platform"
        | "dcim.region"
        | "dcim.sitegroup"
        | "dcim.location"
        | "dcim.devicetype"
        | "tenancy.tenantgroup"
        | "virtualization.clustertype"
        | "virtualization.clustergroup" => {
            if config_context {
                touched.models.extend(hosts);
            }
        }
        kind if is_irrelevant(kind) => {}
        kind => touched.everything = Some(format!("{kind} {} changed", change.changed_object_id)),
    }
}

/// Types that no row we read shows anything of. What is in neither list is met with a full read.
#[rustfmt::skip]
fn is_irrelevant(kind: &str) -> bool {
    const APPS: &[&str] = &["account", "circuits", "core", "users", "vpn", "wireless"];
    const DCIM: &[&str] = &[
        "cable", "cablepath", "cabletermination", "consoleport", "consoleserverport", "devicebay", "frontport",
        "inventoryitem", "inventoryitemrole", "manufacturer", "module", "modulebay", "moduletype", "powerfeed",
        "poweroutlet", "powerpanel", "powerport", "rack", "rackreservation", "rackrole", "racktype", "rearport",
        "virtualdevicecontext",
    ];
    const EXTRAS: &[&str] = &[
        "bookmark", "configtemplate", "customfieldchoiceset", "customlink", "eventrule", "exporttemplate",
        "imageattachment", "journalentry", "notification", "notificationgroup", "savedfilter", "subscription",
        "tableconfig", "webhook",
    ];
    const IPAM: &[&str] = &[
        "aggregate", "asn", "asnrange", "fhrpgroup", "fhrpgroupassignment", "iprange", "prefix", "rir", "role",
        "routetarget", "servicetemplate", "vlan", "vlangroup", "vlantranslationpolicy", "vlantranslationrule", "vrf",
    ];
    const TENANCY: &[&str] = &["contact", "contactassignment", "contactgroup", "contactrole"];
    let Some((app, name)) = kind.split_once('.') else { return false };
    match app {
        "dcim" => DCIM.contains(&name),
        "extras" => EXTRAS.contains(&name),
        "ipam" => IPAM.contains(&name),
        "tenancy" => TENANCY.contains(&name),
        app => APPS.contains(&app),
    }
}

const FIELDS: &str = "id,time,action,changed_object_type,changed_object_id";

/// What NetBox wants for its changelog.
pub(super) fn permission(version: Version) -> &'static str {
    if version.changelog().starts_with("core/") {
        "core.view_objectchange"
    } else {
        "extras.view_objectchange"
    }
}

/// Whether the changelog is closed to us for good, rather than out of reach for a moment.
pub(super) fn is_denied(gap: &Gap) -> bool {
    match gap.kind {
        GapKind::Unauthorized | GapKind::Malformed => true,
        GapKind::NotYetObserved
        | GapKind::Uncovered
        | GapKind::Unreachable
        | GapKind::TimedOut
        | GapKind::Truncated
        | GapKind::Stale
        | GapKind::Implausible
        | GapKind::Ambiguous => false,
    }
}
