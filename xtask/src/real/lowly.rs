//! Servers that refuse to be root: whom they run as instead, and what becomes theirs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use anyhow::Context as _;

use super::is_root;

/// A user without rights: `postgres` or `nobody` if we are root, otherwise ourselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lowly {
    user: Option<(u32, u32)>,
}

impl Lowly {
    pub(super) fn find() -> anyhow::Result<Self> {
        if !is_root() {
            return Ok(Self { user: None });
        }
        let users = fs::read_to_string("/etc/passwd").context("read /etc/passwd")?;
        let user = ["postgres", "nobody"].into_iter().find_map(|name| ids(&users, name));
        Ok(Self { user: Some(user.context("there is no user `postgres` and no `nobody`")?) })
    }

    /// What goes before a command that this user is to run. The signal is for the case that somebody kills even the script
    /// that holds it.
    pub(super) fn runs(&self, death: &str) -> Vec<String> {
        let mut words = vec!["setpriv".to_owned(), format!("--pdeathsig={death}")];
        if let Some((user, group)) = self.user {
            words.extend([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        words
    }

    /// The options that make a mounted disk theirs.
    pub(super) fn owns(&self) -> String {
        self.user.map_or_else(String::new, |(user, group)| format!(",uid={user},gid={group}"))
    }

    /// Gives away a folder and what is in it. The way to it must be open, whatever the umask.
    pub(super) fn take(&self, folder: &Path) -> anyhow::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).context("open the folder")?;
        let Some((user, group)) = self.user else { return Ok(()) };
        let entries = fs::read_dir(folder).context("read the folder")?;
        let inside = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
        for path in inside.iter().map(|path| path.as_path()).chain([folder]) {
            chown(path, Some(user), Some(group)).with_context(|| format!("give away {}", path.display()))?;
        }
        Ok(())
    }
}

fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let fields: Vec<&str> = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|line| line.first() == Some(&name))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_whole_name_and_its_two_numbers() {
        let users = "root:x:0:0::/:/bin/sh\nnobody2:x:5:6::/:/bin/sh\nnobody:x:65534:65533::/:/bin/sh\n";
        assert_eq!(ids(users, "nobody"), Some((65_534, 65_533)));
        assert_eq!(ids(users, "postgres"), None);
    }
}
