//! One operation of the API: what it takes, answers and needs, and the short ways to write one down. Not here: which ones there
//! are.

use serde_json::{Value, json};

use super::schema;
use crate::access::Level;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

impl Place {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// A parameter.
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) what: &'static str,
    pub(crate) schema: Value,
}

/// What is sent, either way: types of content, each with its schema.
pub(crate) struct Body {
    pub(crate) forms: Vec<(&'static str, Value)>,
    pub(crate) required: bool,
}

impl Body {
    pub(super) fn json(schema: Value) -> Self {
        Self { forms: vec![("application/json", schema)], required: true }
    }

    pub(super) fn text(kind: &'static str) -> Self {
        Self { forms: vec![(kind, json!({ "type": "string" }))], required: true }
    }

    pub(super) fn content(&self) -> Value {
        self.forms.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({ "schema": schema }))).collect()
    }
}

/// What somebody needs in order to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A role, where there is a login.
    Role(Level),
    /// A credential of its own kind.
    Credential(&'static str),
}

/// One operation.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) what: &'static str,
    pub(crate) params: Vec<Param>,
    pub(crate) body: Option<Body>,
    pub(crate) status: u16,
    pub(crate) answer: Body,
    /// It carries an entity tag.
    pub(crate) tagged: bool,
    pub(crate) problems: Vec<u16>,
    pub(crate) needs: Needs,
}

/// What any request may be answered with.
const ALWAYS: [u16; 8] = [400, 401, 403, 414, 421, 429, 500, 503];

impl Operation {
    pub(super) fn get(
        tag: &'static str,
        path: &'static str,
        id: &'static str,
        what: &'static str,
        answer: Value,
    ) -> Self {
        Self {
            method: "get",
            path,
            id,
            tag,
            what,
            params: in_path(path),
            body: None,
            status: 200,
            answer: Body::json(answer),
            tagged: true,
            problems: if path.contains('{') { [ALWAYS.as_slice(), &[404]].concat() } else { ALWAYS.to_vec() },
            needs: Needs::Role(Level::Viewer),
        }
    }

    /// All rows at once.
    pub(super) fn whole(
        tag: &'static str,
        path: &'static str,
        id: &'static str,
        what: &'static str,
        row: &str,
    ) -> Self {
        let rows = json!({ "type": "object", "required": ["items"], "allOf": [schema("Frame")],
            "properties": { "items": { "type": "array", "items": schema(row) } } });
        Self::get(tag, path, id, what, rows)
    }

    /// Rows in pages.
    pub(super) fn list(
        tag: &'static str,
        path: &'static str,
        id: &'static str,
        what: &'static str,
        row: &str,
    ) -> Self {
        Self::whole(tag, path, id, what, row).takes([
            query(
                "cursor",
                "`next` of the page before, with the same filters.",
                json!({ "type": "string", "minLength": 1 }),
            ),
            query(
                "limit",
                "How many rows.",
                json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }),
            ),
        ])
    }

    pub(super) fn post(
        tag: &'static str,
        path: &'static str,
        id: &'static str,
        what: &'static str,
        answer: Value,
    ) -> Self {
        let mut problems = ALWAYS.to_vec();
        problems.extend([404, 409, 410, 413, 422]);
        Self { method: "post", tagged: false, problems, ..Self::get(tag, path, id, what, answer) }
    }

    pub(super) fn takes(mut self, params: impl IntoIterator<Item = Param>) -> Self {
        self.params.extend(params);
        self
    }

    pub(super) fn sends(self, body: Body) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(super) fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    pub(super) fn untagged(self) -> Self {
        Self { tagged: false, ..self }
    }
}

pub(super) fn query(name: &'static str, what: &'static str, schema: Value) -> Param {
    Param { name, place: Place::Query, what, schema }
}

/// One or several words.
pub(super) fn words<'a>(
    name: &'static str,
    what: &'static str,
    all: impl IntoIterator<Item = &'a str>,
) -> Param {
    let all: Vec<&str> = all.into_iter().collect();
    query(name, what, json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": all } }))
}

pub(super) fn text(name: &'static str, what: &'static str) -> Param {
    query(name, what, json!({ "type": "string", "pattern": "\\S" }))
}

pub(super) fn moment(name: &'static str, what: &'static str) -> Param {
    query(name, what, json!({ "type": "string", "format": "date-time" }))
}

pub(super) fn uuid(name: &'static str, what: &'static str) -> Param {
    query(name, what, json!({ "type": "string", "format": "uuid" }))
}

fn in_path(path: &str) -> Vec<Param> {
    let named = |name, what| Param {
        name,
        place: Place::Path,
        what,
        schema: json!({ "type": "string", "minLength": 1 }),
    };
    let names = [
        ("name", "Its name; the case of a host's does not count."),
        ("handle", "The drift's handle; case does not count."),
        ("id", "Its id."),
        ("key", "Its key, or the first characters of it, at least four."),
        ("token", "The end of the address that was handed out."),
    ];
    names
        .into_iter()
        .filter(|(name, _)| path.contains(&format!("{{{name}}}")))
        .map(|(name, what)| named(name, what))
        .collect()
}
