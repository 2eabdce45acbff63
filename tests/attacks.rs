//! What signed-URL systems are known to fail by, each as a named request in raw bytes to a real server, over HTTP/1.1 and
//! over HTTP/2.
//!
//! Every link has the MAC that belongs to its bytes, unless the row says that it has not: so what is refused is refused for
//! the reason that the row gives, and not for a MAC that is wrong anyway.
#![cfg(feature = "axum")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "attacks/carriers.rs"]
mod carriers;
#[path = "attacks/door.rs"]
mod door;
#[path = "attacks/files.rs"]
mod files;
#[path = "support/http2.rs"]
mod http2;
#[path = "attacks/numbers.rs"]
mod numbers;
#[path = "attacks/paths.rs"]
mod paths;
mod support;
#[path = "support/wire.rs"]
mod wire;
