use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri};
use http_body::Body;

use super::SignedUrlLayer;
use super::answer::Passed;
use crate::conceal::{Concealed, clean_headers};
use crate::cookie;
use crate::grant::Grant;
use crate::head::{Head, original_uri_mut, replace_target};
use crate::rejection::{Rejection, RejectionKind};
use crate::verify::{Carrier, Handling, Obligations, Verified, Verify};

/// What becomes of a request that is not refused.
pub(super) enum Admission {
    /// A credential let it through.
    Granted(Passed),
    /// It carried none, and needs none.
    Anonymous,
    /// A credential let it through, to be exchanged for a cookie.
    Exchanged(Box<Response<Bytes>>),
}

impl Admission {
    /// Whether a cookie brought the credential, which the client may have sent without meaning to.
    pub(super) fn is_by_cookie(&self) -> bool {
        matches!(self, Self::Granted(passed) if passed.is_by_cookie())
    }
}

/// Who answers.
enum Answer {
    /// The service; links in its answer are to have this first segment of the path again.
    OfService(Option<Box<str>>),
    /// Nobody else: it exchanges the credential for a cookie.
    Exchanged(Box<Response<Bytes>>),
}

impl<V: Verify, A> SignedUrlLayer<V, A> {
    /// Checks a request, takes its credential off and puts the grant in.
    #[inline]
    pub(super) fn admit<B: Body>(&self, request: &mut Request<B>) -> Result<Admission, Rejection> {
        // What another layer granted further out is not this one's to pass on.
        request.extensions_mut().remove::<Grant>();
        let admitted = match request.extensions_mut().remove::<Concealed>() {
            Some(concealed) => self.admit_concealed(request, &concealed),
            None => self.admit_unconcealed(request),
        };
        self.clean(request.headers_mut());
        let Err(rejection) = admitted else {
            return admitted;
        };
        let is_anonymous = self.settings.optional && rejection.counts_as_absent();
        // What passes all the same keeps a field of another scheme: that is for the application, and held no password.
        if rejection.is_by_password() && (!is_anonymous || may_hold_password(request.headers())) {
            request.headers_mut().remove(AUTHORIZATION);
        }
        if is_anonymous { Ok(Admission::Anonymous) } else { Err(rejection) }
    }

    /// Takes out of a request's header fields what may hold a credential.
    pub(super) fn clean(&self, headers: &mut HeaderMap) {
        clean_headers(headers, &*self.verify);
        cookie::remove(headers, self.verify.cookies());
    }

    /// Checks a request that comes as its client sent it.
    #[inline]
    fn admit_unconcealed<B: Body>(&self, request: &mut Request<B>) -> Result<Admission, Rejection> {
        let head = Head::of(request);
        let Some(original) = head.target() else {
            return Err(self.without_target(request));
        };
        let verified = self.verify.verify(head);
        // By reference: what is taken out of a result is copied, and the grant is moved into the request at the end.
        let Verified { grant, handling } = verified.as_ref().map_err(Rejection::clone)?;
        let whole = self.strip(original, 0, handling)?;
        let answer = self.answer_to(head, original, &whole, grant, handling);

        // Of a nested request, the query is the original's and ends where that ends.
        let target = request.uri().path_and_query().unwrap_or(original);
        let nested = original.as_str().len().checked_sub(target.as_str().len());
        let inner = match nested.ok_or_else(|| Rejection::malformed("the URI grew on its way"))? {
            0 => None,
            nested => Some(self.strip(target, nested, handling)?),
        };
        if let Some(uri) = original_uri_mut(request.extensions_mut()) {
            replace_target(uri, whole.clone())?;
        }
        replace_target(request.uri_mut(), inner.unwrap_or(whole))?;
        let admission = self.take_on(request, grant, handling, answer)?;
        request.extensions_mut().insert(verified?.grant);
        Ok(admission)
    }

    /// Checks what a [`ConcealLayer`](crate::ConcealLayer) took out, if the URI is still what that left: a rewrite in
    /// between breaks the link and cannot redirect it.
    fn admit_concealed<B: Body>(
        &self,
        request: &mut Request<B>,
        concealed: &Concealed,
    ) -> Result<Admission, Rejection> {
        const CHANGED: &str = "the URI was changed between `ConcealLayer` and here, or carries a second credential";
        if let Some(fault) = concealed.fault() {
            return Err(Rejection::malformed(fault));
        }
        let Some(original) = concealed.target() else {
            return self.admit_concealed_cookies(request, concealed);
        };
        let head = Head::of(request);
        let current = head.target().ok_or_else(|| Rejection::malformed(CHANGED))?;

        let concealed = head.with_concealed(concealed);
        let Verified { grant, handling } = self.verify.verify(concealed).map_err(|rejection| {
            // Something was taken out, so this request is not one without a credential, whatever its cookies are.
            if rejection.counts_as_absent() {
                let by_password = rejection.is_by_password();
                Rejection::malformed("what was concealed is no credential here").of_password_if(by_password)
            } else {
                rejection
            }
        })?;
        if self.strip(original, 0, &handling)? != *current {
            return Err(Rejection::malformed(CHANGED).of_password_if(handling.by_password));
        }
        let answer = self.answer_to(concealed, original, current, &grant, &handling);
        let admission = self.take_on(request, &grant, &handling, answer)?;
        request.extensions_mut().insert(grant);
        Ok(admission)
    }

    /// Checks a request of which nothing but cookies was taken out: its target is as it was. Another verifier's stay out:
    /// nobody here would take them off again.
    fn admit_concealed_cookies<B: Body>(
        &self,
        request: &mut Request<B>,
        concealed: &Concealed,
    ) -> Result<Admission, Rejection> {
        for field in concealed.cookies().iter().filter_map(|field| cookie::only(field, self.verify.cookies())) {
            request.headers_mut().append(COOKIE, field);
        }
        self.admit_unconcealed(request)
    }

    /// Who answers a request that passed, by the way that its credential came.
    #[inline]
    fn answer_to(
        &self,
        head: Head<'_>,
        original: &PathAndQuery,
        stripped: &PathAndQuery,
        grant: &Grant,
        handling: &Handling,
    ) -> Answer {
        let text = |place: &Range<usize>| original.as_str().get(place.clone());
        match &handling.carrier {
            Carrier::Url | Carrier::Cookie => Answer::OfService(None),
            Carrier::Path(place) => Answer::OfService(text(place).map(Box::from)),
            Carrier::Query(place) => text(place)
                .and_then(|token| self.exchange_for_cookie(head, token, stripped, grant))
                .map_or(Answer::OfService(None), Answer::Exchanged),
        }
    }

    /// Takes on what the link asks for, and says what becomes of the request, which is to get the grant.
    #[inline]
    fn take_on<B: Body>(
        &self,
        request: &mut Request<B>,
        grant: &Grant,
        handling: &Handling,
        answer: Answer,
    ) -> Result<Admission, Rejection> {
        check_body(handling, request.body())?;
        if handling.by_password {
            request.headers_mut().remove(AUTHORIZATION);
        }
        handling.obligations.check(self.settings.takes_on)?;
        Ok(match answer {
            Answer::OfService(segment) => Admission::Granted(Passed::new(grant, handling, request, segment)),
            Answer::Exchanged(response) => Admission::Exchanged(response),
        })
    }

    /// `target` without its credential. `nested` says by how much it is shorter, at its front, than the original.
    fn strip(&self, target: &PathAndQuery, nested: usize, handling: &Handling) -> Result<PathAndQuery, Rejection> {
        const UNSTRIPPABLE: &str = "its credential cannot be taken off";
        let text = target.as_str();
        let stripped = match &handling.cut {
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
            None if handling.carrier == Carrier::Cookie => return Ok(target.clone()),
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
fn check_body(handling: &Handling, body: &impl Body) -> Result<(), Rejection> {
    if !handling.obligations.include(Obligations::NO_BODY) || is_empty(body) {
        return Ok(());
    }
    let mut rejection = Rejection::from(handling.unless_empty.unwrap_or(RejectionKind::LengthRequired));
    if handling.carrier == Carrier::Cookie {
        rejection = rejection.of_cookie();
    }
    Err(rejection.of_password_if(handling.by_password))
}

/// Whether an `Authorization` field may hold a password, be it one of several, or not quite HTTP Basic.
fn may_hold_password(headers: &HeaderMap) -> bool {
    let is_basic = |field: &[u8]| field.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Basic"));
    headers.get_all(AUTHORIZATION).iter().any(|field| is_basic(field.as_bytes().trim_ascii_start()))
}

/// Whether a body is known to be empty.
fn is_empty(body: &impl Body) -> bool {
    body.is_end_stream() || body.size_hint().exact() == Some(0)
}
