//! The least that a check can be: it splits, hashes, compares and reads the expiry of links like this server's, and nothing
//! else. The signature stays in the request; headers, caches, key rotation, other parameters are not its business.

use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{Request, Response, StatusCode};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::Either;
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower::{Layer, Service};

#[derive(Clone)]
pub struct CheckLayer(Hmac<Sha256>);

#[derive(Clone)]
pub struct Check<S> {
    inner: S,
    keyed: Hmac<Sha256>,
}

impl CheckLayer {
    pub fn new() -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(&crate::SECRET).map(Self)
    }
}

impl<S> Layer<S> for CheckLayer {
    type Service = Check<S>;

    fn layer(&self, inner: S) -> Check<S> {
        Check { inner, keyed: self.0.clone() }
    }
}

impl<S, B, Answer> Service<Request<B>> for Check<S>
where
    S: Service<Request<B>, Response = Response<Answer>>,
    Answer: Default,
{
    type Response = Response<Answer>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Self::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        match check(&self.keyed, target) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(status) => {
                let mut refusal = Response::new(Answer::default());
                *refusal.status_mut() = status;
                Either::Right(ready(Ok(refusal)))
            }
        }
    }
}

fn check(keyed: &Hmac<Sha256>, target: &str) -> Result<(), StatusCode> {
    let (covered, signature) = target.rsplit_once("&sig=").ok_or(StatusCode::FORBIDDEN)?;
    let encoded = signature.strip_prefix(crate::KEY_ID).and_then(|rest| rest.strip_prefix('.'));
    let mut mac = [0; 32];
    match encoded.map(|encoded| BASE64_URL_SAFE_NO_PAD.decode_slice(encoded, &mut mac)) {
        Some(Ok(32)) => {}
        _ => return Err(StatusCode::FORBIDDEN),
    }
    keyed.clone().chain_update(covered).verify_slice(&mac).map_err(|_| StatusCode::FORBIDDEN)?;

    let expires: u64 =
        covered.rsplit_once("?exp=").and_then(|(_, expires)| expires.parse().ok()).ok_or(StatusCode::FORBIDDEN)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now < expires { Ok(()) } else { Err(StatusCode::GONE) }
}
