//! A workshop: simulated systems, an n8n that repairs them, and the real binary set up to ask it. What does not live here:
//! what is expected of it; the scenarios say that.

use std::sync::Arc;

use evenkeel_lab::n8n::{N8n, Workflow};
use serde_json::Value;
use xtask::real::free_port;

use crate::program::{Home, Program};
use crate::stage::plan::SIGNING_SECRET;
use crate::stage::{Lab, soon};

/// What the approver shows.
const TOKEN: &str = "workshop-approver-token";

/// Systems, an n8n, and a home for the binary.
pub struct Workshop {
    /// The systems.
    pub lab: Arc<Lab>,
    /// Who repairs them.
    pub n8n: N8n,
    /// The binary's configuration and database.
    pub home: Home,
}

impl Workshop {
    /// One machine `box` with `web` and `db`; a rule of this mode restarts what is missing. `more`: further lines for
    /// `[remediation]`.
    pub async fn open(mode: &str, more: &str) -> Self {
        let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
        Self::around(lab, mode, more).await
    }

    /// The same around other systems.
    pub async fn around(lab: Lab, mode: &str, more: &str) -> Self {
        let lab = Arc::new(lab);
        let n8n = N8n::start().await.unwrap();
        let engines = lab.clone();
        let restart = Workflow::new("restart", move |request: Value| {
            let engines = engines.clone();
            async move { restart(&engines, &request["proposal"]["params"]) }
        });
        n8n.register(restart.signed(SIGNING_SECRET).unwrap());
        let mut home = Home::new(&lab, None);
        home.secrets.push(("LAB_APPROVER_TOKEN".to_owned(), TOKEN.to_owned()));
        let port = free_port().unwrap();
        home.edit("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""));
        let remediation = remediation(&n8n.url("restart"), port, mode, more);
        home.write(&format!("{}{remediation}", home.read()));
        Self { lab, n8n, home }
    }

    /// Proposals as the API shows them, oldest first.
    pub async fn proposals(&self, program: &Program) -> Vec<Value> {
        let (status, body) = program.get("/api/v1/proposals").await;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let mut rows = body["items"].as_array().unwrap().clone();
        rows.reverse();
        rows
    }

    /// Waits until the proposals stand so, oldest first.
    pub async fn until(&self, program: &Program, states: &[&str]) -> Vec<Value> {
        let stand = || async {
            let rows = self.proposals(program).await;
            rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let reached = soon(|| async { stand().await == states }).await;
        assert!(reached, "{:?}, not {states:?}: {}", stand().await, program.log());
        self.proposals(program).await
    }

    /// Runs `evenkeel repairs …`; what it printed.
    pub async fn repairs(&self, args: &[&str]) -> String {
        let output = self.home.command(&[&["repairs"], args].concat()).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The journal, one object per line, newest last.
    pub async fn journal(&self) -> String {
        self.journal_as("jsonl").await
    }

    /// The journal in one of its forms.
    pub async fn journal_as(&self, form: &str) -> String {
        let output = self.home.command(&["journal", "-n", "500", "--output", form]).await;
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What a workflow that restarts a container does.
fn restart(lab: &Lab, params: &Value) -> Result<String, String> {
    let word = |key: &str| params[key].as_str().ok_or_else(|| format!("no {key}"));
    let (host, container) = (word("host")?, word("container")?);
    match lab.engine(host).start_container(container) {
        Ok(()) => Ok(format!("{container} started")),
        Err(_) => Err(format!("no container {container} on {host}")),
    }
}

fn remediation(url: &str, port: u16, mode: &str, more: &str) -> String {
    format!(
        r#"
[remediation]
enabled = true
callback_url = "http://127.0.0.1:{port}"
cooldown = "1s"
{more}

[[remediation.approver]]
name = "ada"
token = {{ env = "LAB_APPROVER_TOKEN" }}

[[remediation.action]]
name = "restart container"
params = ["host", "container"]
url = "{url}"
secrets = [{{ env = "LAB_SIGNING_SECRET" }}]
answer_within = "20s"
verify_within = "1s"

[[remediation.rule]]
name = "whatever is missing"
types = ["SERVICE_MISSING"]
action = "restart container"
mode = "{mode}"
"#
    )
}
