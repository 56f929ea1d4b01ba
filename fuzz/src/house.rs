//! Two doors to the same world, in this process: one of this machine's own, at which nobody has to say who they are, and one
//! at which everybody has to.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use evenkeel_core::Secret;
use evenkeel_store::SqliteStore;
use evenkeel_web::{
    Access, AppState, Approver, HostPolicy, Level, PasswordHash, Peer, Rules, Scopes, Token, TokenDigest,
    User, router,
};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::answer::{self, Answer};
use crate::client::{World, host};
use crate::desk::Everything;
use crate::site::{self, Site};

/// So many requests are asked of one store; then it begins anew, since some of them are kept.
const MOST: u32 = 4000;
/// Where requests come from: so many that nobody asks too often.
const PEERS: u32 = 4000;
/// The text that stands wherever a person or a source can write one; a page that shows it as it is is found out.
const TEXT: &str = "<fz\"onfz='1'&";

/// Set in the environment, every answer is shown: for an input that is looked at again.
const SHOW: &str = "EVENKEEL_FUZZ_SHOW";

/// The world with its two doors.
pub struct House {
    runtime: Runtime,
    local: Router,
    guarded: Router,
    live: Arc<Everything>,
    handles: Vec<String>,
    asked: u32,
    shows: bool,
}

/// What an administrator's program shows at the guarded door.
pub const ADMIN: &str = "Bearer evk_adminadminadmin";

/// One of the two doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Nobody has to say who they are.
    Local,
    /// Everybody has to.
    Guarded,
}

thread_local! {
    static HOUSE: RefCell<Option<House>> = const { RefCell::new(None) };
}

/// Does this with the world, which is made on first use and anew now and then.
pub fn with<T>(act: impl FnOnce(&mut House) -> T) -> T {
    HOUSE.with(|house| {
        let mut house = house.borrow_mut();
        if house.as_ref().is_none_or(|house| house.asked >= MOST) {
            *house = None;
            *house = Some(House::new());
        }
        act(house.as_mut().expect("made just now"))
    })
}

impl House {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (store, handles) = runtime.block_on(async {
            let site = Site::of(World::default()).await;
            let handles = site::everything(&site, TEXT).await;
            (site.store.clone(), handles)
        });
        let mut world = site::world_of(TEXT);
        world.hosts.push(host("box2-media"));
        let live = Arc::new(Everything::of(world, TEXT));
        let local = door(&store, &live, Access::local());
        let guarded = door(&store, &live, Access::new(rules(), Ipv4Addr::UNSPECIFIED.into()));
        Self { runtime, local, guarded, live, handles, asked: 0, shows: std::env::var_os(SHOW).is_some() }
    }

    /// The drifts there are.
    pub fn handles(&self) -> &[String] {
        &self.handles
    }

    /// How often NetBox rang.
    pub fn rings(&self) -> u64 {
        self.live.bell.rings.load(Ordering::SeqCst)
    }

    /// Asks; what comes back has been held against what every answer must keep.
    pub fn ask(&mut self, door: Door, mut request: Request<Body>) -> Answer {
        self.asked += 1;
        let (router, network) = match door {
            Door::Local => (self.local.clone(), Ipv4Addr::LOCALHOST),
            Door::Guarded => (self.guarded.clone(), Ipv4Addr::new(192, 168, 0, 1)),
        };
        let from = Ipv4Addr::from(u32::from(network) + self.asked % PEERS);
        request.extensions_mut().insert(Peer(IpAddr::V4(from)));
        let asked = self.shows.then(|| format!("{door:?} {} {}", request.method(), request.uri()));
        let answer = self.runtime.block_on(async {
            let response = router.oneshot(request).await.expect("it cannot fail");
            answer::checked(response).await
        });
        if let Some(asked) = asked {
            eprintln!("{asked}: {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        answer
    }
}

fn door(store: &Arc<SqliteStore>, live: &Arc<Everything>, access: Access) -> Router {
    let allowed_hosts = HostPolicy::bound_to(Ipv4Addr::LOCALHOST.into(), ["evenkeel.lan"]);
    let state =
        AppState { store: store.clone(), live: live.clone(), allowed_hosts, access: Arc::new(access) };
    router(state)
}

fn rules() -> Rules {
    let password = PasswordHash::of(&Secret::new("correct horse battery"), [3; 16]).expect("a hash");
    let token = |name: &str, level| Token {
        name: name.into(),
        level,
        scopes: Scopes::Whole,
        digest: TokenDigest::of(&format!("evk_{name}{name}{name}")),
        expires: None,
    };
    Rules {
        users: vec![User { name: "ada".into(), level: Level::Admin, password }],
        approvers: vec![Approver { name: "ada".to_owned(), token: Secret::new("the-token-of-the-approver") }],
        tokens: Level::ALL.map(|level| token(level.as_str(), level)).to_vec(),
        ..Rules::default()
    }
}
