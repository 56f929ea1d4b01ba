//! Which clusters there are, and of which kind each is: for `evenkeel init`, which tells a Proxmox from a TrueNAS by it.
//!
//! What does not live here: anything an observation needs. A cluster's name comes nested in its machines, without a right
//! of its own.

use std::sync::Arc;

use evenkeel_core::{Gap, GapKind};

use super::NetboxSource;
use super::walk::{self, List};
use super::wire::{self, Parsed};

const PATH: &str = "virtualization/clusters/";

/// A cluster as NetBox has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: Arc<str>,
    /// The name of its type, as somebody wrote it (`Proxmox VE`).
    pub kind: Arc<str>,
}

impl NetboxSource {
    /// Every cluster. Needs the permission `virtualization.view_cluster`, which nothing else does.
    pub async fn clusters(&self) -> Result<Vec<Cluster>, Gap> {
        let list = List {
            path: PATH,
            permission: "virtualization.view_cluster".to_owned(),
            fields: "id,name,type",
            query: Vec::new(),
            page_size: self.config.page_size,
        };
        let rows = walk::walk::<wire::Cluster>(&self.client, &list).await?;
        rows.into_iter().map(|row| self.cluster(row)).collect()
    }

    fn cluster(&self, Parsed { id, row }: Parsed<wire::Cluster>) -> Result<Cluster, Gap> {
        let malformed = |why: &str| {
            Gap::new(GapKind::Malformed, format!("GET {}: row {id}: {why}", self.client.place(PATH)))
        };
        let wire::Cluster { id: _, name, kind } = row.map_err(|(why, _)| malformed(&why))?;
        let name = name.ok_or_else(|| malformed("a cluster without a name"))?;
        let kind = kind.and_then(|kind| kind.name).ok_or_else(|| malformed("a cluster without a type"))?;
        Ok(Cluster { name, kind })
    }
}
