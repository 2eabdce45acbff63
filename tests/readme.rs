//! What the README shows outside of Rust is so.
#![allow(clippy::unwrap_used)]

#[path = "support/markdown.rs"]
mod markdown;
mod support;

use std::process::Command;

use http::Request;
use markdown::blocks;
use support::{NOW, at, figure_key, is_installed};
use tower_signed_url::{Head, Keyring, Verifier, Verify};

const README: &str = include_str!("../README.md");

#[test]
fn it_tells_the_order_of_layers_as_the_documentation_does() {
    assert!(README.contains(include_str!("../src/layer/order.md")));
}

#[test]
fn it_mints_as_the_page_about_other_languages_does() {
    let page = include_str!("../examples/other_languages/README.md");
    let mint = blocks(page, "## Python", "python").next();
    assert!(mint.is_some());
    assert_eq!(blocks(README, "## The format", "python").next(), mint);
}

#[test]
fn openssl_makes_a_key() {
    let code = blocks(README, "## In an axum application", "sh").next().unwrap();
    if is_installed("openssl") {
        let output = Command::new("sh").args(["-c", code]).output().unwrap();
        let keys: Result<Keyring, _> = String::from_utf8(output.stdout).unwrap().trim_end().parse();
        assert!(keys.is_ok());
    }
}

#[test]
fn the_format_is_shown_as_it_is() {
    let figure = blocks(README, "## The format", "text").next().unwrap().lines().next().unwrap();
    let keys = Keyring::new(figure_key().with_id("2026-11".parse().unwrap()));
    let verifier = Verifier::builder(&keys).clock(|| at(NOW)).build().unwrap();
    let request = Request::get(figure).body(()).unwrap();
    assert!(verifier.verify(Head::of(&request)).is_ok());
}
