//! Ready-made answers to refused requests, for [`SignedUrlLayer::on_reject`](crate::SignedUrlLayer::on_reject).
//!
//! They depend on the status alone, so that a refused client learns nothing else.
//!
//! ```
//! use tower_signed_url::{Keyring, SignedUrlLayer, SigningKey, reject};
//!
//! let keys = Keyring::new(SigningKey::generate()?);
//! let layer = SignedUrlLayer::new(&keys).on_reject(reject::problem_json);
//! # Ok::<(), tower_signed_url::KeyError>(())
//! ```

use std::mem;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, REFERRER_POLICY, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode, Version};

use crate::cache;
use crate::head::Head;
use crate::rejection::{Rejected, Rejection};

pub(crate) const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// How a password is asked for (RFC 7617).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Link\", charset=\"UTF-8\"");

/// The status, and no body.
#[must_use]
pub fn status_only(rejected: Rejected<'_>) -> Response<Bytes> {
    with_status(Response::default(), rejected.status())
}

/// The status, and a line of text for a person: the default.
#[must_use]
pub fn plain_text(rejected: Rejected<'_>) -> Response<Bytes> {
    plain_answer(rejected.status())
}

/// The status, and a problem document in JSON (RFC 9457).
#[must_use]
pub fn problem_json(rejected: Rejected<'_>) -> Response<Bytes> {
    let status = rejected.status();
    let body = format!(
        r#"{{"type":"about:blank","title":"{}","status":{},"detail":"{}"}}"#,
        status.canonical_reason().unwrap_or_default(),
        status.as_u16(),
        explanation(status),
    );
    answer(status, "application/problem+json", Bytes::from(body))
}

/// A whole refusal, where there is no callback to build it.
pub(crate) fn refusal(rejection: Rejection) -> Response<Bytes> {
    seal(plain_answer(rejection.status()), rejection)
}

fn plain_answer(status: StatusCode) -> Response<Bytes> {
    answer(status, "text/plain; charset=utf-8", Bytes::from_static(explanation(status).as_bytes()))
}

/// Whether a request is a gRPC call: nothing else may have its refusal turned into a 200.
pub(crate) fn is_grpc(head: Head<'_>) -> bool {
    let is_grpc_type = |value: &HeaderValue| match value.as_bytes().strip_prefix(b"application/grpc") {
        Some(rest) => matches!(rest, [] | [b'+' | b';', ..]),
        None => false,
    };
    head.version() == Version::HTTP_2
        && *head.method() == Method::POST
        && head.headers().get(CONTENT_TYPE).is_some_and(is_grpc_type)
}

/// A refused gRPC call: trailers only, with 16, `UNAUTHENTICATED`, 14, `UNAVAILABLE`, or 7, `PERMISSION_DENIED`.
pub(crate) fn grpc_answer(status: StatusCode) -> Response<Bytes> {
    let mut response = answer(StatusCode::OK, "application/grpc", Bytes::new());
    let headers = response.headers_mut();
    let code = match status {
        StatusCode::UNAUTHORIZED => "16",
        StatusCode::SERVICE_UNAVAILABLE => "14",
        _ => "7",
    };
    headers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static(code));
    headers.insert(HeaderName::from_static("grpc-message"), HeaderValue::from_static(explanation(status)));
    response
}

/// Takes the body off an answer to `HEAD`, but for its length. A server need not: hyper's sends it over HTTP/2, where it
/// breaks the stream.
pub(crate) fn without_body_for_head(method: &Method, mut answer: Response<Bytes>) -> Response<Bytes> {
    if *method == Method::HEAD && !answer.body().is_empty() {
        let body = mem::take(answer.body_mut());
        answer.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| body.len().into());
    }
    answer
}

/// What every refusal has, whoever built it: the reason, for the application alone, and headers.
/// A 410 may be cached unless it says otherwise, and a link that is refused here may still work for someone else.
pub(crate) fn seal<B>(mut response: Response<B>, rejection: Rejection) -> Response<B> {
    // A callback may have answered with a page of its own, and a gRPC call is answered with a 200.
    let asks_for_password = rejection.status() == StatusCode::UNAUTHORIZED && response.status() == rejection.status();
    response.extensions_mut().insert(rejection);
    let headers = response.headers_mut();
    if asks_for_password {
        headers.insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    cache::forbid(headers);
    headers.insert(REFERRER_POLICY, NO_REFERRER);
    response
}

/// Printable ASCII without `"`, `\` and `%`: it goes into JSON and `grpc-message` as it is.
fn explanation(status: StatusCode) -> &'static str {
    match status {
        StatusCode::GONE => "This link has ended. A fresh one may work.",
        StatusCode::UNAUTHORIZED => "This link needs a password.",
        StatusCode::LENGTH_REQUIRED => "This link needs a request that states its length.",
        StatusCode::PAYLOAD_TOO_LARGE => "This link takes no upload as large as this.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This link takes no upload of this type.",
        StatusCode::SERVICE_UNAVAILABLE => "This link cannot be checked now. Try again later.",
        _ => "This link is not valid here.",
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = with_status(Response::new(body), status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn with_status(mut response: Response<Bytes>, status: StatusCode) -> Response<Bytes> {
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_a_post_over_http_2_with_the_content_type_is_grpc() {
        for (version, method, content_type, expected) in [
            (Version::HTTP_2, "POST", "application/grpc", true),
            (Version::HTTP_2, "POST", "application/grpc+proto", true),
            (Version::HTTP_2, "POST", "application/grpc;x=y", true),
            (Version::HTTP_2, "POST", "application/grpc-web", false),
            (Version::HTTP_2, "POST", "application/grpcx", false),
            (Version::HTTP_2, "POST", "text/plain", false),
            (Version::HTTP_2, "GET", "application/grpc", false),
            (Version::HTTP_11, "POST", "application/grpc", false),
        ] {
            let mut request = Request::new(());
            *request.version_mut() = version;
            *request.method_mut() = method.parse().unwrap();
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(is_grpc(Head::of(&request)), expected, "{version:?} {method} {content_type}");
        }
    }
}
