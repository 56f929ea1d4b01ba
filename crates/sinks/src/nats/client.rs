//! The transport: one connection that is kept and mends itself, one publication and its acknowledgement. What does not
//! live here: subjects.

use async_nats::connection::State;
use async_nats::jetstream::context::{CreateStreamErrorKind, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context, stream};
use async_nats::{ConnectErrorKind, ConnectOptions};
use rustls::ClientConfig;
use std::time::Duration;
use tokio::sync::Mutex;

use super::config::{Config, Login};
use crate::{Delivery, SinkError};

/// How long a stream of ours keeps events, and how long it knows a repetition: longer than the first steps of the
/// retry schedule, so that a delivery whose acknowledgement was lost is not kept twice.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
const REMEMBERED: Duration = Duration::from_secs(30 * 60);

pub(super) struct Client {
    config: Config,
    tls: Option<ClientConfig>,
    connection: Mutex<Option<Context>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(config: Config, tls: Option<ClientConfig>) -> Self {
        Self { config, tls, connection: Mutex::new(None) }
    }

    /// Publishes once and waits for the stream's word. A duplicate that it recognised is as good as a new message.
    pub(super) async fn publish(&self, subject: String, delivery: &Delivery) -> Result<(), SinkError> {
        let context = self.context().await?;
        match self.attempt(&context, &subject, delivery).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                let Some(name) = self.config.create_stream() else {
                    return Err(self.no_stream(&subject));
                };
                self.make(&context, name).await?;
                self.attempt(&context, &subject, delivery)
                    .await
                    .map_err(|error| self.failed(&subject, &error))
            }
            Err(error) => Err(self.failed(&subject, &error)),
        }
    }

    /// The names of the streams that take what is published.
    pub(super) async fn look(&self) -> Result<String, SinkError> {
        let context = self.context().await?;
        let mut found: Vec<String> = Vec::new();
        for subjects in self.config.subjects() {
            let name = match context.stream_by_subject(subjects.as_str()).await {
                Ok(name) => name,
                Err(error) => match self.config.create_stream() {
                    Some(name) if error.kind() == jetstream::context::GetStreamByNameErrorKind::NotFound => {
                        format!("{name} (made with the first event)")
                    }
                    Some(_) | None => return Err(self.no_stream(&subjects)),
                },
            };
            if !found.contains(&name) {
                found.push(name);
            }
        }
        Ok(found.join(", "))
    }

    async fn attempt(
        &self,
        context: &Context,
        subject: &str,
        delivery: &Delivery,
    ) -> Result<(), PublishError> {
        let message = PublishMessage::build()
            .payload(delivery.payload.clone())
            .message_id(&delivery.id)
            .header("Content-Type", "application/json");
        context.send_publish(subject.to_owned(), message).await?.await.map(|_| ())
    }

    /// Makes the stream, or has the one of this name take what it does not take yet: it was made before notices were
    /// switched on. Everything else about a stream that is there is its owner's.
    async fn make(&self, context: &Context, name: &str) -> Result<(), SinkError> {
        let made = match context.get_stream(name).await {
            Ok(stream) => {
                let mut wanted = stream.cached_info().config.clone();
                wanted.subjects.extend(self.config.subjects());
                wanted.subjects.sort();
                wanted.subjects.dedup();
                context.update_stream(wanted).await.map(|_| ())
            }
            // That it is not there, or whatever making it then says.
            Err(_) => {
                let wanted = stream::Config {
                    name: name.to_owned(),
                    subjects: self.config.subjects(),
                    max_age: KEPT,
                    duplicate_window: REMEMBERED,
                    ..stream::Config::default()
                };
                context.create_stream(wanted).await.map(|_| ())
            }
        };
        let Err(error) = made else { return Ok(()) };
        let place = self.config.place();
        let why = format!("{place}: the stream {name} cannot be made: {error}");
        match error.kind() {
            CreateStreamErrorKind::JetStreamUnavailable
            | CreateStreamErrorKind::TimedOut
            | CreateStreamErrorKind::Response
            | CreateStreamErrorKind::ResponseParse
            | CreateStreamErrorKind::NotFound
            // Most of what the server itself says passes: no peers yet, no resources at the moment.
            | CreateStreamErrorKind::JetStream(_) => Err(SinkError::Unavailable { why }),
            CreateStreamErrorKind::EmptyStreamName
            | CreateStreamErrorKind::InvalidStreamName
            | CreateStreamErrorKind::DomainAndExternalSet => Err(SinkError::Rejected { why }),
        }
    }

    /// The connection; made by the first who needs it. One that broke mends itself behind this.
    async fn context(&self) -> Result<Context, SinkError> {
        let mut kept = self.connection.lock().await;
        if let Some(context) = kept.as_ref() {
            return match context.client().connection_state() {
                State::Connected | State::Pending => Ok(context.clone()),
                State::Disconnected => {
                    let why = format!("{}: the connection is lost; trying again", self.config.place());
                    Err(SinkError::Unavailable { why })
                }
            };
        }
        let context = self.connect().await?;
        *kept = Some(context.clone());
        Ok(context)
    }

    async fn connect(&self) -> Result<Context, SinkError> {
        // The TLS connector takes the process's provider. An error says that there is one, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let place = self.config.place();
        let options = match self.config.login() {
            Login::Anonymous => ConnectOptions::new(),
            Login::Token(token) => ConnectOptions::with_token(token.expose().to_owned()),
            Login::User { name, password } => {
                ConnectOptions::with_user_and_password(name.clone(), password.expose().to_owned())
            }
            Login::Credentials(credentials) => ConnectOptions::with_credentials(credentials.expose())
                .map_err(|_| SinkError::Rejected {
                    why: format!("{place}: the credentials cannot be read"),
                })?,
        };
        let timeout = self.config.timeout();
        let mut options = options
            .name("evenkeel")
            .connection_timeout(timeout)
            .request_timeout(Some(timeout))
            // Only where the operator says: the login goes along.
            .ignore_discovered_servers();
        if let Some(tls) = &self.tls {
            options = options.tls_client_config(tls.clone());
        }
        let servers: Result<Vec<_>, _> =
            self.config.servers().iter().map(|url| url.as_str().parse::<async_nats::ServerAddr>()).collect();
        let servers =
            servers.map_err(|_| SinkError::Rejected { why: format!("{place}: no address of a server") })?;
        // The library's timeout is for each server and step.
        let connected = tokio::time::timeout(timeout * 2, options.connect(servers)).await;
        let client = connected
            .map_err(|_| SinkError::Unavailable { why: format!("{place}: no connection in time") })?
            .map_err(|error| refused(&place, &error))?;
        Ok(jetstream::context::ContextBuilder::new().timeout(timeout).ack_timeout(timeout).build(client))
    }

    /// `subject`: what is published, or the pattern of it.
    fn no_stream(&self, subject: &str) -> SinkError {
        let all = self.config.subjects();
        let missing = all.iter().find(|below| subject.starts_with(below.trim_end_matches('>')));
        let (missing, all) = (missing.map_or(subject, String::as_str), all.join(","));
        SinkError::Unavailable {
            why: format!(
                "{}: no stream takes {missing}; make one (nats stream add EVENKEEL --subjects '{all}' --defaults) \
                 or set create_stream = true",
                self.config.place()
            ),
        }
    }

    fn failed(&self, subject: &str, error: &PublishError) -> SinkError {
        let why = format!("{}: {error}", self.config.place());
        match error.kind() {
            PublishErrorKind::StreamNotFound => self.no_stream(subject),
            PublishErrorKind::MaxPayloadExceeded => SinkError::Rejected { why },
            PublishErrorKind::TimedOut
            | PublishErrorKind::BrokenPipe
            | PublishErrorKind::MaxAckPending
            | PublishErrorKind::WrongLastMessageId
            | PublishErrorKind::WrongLastSequence
            | PublishErrorKind::Other => SinkError::Unavailable { why },
        }
    }
}

fn refused(place: &str, error: &async_nats::ConnectError) -> SinkError {
    let because = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            SinkError::Rejected { why: format!("{place}: the login is refused") }
        }
        ConnectErrorKind::ServerParse => {
            SinkError::Rejected { why: format!("{place}: no address of a server") }
        }
        kind @ (ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Tls
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects) => {
            SinkError::Unavailable { why: format!("{place}: {kind}{because}") }
        }
    }
}
