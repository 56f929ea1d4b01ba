//! Reading a whole list: page after page by id, every page verified, the total counted.
//!
//! Offsets lose rows when something is edited meanwhile; ids do not. What does not live here: what rows mean.

use std::collections::BTreeSet;

use evenkeel_core::{Gap, GapKind};

use super::client::Client;
use super::model::{Model, Version};
use super::rows::{Row, Settings, keep};
use super::tables::{Rows, Table};
use super::verify::{self, Claim};
use super::wire::{self, Page, Parsed, Wire};

/// NetBox's web server cuts the request line at 4,094 bytes: so many ids fit with room to spare.
const IDS_AT_ONCE: usize = 200;

/// A list to be read.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) path: &'static str,
    pub(super) permission: String,
    pub(super) fields: &'static str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) page_size: u32,
}

/// How models are read.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    pub(super) settings: &'a Settings,
    pub(super) version: Version,
    pub(super) page_size: u32,
}

impl Reader<'_> {
    /// All rows of a model.
    pub(super) async fn all(&self, model: Model) -> Result<Rows, Gap> {
        let list = self.list(model, model.filters(&self.settings.filters));
        self.read(model, &[list]).await
    }

    /// The rows of a model that have these ids and still exist.
    pub(super) async fn some(&self, model: Model, ids: &BTreeSet<u64>) -> Result<Rows, Gap> {
        let asked: Vec<u64> = ids.iter().copied().collect();
        let lists: Vec<List> = asked
            .chunks(IDS_AT_ONCE)
            .map(|chunk| self.list(model, chunk.iter().map(|id| ("id", id.to_string())).collect()))
            .collect();
        self.read(model, &lists).await
    }

    fn list(&self, model: Model, query: Vec<(&'static str, String)>) -> List {
        List {
            path: model.path(),
            permission: model.permission(),
            fields: model.fields(self.settings.read_config_context),
            query,
            page_size: self.page_size,
        }
    }

    async fn read(&self, model: Model, lists: &[List]) -> Result<Rows, Gap> {
        Ok(match model {
            Model::Devices => Rows::Devices(self.table(lists).await?),
            Model::Vms => Rows::Vms(self.table(lists).await?),
            Model::Services => Rows::Services(self.table(lists).await?),
            Model::Ips => Rows::Ips(self.table(lists).await?),
            Model::Interfaces => Rows::Interfaces(self.table(lists).await?),
            Model::VmInterfaces => Rows::VmInterfaces(self.table(lists).await?),
            Model::Macs => Rows::Macs(self.table(lists).await?),
        })
    }

    async fn table<R: Row>(&self, lists: &[List]) -> Result<Table<R>, Gap> {
        let mut rows = Vec::new();
        for list in lists {
            let kept = |parsed: Parsed<R::Wire>| (parsed.id, keep(parsed, self.settings, self.version));
            rows.extend(walk_into(self.client, list, kept).await?);
        }
        // All at once: made one by one in order, a map's nodes stay half empty.
        Ok(rows.into_iter().collect())
    }
}

/// Reads a list to its end. Complete or a gap, never the part that came.
pub(super) async fn walk<W: Wire>(client: &Client, list: &List) -> Result<Vec<Parsed<W>>, Gap> {
    walk_into(client, list, |parsed| parsed).await
}

/// The same; of each row is kept what this makes of it, page by page: the whole of what was sent is never held at once.
async fn walk_into<W: Wire, T>(
    client: &Client,
    list: &List,
    keep: impl Fn(Parsed<W>) -> T,
) -> Result<Vec<T>, Gap> {
    for last_try in [false, true] {
        let (rows, announced) = walk_once(client, list, &keep).await?;
        if rows.len() as u64 == announced {
            return Ok(rows);
        }
        // Rows came or went meanwhile, or some were kept from us. The present count tells which.
        let now = count(client, list).await?;
        if rows.len() as u64 == now {
            return Ok(rows);
        }
        if last_try {
            return Err(truncated(client, list, &format!("{} rows came, {now} are counted", rows.len())));
        }
    }
    Err(truncated(client, list, "the rows do not add up"))
}

async fn walk_once<W: Wire, T>(
    client: &Client,
    list: &List,
    keep: &impl Fn(Parsed<W>) -> T,
) -> Result<(Vec<T>, u64), Gap> {
    let mut rows = Vec::new();
    let mut announced = None;
    let mut cursor = 0;
    loop {
        let page = verified_page::<W>(client, list, cursor).await?;
        let announced = *announced.get_or_insert(page.count.unwrap_or(0));
        if let Some(last) = page.rows.last() {
            cursor = last.id;
        }
        rows.extend(page.rows.into_iter().map(keep));
        if !page.more {
            return Ok((rows, announced));
        }
        verify::so_far(rows.len() as u64, announced).map_err(|why| truncated(client, list, &why))?;
    }
}

/// A page that adds up. One that does not is asked for once more: NetBox counts and selects in two statements, and
/// an edit can fall between them.
async fn verified_page<W: Wire>(client: &Client, list: &List, cursor: u64) -> Result<Page<W>, Gap> {
    let mut doubt = String::new();
    for _ in 0..2 {
        let page = read_page::<W>(client, list, cursor).await?;
        let ids: Vec<u64> = page.rows.iter().map(|row| row.id).collect();
        let stranger = strangers(list, &ids);
        match verify::page(&Claim { ids: &ids, count: page.count, more: page.more }, cursor) {
            Ok(()) if stranger.is_none() => return Ok(page),
            Ok(()) => doubt = format!("row {} came unasked", stranger.unwrap_or_default()),
            Err(why) => doubt = why,
        }
    }
    Err(truncated(client, list, &doubt))
}

/// A row that was not among the ids asked for, where ids were asked for.
fn strangers(list: &List, ids: &[u64]) -> Option<u64> {
    let mut asked = list.query.iter().filter(|(name, _)| *name == "id").map(|(_, id)| id.as_str()).peekable();
    asked.peek()?;
    let asked: BTreeSet<&str> = asked.collect();
    ids.iter().copied().find(|id| !asked.contains(id.to_string().as_str()))
}

async fn read_page<W: Wire>(client: &Client, list: &List, cursor: u64) -> Result<Page<W>, Gap> {
    let mut query = vec![
        ("ordering", "id".to_owned()),
        ("id__gt", cursor.to_string()),
        ("limit", list.page_size.to_string()),
        ("fields", list.fields.to_owned()),
    ];
    query.extend(list.query.iter().cloned());
    let reply = client.get(list.path, &query, Some(&list.permission)).await?;
    wire::page(&reply.body)
        .map_err(|why| Gap::new(GapKind::Malformed, format!("GET {}: {why}", client.place(list.path))))
}

/// How many rows a list has.
pub(super) async fn count(client: &Client, list: &List) -> Result<u64, Gap> {
    let list = List { fields: "id", page_size: 1, ..list.clone() };
    let page = read_page::<wire::AnyRow>(client, &list, 0).await?;
    page.count.ok_or_else(|| truncated(client, &list, "the page does not say how many rows there are"))
}

fn truncated(client: &Client, list: &List, why: &str) -> Gap {
    Gap::new(GapKind::Truncated, format!("GET {}: {why}", client.place(list.path)))
}
