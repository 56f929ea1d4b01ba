//! The chart as Helm renders it: Helm's own engine, held against the schemas of Kubernetes and of the Prometheus operator.
//!
//! What does not live here: what the objects must say, which the tests know.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::repo;

/// Where the chart is, from the repository's root.
pub const FOLDER: &str = "charts/evenkeel";

/// Every set of values that the chart comes with.
pub const SETS: [&str; 4] = ["minimal", "ingress", "postgresql", "everything"];

/// The variable that holds the path of a Python with Helm's engine.
const VARIABLE: &str = "EVENKEEL_TEST_HELM";

/// The oldest Kubernetes that the chart takes, one in between, and the newest that has schemas.
const KUBERNETES: [&str; 3] = ["1.25", "1.30", "1.37"];

/// One rendering, or why there is none.
#[derive(Debug)]
pub struct Rendering {
    /// What Helm refused, in its words.
    pub error: Option<String>,
    /// The objects, each with its template.
    pub objects: Vec<Object>,
    /// What `helm install` prints.
    pub notes: String,
    /// What `helm lint --strict` has to say: severity and sentence.
    pub lint: Vec<(u64, String)>,
}

/// One object of Kubernetes.
#[derive(Debug)]
pub struct Object {
    /// The template it comes from.
    pub path: String,
    /// The object.
    pub json: Value,
    /// Why Kubernetes would not take it.
    pub problems: Vec<String>,
}

/// What Helm says of the chart.
#[derive(Debug)]
pub struct Chart {
    /// The version of Helm that rendered it.
    pub helm: String,
    /// `Chart.yaml`.
    pub metadata: Value,
    /// `values.yaml`.
    pub defaults: Value,
    /// One for each that was asked for, in that order.
    pub renderings: Vec<Rendering>,
}

/// Renders the chart with each of these sets of values, changed by what is written over it. Without Helm's engine the test
/// has been skipped and should return.
pub fn render(cases: &[(&str, Value)]) -> Option<Chart> {
    let python = crate::provided(VARIABLE)?;
    let cases: Vec<Value> = cases
        .iter()
        .map(|(set, over)| json!({ "values": format!("{set}-values.yaml"), "over": over }))
        .collect();
    let folder = repo::root().join(FOLDER);
    let question = json!({ "chart": folder, "kubernetes": KUBERNETES, "cases": cases });
    let mut command = Command::new(python);
    command.args(["-c", include_str!("chart.py")]);
    let answer = ask(command, &question);
    Some(Chart {
        helm: text(&answer["helm"]),
        metadata: answer["metadata"].clone(),
        defaults: answer["defaults"].clone(),
        renderings: list(&answer["cases"]).iter().map(Rendering::read).collect(),
    })
}

/// The chart with every set of values that it comes with, by their names; rendered once for all tests of a program.
pub fn render_all() -> Option<&'static BTreeMap<&'static str, Rendering>> {
    static ALL: OnceLock<BTreeMap<&'static str, Rendering>> = OnceLock::new();
    // Asked for by each test, so that each says that it was skipped.
    crate::provided(VARIABLE)?;
    Some(ALL.get_or_init(|| {
        let chart = render(&SETS.map(|set| (set, json!({})))).expect("Helm's engine");
        SETS.into_iter().zip(chart.renderings).collect()
    }))
}

/// What the Prometheus operator would refuse of these. Without its models the test has been skipped and should return.
pub fn refused_by_the_operator(resources: &[&Value]) -> Option<Vec<String>> {
    let folder = crate::provided("EVENKEEL_TEST_OPERATOR")?;
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", include_str!("operator.mjs"), "--"]).arg(folder);
    let answer = ask(command, &json!(resources));
    Some(list(&answer).iter().map(text).collect())
}

impl Rendering {
    /// The objects of this kind.
    pub fn of(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().map(|object| &object.json).filter(|json| json["kind"] == kind).collect()
    }

    /// The one object of this kind that is not a test's.
    pub fn one(&self, kind: &str) -> &Value {
        let found = self.of(kind);
        assert_eq!(found.len(), 1, "one {kind} in {:?}", self.error);
        found[0]
    }

    /// The configuration that evenkeel gets.
    pub fn configuration(&self) -> &str {
        let has = |map: &&Value| map["data"]["evenkeel.toml"].is_string();
        let map = self.of("ConfigMap").into_iter().find(has).expect("a ConfigMap with the configuration");
        map["data"]["evenkeel.toml"].as_str().unwrap()
    }

    /// What every pod is made of, the controller's and those of tests, with a name for messages.
    pub fn pods(&self) -> Vec<(&str, &Value)> {
        let mut pods = Vec::new();
        for Object { path, json, .. } in &self.objects {
            if json["kind"] == "Pod" {
                pods.push((path.as_str(), json));
            } else if json["kind"] == "Deployment" {
                pods.push((path.as_str(), &json["spec"]["template"]));
            }
        }
        pods
    }

    fn read(json: &Value) -> Self {
        let object = |json: &Value| Object {
            path: text(&json["path"]),
            json: json["object"].clone(),
            problems: list(&json["problems"]).iter().map(text).collect(),
        };
        let finding = |json: &Value| (json["severity"].as_u64().unwrap(), text(&json["error"]));
        Self {
            error: json["error"].as_str().map(str::to_owned),
            objects: list(&json["objects"]).iter().map(object).collect(),
            notes: text(&json["notes"]),
            lint: list(&json["lint"]).iter().map(finding).collect(),
        }
    }
}

fn list(json: &Value) -> &[Value] {
    json.as_array().unwrap_or_else(|| panic!("a list is expected: {json}"))
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_else(|| panic!("a text is expected: {json}")).to_owned()
}

/// Gives a program JSON and takes JSON from it.
fn ask(mut command: Command, question: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // Each reads its question to the end before it answers: neither waits for the other.
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
