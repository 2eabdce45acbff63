//! The MAC alone by each library, and the shortest check of the same links that a careful hand would write with it.

use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac as aws;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use ring::hmac as ring;
use sha2::Sha256;

use crate::peer::{check, forge, Links, Peer};

const MAC: &str = "over the bytes, against one that is decoded already; in constant time";
const CHECK: &str = "path, query, expiry; in constant time";

pub fn peers(secret: &[u8], links: &[Links; 2]) -> [Peer; 6] {
    let rust_crypto: Hmac<Sha256> = Hmac::new_from_slice(secret).unwrap();
    let by_rust_crypto =
        move |covered: &[u8], mac: &[u8]| rust_crypto.clone().chain_update(covered).verify_slice(mac).is_ok();
    let ring_key = ring::Key::new(ring::HMAC_SHA256, secret);
    let by_ring = move |covered: &[u8], mac: &[u8]| ring::verify(&ring_key, covered, mac).is_ok();
    let aws_key = aws::Key::new(aws::HMAC_SHA256, secret);
    let by_aws = move |covered: &[u8], mac: &[u8]| aws::verify(&aws_key, covered, mac).is_ok();

    [
        mac_alone("the MAC alone", "hmac", links, &by_rust_crypto),
        mac_alone("the MAC alone", "ring", links, &by_ring),
        mac_alone("the MAC alone", "aws-lc-rs", links, &by_aws),
        by_hand("a check by hand", "hmac", links, &by_rust_crypto),
        by_hand("a check by hand", "ring", links, &by_ring),
        by_hand("a check by hand", "aws-lc-rs", links, &by_aws),
    ]
}

fn mac_alone<M>(what: &'static str, package: &'static str, links: &[Links; 2], matches: &M) -> Peer
where
    M: Fn(&[u8], &[u8]) -> bool + Clone + 'static,
{
    let calls = links.each_ref().map(|Links { valid, .. }| {
        let matches = matches.clone();
        let forged = (valid.covered.clone(), [0; 32]);
        check((valid.covered.clone(), valid.mac), [forged], move |(covered, mac)| matches(covered, mac))
    });
    Peer { what, package, notes: MAC, calls }
}

fn by_hand<M>(what: &'static str, package: &'static str, links: &[Links; 2], matches: &M) -> Peer
where
    M: Fn(&[u8], &[u8]) -> bool + Clone + 'static,
{
    let get = |url: &str| Request::get(url).body(()).unwrap();
    let calls = links.each_ref().map(|Links { valid, expired }| {
        let matches = matches.clone();
        check(get(&valid.url), [get(&forge(&valid.url)), get(&expired.url)], move |request| {
            black_box(is_valid(request, &matches)) == Some(true)
        })
    });
    Peer { what, package, notes: CHECK, calls }
}

fn is_valid(request: &Request<()>, matches: impl Fn(&[u8], &[u8]) -> bool) -> Option<bool> {
    let target = request.uri().path_and_query()?.as_str();
    let (covered, signature) = target.rsplit_once("&sig=")?;
    let mut mac = [0; 32];
    let length = URL_SAFE_NO_PAD.decode_slice(signature.strip_prefix("2026-11.")?, &mut mac).ok()?;
    let exp: u64 = covered.rsplit_once("exp=")?.1.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(matches(covered.as_bytes(), &mac[..length]) && now < exp)
}
