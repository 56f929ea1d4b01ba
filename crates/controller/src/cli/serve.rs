//! The HTTP surface of a running command.

use std::net::SocketAddr;
use std::sync::Arc;

use evenkeel_store::Store;
use evenkeel_web::{Access, AppState, HostPolicy, Rules};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, HttpConfig};
use crate::face::Face;
use crate::wiring;

/// The open port and what is shown on it.
pub(super) struct Surface {
    face: Arc<Face>,
    access: Arc<Access>,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

impl Surface {
    /// Opens the port. Until something is shown, it answers that nothing is known.
    pub(super) async fn open(
        config: &HttpConfig,
        rules: Rules,
        store: Arc<dyn Store>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| anyhow::anyhow!("cannot listen on {}: {error}", config.listen))?;
        let address = listener.local_addr()?;
        let face = Arc::new(Face::new()?);
        let allowed_hosts = HostPolicy::bound_to(address.ip(), &config.names).below(config.base_path.clone());
        let access = Arc::new(Access::new(rules, address.ip()));
        let state = AppState { store, live: face.clone(), allowed_hosts, access: access.clone() };
        let stop = CancellationToken::new();
        let server = tokio::spawn(evenkeel_web::serve(
            listener,
            evenkeel_web::router(state),
            stop.clone().cancelled_owned(),
        ));
        Ok(Self { face, access, address, stop, server })
    }

    /// What is shown on it.
    pub(super) fn face(&self) -> &Arc<Face> {
        &self.face
    }

    /// From now on this configuration says who may do what; the rest of the port takes a restart.
    pub(super) fn reload(&self, config: &Config) {
        self.access.change(wiring::rules(config));
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets running requests end and closes the port.
    pub(super) async fn close(self) {
        self.stop.cancel();
        match self.server.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the http server ended early"),
            Err(error) => tracing::error!(%error, "the http server did not end"),
        }
    }
}
