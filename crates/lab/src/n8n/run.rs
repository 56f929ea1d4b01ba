//! One execution after its answer: the action, and the callback. What does not live here: whether there is one.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Callback, Conduct, Done, Shared, What, Workflow};

/// Runs to the end, unless the server ends before.
pub(super) async fn execute(
    shared: Arc<Shared>,
    workflow: Workflow,
    conduct: Conduct,
    number: usize,
    request: Value,
) {
    let gone = shared.gone.clone();
    tokio::select! {
        () = gone.cancelled() => {}
        () = act_and_tell(&shared, &workflow, conduct, number, request) => {
            shared.note(number, |run| run.ended = true);
        }
    }
}

async fn act_and_tell(shared: &Shared, workflow: &Workflow, conduct: Conduct, number: usize, request: Value) {
    let callback = request["callback"]["url"].as_str().unwrap_or_default().to_owned();
    tokio::time::sleep(workflow.delay).await;
    let what = match conduct {
        Conduct::Pretends => What::Claimed(Ok("done".to_owned())),
        Conduct::Fails => What::Claimed(Err("the action failed".to_owned())),
        Conduct::Well
        | Conduct::Silent
        | Conduct::SaysTwice
        | Conduct::SaysLate(_)
        // These two never come here: nothing is taken on.
        | Conduct::Starting
        | Conduct::Crashed => What::Acted((workflow.act)(request).await),
    };
    let done = match &what {
        What::Acted(done) | What::Claimed(done) => done.clone(),
        What::Crashed | What::Refused | What::Repeated | What::Running => return,
    };
    shared.note(number, |run| run.what = what);
    let times = match conduct {
        Conduct::Silent | Conduct::Starting | Conduct::Crashed => 0,
        Conduct::Well | Conduct::Pretends | Conduct::Fails | Conduct::SaysLate(_) => 1,
        Conduct::SaysTwice => 2,
    };
    if let Conduct::SaysLate(late) = conduct {
        tokio::time::sleep(late).await;
    }
    for _ in 0..times {
        tell(shared, number, &callback, &done).await;
    }
}

/// Calls back until it is taken, or often enough.
async fn tell(shared: &Shared, number: usize, url: &str, done: &Done) {
    let again = shared.state().again;
    let (result, output) = match done {
        Ok(output) => ("succeeded", output),
        Err(output) => ("failed", output),
    };
    for _ in 0..again.tries {
        let said = json!({ "result": result, "output": output });
        let (answer, body) = post(shared, url, &said).await;
        let taken = matches!(answer, Ok(200..=299));
        shared.note(number, |run| run.callbacks.push(Callback { result: result.to_owned(), answer, body }));
        if taken {
            return;
        }
        tokio::time::sleep(again.wait).await;
    }
}

async fn post(shared: &Shared, url: &str, said: &Value) -> (Result<u16, String>, Value) {
    // The address is a secret of whoever gave it: an error does not quote it.
    let answer = match shared.client.post(url).json(said).send().await {
        Ok(answer) => answer,
        Err(error) => return (Err(error.without_url().to_string()), Value::Null),
    };
    let status = answer.status().as_u16();
    let body = match answer.text().await {
        Ok(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Err(_) => Value::Null,
    };
    (Ok(status), body)
}
