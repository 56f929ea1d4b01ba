//! The journal of the simulated NetBox: entries on devices and virtual machines, written over HTTP and checked as NetBox
//! checks them. An entry leaves one row in the changelog, its own, and touches its object not at all.
//!
//! What does not live here: lists as such (`list`).

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::edit::NetBox;
use super::filter::{BadRequest, bad_choice, numbers};
use super::nested::{choice, object};
use super::render::Renderer;
use super::serve::Reply;
use super::state::{Action, Kind, State};
use super::tokens::Token;
use crate::inventory::ObjectRef;

const KINDS: [&str; 4] = ["info", "success", "warning", "danger"];

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number.
    pub id: u64,
    /// The device or virtual machine it is about.
    pub object: ObjectRef,
    /// `info`, `success`, `warning` or `danger`.
    pub kind: String,
    /// Markdown.
    pub comments: String,
    /// When it was written.
    pub created: Timestamp,
}

impl JournalEntry {
    fn display(&self) -> String {
        let kind = choice(&self.kind);
        let label = kind["label"].as_str().unwrap_or_default();
        format!("{} ({label})", self.created.strftime("%Y-%m-%d %H:%M"))
    }
}

impl NetBox {
    /// Every journal entry, in the order in which they were written.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.lock().journal.values().cloned().collect()
    }

    /// Somebody writes an entry on the web page.
    pub fn add_journal_entry(&self, on: ObjectRef, kind: &str, comments: &str) -> u64 {
        add(&mut self.lock(), on, kind.to_owned(), comments.to_owned())
    }
}

/// `POST extras/journal-entries/`.
pub(super) fn post(state: &mut State, token: Token, body: &[u8], base: &str) -> Reply {
    if !may_add(state, token) {
        return Reply::forbidden();
    }
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => {
            return Reply::detail(StatusCode::BAD_REQUEST, &format!("JSON parse error - {error}"));
        }
    };
    let (on, kind, comments) = match validated(state, &body) {
        Ok(valid) => valid,
        Err(problems) => return Reply::json(StatusCode::BAD_REQUEST, &Value::Object(problems)),
    };
    let id = add(state, on, kind, comments);
    let made = Renderer::new(state, base, Kind::Journal).object(Kind::Journal, id);
    Reply::json(StatusCode::CREATED, &Value::Object(made.unwrap_or_default()))
}

/// `OPTIONS extras/journal-entries/`: the form of an entry is shown to whoever may write one.
pub(super) fn options(state: &State, token: Token) -> Reply {
    let mut options = json!({
        "name": "Journal Entry List", "description": "", "renders": ["application/json", "text/html"],
        "parses": ["application/json", "multipart/form-data"],
    });
    if may_add(state, token) {
        let field = |required: bool| json!({"type": "field", "required": required, "read_only": false});
        options["actions"] = json!({"POST": {
            "assigned_object_type": field(true), "assigned_object_id": field(true), "kind": field(false),
            "comments": field(true),
        }});
    }
    Reply::json(StatusCode::OK, &options)
}

fn may_add(state: &State, token: Token) -> bool {
    token == Token::Writer && !state.not_added.contains(Kind::Journal.content_type())
}

/// Field by field, and only then whether the object exists.
fn validated(state: &State, body: &Value) -> Result<(ObjectRef, String, String), Map<String, Value>> {
    let mut problems = Map::new();
    let mut wrong = |field: &str, why: &str| {
        problems.insert(field.to_owned(), json!([why]));
    };
    const REQUIRED: &str = "This field is required.";
    let model = match body.get("assigned_object_type") {
        None => Err(REQUIRED.to_owned()),
        Some(Value::String(text)) if text.split('.').count() == 2 => match Kind::of_content_type(text) {
            Some(kind) => Ok(kind),
            None => Err(format!("Invalid content type: {text}")),
        },
        Some(_) => Err("Invalid value. Specify a content type as '<app_label>.<model_name>'.".to_owned()),
    };
    let id = match body.get("assigned_object_id") {
        None => Err(REQUIRED),
        Some(value) => value.as_u64().ok_or("A valid integer is required."),
    };
    let kind = match body.get("kind") {
        None => Ok("info".to_owned()),
        Some(Value::String(text)) if KINDS.contains(&text.as_str()) => Ok(text.clone()),
        Some(Value::String(text)) => Err(format!("{text} is not a valid choice.")),
        Some(other) => Err(format!("{other} is not a valid choice.")),
    };
    let comments = match body.get("comments") {
        None => Err(REQUIRED),
        Some(Value::String(text)) if text.trim().is_empty() => Err("This field may not be blank."),
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(_) => Err("Not a valid string."),
    };
    if let Err(why) = &model {
        wrong("assigned_object_type", why);
    }
    if let Err(why) = &id {
        wrong("assigned_object_id", why);
    }
    if let Err(why) = &kind {
        wrong("kind", why);
    }
    if let Err(why) = &comments {
        wrong("comments", why);
    }
    match (model, id, kind, comments) {
        (Ok(model), Ok(id), Ok(kind), Ok(comments)) => {
            if state.has(model, id) {
                return Ok((ObjectRef::new(model.content_type(), id), kind, comments));
            }
            let why = format!("Invalid assigned_object: {} ID {id}", model.content_type());
            wrong("non_field_errors", &why);
            Err(problems)
        }
        _ => Err(problems),
    }
}

fn add(state: &mut State, on: ObjectRef, kind: String, comments: String) -> u64 {
    state.begin_request();
    let id = state.next_id(Kind::Journal);
    let entry = JournalEntry { id, object: on, kind, comments, created: state.now() };
    let repr = entry.display();
    state.journal.insert(id, entry);
    state.record(Action::Create, ObjectRef::new(Kind::Journal.content_type(), id), repr);
    id
}

/// The filters of the list.
pub(super) fn filter(
    state: &State,
    name: &str,
    values: &[&str],
    ids: &mut Vec<u64>,
) -> Result<(), BadRequest> {
    let mut keep = |test: &dyn Fn(&JournalEntry) -> bool| {
        ids.retain(|id| state.journal.get(id).is_some_and(test));
    };
    match name {
        "assigned_object_type" => keep(&|entry| values.contains(&entry.object.kind.as_str())),
        "assigned_object_id" => {
            let wanted = numbers(name, values)?;
            keep(&|entry| wanted.contains(&entry.object.id));
        }
        "kind" => {
            if let Some(bad) = values.iter().find(|value| !KINDS.contains(value)) {
                return Err(bad_choice(name, bad));
            }
            keep(&|entry| values.contains(&entry.kind.as_str()));
        }
        "q" => {
            let wanted = values[0].to_lowercase();
            keep(&|entry| entry.comments.to_lowercase().contains(&wanted));
        }
        _ => {}
    }
    Ok(())
}

impl Renderer<'_> {
    pub(super) fn journal_entry(&self, entry: &JournalEntry) -> Map<String, Value> {
        let mut value = self.head(Kind::Journal, entry.id, &entry.display());
        value.extend(object(json!({
            "assigned_object_type": entry.object.kind, "assigned_object_id": entry.object.id,
            "assigned_object": self.nested_host(&entry.object), "created": entry.created.to_string(),
            "created_by": 1, "kind": choice(&entry.kind), "comments": entry.comments, "tags": [],
            "custom_fields": {}, "last_updated": entry.created.to_string(),
        })));
        value
    }

    /// As the changelog shows it.
    pub(super) fn nested_entry(&self, entry: &JournalEntry) -> Map<String, Value> {
        let mut value = self.journal_entry(entry);
        value.retain(|key, _| ["id", "url", "display", "created"].contains(&key.as_str()));
        value
    }
}
