//! The README's snippets in other languages mint links that this crate accepts.
#![allow(clippy::panic, clippy::unwrap_used)]

mod support;

use std::process::Command;

use http::Request;
use support::is_installed;
use tower_signed_url::{Head, Keyring, Obligations, Verifier, Verify};

const README: &str = include_str!("../README.md");

/// A key of 32 bytes, and of 16 and 17, which base64 pads in the two other ways.
const KEYS: [&str; 3] =
    ["2026-11:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "a:_-8CAwQFBgcICQoLDA0ODw", "b:_-8CAwQFBgcICQoLDA0ODxA"];

/// The first block of a language that follows this text.
fn block(language: &str, after: &str) -> &'static str {
    let (_, rest) = README.split_once(after).unwrap();
    let (_, block) = rest.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn mints_links(mint: impl Fn(&str, &str) -> String) {
    for key in KEYS {
        let keys: Keyring = key.parse().unwrap();
        for target in ["/photos/cat.jpg", "/photos/cat.jpg?w=200", "/a%20b?"] {
            let link = mint(key, target);
            assert!(link.starts_with(target), "{link}");
            let request = Request::get(&link).body(()).unwrap();
            let verified =
                Verifier::new(&keys).verify(Head::of(&request)).unwrap_or_else(|why| panic!("{link}: {why}"));
            let grant = verified.discharge(Obligations::NONE).unwrap();
            let left = grant.expires_at().duration_since(std::time::SystemTime::now()).unwrap();
            assert!((200..=300).contains(&left.as_secs()), "{link}");
            let key_id = grant.key_id().unwrap();
            assert_eq!(key.split(':').next().unwrap(), key_id.as_str());
        }
    }
}

#[test]
fn it_tells_the_order_of_layers_as_the_documentation_does() {
    assert!(README.contains(include_str!("../src/layer/order.md")));
}

#[test]
fn python_mints_links() {
    let code = block("python", "\nPython:\n");
    if is_installed("python3") {
        mints_links(|key, target| run("python3", &["-c", code, key, target, "300"]));
    }
}

#[test]
fn node_mints_links() {
    let code = block("javascript", "\nNode:\n");
    if is_installed("node") {
        // `node -e` has no script's name in its arguments.
        let code = format!("process.argv.splice(1, 0, 'mint');{code}");
        mints_links(|key, target| run("node", &["-e", &code, key, target, "300"]));
    }
}

#[test]
fn a_shell_mints_links() {
    let code = block("bash", "\nA shell with openssl:\n");
    if is_installed("openssl") {
        mints_links(|key, target| run("sh", &["-c", code, "sh", key, target, "300"]));
    }
}

#[test]
fn openssl_makes_a_key() {
    let code = block("sh", "## In an axum application");
    if is_installed("openssl") {
        let keys: Result<Keyring, _> = run("sh", &["-c", code]).parse();
        assert!(keys.is_ok());
    }
}

#[test]
fn the_format_is_shown_as_it_is() {
    let figure = block("text", "## The format").lines().next().unwrap();
    let keys: Keyring = KEYS[0].parse().unwrap();
    let clock = || std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_789_999_000);
    let verifier = Verifier::builder(&keys).clock(clock).build().unwrap();
    let request = Request::get(figure).body(()).unwrap();
    assert!(verifier.verify(Head::of(&request)).is_ok());
}
