//! What the services of one engine are called: the best name each has, made longer only where two would share one.

use std::borrow::Cow;
use std::collections::HashMap;

use evenkeel_core::ServiceName;

use super::{Group, Key};
use crate::docker::wire::short;

/// How long a name had to become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// `web`
    Plain,
    /// `shop/web`
    Qualified,
    /// `shop/web#541480d02546`
    WithId,
    /// `shop/web#541480d02546e1ae…`: ids that share their beginning do not occur, but nothing rests on that.
    WithWholeId,
}

/// One name per group, in the order of the groups; every name occurs once.
pub(super) fn unique(groups: &[Group<'_>]) -> Vec<ServiceName> {
    let mut lengths = vec![Length::Plain; groups.len()];
    // Lengthening one name can make it collide with another, so it takes more than one round; three at most, since
    // every round lengthens each name that collides.
    loop {
        let names: Vec<Cow<'_, str>> =
            groups.iter().zip(&lengths).map(|(group, length)| name(group, *length)).collect();
        let mut count: HashMap<&str, usize> = HashMap::with_capacity(names.len());
        for name in &names {
            *count.entry(name).or_default() += 1;
        }
        let mut lengthened = false;
        for (name, length) in names.iter().zip(&mut lengths) {
            if count[&**name] > 1 && *length != Length::WithWholeId {
                lengthened = true;
                *length = match length {
                    Length::Plain => Length::Qualified,
                    Length::Qualified => Length::WithId,
                    Length::WithId | Length::WithWholeId => Length::WithWholeId,
                };
            }
        }
        if !lengthened {
            return names.iter().map(ServiceName::new).collect();
        }
    }
}

fn name<'a>(group: &Group<'a>, length: Length) -> Cow<'a, str> {
    let id = group.members[0].id.as_str();
    match length {
        Length::Plain => plain(group),
        Length::Qualified => qualified(group),
        Length::WithId => format!("{}#{}", qualified(group), short(id)).into(),
        Length::WithWholeId => format!("{}#{id}", qualified(group)).into(),
    }
}

fn plain<'a>(group: &Group<'a>) -> Cow<'a, str> {
    if let Some(label) = group.members.iter().find_map(|member| member.labels.service.as_deref()) {
        return label.trim().into();
    }
    match group.key {
        Key::Compose { service: name, .. } | Key::Swarm(name) | Key::Container { name, .. } => name.into(),
    }
}

fn qualified<'a>(group: &Group<'a>) -> Cow<'a, str> {
    match group.key {
        Key::Compose { project, service } => format!("{project}/{service}").into(),
        Key::Swarm(service) => format!("swarm/{service}").into(),
        Key::Container { name, .. } => name.into(),
    }
}
