//! What is minted, to the byte, and what is not, and why.

use http::Method;
use serde_json::{Value, json};
use tower_signed_url::{Keyring, Mint, Minted, Policy, SignError, SignedUrl, Signer};

use super::{check, duration, key, name_of, pairs, policy, strings, time};

fn signer(vector: &Value) -> Signer {
    let settings = &vector["policy"];
    let contexts = strings(&settings["contexts"]);
    let policy = contexts.fold(policy(settings), Policy::allow_context);
    let policy = if settings["client_ip"] == true { policy.allow_client_ip() } else { policy };
    let now = time(&vector["now"]);
    let keys = Keyring::new(key(vector["key"].as_str().unwrap_or_default()));
    Signer::new(&keys).with_policy(policy).unwrap().with_clock(move || now)
}

fn finish<'a, O: Minted>(mut mint: Mint<'a, O>, vector: &'a Value) -> Result<O, SignError> {
    for method in strings(&vector["methods"]) {
        mint = mint.method(Method::from_bytes(method.as_bytes()).unwrap());
    }
    for network in strings(&vector["ip"]) {
        mint = mint.client_ip(network);
    }
    for (name, value) in pairs(&vector["bind"]) {
        mint = mint.bind(name, value);
    }
    if let Some(id) = vector["id"].as_str() {
        mint = mint.id(id);
    }
    if let Some(max) = vector["max_bytes"].as_u64() {
        mint = mint.max_bytes(max);
    }
    if let Some(media_type) = vector["type"].as_str() {
        mint = mint.media_type(media_type);
    }
    if let Some(file_name) = vector["download"].as_str() {
        mint = mint.download(file_name);
    }
    if vector["not_before"].is_number() {
        mint = mint.not_before(time(&vector["not_before"]));
    }
    if vector["no_later_than"].is_number() {
        mint = mint.no_later_than(time(&vector["no_later_than"]));
    }
    if vector["until"].is_number() {
        mint.sign_until(time(&vector["until"]))
    } else {
        mint.sign_for(duration(&vector["for"]))
    }
}

fn mint(vector: &Value) -> Result<String, SignError> {
    let signer = signer(vector);
    let target = vector["target"].as_str().unwrap_or_default();
    let Some(scope) = vector["scope"].as_str() else {
        return finish(signer.url(target), vector).map(SignedUrl::into_string);
    };
    let token = finish(signer.scope(scope), vector)?;
    match vector["in"].as_str() {
        Some("query") => token.in_query(target).map(SignedUrl::into_string),
        Some("path") => token.in_path(target).map(SignedUrl::into_string),
        _ => token.set_cookie("signed-url").map(|field| field.to_str().unwrap().split(';').next().unwrap().to_owned()),
    }
}

#[test]
fn what_is_minted_is_what_the_vectors_have_to_the_byte() {
    check("mint", |vector| {
        let result = match mint(vector) {
            Ok(link) => json!({ "url": link }),
            Err(error) => json!({ "error": name_of(error.kind()) }),
        };
        let side = if vector["url"].is_null() { "error" } else { "url" };
        (result[side] != vector[side]).then(|| result.to_string())
    });
}
