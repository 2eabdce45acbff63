//! Minting: [`Signer`], the [`Mint`] it begins, and the [`SignedUrl`] or [`ScopeToken`] that ends it.

mod base;
mod error;
mod mint;
mod run;
mod scope_token;
mod signed_url;
mod signer;
mod times;

pub use self::error::{SignError, SignErrorKind};
pub use self::mint::{Mint, Minted};
pub use self::scope_token::ScopeToken;
pub use self::signed_url::SignedUrl;
pub use self::signer::Signer;
