//! Routes that remember their paths, so that a test can hold the document of the API against them.

use axum::Router;
use axum::routing::MethodRouter;

use crate::state::AppState;

/// Routes, and which paths they have.
pub(crate) struct Routes {
    router: Router<AppState>,
    paths: Vec<&'static str>,
}

impl Routes {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), paths: Vec::new() }
    }

    /// One more.
    pub(crate) fn route(mut self, path: &'static str, methods: MethodRouter<AppState>) -> Self {
        self.paths.push(path);
        Self { router: Router::route(self.router, path, methods), paths: self.paths }
    }

    /// Those of another part.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        Self { router: self.router.merge(other.router), paths: self.paths }
    }

    /// The routes themselves.
    pub(crate) fn into_router(self) -> Router<AppState> {
        self.router
    }

    /// Their paths.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> &[&'static str] {
        &self.paths
    }
}
