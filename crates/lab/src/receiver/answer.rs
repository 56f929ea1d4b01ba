//! What the receiver answers, word for word what n8n 1.123.81 answered (`recorded.jsonl`, compared in `tests`).

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::serve::{Answers, Outcome, broken_body, hang};
use super::{Arrived, Mode, PATH, Shared};

/// `N8N_PAYLOAD_SIZE_MAX`.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;

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
        if let Some(execution) = path.strip_prefix("/webhook-waiting/") {
            return self.resume(execution);
        }
        if path != PATH {
            return not_registered(path);
        }
        // Read to the end before refusing: closing early resets the connection, and the sender never sees the answer.
        match to_bytes(body, 4 * MAX_BODY).await {
            Ok(body) if body.len() <= MAX_BODY => self.deliver(&head.headers, body).await,
            Ok(_) | Err(_) => problem(),
        }
    }
}

impl Shared {
    async fn deliver(&self, headers: &HeaderMap, body: Bytes) -> Outcome {
        let mode = {
            let mut state = self.state();
            state.once.pop_front().unwrap_or_else(|| state.standing.clone())
        };
        let verified = self.key.as_ref().is_some_and(|key| key.verify(&body, headers).is_ok());
        let trusted = verified || self.key.is_none();
        let is_json =
            headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let readable = !is_json || serde_json::from_slice::<Value>(&body).is_ok();
        let reaches_workflow = match &mode {
            Mode::Acknowledge | Mode::Started | Mode::Crashed | Mode::Slow(_) => true,
            Mode::Starting
            | Mode::BadAuth
            | Mode::Failing
            | Mode::Hang
            | Mode::Reset
            | Mode::ResetMidAnswer
            | Mode::Answer { .. } => false,
        };
        let runs = reaches_workflow && readable;
        let accepted = runs && mode != Mode::Crashed && (trusted || mode == Mode::Started);
        let (delivery, execution) = self.record(headers, body, verified, accepted, runs);
        if reaches_workflow && !readable {
            return refuse(422, "Failed to parse request body");
        }
        match mode {
            Mode::Acknowledge => self.acknowledge(headers, &delivery, execution, trusted),
            Mode::Slow(delay) => {
                tokio::time::sleep(delay).await;
                self.acknowledge(headers, &delivery, execution, trusted)
            }
            Mode::Started => answer(200, &json!({"message": "Workflow was started"})),
            Mode::Crashed => plain(200, ""),
            Mode::Starting => not_registered(PATH),
            Mode::BadAuth => plain(403, "Authorization data is wrong!"),
            Mode::Failing => problem(),
            Mode::Hang => match hang().await {},
            Mode::Reset => Outcome::Cut,
            Mode::ResetMidAnswer => Outcome::Answer(Response::new(broken_body("{\"accepted\":tr"))),
            Mode::Answer { status, headers, body } => custom(status, &headers, body),
        }
    }

    /// What the Respond node of the recorded workflow says.
    fn acknowledge(&self, headers: &HeaderMap, delivery: &str, execution: usize, trusted: bool) -> Outcome {
        let execution = execution.to_string();
        if !trusted {
            return answer(401, &json!({"accepted": false, "executionId": execution}));
        }
        let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let resume = format!("http://{host}/webhook-waiting/{execution}");
        let body =
            json!({"accepted": true, "executionId": execution, "resumeUrl": resume, "delivery": delivery});
        answer(202, &body)
    }

    fn resume(&self, execution: &str) -> Outcome {
        let mut state = self.state();
        let index = execution.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match index.and_then(|index| state.executions.get_mut(index)) {
            None => refuse(404, &format!("The execution \"{execution}\" does not exist.")),
            // The missing quotation mark is n8n's.
            Some(true) => refuse(409, &format!("The execution \"{execution} has finished already.")),
            Some(resumed) => {
                *resumed = true;
                answer(200, &json!({"message": "Workflow was started"}))
            }
        }
    }

    /// Remembers the request before it is answered. Returns its id and the number of the execution.
    fn record(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        verified: bool,
        accepted: bool,
        runs: bool,
    ) -> (String, usize) {
        let headers = headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers: std::collections::BTreeMap<_, _> = headers.collect();
        let id = headers.get("webhook-id").cloned().unwrap_or_default();
        let mut state = self.state();
        let nth = 1 + state.arrived.iter().filter(|arrived| arrived.id == id).count();
        let at = evenkeel_ambient::elsewhere();
        let arrived = Arrived { id: id.clone(), nth, headers, body, at, verified, accepted };
        state.arrived.push(arrived.clone());
        if runs {
            state.executions.push(false);
        }
        let execution = state.executions.len();
        drop(state);
        // Nobody waiting is no error: the list above has it.
        let _ = self.arrivals.send(arrived);
        (id, execution)
    }
}

pub(crate) fn wrong_method(method: &Method) -> Outcome {
    let told = "Did you mean to make a POST request?";
    refuse(404, &format!("This webhook is not registered for {method} requests. {told}"))
}

pub(crate) fn not_registered(path: &str) -> Outcome {
    let path = path.strip_prefix("/webhook/").unwrap_or(path);
    refuse(404, &format!("The requested webhook \"POST {path}\" is not registered."))
}

pub(crate) fn problem() -> Outcome {
    answer(500, &json!({"code": 0, "message": "There was a problem executing the workflow"}))
}

pub(crate) fn refuse(code: u16, message: &str) -> Outcome {
    answer(code, &json!({"code": code, "message": message}))
}

pub(crate) fn answer(status: u16, body: &Value) -> Outcome {
    with_type(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn plain(status: u16, body: &str) -> Outcome {
    with_type(status, "text/html; charset=utf-8", body.to_owned())
}

fn with_type(status: u16, kind: &'static str, body: String) -> Outcome {
    custom(status, &[(CONTENT_TYPE.as_str().to_owned(), kind.to_owned())], body)
}

/// Headers that are no headers are left out; a status that is none is a 500.
fn custom(status: u16, headers: &[(String, String)], body: String) -> Outcome {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().append(name, value);
        }
    }
    Outcome::Answer(response)
}
