//! A check as it is first written: the query parsed into a map, the signed string put together anew, the key scheduled
//! for each request, the signatures compared as strings.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Query, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub async fn check(
    Query(parameters): Query<HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let expires = parameters.get("exp").ok_or(StatusCode::FORBIDDEN)?;
    let signature = parameters.get("sig").ok_or(StatusCode::FORBIDDEN)?;

    let signed = format!("{}?exp={expires}", request.uri().path());
    let mut mac = Hmac::<Sha256>::new_from_slice(&crate::SECRET).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    mac.update(signed.as_bytes());
    let expected = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    if *signature != format!("{}.{expected}", crate::KEY_ID) {
        return Err(StatusCode::FORBIDDEN);
    }

    let expires: u64 = expires.parse().map_err(|_| StatusCode::FORBIDDEN)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now >= expires {
        return Err(StatusCode::GONE);
    }
    Ok(next.run(request).await)
}
