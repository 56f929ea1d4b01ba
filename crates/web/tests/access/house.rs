//! A server with users, tokens and a proxy in front, and whoever stands before it.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_store::conformance::sample::at;
use evenkeel_store::sqlite::Options;
use evenkeel_store::{JournalFilter, SqliteStore, Store};
use evenkeel_web::{
    Access, AppState, Approver, HostPolicy, Level, PasswordHash, Rules, Scope, Scopes, Sessions, Token,
    TokenDigest, User, router, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::World;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Hashing takes a while, so it is done once.
pub(crate) static HASH: LazyLock<PasswordHash> =
    LazyLock::new(|| PasswordHash::of(&Secret::new(PASSWORD), [3; 16]).unwrap());

/// The token of an approver of repairs.
pub(crate) const APPROVER: &str = "the-token-of-the-approver";

pub(crate) fn user(name: &str, level: Level) -> User {
    User { name: name.into(), level, password: HASH.clone() }
}

/// A token whose text is its name, thrice.
pub(crate) fn token(name: &str, level: Level, scopes: Scopes) -> Token {
    Token { name: name.into(), level, scopes, digest: TokenDigest::of(&shown(name)), expires: None }
}

/// What whoever has the token of this name shows.
pub(crate) fn shown(name: &str) -> String {
    format!("evk_{name}{name}{name}")
}

/// A user and a token of every role, a token of every scope, and an approver of repairs.
pub(crate) fn everybody() -> Rules {
    let tokens = Level::ALL.map(|level| token(&format!("t-{}", level.as_str()), level, Scopes::Whole));
    let parts = Scope::ALL
        .map(|scope| token(&format!("only-{}", scope.as_str()), Level::Admin, Scopes::Only([scope].into())));
    Rules {
        users: Level::ALL.map(|level| user(level.as_str(), level)).to_vec(),
        tokens: tokens.into_iter().chain(parts).collect(),
        approvers: vec![Approver { name: "ada".to_owned(), token: Secret::new(APPROVER) }],
        ..Rules::default()
    }
}

/// A server.
pub(crate) struct House {
    address: SocketAddr,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) world: Arc<World>,
    pub(crate) access: Arc<Access>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// The one value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {}", self.head);
        all[0]
    }

    /// The cookie that was set, as a browser would send it back.
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// The seal of the first form on the page.
    pub(crate) fn seal(&self) -> String {
        let from = self
            .body
            .split("name=\"seal\" value=\"")
            .nth(1)
            .unwrap_or_else(|| panic!("no seal: {}", self.body));
        from.split('"').next().unwrap().to_owned()
    }
}

impl House {
    /// A server with these rules, bound to this machine.
    pub(crate) async fn of(rules: Rules) -> Self {
        Self::bound(rules, [127, 0, 0, 1].into()).await
    }

    /// A server that thinks it is bound to this address.
    pub(crate) async fn bound(rules: Rules, to: std::net::IpAddr) -> Self {
        let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
        let (world, access) = (Arc::new(World::default()), Arc::new(Access::new(rules, to)));
        let state = AppState {
            store: store.clone(),
            live: world.clone(),
            allowed_hosts: HostPolicy::bound_to([127, 0, 0, 1].into(), ["evenkeel.lan"]),
            access: access.clone(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, router(state), std::future::pending()));
        Self { address, store, world, access }
    }

    /// Asks with these header lines.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let host =
            if headers.iter().any(|line| line.starts_with("Host:")) { "" } else { "Host: localhost\r\n" };
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A stream of events has no end; its head says enough.
        while stream.read_buf(&mut bytes).await.unwrap() > 0 {
            let text = String::from_utf8_lossy(&bytes);
            if text.contains("\r\n\r\n") && text.contains("content-type: text/event-stream") {
                break;
            }
        }
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", path, headers, "").await
    }

    /// Sends a form as a browser does from one of our pages.
    pub(crate) async fn send(&self, path: &str, headers: &[&str], form: &str) -> Answer {
        let ours = [
            "Content-Type: application/x-www-form-urlencoded",
            "Accept: text/html",
            "Origin: http://localhost",
        ];
        let headers: Vec<&str> = ours.iter().chain(headers).copied().collect();
        self.ask("POST", path, &headers, form).await
    }

    pub(crate) async fn try_in(&self, name: &str, password: &str) -> Answer {
        self.send("/login", &[], &format!("name={name}&password={}", password.replace(' ', "+"))).await
    }

    /// The header of somebody who logs in.
    pub(crate) async fn log_in(&self, name: &str) -> String {
        let answer = self.try_in(name, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        format!("Cookie: {}", answer.cookie())
    }

    /// It is so many seconds after the start.
    pub(crate) fn clock(&self, seconds: i64) {
        *self.world.now.lock().unwrap() = at(seconds);
    }

    /// What the journal says, oldest first.
    pub(crate) async fn journal(&self) -> Vec<String> {
        let page = self.store.journal(&JournalFilter::default(), None, 100).await.unwrap();
        page.rows.into_iter().rev().map(|row| row.text).collect()
    }
}

/// Sessions of ten minutes, an hour at the longest.
pub(crate) fn short() -> Sessions {
    Sessions { idle: Duration::from_secs(600), longest: Duration::from_secs(3600) }
}
