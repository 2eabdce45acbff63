//! Scope tokens that come outside of the query.

use http::uri::PathAndQuery;

use super::Verified;
use super::verifier::{Inner, Place};
use crate::cookie;
use crate::format::{self, Fault};
use crate::head::Head;
use crate::rejection::{Rejection, RejectionKind};

/// What a scope token may come in, besides the query.
#[derive(Clone, Default)]
pub(super) struct Carriers {
    /// One name, or none.
    pub(super) cookie: Box<[Box<str>]>,
    pub(super) any_method_by_cookie: bool,
    pub(super) path: bool,
}

impl Inner {
    #[inline(never)]
    pub(super) fn verify_in_path(
        &self,
        segment: &str,
        target: &PathAndQuery,
        head: Head<'_>,
    ) -> Result<Verified, Rejection> {
        let Self { rules, carriers, .. } = self;
        if !carriers.path {
            return Err(Fault::TOKEN_IN_PATH.into());
        }
        if head.is_routed() {
            return Err(Rejection::malformed(
                "the route was chosen before the token was taken off the path: put the layer around the whole router, or a `ConcealLayer`",
            ));
        }
        let place = Place::Path(1 + segment.len());
        let path = place.path_of(head);
        if path.is_empty() {
            return Err(Rejection::malformed("no path follows the scope token"));
        }
        // Under the scope `/` it would be a path like any other, and reach the service.
        if rules.names.token_segment(path).is_some() {
            return Err(Rejection::malformed("two scope tokens in the path"));
        }
        let has_second = |query: &str| query.split('&').any(|parameter| rules.names.is_reserved(parameter));
        if target.query().is_some_and(has_second) {
            return Err(Rejection::malformed("a credential in the path and one in the query"));
        }
        let token = segment.as_bytes().get(1..).and_then(format::decode_token);
        let token = token.ok_or_else(|| Rejection::malformed("the scope token in the path is not base64url"))?;

        let credential = format::split_token(&token, &rules.names)?;
        self.check_any(&credential, place, head)
    }

    /// Checks the one cookie, of those that are tokens for this path, with the longest scope.
    #[inline(never)]
    pub(super) fn verify_in_cookie(&self, path: &str, head: Head<'_>) -> Result<Verified, Rejection> {
        let Self { rules, carriers, .. } = self;
        let Some(name) = carriers.cookie.first() else {
            return Err(RejectionKind::Missing.into());
        };
        let mut longest: Option<(usize, String)> = None;
        for token in cookie::values(head.cookies(), name).filter_map(format::decode_token) {
            let scope = format::peek_scope(&token, &rules.names).filter(|scope| path.starts_with(*scope));
            if let Some(length) = scope.map(str::len)
                && longest.as_ref().is_none_or(|(longest, _)| length > *longest)
            {
                longest = Some((length, token));
            }
        }
        let (_, token) = longest.ok_or(RejectionKind::Missing)?;
        let credential =
            format::split_token(&token, &rules.names).map_err(|fault| Rejection::from(fault).of_cookie())?;
        self.check_any(&credential, Place::Cookie, head).map_err(Rejection::of_cookie)
    }
}
