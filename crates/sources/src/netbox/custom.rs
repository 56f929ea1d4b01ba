//! Custom fields and what operators write into them: text, choices in both forms, lists, flags; the life cycle.
//!
//! What does not live here: which field means what (`config::FieldNames`).

use std::sync::Arc;

use evenkeel_core::SourceKind;
use evenkeel_core::model::Lifecycle;
use serde_json::{Map, Value};

/// The custom fields of one object.
pub(super) struct Custom(pub(super) Map<String, Value>);

impl Custom {
    /// The text of a field: text, a number, a choice as bare value or (4.7) as `{"value","label"}`, an object by name.
    pub(super) fn text(&self, name: &str) -> Option<Arc<str>> {
        self.0.get(name).and_then(text).map(Arc::from)
    }

    /// The texts of a field: a list, or text parted by commas or white space.
    pub(super) fn list(&self, name: &str) -> Vec<Arc<str>> {
        let texts: Vec<String> = match self.0.get(name) {
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        };
        texts
            .iter()
            .flat_map(|text| text.split(|c: char| c == ',' || c.is_whitespace()))
            .filter(|part| !part.is_empty())
            .map(Arc::from)
            .collect()
    }

    /// Whether a field says yes.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(value) => {
                text(value).is_some_and(|text| matches!(&*text.to_lowercase(), "true" | "yes" | "1"))
            }
            None => false,
        }
    }

    /// The source kinds a field names. Words for other observers (`os`) are theirs, not ours.
    pub(super) fn sources(&self, name: &str) -> Vec<SourceKind> {
        let witness = |kind: &SourceKind| SourceKind::WITNESSES.contains(kind);
        let named = self.list(name).into_iter().filter_map(|word| SourceKind::parse(&word));
        let mut kinds: Vec<SourceKind> = named.filter(witness).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Object(map) => {
            ["value", "name", "display"].into_iter().find_map(|key| match map.get(key) {
                Some(Value::String(text)) => Some(text.trim().to_owned()),
                Some(_) | None => None,
            })?
        }
        // One value where several could be given is still that value.
        Value::Array(values) => match values.as_slice() {
            [one] => self::text(one)?,
            _ => return None,
        },
        Value::Null => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// An endpoint that somebody declared, without the password that may stand in it: what is declared is kept and shown.
/// With stars in its place it is as little of an endpoint as with it.
pub(super) fn without_password(endpoint: &str) -> Arc<str> {
    let start = endpoint.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = endpoint.split_at(start);
    let shown = rest.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host)));
    match shown {
        Some((user, host)) => format!("{scheme}{user}:***@{host}").into(),
        None => endpoint.into(),
    }
}

/// `evenkeel.docker_endpoint` in a rendered config context, nested or as one key.
pub(super) fn endpoint_of(context: &Value) -> Option<Arc<str>> {
    let nested = context.get("evenkeel").and_then(|ours| ours.get("docker_endpoint"));
    nested.or_else(|| context.get("evenkeel.docker_endpoint")).and_then(text).map(Arc::from)
}

/// A service's own life cycle: the custom field, else a tag (`planned`, `lifecycle-planned`, …). What cannot be taken
/// at its word becomes `planned` beside the contradiction: the one life cycle under which neither presence nor absence
/// is a difference.
pub(super) fn lifecycle_of(field: Option<&str>, tags: &[Arc<str>]) -> (Option<Lifecycle>, Option<String>) {
    if let Some(text) = field {
        return match Lifecycle::parse(text) {
            Some(lifecycle) => (Some(lifecycle), None),
            None => {
                let what = format!("its life cycle is `{text}`, which is none of planned, active, retired");
                (Some(Lifecycle::Planned), Some(what))
            }
        };
    }
    let mut said: Vec<Lifecycle> = tags
        .iter()
        .filter_map(|tag| Lifecycle::parse(tag.strip_prefix("lifecycle-").unwrap_or(tag)))
        .collect();
    said.sort_unstable();
    said.dedup();
    match said.as_slice() {
        [] => (None, None),
        [one] => (Some(*one), None),
        several => {
            let words: Vec<String> = several.iter().map(ToString::to_string).collect();
            (
                Some(Lifecycle::Planned),
                Some(format!("its tags name several life cycles: {}", words.join(", "))),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(json: Value) -> Custom {
        Custom(json.as_object().cloned().unwrap())
    }

    #[test]
    fn a_password_in_a_declared_endpoint_is_dropped_wherever_it_stands() {
        for (declared, kept) in [
            ("tcp://admin:hunter2@192.0.2.1:2376", "tcp://admin:***@192.0.2.1:2376"),
            ("tcp://admin:hun/t@er:2@192.0.2.1:2376", "tcp://admin:***@192.0.2.1:2376"),
            ("admin:hunter2@box", "admin:***@box"),
            ("ssh://:hunter2@box", "ssh://:***@box"),
            ("ssh://evenkeel@box:22", "ssh://evenkeel@box:22"),
            ("tcp://192.0.2.1:2376", "tcp://192.0.2.1:2376"),
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
        ] {
            assert_eq!(&*without_password(declared), kept);
        }
    }

    #[test]
    fn a_choice_is_read_in_the_old_form_and_in_the_new() {
        let fields = custom(serde_json::json!({
            "old": "active", "new": {"value": "active", "label": "Active"},
            "many": [{"value": "docker", "label": "Docker"}, "proxmox", "os"], "unset": null, "blank": " "
        }));
        assert_eq!(fields.text("old").as_deref(), Some("active"));
        assert_eq!(fields.text("new").as_deref(), Some("active"));
        assert_eq!(fields.sources("many"), [SourceKind::Docker, SourceKind::Proxmox]);
        for name in ["unset", "blank", "absent"] {
            assert_eq!(fields.text(name), None, "{name}");
        }
    }

    #[test]
    fn the_field_goes_before_the_tags() {
        let tags = [Arc::from("docker"), Arc::from("lifecycle-retired")];
        assert_eq!(lifecycle_of(Some("planned"), &tags), (Some(Lifecycle::Planned), None));
        assert_eq!(lifecycle_of(None, &tags), (Some(Lifecycle::Retired), None));
        assert_eq!(lifecycle_of(None, &[]), (None, None));
    }

    #[test]
    fn two_life_cycles_are_a_contradiction_and_demand_nothing() {
        let tags = [Arc::from("active"), Arc::from("lifecycle-retired")];
        let (lifecycle, what) = lifecycle_of(None, &tags);
        assert_eq!(lifecycle, Some(Lifecycle::Planned));
        assert_eq!(what.as_deref(), Some("its tags name several life cycles: active, retired"));
    }

    #[test]
    fn an_endpoint_is_found_in_a_config_context() {
        let context = serde_json::json!({"evenkeel": {"docker_endpoint": "tcp://192.168.2.16:2376"}});
        assert_eq!(endpoint_of(&context).as_deref(), Some("tcp://192.168.2.16:2376"));
        assert_eq!(endpoint_of(&serde_json::json!({"evenkeel": 3})), None);
    }
}
