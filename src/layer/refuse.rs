use bytes::Bytes;
use http::Response;
use http::uri::PathAndQuery;

use super::SignedUrlLayer;
use crate::head::Head;
use crate::reject::{grpc_answer, is_grpc, seal, without_body_for_head};
use crate::rejection::{Rejected, Rejection, RejectionKind};
use crate::verify::Verify;

impl<V: Verify, A> SignedUrlLayer<V, A> {
    pub(super) fn refuse(&self, head: Head<'_>, mut rejection: Rejection) -> Response<Bytes> {
        let holds_more = |target: &PathAndQuery| self.verify.hide(target.as_str()).is_some();
        if rejection.kind() == RejectionKind::Missing && head.target().is_some_and(holds_more) {
            rejection = rejection.because("but what looks like one that was escaped on its way (`&amp;`, `%26`?)");
        }
        let path = head.target().map_or(head.routed_path(), PathAndQuery::path);
        let hidden = self.verify.hide(path);
        let rejected = Rejected {
            rejection: &rejection,
            method: head.method(),
            path: hidden.as_deref().unwrap_or(path),
            headers: head.headers(),
        };
        record(rejected);
        // Called for gRPC as well, though what it returns is not wanted there: it may count refusals.
        let mut answer = (self.settings.on_reject)(rejected);
        if answer.status().is_success() {
            *answer.status_mut() = rejection.status(); // forgotten: a refusal is never a 200
        }
        let answer = if is_grpc(head) { grpc_answer(rejection.status()) } else { answer };
        self.finish(seal(without_body_for_head(head.method(), answer), rejection), None)
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
