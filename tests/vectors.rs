//! The crate agrees with `vectors.json`, which an implementation outside Rust computed from the specification.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "vectors/minting.rs"]
mod minting;
mod support;
#[path = "vectors/verifying.rs"]
mod verifying;

use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use support::is_installed;
use tower_signed_url::{Policy, SigningKey};

const TEXT: &str = include_str!("vectors.json");

static VECTORS: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap());

#[test]
fn the_file_is_what_its_generator_writes() {
    if is_installed("python3") {
        let generator = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/generate.py");
        // `-B`: nothing is left beside the source.
        let output = Command::new("python3").args(["-B", generator]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == TEXT.as_bytes(), "run `python3 tests/vectors/generate.py >tests/vectors.json`");
    }
}

/// Checks every vector of a table, and says of all those that differ how.
fn check(table: &str, differs: impl Fn(&Value) -> Option<String>) {
    let vectors = VECTORS[table].as_array().unwrap();
    assert!(vectors.len() > 100, "{table}: {}", vectors.len());
    let differing: Vec<_> = vectors
        .iter()
        .filter_map(|vector| Some(format!("{}: {}", vector["name"].as_str().unwrap(), differs(vector)?)))
        .collect();
    assert!(differing.is_empty(), "{} of {}:\n{}", differing.len(), vectors.len(), differing.join("\n"));
}

fn key(id: &str) -> SigningKey {
    let key = SigningKey::from_base64url(VECTORS["keys"][id].as_str().unwrap()).unwrap();
    if id.is_empty() { key } else { key.with_id(id.parse().unwrap()) }
}

/// What signer and verifier share. Contexts and addresses are for the one that is asked to know.
fn policy(settings: &Value) -> Policy {
    let mut policy = Policy::new();
    if let Some(prefix) = settings["prefix"].as_str() {
        policy = policy.prefix(prefix);
    }
    for name in strings(&settings["tolerate"]) {
        policy = policy.tolerate(name);
    }
    if let Some(max) = settings["max_lifetime"].as_u64() {
        policy = policy.max_lifetime(Duration::from_secs(max));
    }
    if let Some(leeway) = settings["leeway"].as_u64() {
        policy = policy.leeway(Duration::from_secs(leeway));
    }
    policy
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(|item| item.as_str().unwrap())
}

fn pairs(list: &Value) -> impl Iterator<Item = (&str, &str)> {
    list.as_array().into_iter().flatten().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
}

/// Seconds since 1970.
fn time(seconds: &Value) -> SystemTime {
    SystemTime::UNIX_EPOCH + duration(seconds)
}

fn duration(seconds: &Value) -> Duration {
    // To the millisecond: a float does not hold a decimal fraction exactly.
    Duration::from_millis(format!("{:.0}", seconds.as_f64().unwrap() * 1e3).parse().unwrap())
}

/// `LifetimeTooLong` as the vectors have it: `lifetime-too-long`.
fn name_of(kind: impl std::fmt::Debug) -> String {
    let words = format!("{kind:?}");
    let letters = words.chars().enumerate().flat_map(|(at, letter)| {
        let hyphen = (at > 0 && letter.is_ascii_uppercase()).then_some('-');
        hyphen.into_iter().chain([letter.to_ascii_lowercase()])
    });
    letters.collect()
}
