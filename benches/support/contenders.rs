//! What `cost` times and `allocations` counts.
#![allow(dead_code, clippy::indexing_slicing, clippy::unwrap_used)]

use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hmac::{Hmac, KeyInit};
use http::header::COOKIE;
use http::{Method, Request, Response};
use http_body_util::Empty;
use sha2::Sha256;
use tower_layer::Layer;
use tower_service::Service;
use tower_signed_url::{DEFAULT_COOKIE, Keyring, Policy, SignedUrlLayer, Signer, SigningKey, Verifier, Verify};

use crate::support::link::{LIFETIME, Link, mint, target_for, verify, verify_request};
use crate::support::race::{Entry, Race};

/// Covered bytes of the link that most is measured with.
const SHORTER: usize = 55;

/// The cost of `entry`, without that of `less`, against that of `against`.
pub struct Comparison {
    pub what: String,
    pub entry: Entry,
    pub less: Option<Entry>,
    pub against: Entry,
    /// The highest ratio.
    pub bound: Option<f64>,
    /// The most allocations.
    pub allowed: Option<u64>,
}

impl Comparison {
    fn new(what: impl Into<String>, entry: Entry, against: Entry) -> Self {
        Self { what: what.into(), entry, less: None, against, bound: None, allowed: None }
    }

    fn at_most(self, bound: f64) -> Self {
        Self { bound: Some(bound), ..self }
    }

    fn allocating(self, allowed: u64) -> Self {
        Self { allowed: Some(allowed), ..self }
    }
}

/// What is measured, and the MAC to compare it with.
struct Bench {
    keys: Keyring,
    verifier: Verifier,
    signer: Signer,
    mac: Hmac<Sha256>,
}

pub fn contenders() -> (Race, Vec<Comparison>) {
    let secret = [7; 32];
    let keys = Keyring::new(SigningKey::from_bytes(&secret).unwrap().with_id("2026-11".parse().unwrap()));
    let verifier = Verifier::new(&keys);
    let signer = verifier.signer();
    let bench = Bench { keys, verifier, signer, mac: Hmac::new_from_slice(&secret).unwrap() };

    let mut race = Race::default();
    let (floor, mut comparisons) = by_length(&bench, &mut race);
    comparisons.extend(by_carrier(&bench, &mut race, floor));
    comparisons.push(minting(&bench, &mut race, floor));
    comparisons.push(around_a_service(&bench, &mut race, floor));
    comparisons.extend(growth(&bench, &mut race));
    (race, comparisons)
}

/// Accepted and refused; and the MAC over the shorter link.
fn by_length(bench: &Bench, race: &mut Race) -> (Entry, Vec<Comparison>) {
    let Bench { verifier, signer, mac, .. } = bench;
    let mut floors = Vec::new();
    let mut comparisons = Vec::new();
    for (covered, bound) in [(SHORTER, 1.6), (119, 1.45)] {
        let link = Link::new(signer, mac, covered);
        let floor = race.enter(link.floor(mac));
        let accepted = race.enter(verify(verifier, &link.url, Method::GET, true));
        floors.push(floor);
        comparisons.push(
            Comparison::new(format!("verify, {covered} bytes covered / the MAC"), accepted, floor)
                .at_most(bound)
                .allocating(0),
        );
        for (what, url, method) in refused(&link, signer) {
            let refused = race.enter(verify(verifier, &url, method, false));
            let what = format!("refuse ({what}), {covered} bytes / accept");
            comparisons.push(Comparison::new(what, refused, accepted).at_most(1.3).allocating(0));
        }
    }
    (floors[0], comparisons)
}

/// A scope token of as many bytes, by each of its carriers; decoding one, and the scope in the grant, allocate.
fn by_carrier(Bench { keys, signer, .. }: &Bench, race: &mut Race, floor: Entry) -> Vec<Comparison> {
    let carriers = Verifier::builder(keys).token_cookie(DEFAULT_COOKIE).token_path().build().unwrap();
    let comparisons = by_token(signer, SHORTER).into_iter().map(|(what, request)| {
        let accepted = race.enter(verify_request(&carriers, request, true));
        Comparison::new(format!("verify, scope token in {what}, {SHORTER} bytes covered / the MAC"), accepted, floor)
    });
    comparisons.collect()
}

fn minting(Bench { signer, .. }: &Bench, race: &mut Race, floor: Entry) -> Comparison {
    let minted = race.enter(mint(signer, target_for(signer, SHORTER)));
    Comparison::new(format!("mint with sign_for, {SHORTER} bytes covered / the MAC"), minted, floor)
        .at_most(2.5)
        .allocating(2)
}

/// A service that is ready and does nothing, without the layer and with it.
fn around_a_service(Bench { verifier, signer, mac, .. }: &Bench, race: &mut Race, floor: Entry) -> Comparison {
    let link = Link::new(signer, mac, SHORTER);
    let nothing =
        tower::service_fn(|_: Request<Empty<Bytes>>| std::future::ready(Ok::<_, std::io::Error>(Response::new(()))));
    let bare = race.enter(serve(nothing, &link.url));
    let layered = race.enter(serve(SignedUrlLayer::new(verifier).layer(nothing), &link.url));
    let what = "layer around a service that does nothing, less that service / the MAC";
    Comparison { less: Some(bare), ..Comparison::new(what, layered, floor).at_most(4.0).allocating(7) }
}

/// Twice the length, twice the cost.
fn growth(Bench { keys, verifier, signer, .. }: &Bench, race: &mut Race) -> Vec<Comparison> {
    let tolerant = Verifier::builder(keys).policy(Policy::new().tolerate_trackers()).build().unwrap();
    let mut comparisons = Vec::new();
    for (what, filler, verifier) in [
        ("one long segment", "a", verifier),
        ("two-byte parameters", "&a", verifier),
        ("two-byte parameters, trackers tolerated", "&a", &tolerant),
    ] {
        let long = |bytes: usize| {
            let filler: String = filler.chars().cycle().take(bytes - 100).collect();
            let mark = if filler.starts_with('&') { "?" } else { "" };
            signer.url(&format!("/{mark}{filler}")).sign_for(LIFETIME).unwrap().into_string()
        };
        let half = race.enter(verify(verifier, &long(4096), Method::GET, true));
        let whole = race.enter(verify(verifier, &long(8192), Method::GET, true));
        comparisons
            .push(Comparison::new(format!("verify, 8 KiB of {what} / 4 KiB"), whole, half).at_most(2.2).allocating(0));
    }
    // What anyone can have cleaned, by a `Referer`.
    let hide = |bytes: usize| {
        let (verifier, url) = (verifier.clone(), format!("/sig{}", "%26".repeat(bytes / 3)));
        move || drop(black_box(verifier.hide(black_box(&url))))
    };
    let (half, whole) = (race.enter(hide(32 << 10)), race.enter(hide(64 << 10)));
    comparisons
        .push(Comparison::new("clean a header, 64 KiB of escaped separators / 32 KiB", whole, half).at_most(2.2));
    comparisons
}

/// Requests that are refused, with URLs of the same length and number of parameters.
fn refused(link: &Link, signer: &Signer) -> Vec<(&'static str, String, Method)> {
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
    let target = target_for(signer, link.covered.len());
    let expired = signer.clone().with_clock(move || yesterday).url(&target).sign_for(LIFETIME).unwrap();
    let (all_but_one, _) = link.url.split_at(link.url.len() - 1);
    vec![
        ("tampered with", link.url.replacen("/a", "/b", 1), Method::GET),
        ("expired", expired.into_string(), Method::GET),
        ("another method", link.url.clone(), Method::PUT),
        ("unknown key", link.url.replace("2026-11.", "2026-12."), Method::GET),
        ("MAC not canonical", format!("{all_but_one}*"), Method::GET),
        ("name misspelt", link.url.replace("exp=", "sig="), Method::GET),
        ("no credential", link.url.replace("exp=", "abc=").replace("sig=", "def="), Method::GET),
    ]
}

/// Requests with a scope token of so many covered bytes, in each of its carriers.
fn by_token(signer: &Signer, covered: usize) -> [(&'static str, Request<Empty<Bytes>>); 3] {
    let shortest = signer.scope("/a/").sign_for(LIFETIME).unwrap();
    let filler = 1 + covered - shortest.as_str().find("&sig=").unwrap();
    let scope = format!("/{}/", "a".repeat(filler));
    let token = signer.scope(&scope).sign_for(LIFETIME).unwrap();
    let target = format!("{scope}1.ts");

    let get = |target: &str| Request::get(target).body(Empty::new()).unwrap();
    let mut by_cookie = get(&target);
    by_cookie.headers_mut().insert(COOKIE, token.set_cookie(DEFAULT_COOKIE).unwrap());
    [
        ("the query", get(token.in_query(&target).unwrap().as_str())),
        ("a cookie", by_cookie),
        ("the path", get(token.in_path(&target).unwrap().as_str())),
    ]
}

fn serve<S>(mut service: S, url: &str) -> impl FnMut() + use<S>
where
    S: Service<Request<Empty<Bytes>>>,
{
    let request = Request::get(url).body(Empty::new()).unwrap();
    move || {
        let mut context = Context::from_waker(Waker::noop());
        let mut future = std::pin::pin!(service.call(black_box(request.clone())));
        match future.as_mut().poll(&mut context) {
            Poll::Ready(response) => assert!(black_box(response).is_ok()),
            Poll::Pending => unreachable!("the service is always ready"),
        }
    }
}
