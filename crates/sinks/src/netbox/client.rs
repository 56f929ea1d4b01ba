//! The transport: what is asked of NetBox, and the one thing that is written. What does not live here: what an answer
//! means (`answer`), and which row is meant (`find`).

use bytes::Bytes;
use evenkeel_core::HostName;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use url::Url;

use super::Ready;
use super::answer::{self, Asked};
use super::config::Config;
use super::encode::Entry;
use super::find::{self, Model, NotFound, Object};
use super::wire::{EntryRow, HostRow, Made, NewEntry, Options, Page, Status};
use crate::http;
use crate::{Receipt, SinkError};

/// Below `/api/`. Always with the slash: without it NetBox redirects, and a redirected POST is a GET.
const ENTRIES: &str = "extras/journal-entries/";
const ADD: &str = "extras.add_journalentry";
const VIEW: &str = "extras.view_journalentry";

/// More rows than this share a name only where somebody looks for trouble; two are enough to know.
const ROWS: usize = 5;

#[derive(Debug)]
pub(super) struct Client {
    http: http::Client,
    base: Url,
}

/// One question.
struct Question<'a> {
    method: Method,
    path: &'static str,
    query: &'a [(&'a str, &'a str)],
    body: Bytes,
    /// What NetBox wants for it, where it is more than a valid token.
    permission: Option<&'static str>,
}

impl Client {
    pub(super) fn new(config: &Config, tls: Option<ClientConfig>) -> Result<Self, http::Error> {
        let http = http::Client::new(config.target(), tls)?;
        Ok(Self { http, base: config.target().url.clone() })
    }

    /// The one device or virtual machine that this host is.
    pub(super) async fn find(&self, host: &HostName) -> Result<Object, SinkError> {
        let name = [("name", host.as_str())];
        let (devices, vms) =
            tokio::try_join!(self.hosts(Model::Device, &name), self.hosts(Model::Vm, &name))?;
        let found = find::by_name(host, &devices, &vms);
        if let (Err(NotFound::Nothing { .. }), Some((object, name))) = (&found, find::handle(host)) {
            let rows = self.hosts(object.model, &[("id", &object.id.to_string())]).await?;
            if rows.iter().any(|row| find::is_meant(row, object, name)) {
                return Ok(object);
            }
        }
        found.map_err(|why| SinkError::Rejected { why: format!("{}: {why}", self.http.place()) })
    }

    async fn hosts(&self, model: Model, filter: &[(&str, &str)]) -> Result<Vec<HostRow>, SinkError> {
        let query = [filter, &[("fields", "id,name"), ("ordering", "id")]].concat();
        self.rows(model.path(), &query, model.permission()).await
    }

    /// Whether the object's journal has an entry with this mark.
    pub(super) async fn has_entry(&self, object: Object, mark: &str) -> Result<bool, SinkError> {
        let (kind, id) = (object.model.content_type(), object.id.to_string());
        let query = [
            ("assigned_object_type", kind),
            ("assigned_object_id", &id),
            ("q", mark),
            ("fields", "id,assigned_object_type,assigned_object_id,comments"),
            ("ordering", "-id"),
        ];
        let rows: Vec<EntryRow> = self.rows(ENTRIES, &query, VIEW).await?;
        let is_ours = |row: &EntryRow| {
            row.comments.contains(mark)
                && row.assigned_object_type == kind
                && row.assigned_object_id == object.id
        };
        // NetBox ignores filters it does not know, and a cache may drop them: then any number of rows proves nothing.
        if !rows.iter().all(is_ours) {
            let why =
                "answers with entries that were not asked for: does something in front of it drop the query?";
            return Err(SinkError::Rejected { why: format!("{}: netbox {why}", self.http.place()) });
        }
        Ok(!rows.is_empty())
    }

    /// The first rows of a list. What is missing on the page is not missing in NetBox.
    async fn rows<T: DeserializeOwned>(
        &self,
        path: &'static str,
        query: &[(&str, &str)],
        permission: &'static str,
    ) -> Result<Vec<T>, SinkError> {
        let limit = ROWS.to_string();
        let query = [query, &[("limit", &*limit)]].concat();
        let Page { count, results } = self.get(path, &query, Some(permission)).await?;
        if results.len() < count.min(ROWS) {
            let (place, got) = (self.http.place(), results.len());
            return Err(SinkError::Unavailable { why: format!("{place}: {got} rows of {count} in {path}") });
        }
        Ok(results)
    }

    /// Writes one entry.
    pub(super) async fn add_entry(&self, object: Object, entry: &Entry) -> Result<Receipt, SinkError> {
        let new = NewEntry {
            assigned_object_type: object.model.content_type(),
            assigned_object_id: object.id,
            kind: entry.kind,
            comments: &entry.comments,
        };
        let body = serde_json::to_vec(&new)
            .map_err(|error| SinkError::Rejected { why: format!("the entry cannot be written: {error}") })?;
        let question = Question {
            method: Method::POST,
            path: ENTRIES,
            query: &[],
            body: body.into(),
            permission: Some(ADD),
        };
        let _made: Made = self.ask(question).await?;
        Ok(Receipt { status: Some(201) })
    }

    /// Tries every right that an entry takes.
    pub(super) async fn look(&self) -> Result<Ready, SinkError> {
        let one = [("limit", "1"), ("fields", "id,name")];
        let status: Status = self.get("status/", &[], None).await?;
        let _: Page<HostRow> = self.get(Model::Device.path(), &one, Some(Model::Device.permission())).await?;
        let _: Page<HostRow> = self.get(Model::Vm.path(), &one, Some(Model::Vm.permission())).await?;
        let entry = [("limit", "1"), ("fields", "id")];
        let _: Page<serde::de::IgnoredAny> = self.get(ENTRIES, &entry, Some(VIEW)).await?;
        let question = Question {
            method: Method::OPTIONS,
            path: ENTRIES,
            query: &[],
            body: Bytes::new(),
            permission: Some(ADD),
        };
        let options: Options = self.ask(question).await?;
        match options.actions.post {
            Some(_) => Ok(Ready { version: status.version }),
            None => Err(SinkError::Rejected {
                why: format!(
                    "{}: the token needs the permission {ADD} and must be one that may write",
                    self.http.place()
                ),
            }),
        }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &'static str,
        query: &[(&str, &str)],
        permission: Option<&'static str>,
    ) -> Result<T, SinkError> {
        self.ask(Question { method: Method::GET, path, query, body: Bytes::new(), permission }).await
    }

    async fn ask<T: DeserializeOwned>(&self, question: Question<'_>) -> Result<T, SinkError> {
        let Question { method, path, query, body, permission } = question;
        let place = self.http.place();
        let mut url = self
            .base
            .join(path)
            .map_err(|error| SinkError::Rejected { why: format!("{place}: {path} is no path: {error}") })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let what = format!("{method} {path}");
        let asked = Asked { place: &place, what: &what, permission, writes: method == Method::POST };
        let answer = self.http.ask(method, url, headers, body).await?;
        answer::read(&answer, &asked, evenkeel_ambient::now())
    }
}
