//! Scope tokens, signed by hand, and requests that carry them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_signed_url::{DEFAULT_COOKIE, Verifier, VerifierBuilder};

use super::door::{Case, get};
use super::support::by_hand::signed;
use super::support::{NOW, at, figure_keys};

/// What reads tokens wherever they may stand.
pub fn builder() -> VerifierBuilder {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).token_path()
}

pub fn verifier() -> Verifier {
    builder().build().unwrap()
}

/// A token for this scope, correct or nonsense, that has 1000 seconds left.
pub fn token(scope: &str) -> String {
    signed(&format!("sig-scope={scope}&exp=1790000000"))
}

pub fn encoded(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

/// A cookie with this token.
pub fn cookie(token: &str) -> String {
    format!("{DEFAULT_COOKIE}={}", encoded(token))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Query,
    Cookie,
    Path,
}

pub const CARRIERS: [Carrier; 3] = [Carrier::Query, Carrier::Cookie, Carrier::Path];

impl Carrier {
    /// A `GET` of this path with this token.
    pub fn get(self, name: &str, path: &[u8], token: &str) -> Case {
        let name = format!("{name}, {self:?}");
        match self {
            Self::Query => get(name, [path, b"?", token.as_bytes()].concat()),
            Self::Cookie => get(name, path).field("cookie", cookie(token)),
            Self::Path => get(name, [b"/~", encoded(token).as_bytes(), path].concat()),
        }
    }
}
