//! The event stream of the lab, and the filters of lists and events. What does not live here: the events themselves
//! (`engine`), and answers that end (`serve`).

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::broadcast;

use super::engine::Event;
use super::serve::{Cut, Desk, Next, Peer, Request, head, whole};
use crate::fault::Fault;

/// Sends events until the client goes, or the streams are cut.
pub(super) async fn events(
    peer: &mut impl Peer,
    request: &Request,
    desk: &Desk,
    fault: Option<&Fault>,
) -> io::Result<Next> {
    let filters = match filters(request) {
        Ok(filters) => filters,
        Err(text) => return whole(peer, 400, &json!({ "message": text }).to_string()).await,
    };
    let mut cut = desk.cut.subscribe();
    let (past, mut stream) =
        desk.engine.subscribe(request.query.get("since").and_then(|since| moment(since)));
    let until = request.query.get("until").and_then(|until| moment(until));
    peer.write_all(format!("{}Transfer-Encoding: chunked\r\n\r\n", head(200)).as_bytes()).await?;
    for event in past.iter().filter(|event| wanted(event, &filters)) {
        send(peer, event, fault).await?;
    }
    if until.is_some_and(|until| until <= desk.engine.now().as_nanosecond()) {
        peer.write_all(b"0\r\n\r\n").await?;
        return Ok(Next::Go);
    }
    let mut gone = [0; 64];
    loop {
        tokio::select! {
            event = stream.recv() => match event {
                Ok(event) if wanted(&event, &filters) => send(peer, &event, fault).await?,
                Ok(_) => {}
                // A real engine drops events for a slow listener, too.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Ok(Next::Close),
            },
            _ = cut.changed() => {
                let how = cut.borrow_and_update().1;
                match how {
                    Cut::None => {}
                    Cut::Cleanly => {
                        drain(peer, &mut stream, &filters, fault).await?;
                        peer.write_all(b"0\r\n\r\n").await?;
                        peer.shutdown().await?;
                        return Ok(Next::Close);
                    }
                    Cut::Reset => {
                        peer.reset_on_close();
                        return Ok(Next::Close);
                    }
                }
            }
            read = peer.read(&mut gone) => if read? == 0 { return Ok(Next::Close) },
        }
    }
}

/// What was said before the end is still sent.
async fn drain(
    peer: &mut impl Peer,
    stream: &mut broadcast::Receiver<Event>,
    filters: &BTreeMap<String, Vec<String>>,
    fault: Option<&Fault>,
) -> io::Result<()> {
    while let Ok(event) = stream.try_recv() {
        if wanted(&event, filters) {
            send(peer, &event, fault).await?;
        }
    }
    Ok(())
}

async fn send(peer: &mut impl Peer, event: &Event, fault: Option<&Fault>) -> io::Result<()> {
    let line = format!("{}\n", event.json);
    if matches!(fault, Some(Fault::ResetMidStream | Fault::Truncated)) {
        let half = line.as_bytes().get(..line.len() / 2).unwrap_or_default();
        peer.write_all(format!("{:x}\r\n", line.len()).as_bytes()).await?;
        peer.write_all(half).await?;
        peer.flush().await?;
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    peer.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).await?;
    peer.flush().await
}

fn wanted(event: &Event, filters: &BTreeMap<String, Vec<String>>) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    filters.iter().all(|(key, wanted)| match key.as_str() {
        "type" => wanted.contains(&text(&event.json["Type"])),
        "event" => {
            let action = text(&event.json["Action"]);
            let bare = action.split(':').next().unwrap_or_default();
            wanted.iter().any(|wanted| *wanted == action || wanted == bare)
        }
        "container" => {
            let actor = &event.json["Actor"];
            wanted.contains(&text(&actor["ID"])) || wanted.contains(&text(&actor["Attributes"]["name"]))
        }
        "label" => wanted.iter().all(|wanted| {
            let (key, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            let label = &event.json["Actor"]["Attributes"][key];
            if wanted.contains('=') { label == value } else { !label.is_null() }
        }),
        _ => true,
    })
}

/// `1795221867` or `1795221867.123456789`.
fn moment(text: &str) -> Option<i128> {
    let (seconds, nanos) = text.split_once('.').unwrap_or((text, "0"));
    let nanos = format!("{nanos:0<9}");
    Some(seconds.parse::<i128>().ok()? * 1_000_000_000 + nanos.get(..9)?.parse::<i128>().ok()?)
}

/// `{"label":["a=b"]}`, or the older `{"label":{"a=b":true}}`.
pub(super) fn filters(request: &Request) -> Result<BTreeMap<String, Vec<String>>, String> {
    let Some(text) = request.query.get("filters").filter(|text| !text.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    let parsed: BTreeMap<String, Value> = serde_json::from_str(text)
        .map_err(|_| "invalid character looking for beginning of value".to_owned())?;
    let known = ["label", "type", "event", "container", "name", "status", "id"];
    if let Some(odd) = parsed.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("Invalid filter '{odd}'"));
    }
    let values = |value: Value| match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Object(values) => values.keys().cloned().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    Ok(parsed.into_iter().map(|(key, value)| (key, values(value))).collect())
}
