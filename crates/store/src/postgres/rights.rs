//! Whether the role we connect as sees every row and may do what it has to. Row-level security hides rows without a word,
//! and a hidden row would be taken for one that does not exist.

use sqlx::postgres::PgConnection;

use super::{Inner, adopt};
use crate::error::{Error, Result};

/// The oldest server that has everything we use.
const OLDEST: i32 = 13;

/// What is known of the other side before anything of ours is asked for.
const GREETING: &str =
    "SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
    current_setting('search_path'), current_user::text,
    (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1)";

/// Per table of ours, what the role may and what row-level security leaves it. A policy lets everything through if its
/// condition is `true`; one that restricts may hide anything.
const SIGHT: &str = r"SELECT c.relname::text,
        has_table_privilege(c.oid, 'SELECT'),
        has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
            AND has_table_privilege(c.oid, 'DELETE'),
        NOT row_security_active(c.oid) OR p.reads AND NOT p.restricted,
        NOT row_security_active(c.oid) OR p.writes AND NOT p.restricted
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(l.polpermissive AND l.polcmd IN ('r', '*')
                AND pg_get_expr(l.polqual, l.polrelid) = 'true'), false) AS reads,
            coalesce(bool_or(l.polpermissive AND l.polcmd = '*' AND pg_get_expr(l.polqual, l.polrelid) = 'true'
                AND coalesce(pg_get_expr(l.polwithcheck, l.polrelid), 'true') = 'true'), false) AS writes,
            coalesce(bool_or(NOT l.polpermissive), false) AS restricted
        FROM pg_policy l
        WHERE l.polrelid = c.oid
            AND EXISTS (SELECT FROM unnest(l.polroles) r WHERE r = 0 OR pg_has_role(r, 'USAGE'))
    ) p
    WHERE n.nspname = $1 AND c.relkind = 'r' AND (c.relname LIKE 'evenkeel\_%' OR c.relname = ANY ($2))
    ORDER BY c.relname";

impl Inner {
    /// Fails unless this is a server we can work with, spoken to in the right way.
    pub(super) async fn greet(&self, connection: &mut PgConnection, schema: &str) -> Result<()> {
        let row = self.query(GREETING).bind(schema).fetch_one(connection).await;
        let row = row.map_err(|error| self.explain(error))?;
        if let Some(why) = too_old(self.cell(&row, 0)?, self.cell(&row, 1)?) {
            return Err(self.denied(why));
        }
        let path: String = self.cell(&row, 2)?;
        if path.trim_matches('"') != schema {
            return Err(self.denied(format!(
                "what is set when connecting does not last (search_path is {path}): behind a pooler in transaction \
                 mode, set `store.transaction_pooler`"
            )));
        }
        if self.cell::<Option<bool>>(&row, 4)? == Some(false) {
            let role: &str = self.cell(&row, 3)?;
            return Err(self.denied(format!(
                "{role} may not use schema {schema}: GRANT USAGE ON SCHEMA \"{schema}\" TO \"{role}\""
            )));
        }
        Ok(())
    }

    /// Fails unless the role sees every row of ours, and may write them if `writing`.
    pub(super) async fn check_sight(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        writing: bool,
    ) -> Result<()> {
        let names: Vec<String> = adopt::names().into_iter().map(str::to_owned).collect();
        let rows = self.query(SIGHT).bind(schema).bind(names).fetch_all(connection).await;
        let (mut rights, mut hidden) = (Vec::new(), Vec::new());
        for row in rows.map_err(|error| self.explain(error))? {
            let name: String = self.cell(&row, 0)?;
            // Only whoever migrates writes these.
            let writing = writing && name != "evenkeel_migrations";
            let may = self.cell::<bool>(&row, 1)? && (!writing || self.cell::<bool>(&row, 2)?);
            let sees = self.cell::<bool>(&row, 3)? && (!writing || self.cell::<bool>(&row, 4)?);
            if !may {
                rights.push(name);
            } else if !sees {
                hidden.push(name);
            }
        }
        let doing = if writing { "read and write" } else { "read" };
        let mut why = Vec::new();
        if !rights.is_empty() {
            why.push(format!("it may not {doing} {}", rights.join(", ")));
        }
        if !hidden.is_empty() {
            why.push(format!("row-level security keeps it from rows of {}", hidden.join(", ")));
        }
        match why.is_empty() {
            true => Ok(()),
            false => Err(self.denied(format!(
                "the role lacks rights: {}; connect as the owner, or grant what docs/postgresql.md lists",
                why.join("; ")
            ))),
        }
    }

    pub(super) fn denied(&self, why: String) -> Error {
        Error::Denied { at: self.at.to_string(), why, source: None }
    }
}

fn too_old(number: i32, words: &str) -> Option<String> {
    let old = number / 10_000 < OLDEST;
    old.then(|| format!("it is PostgreSQL {words}, evenkeel needs {OLDEST} or newer: upgrade the server"))
}

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn a_server_before_13_is_refused_in_words() {
        let why = too_old(120_022, "12.22 (Debian 12.22-1)").unwrap();
        assert!(why.contains("12.22") && why.contains("13 or newer"), "{why}");
        assert!(too_old(90_624, "9.6.24").is_some());
        for number in [130_000, 130_021, 150_018, 180_000] {
            assert_eq!(too_old(number, ""), None);
        }
    }
}
