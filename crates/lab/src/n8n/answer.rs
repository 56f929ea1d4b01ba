//! What a request is answered, and which execution it begins. What does not live here: the execution itself, see `run`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Conduct, Execution, Shared, What, Workflow, run};
use crate::receiver::answer::{MAX_BODY, answer, not_registered, plain, problem, refuse, wrong_method};
use crate::receiver::serve::{Answers, Outcome};

impl Answers for Shared {
    async fn answer(self: Arc<Self>, request: Request<Body>) -> Outcome {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        if path == "/healthz" {
            return answer(200, &json!({"status": "ok"}));
        }
        if head.method != Method::POST {
            return wrong_method(&head.method);
        }
        // Read to the end before refusing: closing early resets the connection, and the sender never sees the answer.
        let body = match to_bytes(body, 4 * MAX_BODY).await {
            Ok(body) if body.len() <= MAX_BODY => body,
            Ok(_) | Err(_) => return problem(),
        };
        let name = path.strip_prefix("/webhook/").unwrap_or_default();
        let (workflow, conduct) = {
            let mut state = self.state();
            let active = !state.inactive.contains(name);
            let Some(workflow) = state.workflows.get(name).filter(|_| active).cloned() else {
                return not_registered(path);
            };
            let standing = state.standing;
            (workflow, state.once.pop_front().unwrap_or(standing))
        };
        self.take(&workflow, conduct, &head.headers, &body)
    }
}

impl Shared {
    fn take(
        self: Arc<Self>,
        workflow: &Workflow,
        conduct: Conduct,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Outcome {
        if conduct == Conduct::Starting {
            return not_registered(&workflow.path);
        }
        if let Some((name, value)) = &workflow.header
            && headers.get(name).is_none_or(|shown| shown.as_bytes() != value.as_bytes())
        {
            return plain(403, "Authorization data is wrong!");
        }
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return refuse(422, "Failed to parse request body");
        };
        if conduct == Conduct::Crashed {
            self.begin(workflow, request, What::Crashed);
            return plain(200, "");
        }
        let signed = workflow.keys.iter().any(|key| key.verify(body, headers).is_ok());
        let verified = signed || (workflow.keys.is_empty() && workflow.header.is_some());
        let repeated = verified && self.is_known(workflow, &request);
        let what = match (verified, repeated) {
            (false, _) => What::Refused,
            (true, true) => What::Repeated,
            (true, false) => What::Running,
        };
        let runs = what == What::Running;
        let number = self.begin(workflow, request.clone(), what);
        if runs {
            tokio::spawn(run::execute(Arc::clone(&self), workflow.clone(), conduct, number, request));
        }
        // What the Respond node of the workflows says that evenkeel ships.
        let status = if verified { 202 } else { 401 };
        let executed = number.to_string();
        answer(status, &json!({"accepted": verified, "repeated": repeated, "executionId": executed}))
    }

    /// Whether the workflow took this key on before; it has from now on.
    fn is_known(&self, workflow: &Workflow, request: &Value) -> bool {
        let key = (workflow.path.clone(), key_of(request));
        workflow.once_per_key && !self.state().known.insert(key)
    }

    fn begin(&self, workflow: &Workflow, request: Value, what: What) -> usize {
        let number = {
            let mut state = self.state();
            let number = state.executions.len() + 1;
            state.executions.push(Execution {
                number,
                path: workflow.path.clone(),
                key: key_of(&request),
                attempt: request["attempt"].as_u64().unwrap_or_default(),
                at: evenkeel_ambient::elsewhere(),
                request,
                ended: what != What::Running,
                what,
                callbacks: Vec::new(),
            });
            number
        };
        self.note(number, |_| {});
        number
    }
}

fn key_of(request: &Value) -> String {
    request["idempotency_key"].as_str().unwrap_or_default().to_owned()
}
