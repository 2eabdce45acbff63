use std::fmt;
use std::sync::Arc;

use http::Request;
use http::uri::Uri;
use tower_http::trace::MakeSpan;
use tracing::field::{Empty, debug};
use tracing::{Level, Span};

use super::request::clean_headers_with;
use crate::cookie;
use crate::format::split_query;
use crate::verify::{Verifier, Verify};

/// Makes a `TraceLayer`'s spans, with `…` for the values of credentials. The trace may then be outside of a
/// [`SignedUrlLayer`](crate::SignedUrlLayer).
///
/// It records what tower-http's `DefaultMakeSpan` does: method, URI and version at `DEBUG`, and headers if they are
/// asked for, those that repeat a URL (`Referer` and its kind) cleaned the same way, and without the tokens' cookie. The
/// request itself stays as it is: a trace's own `on_request` callback still sees the credential.
///
/// ```
/// use tower_http::trace::TraceLayer;
/// use tower_signed_url::{ConcealSpan, Keyring, SigningKey};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let trace = TraceLayer::new_for_http().make_span_with(ConcealSpan::new(&keys).level(tracing::Level::INFO));
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
#[must_use]
pub struct ConcealSpan<V = Verifier> {
    verify: Arc<V>,
    level: Level,
    include_headers: bool,
}

impl ConcealSpan {
    /// Spans for the verifier, or the ring of keys, that the [`SignedUrlLayer`](crate::SignedUrlLayer) inside has.
    pub fn new(keys_or_verifier: impl Into<Verifier>) -> Self {
        Self::custom(keys_or_verifier.into())
    }
}

impl<V: Verify> ConcealSpan<V> {
    /// Spans for a [`Verify`] of your own.
    pub fn custom(verify: V) -> Self {
        Self { verify: Arc::new(verify), level: Level::DEBUG, include_headers: false }
    }
}

impl<V> ConcealSpan<V> {
    /// The spans' level, `DEBUG` unless said otherwise.
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Whether the request's headers are recorded; not unless said otherwise.
    pub fn include_headers(self, include_headers: bool) -> Self {
        Self { include_headers, ..self }
    }
}

impl<V: Verify, B> MakeSpan<B> for ConcealSpan<V> {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let verify = &*self.verify;
        let uri = RedactedUri { uri: request.uri(), verify };
        // `span!` wants a level that is known when it is compiled.
        macro_rules! span {
            ($level:ident) => {
                tracing::span!(
                    Level::$level,
                    "request",
                    method = %request.method(),
                    %uri,
                    version = ?request.version(),
                    headers = Empty,
                )
            };
        }
        let span = match self.level {
            Level::ERROR => span!(ERROR),
            Level::WARN => span!(WARN),
            Level::INFO => span!(INFO),
            Level::DEBUG => span!(DEBUG),
            Level::TRACE => span!(TRACE),
        };
        if self.include_headers && !span.is_disabled() {
            let mut headers = request.headers().clone();
            clean_headers_with(&mut headers, |url| redact(url, verify));
            cookie::remove(&mut headers, verify.cookies());
            span.record("headers", debug(&headers));
        }
        span
    }
}

impl<V> Clone for ConcealSpan<V> {
    fn clone(&self) -> Self {
        Self { verify: Arc::clone(&self.verify), ..*self }
    }
}

impl<V> fmt::Debug for ConcealSpan<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcealSpan")
            .field("level", &self.level)
            .field("include_headers", &self.include_headers)
            .finish_non_exhaustive()
    }
}

struct RedactedUri<'a, V> {
    uri: &'a Uri,
    verify: &'a V,
}

impl<V: Verify> fmt::Display for RedactedUri<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.uri.to_string();
        f.write_str(&redact(&uri, self.verify).unwrap_or(uri))
    }
}

/// `url` with `…` for the values of its credential, and for the segments of its path that are one. Nothing if it holds
/// none.
///
/// The verifier is asked about each piece by itself. Where that does not come to what it hides of the whole, there is no
/// `…`, but what it leaves.
fn redact(url: &str, verify: &impl Verify) -> Option<String> {
    let hidden = verify.hide(url)?;
    let redact_parameter = |parameter: &str| {
        verify.hide(&format!("/?{parameter}")).map(|_| match parameter.split_once('=') {
            // A name that gives it away by itself is no secret.
            // An escaped `=` in it may have a value before it.
            Some((name, _)) if !name.contains('%') && verify.hide(&format!("/?{name}=")).is_some() => {
                format!("{name}=…")
            }
            _ => "…".to_owned(),
        })
    };
    let (path, query) = split_query(url);
    let mut pieces = Pieces::default();
    for (at, segment) in path.split('/').enumerate() {
        let redacted = verify.hide(&format!("/{segment}")).map(|_| "…".to_owned());
        pieces.push(if at == 0 { "" } else { "/" }, segment, redacted);
    }
    for (at, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        pieces.push(if at == 0 { "?" } else { "&" }, parameter, redact_parameter(parameter));
    }
    Some(if pieces.left == hidden { pieces.redacted } else { hidden })
}

/// A URL put together again: with what stands for its hidden pieces, and without them.
#[derive(Default)]
struct Pieces {
    redacted: String,
    left: String,
    /// The separator of a first piece that was hidden: the next takes it over.
    first: Option<&'static str>,
}

impl Pieces {
    fn push(&mut self, separator: &'static str, piece: &str, redacted: Option<String>) {
        self.redacted.push_str(separator);
        self.redacted.push_str(redacted.as_deref().unwrap_or(piece));
        match (&redacted, separator) {
            (None, _) => {
                let separator = if separator == "&" { self.first.take().unwrap_or("&") } else { separator };
                self.left.push_str(separator);
                self.left.push_str(piece);
            }
            (Some(_), "?") => self.first = Some("?"),
            (Some(_), _) => {}
        }
    }
}
