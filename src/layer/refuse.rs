use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response};

use super::Shared;
use crate::head::Head;
use crate::reject::{grpc_answer, is_grpc, seal};
use crate::rejection::{Rejected, Rejection};
use crate::verify::Verify;

impl<V: Verify> Shared<V> {
    pub(super) fn refuse<B>(&self, request: &Request<B>, rejection: Rejection) -> Response<Bytes> {
        let target = Head::of(request).target().map_or(request.uri().path(), PathAndQuery::path);
        let hidden = self.verify.hide(target);
        let rejected = Rejected {
            rejection: &rejection,
            method: request.method(),
            path: hidden.as_deref().unwrap_or(target),
            headers: request.headers(),
        };
        record(rejected);
        // Called for gRPC as well, though what it returns is not wanted there: it may count refusals.
        let mut answer = (self.settings.on_reject)(rejected);
        if answer.status().is_success() {
            *answer.status_mut() = rejection.status(); // forgotten: a refusal is never a 200
        }
        let answer = if is_grpc(request) { grpc_answer(rejection.status()) } else { answer };
        seal(answer, rejection)
    }
}

fn record(rejected: Rejected<'_>) {
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: "tower_signed_url",
                method = %rejected.method(),
                path = rejected.path(),
                status = rejected.status().as_u16(),
                reason = %rejected.rejection(),
                "refused"
            )
        };
    }
    if rejected.rejection().is_misconfiguration() {
        event!(warn);
    } else {
        event!(debug);
    }
}
