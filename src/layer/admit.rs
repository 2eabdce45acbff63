use std::borrow::Cow;

use http::uri::PathAndQuery;
use http::{Request, Uri};

use super::Shared;
use super::answer::Passed;
use crate::conceal::{Concealed, clean_headers};
use crate::grant::Grant;
use crate::head::{Head, original_uri_mut, replace_target};
use crate::rejection::{Rejection, RejectionKind};
use crate::verify::{Obligations, Verified, Verify};

impl<V: Verify> Shared<V> {
    /// Checks a request, takes its credential off and puts the grant in. Nothing for one that carries none and needs
    /// none.
    pub(super) fn admit<B>(&self, request: &mut Request<B>) -> Result<Option<Passed>, Rejection> {
        // What another layer granted further out is not this one's to pass on.
        request.extensions_mut().remove::<Grant>();
        let verified = match request.extensions_mut().remove::<Concealed>() {
            Some(concealed) => self.verify_concealed(request, concealed),
            None => self.verify_and_strip(request),
        };
        clean_headers(request.headers_mut(), &*self.verify);
        match verified {
            Ok(verified) => {
                let passed = Passed::new(&verified, request.headers());
                request.extensions_mut().insert(verified.discharge(Obligations::NONE)?);
                Ok(Some(passed))
            }
            Err(rejection) if self.settings.optional && rejection.kind() == RejectionKind::Missing => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }

    fn verify_and_strip<B>(&self, request: &mut Request<B>) -> Result<Verified, Rejection> {
        let head = Head::of(request);
        let Some(original) = head.target() else {
            return Err(self.without_target(request));
        };
        let verified = self.verify.verify(head)?;
        let whole = self.strip(original, 0, &verified)?;

        // Of a nested request, the query is the original's and ends where that ends.
        let target = request.uri().path_and_query().unwrap_or(original);
        let nested = original.as_str().len().checked_sub(target.as_str().len());
        let inner = match nested.ok_or_else(|| Rejection::malformed("the URI grew on its way"))? {
            0 => None,
            nested => Some(self.strip(target, nested, &verified)?),
        };
        if let Some(uri) = original_uri_mut(request.extensions_mut()) {
            replace_target(uri, whole.clone())?;
        }
        replace_target(request.uri_mut(), inner.unwrap_or(whole))?;
        Ok(verified)
    }

    /// Checks what a [`ConcealLayer`](crate::ConcealLayer) took out, if the URI is still what that left: a rewrite in
    /// between breaks the link and cannot redirect it.
    fn verify_concealed<B>(&self, request: &Request<B>, concealed: Concealed) -> Result<Verified, Rejection> {
        const CHANGED: &str = "the URI was changed between `ConcealLayer` and here, or carries a second credential";
        let original = concealed.into_target().ok_or_else(|| Rejection::malformed(CHANGED))?;
        let head = Head::of(request);
        let current = head.target().ok_or_else(|| Rejection::malformed(CHANGED))?;

        let verified =
            self.verify.verify(head.with_original(&original)).map_err(|rejection| match rejection.kind() {
                // Something was taken out, so this request is not one without a credential.
                RejectionKind::Missing => Rejection::malformed("what was concealed is no credential here"),
                _ => rejection,
            })?;
        if self.strip(&original, 0, &verified)? != *current {
            return Err(Rejection::malformed(CHANGED));
        }
        Ok(verified)
    }

    /// `target` without its credential. `nested` says by how much it is shorter, at its front, than the original.
    fn strip(&self, target: &PathAndQuery, nested: usize, verified: &Verified) -> Result<PathAndQuery, Rejection> {
        const UNSTRIPPABLE: &str = "its credential cannot be taken off";
        let text = target.as_str();
        let stripped = match &verified.cut {
            Some(cut) => {
                let (start, end) = (cut.place.start.checked_sub(nested), cut.place.end.checked_sub(nested));
                let before = start.and_then(|start| text.get(..start));
                let after = end.and_then(|end| text.get(end..));
                match (before, after) {
                    (Some(before), Some(after)) if cut.target == text.len() + nested => join(before, after),
                    _ => return Err(Rejection::malformed(UNSTRIPPABLE)),
                }
            }
            None => self.verify.strip(text).map_or(Cow::Borrowed(text), Cow::Owned),
        };
        PathAndQuery::try_from(&*stripped).map_err(|_| Rejection::malformed(UNSTRIPPABLE))
    }

    /// Why a request without a target that can be judged is refused.
    fn without_target<B>(&self, request: &mut Request<B>) -> Rejection {
        let holds_credential = |uri: &Uri| {
            let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
            self.verify.strip(target).is_some()
        };
        if holds_credential(request.uri())
            || original_uri_mut(request.extensions_mut()).is_some_and(|uri| holds_credential(uri))
        {
            Rejection::malformed("the URI was rewritten between two routers")
        } else {
            RejectionKind::Missing.into()
        }
    }
}

fn join<'t>(before: &'t str, after: &str) -> Cow<'t, str> {
    if after.is_empty() { Cow::Borrowed(before) } else { Cow::Owned([before, after].concat()) }
}
