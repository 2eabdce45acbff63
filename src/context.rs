//! Ready-made bound contexts: what a link may be bound to, and where a request shows it.
//!
//! A bound context is part of what the MAC is over, without standing in the URL: the host, the signed-in user, a password.
//! The link works only for a request that shows the same. Register a source for each name that links may bind:
//!
//! ```
//! use std::time::Duration;
//! use tower_signed_url::{Head, Keyring, Obligations, SigningKey, Verifier, Verify, context};
//!
//! /// What your own login puts into the request's extensions.
//! #[derive(Clone)]
//! struct User {
//!     id: String,
//! }
//!
//! let keys = Keyring::new(SigningKey::generate()?);
//! let verifier = Verifier::builder(&keys)
//!     .bind("user", context::extension(|user: &User| &user.id))
//!     .require("user")
//!     .build()?;
//!
//! let link = verifier.signer().url("/report").bind("user", "42").sign_for(Duration::from_secs(300))?;
//! let mut request = http::Request::get(link.as_str()).body(())?;
//! assert!(verifier.verify(Head::of(&request)).is_err());
//!
//! request.extensions_mut().insert(User { id: "42".into() });
//! assert!(verifier.verify(Head::of(&request)).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A request that shows nothing, because nobody is signed in, say, is refused as
//! [`Context`](crate::RejectionKind::Context), and one that shows another value as
//! [`NotAuthentic`](crate::RejectionKind::NotAuthentic): [`on_reject`](crate::SignedUrlLayer::on_reject) may send the former
//! to a login. (It is not given the link: ask the user to open it again.)
//!
//! A source of your own is a closure: `|head| head.headers().get("x-user")?.to_str().ok().map(Cow::Borrowed)`.
//!
//! A source gives nothing where the request does not show the value, or not clearly: the request is then refused, as it
//! is for an empty value and for one that holds a line break.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, HeaderName};

use crate::cookie;
use crate::head::Head;

/// Where the value of a bound context comes from: any such closure is one.
pub trait Source: for<'a> Fn(Head<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static {}

impl<F> Source for F where F: for<'a> Fn(Head<'a>) -> Option<Cow<'a, str>> + Send + Sync + 'static {}

/// The name that links bind a password by.
pub(crate) const PASSWORD_CONTEXT: &str = "password";
/// The name that links bind a host by.
pub(crate) const HOST_CONTEXT: &str = "host";

/// The host that the request is for, in lower case, with its port unless that is 80 or 443 (behind a proxy the scheme is
/// unknown). Register it as `host`.
///
/// Nothing if the URI's authority and the `Host` field disagree, if there are two `Host` fields, or for user information.
///
/// It is what the client says: it tells apart the hosts that one server has, where that goes by the same host. It does not
/// keep a link for one server from working at another, whose verifier has to say itself which host it is:
/// `|_| Some("files.example.com".into())`.
#[must_use]
pub fn host() -> impl Source {
    fn host(head: Head<'_>) -> Option<Cow<'_, str>> {
        let of_uri = head.authority().map(|authority| normalise_host(authority.as_str()));
        let of_field = match head.only_field(&HOST) {
            Some(field) => Some(normalise_host(field)),
            None if head.headers().contains_key(HOST) => return None,
            None => None,
        };
        match (of_uri, of_field) {
            (Some(uri), Some(field)) if uri != field => None,
            (Some(host), _) | (None, Some(host)) => host,
            (None, None) => None,
        }
    }
    host
}

/// A host as it is bound; nothing for one with user information.
pub(crate) fn normalise_host(host: &str) -> Option<Cow<'_, str>> {
    if host.contains('@') {
        return None;
    }
    let host = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")).unwrap_or(host);
    let is_lower = !host.bytes().any(|b| b.is_ascii_uppercase());
    Some(if is_lower { Cow::Borrowed(host) } else { Cow::Owned(host.to_ascii_lowercase()) })
}

/// The value of a request header field, if there is exactly one.
pub fn header(name: HeaderName) -> impl Source {
    move |head: Head<'_>| head.only_field(&name).map(Cow::Borrowed)
}

/// The value of a cookie, if there is exactly one of its name: a session's, say.
#[must_use]
pub fn cookie(name: &str) -> impl Source {
    let name: Box<str> = name.into();
    move |head: Head<'_>| {
        let mut values = cookie::values(head.cookies(), &name);
        match (values.next(), values.next()) {
            (Some(value), None) => str::from_utf8(value).ok().map(|value| Cow::Owned(value.to_owned())),
            _ => None,
        }
    }
}

/// What something further out has put into the request's extensions: the signed-in user, say.
pub fn extension<T: Send + Sync + 'static>(value: impl Fn(&T) -> &str + Send + Sync + 'static) -> impl Source {
    move |head: Head<'_>| head.extensions().get().map(|extension| Cow::Borrowed(value(extension)))
}

/// The password of HTTP Basic authentication (RFC 7617): what follows the first `:`; the user's name is ignored. Register
/// it as `password`.
///
/// A browser asks for the password then: a link that binds `password` is answered 401 if it is missing or wrong, and the
/// `Authorization` field does not reach the service. Every wrong guess is refused as
/// [`WrongPassword`](crate::RejectionKind::WrongPassword): limit their rate there. A browser's first request, which has no
/// password yet, is [`PasswordRequired`](crate::RejectionKind::PasswordRequired).
#[must_use]
pub fn basic_password() -> impl Source {
    fn password(head: Head<'_>) -> Option<Cow<'_, str>> {
        let (scheme, credentials) = head.only_field(&AUTHORIZATION)?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim_matches(' ')).ok()?).ok()?;
        let (_, password) = decoded.split_once(':')?;
        Some(Cow::Owned(password.to_owned()))
    }
    password
}
