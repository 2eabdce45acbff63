//! jsonwebtoken: a token (HS256) with the path and the expiry as claims, in the query of the URL that it is for.

use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use http::Request;
use jsonwebtoken::{decode, encode, Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::peer::{check, forge, mint, Links, Peer};
use crate::support::link::LIFETIME;

#[derive(Serialize, Deserialize)]
struct Claims {
    path: String,
    exp: u64,
}

impl Claims {
    fn of(path: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self { path: path.to_owned(), exp: (now + LIFETIME).as_secs() }
    }
}

pub fn verify(secret: &[u8], links: &[Links; 2]) -> Peer {
    let (signs, verifies) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
    let request = |claims: &Claims| {
        let token = encode(&Header::default(), claims, &signs).unwrap();
        format!("{}?token={token}", claims.path)
    };
    let get = |url: String| Request::get(url).body(()).unwrap();
    let calls = links.each_ref().map(|links| {
        let url = request(&Claims::of(links.path()));
        let expired = request(&Claims { exp: 1, ..Claims::of(links.path()) });
        let (key, validation) = (verifies.clone(), Validation::new(Algorithm::HS256));
        check(get(url.clone()), [get(forge(&url)), get(expired)], move |request| {
            black_box(is_valid(request, &key, &validation)) == Some(true)
        })
    });
    Peer {
        what: "`decode`",
        package: "jsonwebtoken",
        notes: "path (a claim, compared), expiry; in constant time, by aws-lc-rs. Signs base64url of JSON: more bytes",
        calls,
    }
}

fn is_valid(request: &Request<()>, key: &DecodingKey, validation: &Validation) -> Option<bool> {
    let token = request.uri().query()?.strip_prefix("token=")?;
    let claims = decode::<Claims>(token, key, validation).ok()?.claims;
    Some(claims.path == request.uri().path())
}

pub fn sign(secret: &[u8], links: &[Links; 2]) -> Peer {
    let calls = links.each_ref().map(|links| {
        let (key, path) = (EncodingKey::from_secret(secret), links.path().to_owned());
        mint(move || {
            let token = encode(&Header::default(), &Claims::of(black_box(&path)), &key).unwrap();
            format!("{path}?token={token}")
        })
    });
    Peer { what: "`encode`", package: "jsonwebtoken", notes: "", calls }
}
