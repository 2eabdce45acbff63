use std::borrow::Cow;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body::Body;

use super::Shared;
use super::answer::Passed;
use crate::conceal::{Concealed, clean_headers};
use crate::cookie;
use crate::grant::Grant;
use crate::head::{Head, original_uri_mut, replace_target};
use crate::rejection::{Rejection, RejectionKind};
use crate::verify::{Carrier, Obligations, Verified, Verify};

/// What becomes of a request that is not refused.
pub(super) enum Admission {
    /// A credential let it through.
    Granted(Passed),
    /// It carried none, and needs none.
    Anonymous,
    /// A credential let it through, to be exchanged for a cookie.
    Exchanged(Response<Bytes>),
}

impl Admission {
    /// Whether a cookie brought the credential, which the client may have sent without meaning to.
    pub(super) fn is_by_cookie(&self) -> bool {
        matches!(self, Self::Granted(passed) if passed.is_by_cookie())
    }
}

/// What the way by which a credential came means for the answer.
enum Way {
    Plain,
    /// The first segment of the path, which links in the answer are to have again.
    UnderToken(Box<str>),
    /// The credential is exchanged for a cookie.
    Exchanged(Response<Bytes>),
}

impl<V: Verify, A> Shared<V, A> {
    /// Checks a request, takes its credential off and puts the grant in.
    pub(super) fn admit<B: Body>(&self, request: &mut Request<B>) -> Result<Admission, Rejection> {
        // What another layer granted further out is not this one's to pass on.
        request.extensions_mut().remove::<Grant>();
        let verified = match request.extensions_mut().remove::<Concealed>() {
            Some(concealed) => self.verify_concealed(request, &concealed),
            None => self.verify_and_strip(request),
        };
        clean_headers(request.headers_mut(), &*self.verify);
        cookie::remove(request.headers_mut(), self.verify.cookies());
        let by_password = match &verified {
            Ok((verified, _)) => verified.by_password,
            Err(rejection) => rejection.is_by_password(),
        };
        if by_password {
            request.headers_mut().remove(AUTHORIZATION);
        }
        let admitted = verified.and_then(|(verified, way)| {
            check_body(&verified, request.body())?;
            Ok((verified, way))
        });
        let (verified, way) = match admitted {
            Ok(admitted) => admitted,
            Err(rejection) if self.settings.optional && rejection.counts_as_absent() => {
                return Ok(Admission::Anonymous);
            }
            Err(rejection) => return Err(rejection),
        };

        let (segment, exchanged) = match way {
            Way::Plain => (None, None),
            Way::UnderToken(segment) => (Some(segment), None),
            Way::Exchanged(response) => (None, Some(response)),
        };
        let passed = Passed::new(&verified, request.headers(), segment);
        let grant = verified.discharge(Obligations::DOWNLOAD.and(Obligations::NO_BODY))?;
        request.extensions_mut().insert(grant);
        Ok(exchanged.map_or(Admission::Granted(passed), Admission::Exchanged))
    }

    fn verify_and_strip<B>(&self, request: &mut Request<B>) -> Result<(Verified, Way), Rejection> {
        let head = Head::of(request);
        let Some(original) = head.target() else {
            return Err(self.without_target(request));
        };
        let verified = self.verify.verify(head)?;
        let whole = self.strip(original, 0, &verified)?;
        let way = self.way(head, original, &whole, &verified);

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
        Ok((verified, way))
    }

    /// Checks what a [`ConcealLayer`](crate::ConcealLayer) took out, if the URI is still what that left: a rewrite in
    /// between breaks the link and cannot redirect it.
    fn verify_concealed<B>(
        &self,
        request: &mut Request<B>,
        concealed: &Concealed,
    ) -> Result<(Verified, Way), Rejection> {
        const CHANGED: &str = "the URI was changed between `ConcealLayer` and here, or carries a second credential";
        if let Some(fault) = concealed.fault() {
            return Err(Rejection::malformed(fault));
        }
        let Some(original) = concealed.target() else {
            return self.verify_concealed_cookies(request, concealed);
        };
        let head = Head::of(request);
        let current = head.target().ok_or_else(|| Rejection::malformed(CHANGED))?;

        let concealed = head.with_concealed(concealed);
        let verified = self.verify.verify(concealed).map_err(|rejection| match rejection.kind() {
            // Something was taken out, so this request is not one without a credential.
            RejectionKind::Missing => Rejection::malformed("what was concealed is no credential here"),
            _ => rejection,
        })?;
        if self.strip(original, 0, &verified)? != *current {
            return Err(Rejection::malformed(CHANGED));
        }
        let way = self.way(concealed, original, current, &verified);
        Ok((verified, way))
    }

    /// Checks a request of which nothing but cookies was taken out: its target is as it was.
    fn verify_concealed_cookies<B>(
        &self,
        request: &mut Request<B>,
        concealed: &Concealed,
    ) -> Result<(Verified, Way), Rejection> {
        for field in concealed.cookies() {
            request.headers_mut().append(http::header::COOKIE, field.clone());
        }
        self.verify_and_strip(request)
    }

    fn way(&self, head: Head<'_>, original: &PathAndQuery, stripped: &PathAndQuery, verified: &Verified) -> Way {
        let carried = |place: &std::ops::Range<usize>| original.as_str().get(place.clone());
        match &verified.carrier {
            Carrier::Url | Carrier::Cookie => Way::Plain,
            Carrier::Path(place) => carried(place).map_or(Way::Plain, |segment| Way::UnderToken(segment.into())),
            Carrier::Query(place) => {
                let exchanged = carried(place).and_then(|token| self.exchange(head, token, stripped, &verified.grant));
                exchanged.map_or(Way::Plain, Way::Exchanged)
            }
        }
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
            // A cookie leaves the target as it is.
            None if verified.carrier == Carrier::Cookie => return Ok(target.clone()),
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

fn join<'t>(before: &'t str, after: &'t str) -> Cow<'t, str> {
    match (before, after) {
        (before, "") => Cow::Borrowed(before),
        ("", after) => Cow::Borrowed(after),
        (before, after) => Cow::Owned([before, after].concat()),
    }
}

/// Checks that there is no body where the link wants none.
fn check_body(verified: &Verified, body: &impl Body) -> Result<(), Rejection> {
    if !verified.obligations().include(Obligations::NO_BODY) || is_empty(body) {
        return Ok(());
    }
    let rejection = Rejection::from(RejectionKind::LengthRequired);
    Err(if verified.carrier == Carrier::Cookie { rejection.of_cookie() } else { rejection })
}

/// Whether a body is known to be empty.
fn is_empty(body: &impl Body) -> bool {
    body.is_end_stream() || body.size_hint().exact() == Some(0)
}
