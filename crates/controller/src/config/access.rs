//! `[access]`: who may look and do what. What does not live here: who decides about repairs with a token of their own
//! ([`super::approvers`]), and how anybody shows who they are; that is `evenkeel_web`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use evenkeel_web::{Level, PasswordHash, Proxy, Scope, Scopes, Sessions, Token, TokenDigest, User};
use jiff::Timestamp;
use toml::de::DeValue;

use super::key::{Key, Section};
use super::proxy;
use super::secret;
use super::table::{Table, Value};
use super::value::{Moment, Read, some_time, word};

/// Who may look and do what.
#[derive(Clone, Debug)]
pub struct AccessConfig {
    /// People, in the order of the file.
    pub users: Vec<User>,
    /// Programs, in the order of the file.
    pub tokens: Vec<Token>,
    /// What somebody may do who has not said who they are, where others have a name.
    pub anonymous: Option<Level>,
    /// The role of whoever is at this machine, where nobody has a name.
    pub local: Level,
    /// Who logs people in elsewhere.
    pub proxy: Option<Proxy>,
    /// How long sessions last.
    pub sessions: Sessions,
    /// Whether everybody may read the metrics.
    pub open_metrics: bool,
}

impl AccessConfig {
    /// Whether anybody can say who they are.
    pub fn names_somebody(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty() || self.proxy.is_some()
    }
}

const ANONYMOUS: Key = Key::with_default(
    "anonymous",
    "`none` or `viewer`",
    "\"none\"",
    "What somebody may do who has not said who they are, as soon as a user, a token or a proxy is configured: nothing, or \
     look. While none is, see `local`.",
);
const LOCAL: Key = Key::with_default(
    "local",
    "`viewer`, `operator`, `approver` or `admin`",
    "\"operator\"",
    "The role of whoever is at this machine while no user, token or proxy is configured. As an `approver` they decide about \
     repairs, and the journal calls them `local`.",
);
const OPEN_METRICS: Key = Key::with_default(
    "open_metrics",
    "true or false",
    "false",
    "Whether everybody who reaches the port may read `/metrics`. Without it, that takes a viewer, or a token with the scope \
     `metrics`.",
);

const SESSION_IDLE: Key = Key::with_default(
    "session_idle",
    "duration",
    "\"12h\"",
    "So long without a request, and whoever logged in has to do it again.",
);
const SESSION_LONGEST: Key =
    Key::with_default("session_longest", "duration", "\"7d\"", "The same, however busy they are.");
const PROXY: Key = Key::optional("proxy", "table", "nobody is believed", "See `[access.proxy]`.");
const USER: Key = Key::optional("user", "list of tables", "nobody logs in", "See `[[access.user]]`.");
const TOKEN: Key = Key::optional("token", "list of tables", "none", "See `[[access.token]]`.");

/// `[access]`.
pub(super) const SECTION: Section = Section {
    header: "[access]",
    doc: "Who may look and do what; docs/access.md shows how. A `viewer` reads everything; an `operator` also silences drifts \
          and sends deliveries again; an `approver` also decides about repairs; an `admin` may do everything. Listening beyond \
          this machine takes at least one user, token or proxy.",
    keys: &[&ANONYMOUS, &LOCAL, &OPEN_METRICS, &SESSION_IDLE, &SESSION_LONGEST, &USER, &TOKEN, &PROXY],
    inherits: &[],
};

const USER_NAME: Key =
    Key::required("name", "text", "What they log in with; the journal has it with everything they do.");
const ROLE: Key = Key::required("role", "`viewer`, `operator`, `approver` or `admin`", "What they may do.");
const PASSWORD_HASH: Key = Key::required(
    "password_hash",
    "text or secret",
    "What their password is held against: the line that `evenkeel passwd NAME` prints (argon2id, at least 19 MiB and 2 \
     passes), or `{ file = … }` or `{ env = … }` with it. Another hash ends all of their sessions.",
);

/// `[[access.user]]`.
pub(super) const USER_SECTION: Section = Section {
    header: "[[access.user]]",
    doc: "A person who logs in with a password.",
    keys: &[&USER_NAME, &ROLE, &PASSWORD_HASH],
    inherits: &[],
};

const TOKEN_NAME: Key =
    Key::required("name", "text", "What it is for; the journal has it with everything it does.");
const SCOPES: Key = Key::optional(
    "scopes",
    "list of `read`, `silence`, `resend`, `decide`, `metrics`",
    "all of its role",
    "The part of its role it is limited to.",
);
const HASH: Key = Key::required(
    "hash",
    "text or secret",
    "The SHA-256 of the token, as `sha256:` and 64 hexadecimal digits: the line that `evenkeel token NAME` prints.",
);
const EXPIRES: Key =
    Key::optional("expires", "date or moment", "never", "After that it opens nothing; a day counts in full.");

/// `[[access.token]]`.
pub(super) const TOKEN_SECTION: Section = Section {
    header: "[[access.token]]",
    doc: "A program that shows a token as `Authorization: Bearer …`.",
    keys: &[&TOKEN_NAME, &ROLE, &SCOPES, &HASH, &EXPIRES],
    inherits: &[],
};

impl Read for Level {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a role", &Self::ALL.map(|level| (level.as_str(), level)))
    }
}

impl Read for Scope {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a scope", &Self::ALL.map(|scope| (scope.as_str(), scope)))
    }
}

/// What everybody may do.
struct Anybody(Option<Level>);

impl Read for Anybody {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a choice", &[("none", None), ("viewer", Some(Level::Viewer))]).map(Self)
    }
}

/// A hash: written here, or somewhere else. A hash is no secret that opens anything, but one may be kept as one.
struct Hashed(String);

impl Read for Hashed {
    fn read(value: &Value<'_>) -> Option<Self> {
        if let DeValue::Table(_) = value.raw() {
            let table = value.table(&secret::SECTION)?;
            return elsewhere(value, &table).map(|text| Self(text.trim().to_owned()));
        }
        String::read(value).map(Self)
    }
}

fn elsewhere(value: &Value<'_>, table: &Table<'_>) -> Option<String> {
    match (table.get::<String>(&secret::ENV), table.get::<PathBuf>(&secret::FILE)) {
        (Some(_), Some(_)) => value.wrong("names a variable and a file; one of the two is enough"),
        (Some(name), None) => match value.reader().env(&name) {
            Some(text) => Some(text),
            None => value.wrong(format!("the environment has no variable {name}; set it")),
        },
        (None, Some(path)) => match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) => value.wrong(format!("the file {} cannot be read: {error}", path.display())),
        },
        (None, None) => None,
    }
}

/// Reads the table and everything below it.
pub(super) fn read(table: &Table<'_>) -> Option<AccessConfig> {
    let (users, tokens) = (table.tables(&USER, &USER_SECTION), table.tables(&TOKEN, &TOKEN_SECTION));
    let mut names = BTreeMap::new();
    let users: Vec<Option<User>> = users.iter().map(|table| user(table, &mut names)).collect();
    let tokens: Vec<(&Table<'_>, Option<Token>)> =
        tokens.iter().map(|table| (table, token(table, &mut names))).collect();
    for (i, (table, token)) in tokens.iter().enumerate() {
        let Some(token) = token else { continue };
        if let Some(other) =
            tokens[..i].iter().filter_map(|(_, t)| t.as_ref()).find(|t| t.digest == token.digest)
        {
            table
                .wrong(&HASH, format!("is the hash of {} as well; nobody could tell them apart", other.name));
        }
    }
    let (anonymous, local) = (table.get::<Anybody>(&ANONYMOUS), table.get(&LOCAL));
    let open_metrics = table.get(&OPEN_METRICS);
    let proxy = table.has(&PROXY).then(|| proxy::read(&table.table(&PROXY, &proxy::SECTION)));
    let sessions = sessions(table);
    Some(AccessConfig {
        users: users.into_iter().collect::<Option<_>>()?,
        tokens: tokens.into_iter().map(|(_, token)| token).collect::<Option<_>>()?,
        proxy: match proxy {
            None => None,
            // Not written is fine; written and wrong is not.
            Some(proxy) => Some(proxy?),
        },
        sessions: sessions?,
        anonymous: anonymous?.0,
        local: local?,
        open_metrics: open_metrics?,
    })
}

fn sessions(table: &Table<'_>) -> Option<Sessions> {
    let idle = table.checked(&SESSION_IDLE, some_time);
    let longest = table.checked(&SESSION_LONGEST, |longest| {
        if idle.is_some_and(|idle| *longest < idle) {
            Err("is shorter than session_idle; make it at least as long".to_owned())
        } else {
            some_time(longest)
        }
    });
    Some(Sessions { idle: idle?, longest: longest? })
}

fn user(table: &Table<'_>, names: &mut BTreeMap<String, String>) -> Option<User> {
    let name = own_name(table, &USER_NAME, names);
    let level = table.get(&ROLE);
    let hash = table.get::<Hashed>(&PASSWORD_HASH);
    let password = hash.and_then(|Hashed(text)| match PasswordHash::parse(&text) {
        Ok(hash) => Some(hash),
        Err(error) => {
            table.wrong(&PASSWORD_HASH, error.to_string());
            None
        }
    });
    Some(User { name: name?.into(), level: level?, password: password? })
}

fn token(table: &Table<'_>, names: &mut BTreeMap<String, String>) -> Option<Token> {
    let name = own_name(table, &TOKEN_NAME, names);
    let level: Option<Level> = table.get(&ROLE);
    let scopes = table.get::<Vec<Scope>>(&SCOPES);
    if table.is_empty_list(&SCOPES) {
        table.wrong(
            &SCOPES,
            "is an empty list: the token could do nothing; leave the key out for all of its role",
        );
    }
    if let (Some(level), Some(scopes)) = (level, &scopes)
        && let Some(beyond) = scopes.iter().find(|scope| scope.level() > level)
    {
        let (scope, role) = (beyond.as_str(), beyond.level().as_str());
        table.wrong(
            &SCOPES,
            format!("`{scope}` takes the role {role}, and the token is a {}", level.as_str()),
        );
    }
    let hash = table.get::<Hashed>(&HASH);
    let digest = hash.and_then(|Hashed(text)| match TokenDigest::parse(&text) {
        Ok(digest) => Some(digest),
        Err(error) => {
            table.wrong(&HASH, error.to_string());
            None
        }
    });
    let expires = expires(table);
    if scopes.is_none() && table.has(&SCOPES) {
        return None;
    }
    let scopes = scopes.map_or(Scopes::Whole, |scopes| Scopes::Only(scopes.into()));
    Some(Token { name: name?.into(), level: level?, scopes, digest: digest?, expires: expires? })
}

/// `None`: it is written and cannot be read.
fn expires(table: &Table<'_>) -> Option<Option<Timestamp>> {
    if !table.has(&EXPIRES) {
        return Some(None);
    }
    let moment: Moment = table.get(&EXPIRES)?;
    let Some(end) = moment.end() else {
        table.wrong(&EXPIRES, "is beyond what can be counted");
        return None;
    };
    if end <= table.reader().now() {
        table
            .reader()
            .warn(&table.place_of(&EXPIRES), "is over: the token opens nothing any more; make another one");
    }
    Some(Some(end))
}

/// Names that whoever has no name of their own goes by in the journal.
const TAKEN: [&str; 3] = ["local", "anonymous", "evenkeel"];
const LONGEST_NAME: usize = 64;

fn own_name(table: &Table<'_>, key: &Key, names: &mut BTreeMap<String, String>) -> Option<String> {
    let name = table.checked::<String>(key, |name| {
        if TAKEN.contains(&name.to_lowercase().as_str()) {
            Err(format!("`{name}` is what the journal calls whoever has no name; use another"))
        } else if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            Err(format!("must be a name of at most {LONGEST_NAME} characters"))
        } else {
            Ok(())
        }
    })?;
    let place = table.place_of(key);
    let at = place.line().map_or_else(|| place.key().to_owned(), |line| format!("line {line}"));
    if let Some(first) = names.insert(name.to_lowercase(), at) {
        table.wrong(
            key,
            format!("`{name}` is the name of another user or token ({first}); each needs its own"),
        );
        return None;
    }
    Some(name)
}
