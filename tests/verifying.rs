//! The order of checks (FORMAT section 5) as a [`Verifier`] goes through it.
//!
//! Every link here is signed by hand over the bytes that it covers, unless its signature is what the case is about: a
//! link whose MAC is wrong anyway would prove nothing. Nothing that is judged here, whatever comes of it, allocates.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "verifying/signature.rs"]
mod signature;
#[path = "verifying/structure.rs"]
mod structure;
mod support;
#[path = "verifying/values.rs"]
mod values;

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::Sha256;
use support::by_hand::secret;
use support::{NOW, at, figure_key};
use tower_signed_url::{Head, Keyring, Policy, Rejection, RejectionKind, SigningKey, Verifier, Verify};

/// Kind, whether the signature had matched, and the parameter at fault.
type Outcome<'n> = Result<(), (RejectionKind, bool, Option<&'n str>)>;

const fn unsigned(kind: RejectionKind, parameter: &str) -> Outcome<'_> {
    Err((kind, false, if parameter.is_empty() { None } else { Some(parameter) }))
}

const fn authentic(kind: RejectionKind, parameter: &str) -> Outcome<'_> {
    Err((kind, true, if parameter.is_empty() { None } else { Some(parameter) }))
}

fn hmac(secret: &[u8], prefix_line: &str, covered: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(prefix_line.as_bytes());
    mac.update(covered.as_bytes());
    mac.finalize().into_bytes().into()
}

/// The figures' key, which has no id here, then `k` and `j`.
fn secrets() -> [(Option<&'static str>, [u8; 32]); 3] {
    [(None, secret()), (Some("k"), [1; 32]), (Some("j"), [2; 32])]
}

/// The MAC over what stands before the parameter that holds `$`, by the key whose id stands before the `$`.
fn mac(template: &str, prefix_line: &str) -> String {
    let (before, _) = template.split_once('$').expect("a place for the MAC");
    let (covered, sig) = before.split_at(before.rfind(['&', '?']).unwrap());
    let id = sig.split_once('=').unwrap().1.strip_suffix('.');
    let secret = secrets().into_iter().find(|(known, _)| *known == id).unwrap().1;
    URL_SAFE_NO_PAD.encode(hmac(&secret, prefix_line, covered))
}

/// The target with its MAC in place of `$`, if there is one.
fn signed(template: &str) -> String {
    if template.contains('$') { template.replace('$', &mac(template, "")) } else { template.into() }
}

fn verifier_at(now: SystemTime, policy: Policy) -> Verifier {
    let keys = Keyring::new(figure_key());
    for (id, secret) in &secrets()[1..] {
        keys.accept(SigningKey::from_bytes(secret).unwrap().with_id(id.unwrap().parse().unwrap())).unwrap();
    }
    Verifier::builder(&keys).policy(policy).clock(move || now).build().unwrap()
}

fn verifier() -> Verifier {
    verifier_at(at(NOW), Policy::new())
}

fn check(verifier: &Verifier, name: &str, request: &Request<()>, expected: Outcome<'_>) {
    let verify = || verifier.verify(Head::of(request)).map(drop);
    let target = request.uri().to_string();
    match (verify(), expected) {
        (Ok(()), Ok(())) => {}
        (Err(rejection), Err((kind, authentic, parameter))) => {
            let found = (rejection.kind(), rejection.is_authentic(), rejection.parameter());
            assert_eq!(found, (kind, authentic, parameter), "{name}: {target}");
            assert_eq!(
                rejection.status().as_u16(),
                if kind == RejectionKind::Expired { 410 } else { 403 },
                "{name}: {target}"
            );
            assert_tells_no_value(name, &target, &rejection);
        }
        (found, _) => panic!("{name}: {target}: {found:?} instead of {expected:?}"),
    }
    let allocated = allocation_counter::measure(|| drop(verify()));
    assert_eq!(allocated.count_total, 0, "{name}: allocations");
}

/// Not the value of any parameter, and no eight characters of a MAC.
fn assert_tells_no_value(name: &str, target: &str, rejection: &Rejection) {
    let told = format!("{rejection} {rejection:?}");
    let query = target.split_once('?').map_or("", |(_, query)| query);
    for (_, value) in query.split('&').filter_map(|parameter| parameter.split_once('=')) {
        let pieces = value.as_bytes().windows(if value.len() < 43 { value.len().max(6) } else { 8 });
        for piece in pieces.map(String::from_utf8_lossy) {
            assert!(!told.contains(&*piece), "{name}: {told:?} holds {piece}");
        }
    }
}

fn get(target: &str) -> Request<()> {
    Request::get(target).body(()).unwrap_or_else(|error| panic!("{target}: {error}"))
}

/// Each row's target is correctly signed where it has a `$`.
fn check_all(verifier: &Verifier, rows: &[(&str, &str, Outcome<'_>)]) {
    for (name, template, expected) in rows {
        check(verifier, name, &get(&signed(template)), *expected);
    }
}
