//! What signed-URL systems are known to fail by, each as a named request in raw bytes to a real server, over HTTP/1.1 and
//! over HTTP/2.
//!
//! Every link has the MAC that belongs to its bytes, unless the row says that it has not: so what is refused is refused for
//! the reason that the row gives, and not for a MAC that is wrong anyway.
#![cfg(feature = "axum")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "attacks/addresses.rs"]
mod addresses;
#[path = "attacks/caches.rs"]
mod caches;
#[path = "attacks/carriers.rs"]
mod carriers;
#[path = "attacks/cross_use.rs"]
mod cross_use;
#[path = "attacks/door.rs"]
mod door;
#[path = "attacks/files.rs"]
mod files;
#[path = "attacks/grpc.rs"]
mod grpc;
#[path = "attacks/hosts.rs"]
mod hosts;
#[path = "attacks/http2.rs"]
mod http2;
#[path = "attacks/keys.rs"]
mod keys;
#[cfg(feature = "trace")]
#[path = "support/log.rs"]
mod log;
#[cfg(feature = "trace")]
#[path = "attacks/logs.rs"]
mod logs;
#[path = "attacks/methods.rs"]
mod methods;
#[path = "attacks/names.rs"]
mod names;
#[path = "attacks/numbers.rs"]
mod numbers;
#[path = "attacks/passwords.rs"]
mod passwords;
#[path = "attacks/paths.rs"]
mod paths;
#[path = "attacks/restrictions.rs"]
mod restrictions;
#[path = "attacks/rewritten.rs"]
mod rewritten;
#[path = "attacks/signatures.rs"]
mod signatures;
#[path = "attacks/structure.rs"]
mod structure;
mod support;
#[path = "attacks/times.rs"]
mod times;
#[path = "attacks/tokens.rs"]
mod tokens;
#[path = "attacks/whole.rs"]
mod whole;
#[path = "support/wire.rs"]
mod wire;
