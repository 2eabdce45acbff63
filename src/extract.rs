//! What axum makes of this crate's types.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::grant::Grant;
use crate::reject::refusal;
use crate::rejection::{Rejection, RejectionKind};
use crate::sign::SignError;

/// Refuses a request that no signed URL let in: [`RejectionKind::Missing`].
impl<S: Sync> FromRequestParts<S> for Grant {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        parts.extensions.get().cloned().ok_or_else(|| {
            let rejection =
                Rejection::new(RejectionKind::Missing).because("no `SignedUrlLayer` has granted it (is it in place?)");
            tracing::debug!(target: "tower_signed_url", reason = %rejection, "refused");
            rejection
        })
    }
}

/// For a handler behind an [optional](crate::SignedUrlLayer::optional) layer.
impl<S: Sync> OptionalFromRequestParts<S> for Grant {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

/// As the layer answers: plain text, with the status alone to tell.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        refusal(self).map(Body::from)
    }
}

/// 500, without a word about why: that is in a `tracing` event at `ERROR`. So a handler that mints may use `?`.
impl IntoResponse for SignError {
    fn into_response(self) -> Response {
        tracing::error!(target: "tower_signed_url", error = %self, "a link was not made");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
