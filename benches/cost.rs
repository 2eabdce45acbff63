//! What a signed URL costs, as ratios to the MAC alone: `cargo bench --bench cost`.
//!
//! All contenders take turns in every round of one run, and the medians over the rounds are compared, so that a busy
//! machine slows all of them. Not quite alike: the MAC is one long chain of dependent instructions, and hardly feels a
//! neighbour on the same core that takes half of everything else, so run it on a quiet machine. With `-- --check` the exit
//! code is 1 where a bound is broken.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::hint::black_box;
use std::process::ExitCode;
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

use support::link::{LIFETIME, Link, mint, target_for, verify, verify_request};
use support::race::{Entry, Race};

const ROUNDS: usize = 2_001;
/// Covered bytes of the link that most is measured with.
const SHORTER: usize = 55;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let rows = measure();
    print_table(&rows);
    if check && rows.iter().any(Row::is_broken) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One line of the table.
struct Row {
    what: String,
    /// Nanoseconds of a call, and of what it is compared with.
    nanos: f64,
    against: f64,
    bound: Option<f64>,
    /// Allocations, and how many there may be.
    allocations: u64,
    allowed: Option<u64>,
}

/// What a row is about, its contender, the one to compare it with, the bound, and how many allocations there may be.
type Pending = (String, Entry, Entry, Option<f64>, Option<u64>);

impl Row {
    fn of(race: &mut Race, (what, entry, against, bound, allowed): Pending) -> Self {
        Self {
            what,
            nanos: race.median(entry),
            against: race.median(against),
            bound,
            allocations: race.allocations(entry),
            allowed,
        }
    }

    fn ratio(&self) -> f64 {
        self.nanos / self.against
    }

    fn is_broken(&self) -> bool {
        self.bound.is_some_and(|bound| self.ratio() > bound)
            || self.allowed.is_some_and(|allowed| self.allocations > allowed)
    }
}

fn print_table(rows: &[Row]) {
    println!("| what | ns | against, ns | ratio | at most | allocations | at most | |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --- |");
    for row in rows {
        let Row { what, nanos, against, bound, allocations, allowed } = row;
        let verdict = if row.is_broken() { "BROKEN" } else { "holds" };
        let ratio = row.ratio();
        let bound = bound.map(|bound| bound.to_string()).unwrap_or_default();
        let allowed = allowed.map(|allowed| allowed.to_string()).unwrap_or_default();
        println!(
            "| {what} | {nanos:.0} | {against:.0} | {ratio:.2} | {bound} | {allocations} | {allowed} | {verdict} |"
        );
    }
}

/// What is measured, and the MAC to compare it with.
struct Bench {
    keys: Keyring,
    verifier: Verifier,
    signer: Signer,
    mac: Hmac<Sha256>,
}

fn measure() -> Vec<Row> {
    let secret = [7; 32];
    let keys = Keyring::new(SigningKey::from_bytes(&secret).unwrap().with_id("2026-11".parse().unwrap()));
    let verifier = Verifier::new(&keys);
    let signer = verifier.signer();
    let bench = Bench { keys, verifier, signer, mac: Hmac::new_from_slice(&secret).unwrap() };

    let mut race = Race::default();
    let (floor, mut pending) = by_length(&bench, &mut race);
    pending.extend(by_carrier(&bench, &mut race, floor));
    pending.push(minting(&bench, &mut race, floor));
    let service = around_a_service(&bench, &mut race);
    let mut long = Race::default();
    let grown = growth(&bench, &mut long);

    race.run(ROUNDS);
    long.run(ROUNDS / 20);
    let mut rows: Vec<_> = pending.into_iter().map(|row| Row::of(&mut race, row)).collect();
    rows.extend(grown.into_iter().map(|row| Row::of(&mut long, row)));
    rows.push(service_row(&mut race, service, floor));
    rows
}

/// Accepted and refused; and the MAC over the shorter link.
fn by_length(bench: &Bench, race: &mut Race) -> (Entry, Vec<Pending>) {
    let Bench { verifier, signer, mac, .. } = bench;
    let mut floors = Vec::new();
    let mut pending = Vec::new();
    for (covered, bound) in [(SHORTER, 1.6), (119, 1.45)] {
        let link = Link::new(signer, mac, covered);
        let floor = race.enter(link.floor(mac));
        let accepted = race.enter(verify(verifier, &link.url, Method::GET, true));
        floors.push(floor);
        pending.push((format!("verify, {covered} bytes covered / the MAC"), accepted, floor, Some(bound), Some(0)));
        for (what, url, method) in refused(&link, signer) {
            let refused = race.enter(verify(verifier, &url, method, false));
            pending.push((format!("refuse ({what}), {covered} bytes / accept"), refused, accepted, Some(1.3), Some(0)));
        }
    }
    (floors[0], pending)
}

/// A scope token of as many bytes, by each of its carriers; decoding one, and the scope in the grant, allocate.
fn by_carrier(Bench { keys, signer, .. }: &Bench, race: &mut Race, floor: Entry) -> Vec<Pending> {
    let carriers = Verifier::builder(keys).token_cookie(DEFAULT_COOKIE).token_path().build().unwrap();
    let rows = by_token(signer, SHORTER).into_iter().map(|(what, request)| {
        let accepted = race.enter(verify_request(&carriers, request, true));
        let what = format!("verify, scope token in {what}, {SHORTER} bytes covered / the MAC");
        (what, accepted, floor, None, None)
    });
    rows.collect()
}

fn minting(Bench { signer, .. }: &Bench, race: &mut Race, floor: Entry) -> Pending {
    let minted = race.enter(mint(signer, target_for(signer, SHORTER)));
    (format!("mint with sign_for, {SHORTER} bytes covered / the MAC"), minted, floor, Some(2.5), Some(2))
}

/// A service that is ready and does nothing, without the layer and with it.
fn around_a_service(Bench { verifier, signer, mac, .. }: &Bench, race: &mut Race) -> [Entry; 2] {
    let link = Link::new(signer, mac, SHORTER);
    let nothing =
        tower::service_fn(|_: Request<Empty<Bytes>>| std::future::ready(Ok::<_, std::io::Error>(Response::new(()))));
    let bare = race.enter(serve(nothing, &link.url));
    let layered = race.enter(serve(SignedUrlLayer::new(verifier).layer(nothing), &link.url));
    [bare, layered]
}

fn service_row(race: &mut Race, [bare, layered]: [Entry; 2], floor: Entry) -> Row {
    Row {
        what: "layer around a service that does nothing, less that service / the MAC".into(),
        nanos: race.median(layered) - race.median(bare),
        against: race.median(floor),
        bound: Some(4.0),
        allocations: race.allocations(layered) - race.allocations(bare),
        allowed: Some(7),
    }
}

/// Twice the length, twice the cost.
fn growth(Bench { keys, verifier, signer, .. }: &Bench, race: &mut Race) -> Vec<Pending> {
    let tolerant = Verifier::builder(keys).policy(Policy::new().tolerate_trackers()).build().unwrap();
    let mut pending = Vec::new();
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
        pending.push((format!("verify, 8 KiB of {what} / 4 KiB"), whole, half, Some(2.2), Some(0)));
    }
    // What anyone can have cleaned, by a `Referer`.
    let hide = |bytes: usize| {
        let (verifier, url) = (verifier.clone(), format!("/sig{}", "%26".repeat(bytes / 3)));
        move || drop(black_box(verifier.hide(black_box(&url))))
    };
    let (half, whole) = (race.enter(hide(32 << 10)), race.enter(hide(64 << 10)));
    pending.push(("clean a header, 64 KiB of escaped separators / 32 KiB".into(), whole, half, Some(2.2), None));
    pending
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
