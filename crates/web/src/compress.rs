//! Which answers are compressed. Not here: how. Secrets in pages (the seals of forms) look different each time, so that
//! their length tells nothing (BREACH).

use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};

/// Below this compressing costs more than it saves.
const WORTH_IT: u16 = 1024;

/// Compresses what is worth it, fast rather than small. Never the stream: what happens has to go out at once.
pub(crate) fn layer() -> CompressionLayer<And<SizeAbove, NotForContentType>> {
    let worth = SizeAbove::new(WORTH_IT).and(NotForContentType::SSE);
    CompressionLayer::new().gzip(true).br(true).quality(CompressionLevel::Fastest).compress_when(worth)
}
