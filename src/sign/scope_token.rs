use std::fmt;
use std::time::{Duration, SystemTime};

use http::HeaderValue;

use super::error::{SignError, SignErrorKind};
use super::mint::{Mint, sealed};
use super::signed_url::{MAX_URL, SignedUrl};
use super::signer::Signer;
use super::times::Times;
use crate::clock::seconds_until;
use crate::cookie;
use crate::format::{Name, check_path, check_scope, check_under, check_unsigned, encode_token, split_query};

/// One credential for everything under a path, until it expires: for players that fetch hundreds of segments, and for
/// previews of whole sites. [`Display`](fmt::Display) gives the token as it stands in a query, [`Debug`] does not.
///
/// ```
/// use std::time::Duration;
/// use tower_signed_url::{DEFAULT_COOKIE, Keyring, SigningKey, Verifier};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys).token_cookie(DEFAULT_COOKIE).token_path().build()?;
/// let token = verifier.signer().scope("/videos/42/").sign_for(Duration::from_secs(3600))?;
///
/// // In the query of one link.
/// let link = token.in_query("/videos/42/poster.jpg?w=200")?;
/// assert!(link.as_str().starts_with("/videos/42/poster.jpg?w=200&sig-scope=/videos/42/&exp="));
///
/// // In the path, from where relative links inherit it.
/// let playlist = token.in_path("/videos/42/index.m3u8")?;
/// assert!(playlist.as_str().starts_with("/~") && playlist.as_str().ends_with("/videos/42/index.m3u8"));
///
/// // In a cookie: the value of a `Set-Cookie` field.
/// let set_cookie = token.set_cookie(DEFAULT_COOKIE)?;
/// assert!(set_cookie.to_str()?.ends_with("; Path=/videos/42/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[derive(Clone)]
pub struct ScopeToken {
    signer: Signer,
    scope: Box<str>,
    token: String,
    expires_at: SystemTime,
}

impl ScopeToken {
    /// The token as it stands in a query, from `sig-scope=` on.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.token
    }

    /// The path that it opens, with all that is below it.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// When it stops working, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// A URL under the scope with the token in its query. The rest of the URL is not signed.
    ///
    /// # Errors
    ///
    /// [`SignErrorKind::OutsideScope`], and what [`Signer::url`]'s targets are refused for.
    pub fn in_query(&self, url: &str) -> Result<SignedUrl, SignError> {
        let (base, target) = self.locate(url)?;
        let separator = if split_query(target).1.is_some() { "&" } else { "?" };
        self.url([base, target, separator, &self.token].concat())
    }

    /// A URL under the scope with the token as the first segment of its path, from where relative links inherit it. The
    /// rest of the URL is not signed. Verifiers have to [read tokens from paths](crate::VerifierBuilder::token_path).
    ///
    /// # Errors
    ///
    /// [`SignErrorKind::OutsideScope`], and what [`Signer::url`]'s targets are refused for.
    pub fn in_path(&self, url: &str) -> Result<SignedUrl, SignError> {
        let (base, target) = self.locate(url)?;
        self.url([base, "/~", &encode_token(&self.token), target].concat())
    }

    /// The value of a `Set-Cookie` field that gives a browser the token for the scope (as the browser sees it: under the
    /// signer's base) until it expires: `Secure`, `HttpOnly`, `SameSite=Lax`. It is marked as sensitive.
    ///
    /// `name` is what verifiers [read](crate::VerifierBuilder::token_cookie), as a rule
    /// [`DEFAULT_COOKIE`](crate::DEFAULT_COOKIE).
    ///
    /// # Errors
    ///
    /// [`SignErrorKind::Cookie`] for a name that is none, [`SignErrorKind::Scope`] if the base's path cannot stand in a
    /// cookie, [`SignErrorKind::TooLong`] for more than browsers keep.
    pub fn set_cookie(&self, name: &str) -> Result<HeaderValue, SignError> {
        if !cookie::is_name(name) {
            return Err(SignError::about(SignErrorKind::Cookie, name));
        }
        let path = [self.signer.base_path(), &self.scope].concat();
        // A base may hold what would end the attribute.
        check_scope(&path).map_err(|ambiguous| SignError::about(SignErrorKind::Scope, ambiguous.0))?;
        let left = seconds_until(self.expires_at, self.signer.clock().now());
        let field = cookie::set(name, &encode_token(&self.token), &path, left);
        field.ok_or(SignErrorKind::TooLong.into())
    }

    /// What goes before a target under the scope, and the target.
    fn locate<'u>(&'u self, url: &'u str) -> Result<(&'u str, &'u str), SignError> {
        let (base, target) = self.signer.locate(url)?;
        check_unsigned(target, self.signer.names())?;
        let (path, _) = split_query(target);
        if !path.starts_with(&*self.scope) {
            return Err(SignErrorKind::OutsideScope.into());
        }
        check_under(&self.scope, path)
            .map_err(|ambiguous| SignError::about(SignErrorKind::AmbiguousPath, ambiguous.0))?;
        Ok((base, target))
    }

    fn url(&self, url: String) -> Result<SignedUrl, SignError> {
        if url.len() > MAX_URL {
            return Err(SignErrorKind::TooLong.into());
        }
        Ok(SignedUrl::new(url, self.expires_at))
    }
}

impl sealed::Minted for ScopeToken {
    fn finish(mint: &Mint<'_, Self>, times: &Times) -> Result<Self, SignError> {
        let scope = mint.subject;
        check_scope(scope).map_err(|ambiguous| SignError::about(SignErrorKind::Scope, ambiguous.0))?;
        check_path(scope, mint.signer.names())?;

        let keys = mint.signer.keys();
        let mut token = String::with_capacity("sig-scope=".len() + scope.len() + mint.room(&keys));
        mint.push_name(&mut token, "", Name::Scope);
        token.push_str(scope);
        token.push('&');
        mint.push_credential(&mut token, 0, times, &keys)?;
        let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(times.expires_at);
        Ok(Self { signer: mint.signer.clone(), scope: scope.into(), token, expires_at })
    }
}

impl fmt::Display for ScopeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.token)
    }
}

impl fmt::Debug for ScopeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeToken")
            .field("scope", &self.scope)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
