//! Minting: [`Signer`], the [`Mint`] it begins, and the [`SignedUrl`] that ends it.

mod base;
mod error;
mod mint;
mod signed_url;
mod signer;
mod times;

pub use self::error::{SignError, SignErrorKind};
pub use self::mint::Mint;
pub use self::signed_url::SignedUrl;
pub use self::signer::Signer;
