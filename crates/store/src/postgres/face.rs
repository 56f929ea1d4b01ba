//! What the other side looks like, for a person who asks whether it is set up as meant. Nothing here decides anything.

use super::{Inner, PgStore, adopt};
use crate::error::Result;

/// A server and schema as this role meets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    /// The server's version in its own words.
    pub version: String,
    /// Whom we are connected as.
    pub role: String,
    /// Whether the role may do everything.
    pub superuser: bool,
    /// Whether row-level security does not apply to the role.
    pub bypasses_rls: bool,
    /// The version of TLS on the server's side of the connection, or nothing if it is in the clear. Behind a pooler that
    /// is the pooler's connection, not ours.
    pub tls: Option<String>,
    /// Whether the operator says that a pooler in transaction mode is in between.
    pub pooled: bool,
    /// What a pooler in between shows by, although the operator says nothing of one.
    pub pooler_suspected: Option<String>,
    /// The schema.
    pub schema: String,
    /// The version of the tables in it; nothing if there are none of ours.
    pub schema_version: Option<i64>,
    /// The tables that installations have, and the views, by name.
    pub relations: Vec<Relation>,
}

/// A table or view that installations have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// Whose work it is.
    pub standing: Standing,
    /// Who owns it.
    pub owner: String,
    /// Whether we may alter it.
    pub is_owner: bool,
    /// Whether row-level security is on. A view has none of its own.
    pub rls: bool,
    /// Whether PostgREST's role for visitors may read it, row-level security and its policies aside; nothing if there is
    /// no such role.
    pub anon_may_read: Option<bool>,
}

/// Whose work a table or view is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A migration of ours made it.
    Ours,
    /// It was there before, and is left as it is but for the columns added.
    Adopted,
}

const SERVER: &str =
    "SELECT current_setting('server_version'), current_user::text, r.rolsuper, r.rolbypassrls,
        (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl), current_schema()::text
    FROM pg_roles r WHERE r.rolname = current_user";

const RELATIONS: &str =
    "SELECT c.relname::text, coalesce(obj_description(c.oid, 'pg_class') LIKE 'made by evenkeel%', false),
        pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE'), c.relrowsecurity,
        (SELECT has_table_privilege(r.oid, c.oid, 'SELECT') FROM pg_roles r WHERE r.rolname = 'anon')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relname = ANY ($1) AND c.relkind NOT IN ('i', 'I', 'S')
    ORDER BY c.relname";

impl PgStore {
    /// What the other side looks like.
    pub async fn face(&self) -> Result<Face> {
        self.inner.face().await
    }
}

impl Inner {
    async fn face(&self) -> Result<Face> {
        let mut reader = self.reader().await?;
        let row = self.query(SERVER).fetch_one(&mut *reader).await.map_err(|error| self.explain(error))?;
        let schema_version = match self.are_ours(&mut reader).await? {
            true => Some(self.version(&mut reader).await?),
            false => None,
        };
        let mut names = adopt::names();
        names.extend(["drift_summary", "truenas_state_latest"]);
        let rows = self.query(RELATIONS).bind(names).fetch_all(&mut *reader).await;
        let mut relations = Vec::new();
        for row in rows.map_err(|error| self.explain(error))? {
            relations.push(Relation {
                name: self.cell(&row, 0)?,
                standing: if self.cell(&row, 1)? { Standing::Ours } else { Standing::Adopted },
                owner: self.cell(&row, 2)?,
                is_owner: self.cell(&row, 3)?,
                rls: self.cell(&row, 4)?,
                anon_may_read: self.cell(&row, 5)?,
            });
        }
        reader.end().await;
        Ok(Face {
            version: self.cell(&row, 0)?,
            role: self.cell(&row, 1)?,
            superuser: self.cell(&row, 2)?,
            bypasses_rls: self.cell(&row, 3)?,
            tls: self.cell(&row, 4)?,
            pooled: self.pooled,
            pooler_suspected: self.suspicion(),
            schema: self.cell::<Option<String>>(&row, 5)?.unwrap_or_else(|| "none".to_owned()),
            schema_version,
            relations,
        })
    }

    /// The ports and names that poolers in transaction mode usually have.
    fn suspicion(&self) -> Option<String> {
        let signs = [":6543/", ":6432/", ".pooler.supabase."];
        let sign = signs.into_iter().find(|sign| self.at.contains(sign)).filter(|_| !self.pooled)?;
        Some(format!("the address has {:?} in it", sign.trim_matches('/')))
    }
}
