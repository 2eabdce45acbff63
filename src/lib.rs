//! Links that expire.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod cache;
mod clock;
mod conceal;
#[cfg(feature = "axum")]
mod extract;
mod format;
mod grant;
mod head;
mod inline;
mod key;
mod keyring;
mod layer;
mod policy;
pub mod reject;
mod rejection;
mod sign;
mod verify;

pub use self::cache::Cache;
pub use self::clock::{Clock, SystemClock};
#[cfg(feature = "trace")]
pub use self::conceal::ConcealSpan;
pub use self::conceal::{Conceal, ConcealLayer};
pub use self::grant::Grant;
pub use self::head::Head;
pub use self::key::{KeyError, KeyErrorKind, KeyId, SigningKey};
pub use self::keyring::{Keyring, KeyringError, KeyringErrorKind};
pub use self::layer::{ResponseBody, ResponseFuture, SignedUrlLayer, SignedUrlService};
pub use self::policy::{ConfigError, ConfigErrorKind, Policy};
pub use self::reject::Rejected;
pub use self::rejection::{Rejection, RejectionKind};
pub use self::sign::{Mint, SignError, SignErrorKind, SignedUrl, Signer};
pub use self::verify::{Verified, Verifier, VerifierBuilder, Verify};
