//! Real systems beside the tests: a Docker engine, PostgreSQL with PgBouncer before it, and programs that tests start by
//! themselves. Whatever cannot be had is said out loud, and the tests that need it say `SKIPPED` and pass.
//!
//! | variable | what it holds |
//! | --- | --- |
//! | `EVENKEEL_TEST_DOCKER` | `unix://…`: an engine to share; create containers under names of your own, never stop it |
//! | `EVENKEEL_TEST_IMAGE` | an image on it: busybox, sleeps for a day |
//! | `EVENKEEL_TEST_DOCKER_NETWORK` | `bridge` if containers can publish ports, `none` otherwise |
//! | `EVENKEEL_TEST_POSTGRES` | `postgres://…`: a server to share; make databases or schemas of your own, never stop it |
//! | `EVENKEEL_TEST_POSTGRES_BIN` | the folder of its programs, for a [`Postgres`] of your own |
//! | `EVENKEEL_TEST_PGBOUNCER` | `postgres://…`: the same server through PgBouncer in transaction mode |
//! | `EVENKEEL_TEST_PROMETHEUS`, `EVENKEEL_TEST_PROMTOOL` | paths of the programs |
//! | `EVENKEEL_TEST_ALERTMANAGER`, `EVENKEEL_TEST_NATS` | paths of Alertmanager and of a NATS server |
//! | `EVENKEEL_TEST_CHROMIUM`, `EVENKEEL_TEST_CHROMEDRIVER` | paths of a browser and of what drives it |
//! | `EVENKEEL_TEST_DOCKER_CLI`, `EVENKEEL_TEST_COMPOSE` | paths of `docker` and of `docker-compose` |
//! | `EVENKEEL_TEST_SYSTEMD_ANALYZE` | the path of what checks units for systemd |
//! | `EVENKEEL_TEST_SCHEMATHESIS` | the path of schemathesis, which asks an API whatever its document allows |
//! | `EVENKEEL_TEST_AXE` | the path of axe-core, one file of JavaScript |
//! | `EVENKEEL_TEST_HELM` | the path of a Python that has Helm's engine and the schemas of Kubernetes |
//! | `EVENKEEL_TEST_OPERATOR` | a folder with the models of the Prometheus operator's resources, for Node |

mod axe;
mod engine;
mod helm;
mod image;
mod keeper;
mod lowly;
mod packages;
pub mod pgbouncer;
mod port;
pub mod postgres;
mod room;
mod schemathesis;
mod socket;

pub use engine::{Engine, Network};
pub use packages::{find, is_root};
pub use pgbouncer::PgBouncer;
pub use port::free_port;
pub use postgres::Postgres;
pub use room::Room;
pub use socket::{Answer, request};

use std::time::Instant;

use crate::say::{loud, say};

/// The image every engine of ours holds.
pub const IMAGE: &str = "evenkeel/busybox:1";

/// Program, package, and the variable that holds the program's path.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("prometheus", "prometheus", "EVENKEEL_TEST_PROMETHEUS"),
    ("promtool", "prometheus", "EVENKEEL_TEST_PROMTOOL"),
    ("prometheus-alertmanager", "prometheus-alertmanager", "EVENKEEL_TEST_ALERTMANAGER"),
    ("nats-server", "nats-server", "EVENKEEL_TEST_NATS"),
    ("chromium", "chromium", "EVENKEEL_TEST_CHROMIUM"),
    ("chromedriver", "chromium-driver", "EVENKEEL_TEST_CHROMEDRIVER"),
    ("docker", "docker.io", "EVENKEEL_TEST_DOCKER_CLI"),
    ("docker-compose", "docker-compose", "EVENKEEL_TEST_COMPOSE"),
    ("systemd-analyze", "systemd", "EVENKEEL_TEST_SYSTEMD_ANALYZE"),
];

/// What the command line may switch off.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    install: bool,
    systems: bool,
    /// Whether a run of every test fuzzes beside them.
    pub fuzz: bool,
}

impl Options {
    /// Takes our options off the front; the rest is somebody else's.
    pub fn parse(args: &[String]) -> (Self, &[String]) {
        let mut options = Self { install: true, systems: true, fuzz: true };
        let mut rest = args;
        while let [first, more @ ..] = rest {
            match first.as_str() {
                "--no-install" => options.install = false,
                "--no-systems" => options.systems = false,
                "--no-fuzz" => options.fuzz = false,
                _ => break,
            }
            rest = more;
        }
        (options, rest)
    }
}

/// Everything that was started; dropping it stops it.
#[derive(Debug)]
pub struct Rig {
    variables: Vec<(&'static str, String)>,
    missing: Vec<String>,
    _engine: Option<Engine>,
    // Fields end in their order: whoever speaks to a server before the server.
    _pgbouncer: Option<PgBouncer>,
    _postgres: Option<Postgres>,
}

impl Rig {
    /// Starts what can be started. Never fails: what is not there is in [`Rig::missing`].
    pub fn start(options: Options) -> Self {
        let mut rig = Self {
            variables: Vec::new(),
            missing: Vec::new(),
            _engine: None,
            _pgbouncer: None,
            _postgres: None,
        };
        if !options.systems {
            rig.missing.push(
                "Docker engine, Compose, PostgreSQL, PgBouncer, Prometheus, Alertmanager, NATS, Chromium, systemd: --no-systems"
                    .to_owned(),
            );
            return rig;
        }
        packages::provide(options.install);
        rig.docker();
        rig.postgres();
        rig.programs();
        rig.axe(options.install);
        rig.schemathesis(options.install);
        rig.helm(options.install);
        rig
    }

    /// Environment variables for the tests.
    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// What could not be started and why, a line each.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    fn docker(&mut self) {
        let started = Instant::now();
        match Engine::start() {
            Ok(engine) => {
                say(format!(
                    "docker engine on {} ({}; {} ms)",
                    engine.endpoint(),
                    engine.flags(),
                    started.elapsed().as_millis()
                ));
                self.variables.push(("EVENKEEL_TEST_DOCKER", engine.endpoint()));
                self.variables.push(("EVENKEEL_TEST_IMAGE", IMAGE.to_owned()));
                let network = match engine.network() {
                    Network::Bridge => "bridge",
                    Network::None => "none",
                };
                self.variables.push(("EVENKEEL_TEST_DOCKER_NETWORK", network.to_owned()));
                self._engine = Some(engine);
            }
            Err(error) => self.miss(format!("Docker engine: {error:#}")),
        }
    }

    fn postgres(&mut self) {
        let started = Instant::now();
        let Some(programs) = postgres::programs() else {
            return self.miss("PostgreSQL, PgBouncer: not installed (Debian package postgresql)".to_owned());
        };
        match Postgres::start_with(&programs, postgres::Setup::default()) {
            Ok(server) => {
                say(format!("postgresql on port {} ({} ms)", server.port(), started.elapsed().as_millis()));
                self.variables.push((postgres::VARIABLE, server.url()));
                self.variables.push((postgres::VARIABLE_PROGRAMS, programs.display().to_string()));
                self.pgbouncer(&server);
                self._postgres = Some(server);
            }
            Err(error) => self.miss(format!("PostgreSQL, PgBouncer: {error:#}")),
        }
    }

    fn pgbouncer(&mut self, server: &Postgres) {
        match PgBouncer::start(server) {
            Ok(bouncer) => {
                self.variables.push((pgbouncer::VARIABLE, bouncer.url().to_owned()));
                self._pgbouncer = Some(bouncer);
            }
            Err(error) => self.miss(format!("PgBouncer: {error:#}")),
        }
    }

    /// Programs that a test starts by itself, as it needs them.
    fn programs(&mut self) {
        for (program, package, variable) in PROGRAMS {
            match find(program) {
                Some(path) => self.variables.push((variable, path.display().to_string())),
                None => self.miss(format!("{program}: not installed (Debian package {package})")),
            }
        }
    }

    fn axe(&mut self, install: bool) {
        match axe::provide(install) {
            Ok(path) => self.variables.push(("EVENKEEL_TEST_AXE", path.display().to_string())),
            Err(error) => self.miss(format!("axe-core: {error:#}")),
        }
    }

    fn schemathesis(&mut self, install: bool) {
        match schemathesis::provide(install) {
            Ok(path) => self.variables.push(("EVENKEEL_TEST_SCHEMATHESIS", path.display().to_string())),
            Err(error) => self.miss(format!("schemathesis: {error:#}")),
        }
    }

    fn helm(&mut self, install: bool) {
        match helm::provide(install) {
            Ok(path) => self.variables.push(("EVENKEEL_TEST_HELM", path.display().to_string())),
            Err(error) => self.miss(format!("Helm's engine: {error:#}")),
        }
        match helm::operator(install) {
            Ok(path) => self.variables.push(("EVENKEEL_TEST_OPERATOR", path.display().to_string())),
            Err(error) => self.miss(format!("models of the Prometheus operator: {error:#}")),
        }
    }

    fn miss(&mut self, what: String) {
        loud(&what);
        self.missing.push(what);
    }
}
