//! What pages load besides themselves: the style sheet, the icon and the script, under names that change with their content, so that
//! a browser asks for each once. Not here: what uses them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_64;

use crate::headers::{entity_tag, has_already};
use crate::problem;

/// A file that is part of the binary.
struct Asset {
    name: String,
    kind: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        Self { name: format!("{stem}-{:016x}.{ending}", xxh3_64(bytes)), kind, bytes }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("evenkeel", "css", "text/css; charset=utf-8", include_bytes!("style.css")));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("keel", "svg", "image/svg+xml", include_bytes!("icon.svg")));

static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", "text/javascript; charset=utf-8", include_bytes!("live.js")));

/// Where the style sheet is.
pub(super) fn style() -> String {
    STYLE.path()
}

/// Where the icon is.
pub(super) fn icon() -> String {
    ICON.path()
}

/// Where the script is.
pub(super) fn script() -> String {
    SCRIPT.path()
}

/// One of the files.
pub(super) async fn serve(Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(asset) = [&*STYLE, &*ICON, &*SCRIPT].into_iter().find(|asset| asset.name == name) else {
        return problem::unknown_path(uri).await.into_response();
    };
    let tag = entity_tag(asset.bytes);
    let lasting = [(CACHE_CONTROL, "public, max-age=31536000, immutable"), (ETAG, tag.as_str())];
    if has_already(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, lasting).into_response();
    }
    (lasting, [(CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}
