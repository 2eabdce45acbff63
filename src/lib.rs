//! Links that expire: mint signed URLs, and check them in a Tower layer.
//!
//! A signed URL works for a while and then does not. It carries the time until which it works, `exp`, and a MAC over
//! every byte to its left, `sig`; checking it takes a key and a clock, and no database.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use std::time::Duration;
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use tower::ServiceExt;
//! use tower_signed_url::{Keyring, SignedUrlLayer, Signer, SigningKey};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keyring::new(SigningKey::generate()?);
//! let app: Router = Router::new()
//!     .route("/report", get(|| async { "the report" }))
//!     .route_layer(SignedUrlLayer::new(&keys));
//!
//! let link = Signer::new(&keys).url("/report").sign_for(Duration::from_secs(300))?;
//! let response = app.clone().oneshot(Request::get(link.as_str()).body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let response = app.oneshot(Request::get("/report").body(Body::empty())?).await?;
//! assert_eq!(response.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! # From an application to a working link
//!
//! 1. Make a key, and keep it where secrets are kept: `echo "2026-11:$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')"`.
//!    The application gets it as `SIGNED_URL_KEYS`.
//! 2. Put the layer before the routes that need a link, and hand the signer to the handlers that give links out, behind a
//!    login of your own.
//! 3. Open a link that the page shows; without it, and once it has ended, the route answers 403 and 410.
//!
//! ```no_run
//! # #[cfg(feature = "axum")] {
//! use std::time::Duration;
//! use axum::{Router, extract::State, routing::get};
//! use tower_signed_url::{Keyring, SignError, SignedUrlLayer, Signer};
//!
//! async fn page(State(signer): State<Signer>) -> Result<String, SignError> {
//!     let link = signer.url("/report").sign_for(Duration::from_secs(300))?;
//!     Ok(format!("http://127.0.0.1:3000{link}"))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let keys = Keyring::from_env("SIGNED_URL_KEYS")?;
//!     let app = Router::new()
//!         .route("/report", get(|| async { "the report" }))
//!         .route_layer(SignedUrlLayer::new(&keys)) // the routes above it need a link
//!         .route("/", get(page))
//!         .with_state(Signer::new(&keys));
//!     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?;
//!     Ok(())
//! }
//! # }
//! ```
//!
//! Where a request was refused and you do not see why: each refusal is a `tracing` event of the target `tower_signed_url`,
//! most of them at `DEBUG`. Where a `TraceLayer` is outside of the layer, it logs the signature: see [`ConcealLayer`].
//!
//! # Where it goes
//!
//! | stack | how |
//! | --- | --- |
//! | axum | `.route_layer(layer)` for the routes so far, `.layer(layer)` with the fallback; in a nest, a link is for the whole public path |
//! | an axum router as a whole | `Router::new().fallback_service(layer.layer(app.with_state(())))` |
//! | hyper | `TowerToHyperService::new(layer.layer(service))` |
//! | tonic | `Server::builder().layer(layer)`, what is added first runs first; a call is a `POST` to `/package.Service/Method` |
//! | a client: hyper-util's, a tonic channel | `ServiceBuilder::new().layer(SignRequestLayer::new(signer, lifetime)).service(client)` |
//! | behind nginx, Traefik, Caddy | as it is; or they serve the files, and ask a [`ForwardAuth`]: configurations are in the README |
//!
//! Which other layers go outside of it, and which inside: [`SignedUrlLayer`](SignedUrlLayer#order). The README, which
//! crates.io shows, has the rest: other languages, front ends, proxies and their logs.
//!
//! # Four rules
//!
//! 1. The signature covers every byte to its left: the bytes, not a parsed, sorted or decoded form.
//! 2. Nothing that a URL says is ignored. A restriction that a verifier does not know, or cannot enforce, rejects the
//!    request.
//! 3. Authentic first, meaning after. Only a link whose MAC matches is ever told that it has expired.
//! 4. The credential stops at the door. What runs behind the layer, and what is logged, sees the URL without it.
//!
//! # The map
//!
//! | for | see |
//! | --- | --- |
//! | keys, and changing them while serving | [`SigningKey`], [`Keyring`] |
//! | what signers and verifiers agree on | [`Policy`] |
//! | making links | [`Signer`], [`Mint`], [`SignedUrl`] |
//! | one link for a folder | [`ScopeToken`], [`VerifierBuilder::token_cookie`], [`VerifierBuilder::token_path`] |
//! | letting requests in by link | [`SignedUrlLayer`], [`Cache`], [`Grant`] |
//! | binding links to users, sessions, hosts, passwords | [`context`] |
//! | limiting links to client addresses | [`client_ip`] |
//! | a last word at the moment of use | [`Authorize`] |
//! | answering the ones that are refused | [`Rejection`], [`Rejected`], [`reject`] |
//! | keeping credentials out of logs | [`ConcealLayer`], `ConcealSpan` (feature `trace`) |
//! | checking without the layer, or another format | [`Verifier`], [`Verify`], [`Head`], [`Verified`] |
//! | answering for nginx, Traefik or Caddy, which serve the file | [`ForwardAuth`] |
//! | signing the requests of a client | [`SignRequestLayer`] |
//! | expiry as a courtesy, unsigned | [`SoftExpiryLayer`] |
//! | choosing the time in tests | [`Clock`] |
//!
//! # Features
//!
//! - `axum` (default): verify the original URI of nested routers and clean `OriginalUri`; [`Grant`] as an extractor;
//!   `client_ip::connect_info`. Turn it off only where no axum router is in the stack.
//! - `trace`: `ConcealSpan`, a `MakeSpan` for the `TraceLayer` of tower-http 0.7.
//! - `full`: both.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod cache;
pub mod client_ip;
mod clock;
mod conceal;
pub mod context;
mod cookie;
#[cfg(feature = "axum")]
mod extract;
mod format;
mod forwarded;
mod grant;
mod head;
mod inline;
mod key;
mod keyring;
mod layer;
mod or_own;
mod policy;
mod quoted;
pub mod reject;
mod rejection;
mod sign;
mod sign_request;
mod soft_expiry;
mod verify;

pub use self::cache::Cache;
pub use self::clock::{Clock, SystemClock};
#[cfg(feature = "trace")]
pub use self::conceal::ConcealSpan;
pub use self::conceal::{Conceal, ConcealLayer};
pub use self::cookie::DEFAULT_COOKIE;
pub use self::grant::Grant;
pub use self::head::Head;
pub use self::key::{KeyError, KeyErrorKind, KeyId, SigningKey};
pub use self::keyring::{Keyring, KeyringError, KeyringErrorKind};
pub use self::layer::{
    Authorize, BoxError, Decision, ForwardAuth, Live, ResponseBody, ResponseFuture, SignedUrlLayer, SignedUrlService,
};
pub use self::policy::{ConfigError, ConfigErrorKind, Policy};
pub use self::rejection::{Rejected, Rejection, RejectionKind};
pub use self::sign::{Mint, Minted, ScopeToken, SignError, SignErrorKind, SignedUrl, Signer};
pub use self::sign_request::{SignRequest, SignRequestFuture, SignRequestLayer};
pub use self::soft_expiry::{SoftExpiry, SoftExpiryFuture, SoftExpiryLayer};
pub use self::verify::{Obligations, Verified, Verifier, VerifierBuilder, Verify};

/// The README's Rust blocks are compiled and run with the documentation's.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
