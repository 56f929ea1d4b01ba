//! The container list, taken element by element: one odd container never costs the others. What does not live here:
//! what the words mean; that is `decode`'s.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use evenkeel_core::Gap;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::lenient::{Lenient, element, key, member, skip, value};
use super::parse;
use crate::docker::ports::PortBinding;

/// The labels that are read; every other label's value stays where it is, since people keep secrets in labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) compose_project: Option<Arc<str>>,
    pub(crate) compose_service: Option<Arc<str>>,
    pub(crate) compose_oneoff: Option<Arc<str>>,
    pub(crate) swarm_service: Option<Arc<str>>,
    pub(crate) service: Option<Arc<str>>,
    pub(crate) role: Option<Arc<str>>,
    pub(crate) ignore: Option<Arc<str>>,
}

/// One element of `GET /containers/json` that could be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) id: String,
    /// Without the leading slash; of several (links), the one without a further slash.
    pub(crate) name: Arc<str>,
    pub(crate) image: Option<String>,
    /// Seconds since 1970; 0 where the engine does not say.
    pub(crate) created: i64,
    /// What could not be understood about the ports, otherwise.
    pub(crate) ports: Result<Vec<PortBinding>, String>,
    pub(crate) labels: Labels,
    pub(crate) state: String,
    pub(crate) status: String,
    /// The word of the `Health` field of newer engines.
    pub(crate) health: Option<String>,
    pub(crate) network_mode: Option<String>,
    /// What it is attached to.
    pub(crate) networks: Networks,
    /// Not from the wire: its being down proves nothing, since the engine itself is stopping or just back.
    pub(crate) held: bool,
}

/// The whole list: what was understood, and one phrase for each element that was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) containers: Vec<Container>,
    pub(crate) odd: Vec<String>,
    /// An id that occurred twice: the parts do not add up.
    pub(crate) repeated: Option<Arc<str>>,
}

impl List {
    /// How many elements the answer had.
    pub(crate) fn len(&self) -> usize {
        self.containers.len() + self.odd.len()
    }
}

/// Reads the body of `GET /containers/json`.
pub(crate) fn list(body: &[u8]) -> Result<List, Gap> {
    let mut list: List = parse(body, "the container list")?;
    let mut seen = HashSet::with_capacity(list.containers.len());
    let mut is_first: Vec<bool> = list.containers.iter().map(|c| seen.insert(c.id.as_str())).collect();
    if let Some(repeated) = is_first.iter().position(|is_first| !is_first) {
        list.repeated = Some(list.containers[repeated].name.clone());
        let mut is_first = is_first.drain(..);
        list.containers.retain(|_| is_first.next() == Some(true));
    }
    Ok(list)
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of containers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut list = List::default();
                while let Some(element) = element::<Result<Container, String>, A>(&mut seq)? {
                    match element {
                        Ok(container) => list.containers.push(container),
                        Err(why) => {
                            list.odd.push(format!("element {} of the container list: {why}", list.len()));
                        }
                    }
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// A container, or why there is none.
impl<'de> Lenient<'de> for Result<Container, String> {
    fn odd(what: &'static str) -> Self {
        Err(format!("{what} instead of an object"))
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut id = None;
        let mut name = Name::default();
        let mut ports = Bindings(Err("the engine does not say which ports it publishes".to_owned()));
        let (mut labels, mut created, mut networks) = (Labels::default(), Created(0), Networks::default());
        let (mut image, mut state, mut status) = (None, None, None);
        let (mut health, mut mode) = (Health::default(), NetworkMode::default());
        while let Some(key) = key(&mut map)? {
            match &*key {
                "Id" => id = value(&mut map)?,
                "Names" => name = value(&mut map)?,
                "Image" => image = value(&mut map)?,
                "Created" => created = value(&mut map)?,
                "Ports" => ports = value(&mut map)?,
                "Labels" => labels = value(&mut map)?,
                "State" => state = value(&mut map)?,
                "Status" => status = value(&mut map)?,
                "Health" => health = value(&mut map)?,
                "HostConfig" => mode = value(&mut map)?,
                "NetworkSettings" => networks = value(&mut map)?,
                _ => skip(&mut map)?,
            }
        }
        let Some(id) = id.filter(|id: &String| !id.is_empty()) else {
            return Ok(Err("no `Id`".to_owned()));
        };
        let Some(name) = name.0 else {
            return Ok(Err(format!("container {} has no name", short(&id))));
        };
        Ok(Ok(Container {
            id,
            name: Arc::from(&*name),
            image,
            created: created.0,
            ports: ports.0,
            labels,
            state: state.unwrap_or_default(),
            status: status.unwrap_or_default(),
            health: health.0,
            network_mode: mode.0,
            networks,
            held: false,
        }))
    }
}

/// Of several names the first without a slash inside: a linked container is also listed as `/other/alias`.
#[derive(Default)]
struct Name<'de>(Option<Cow<'de, str>>);

impl<'de> Name<'de> {
    fn or(self, other: Cow<'de, str>) -> Self {
        let other = match other {
            Cow::Borrowed(name) => Cow::Borrowed(name.strip_prefix('/').unwrap_or(name)),
            Cow::Owned(name) => Cow::Owned(name.strip_prefix('/').unwrap_or(&name).to_owned()),
        };
        match self.0 {
            _ if other.is_empty() => self,
            Some(ref name) if !name.contains('/') || other.contains('/') => self,
            Some(_) | None => Self(Some(other)),
        }
    }
}

impl<'de> Lenient<'de> for Name<'de> {
    fn odd(_: &'static str) -> Self {
        Self(None)
    }

    fn text(text: Cow<'de, str>) -> Self {
        Self(None).or(text)
    }

    fn list<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut best = Self(None);
        while let Some(name) = element::<Option<Cow<'de, str>>, A>(&mut seq)? {
            if let Some(name) = name {
                best = best.or(name);
            }
        }
        Ok(best)
    }
}

struct Created(i64);

impl Lenient<'_> for Created {
    fn odd(_: &'static str) -> Self {
        Self(0)
    }

    fn integer(seconds: i128) -> Self {
        Self(i64::try_from(seconds).unwrap_or(0))
    }
}

struct Bindings(Result<Vec<PortBinding>, String>);

impl<'de> Lenient<'de> for Bindings {
    fn odd(_: &'static str) -> Self {
        Self(Err("`Ports` is not a list".to_owned()))
    }

    fn null() -> Self {
        // Go writes an empty list as null.
        Self(Ok(Vec::new()))
    }

    fn list<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut bindings = Ok(Vec::new());
        while let Some(binding) = element::<Result<PortBinding, String>, A>(&mut seq)? {
            // The first that is odd speaks for all; the list is read to its end all the same.
            match (&mut bindings, binding) {
                (Ok(bindings), Ok(binding)) => bindings.push(binding),
                (Ok(_), Err(why)) => bindings = Err(why),
                (Err(_), Ok(_) | Err(_)) => {}
            }
        }
        Ok(Self(bindings))
    }
}

impl<'de> Lenient<'de> for Result<PortBinding, String> {
    fn odd(_: &'static str) -> Self {
        Err("an entry of `Ports` is not an object".to_owned())
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let (mut ip, mut protocol): (Option<Cow<'de, str>>, Option<Cow<'de, str>>) = (None, None);
        let mut public = PublicPort(Ok(None));
        while let Some(key) = key(&mut map)? {
            match &*key {
                "IP" => ip = value(&mut map)?,
                "PublicPort" => public = value(&mut map)?,
                "Type" => protocol = value(&mut map)?,
                _ => skip(&mut map)?,
            }
        }
        let (ip, protocol) = (ip.unwrap_or_default(), protocol.unwrap_or_default());
        Ok(public.0.map(|public| PortBinding::new(&ip, public, &protocol)))
    }
}

struct PublicPort(Result<Option<u16>, String>);

impl<'de> Lenient<'de> for PublicPort {
    fn odd(_: &'static str) -> Self {
        Self(Err("a published port is not a number".to_owned()))
    }

    fn null() -> Self {
        Self(Ok(None))
    }

    fn integer(number: i128) -> Self {
        match (number, u16::try_from(number)) {
            (0, _) => Self(Ok(None)),
            (_, Ok(number)) => Self(Ok(Some(number))),
            (..0, Err(_)) => Self::odd("a number"),
            (_, Err(_)) => Self(Err(format!("{number} is given as a published port"))),
        }
    }

    fn text(text: Cow<'de, str>) -> Self {
        text.trim()
            .parse::<u64>()
            .map_or_else(|_| Self::odd("a string"), |number| Self::integer(number.into()))
    }
}

impl<'de> Lenient<'de> for Labels {
    fn odd(_: &'static str) -> Self {
        Self::default()
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut labels = Self::default();
        while let Some(key) = key(&mut map)? {
            let label = match &*key {
                "com.docker.compose.project" => &mut labels.compose_project,
                "com.docker.compose.service" => &mut labels.compose_service,
                "com.docker.compose.oneoff" => &mut labels.compose_oneoff,
                "com.docker.swarm.service.name" => &mut labels.swarm_service,
                "evenkeel.service" => &mut labels.service,
                "evenkeel.role" => &mut labels.role,
                "evenkeel.ignore" => &mut labels.ignore,
                _ => {
                    skip(&mut map)?;
                    continue;
                }
            };
            let text: Option<Cow<'de, str>> = value(&mut map)?;
            *label = text.filter(|text| !text.trim().is_empty()).map(|text| Arc::from(&*text));
        }
        Ok(labels)
    }
}

/// The word itself, or an object with the word as its `Status`.
#[derive(Default)]
struct Health(Option<String>);

impl<'de> Lenient<'de> for Health {
    fn odd(_: &'static str) -> Self {
        Self(None)
    }

    fn text(text: Cow<'de, str>) -> Self {
        Self(Some(text.into_owned()))
    }

    fn object<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self(member(map, "Status")?.flatten()))
    }
}

#[derive(Default)]
struct NetworkMode(Option<String>);

impl<'de> Lenient<'de> for NetworkMode {
    fn odd(_: &'static str) -> Self {
        Self(None)
    }

    fn object<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(Self(member(map, "NetworkMode")?.flatten()))
    }
}

/// What the names in `NetworkSettings.Networks` say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Networks {
    /// None is named.
    #[default]
    None,
    /// The host's own is among them.
    Host,
    /// Others only.
    Others,
}

impl Networks {
    /// With one more of this name.
    pub(super) fn and(self, name: &str) -> Self {
        if name == "host" || self == Self::Host { Self::Host } else { Self::Others }
    }
}

impl<'de> Lenient<'de> for Networks {
    fn odd(_: &'static str) -> Self {
        Self::None
    }

    fn object<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Ok(member(map, "Networks")?.map_or(Self::None, |Keys(networks)| networks))
    }
}

struct Keys(Networks);

impl<'de> Lenient<'de> for Keys {
    fn odd(_: &'static str) -> Self {
        Self(Networks::None)
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut networks = Networks::None;
        while let Some(key) = key(&mut map)? {
            networks = networks.and(&key);
            skip(&mut map)?;
        }
        Ok(Self(networks))
    }
}

/// The twelve characters by which people know a container without a name.
pub(crate) fn short(id: &str) -> &str {
    id.char_indices().nth(12).map_or(id, |(end, _)| &id[..end])
}
