//! Requests, through the layer: who gets through, with what grant and what target, and what the others are answered.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use http::header::{AUTHORIZATION, COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Request, Response};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};
use tower_signed_url::{Grant, KeyId, Keyring, Rejection, SignedUrlLayer, Verifier, Verify, client_ip, context};

use super::{VECTORS, check, key, name_of, pairs, policy, strings, time};

#[derive(Clone)]
struct Peer(IpAddr);

/// What a service saw of a request that reached it.
#[derive(Clone)]
struct Seen {
    target: String,
    grant: Grant,
    headers: HeaderMap,
}

fn verifier(vector: &Value) -> Verifier {
    let settings = &vector["policy"];
    let mut ids = VECTORS["keys"].as_object().unwrap().keys();
    let keys = Keyring::new(key(ids.next().unwrap()));
    ids.for_each(|id| keys.accept(key(id)).unwrap());
    let now = time(&vector["now"]);
    let mut builder = Verifier::builder(&keys).policy(policy(settings)).clock(move || now);
    for name in strings(&settings["contexts"]) {
        builder = match name {
            "host" => builder.bind(name, context::host()),
            "password" => builder.bind(name, context::basic_password()),
            _ => builder.bind(name, context::header(HeaderName::try_from(format!("x-{name}")).unwrap())),
        };
    }
    if settings["client_ip"] == true {
        builder = builder.client_ip(client_ip::extension(|peer: &Peer| peer.0));
    }
    if let Some(name) = settings["cookie"].as_str() {
        builder = builder.token_cookie(name);
    }
    if settings["cookie_any_method"] == true {
        builder = builder.allow_any_method_by_cookie();
    }
    if settings["path_token"] == true {
        builder = builder.token_path();
    }
    builder.build().unwrap()
}

fn request(vector: &Value) -> Request<Body> {
    let target = vector["target"].as_str().unwrap();
    let uri = vector["authority"].as_str().map_or(target.to_owned(), |authority| format!("http://{authority}{target}"));
    let mut request = Request::builder().method(vector["method"].as_str().unwrap_or("GET")).uri(uri);
    for (name, value) in pairs(&vector["headers"]) {
        request = request.header(name, value);
    }
    if let Some(address) = vector["client_ip"].as_str() {
        request = request.extension(Peer(address.parse().unwrap()));
    }
    request.body(Body::empty()).unwrap_or_else(|error| panic!("{}: {error}", vector["name"]))
}

/// What the layer makes of the request, as a vector has it, and the response.
fn outcome(verifier: &Verifier, request: Request<Body>) -> (Value, Response<()>) {
    let service = tower::service_fn(async |request: Request<Body>| {
        let grant = request.extensions().get::<Grant>().unwrap().clone();
        let seen = Seen { target: request.uri().to_string(), grant, headers: request.headers().clone() };
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(seen);
        Ok::<_, Infallible>(response)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(SignedUrlLayer::new(verifier).layer(service).oneshot(request)).unwrap();
    let result = match response.extensions().get::<Seen>() {
        Some(Seen { target, grant, .. }) => json!({ "accepted": {
            "expires_at": u64::try_from(since_epoch(grant.expires_at()).as_millis()).unwrap(),
            "key_id": grant.key_id().map(KeyId::as_str),
            "id": grant.id(),
            "scope": grant.scope(),
            "download": grant.download(),
            "target": target,
        }}),
        None => {
            let why = name_of(response.extensions().get::<Rejection>().unwrap().kind());
            json!({ "refused": { "status": response.status().as_u16(), "why": why } })
        }
    };
    (result, response.map(drop))
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

#[test]
fn requests_are_accepted_and_refused_as_the_vectors_say() {
    check("verify", |vector| {
        let (result, _) = outcome(&verifier(vector), request(vector));
        let side = if vector["accepted"].is_null() { "refused" } else { "accepted" };
        let mut expected = vector[side].clone();
        // The service sees the authority as well, which is not the credential's.
        if let (Some(authority), Some(target)) = (vector["authority"].as_str(), expected["target"].as_str()) {
            expected["target"] = format!("http://{authority}{target}").into();
        }
        (result[side] != expected).then(|| format!("{result} for {}", vector["target"]))
    });
}

#[test]
fn what_is_accepted_passes_without_its_credential() {
    check("verify", |vector| {
        let target = vector["accepted"]["target"].as_str()?;
        let verifier = verifier(vector);
        let sent = vector["target"].as_str().unwrap();
        let expected = (target != sent).then(|| target.to_owned());
        if verifier.strip(sent) != expected {
            return Some(format!("stripped to {:?}", verifier.strip(sent)));
        }
        let (_, response) = outcome(&verifier, request(vector));
        let headers = &response.extensions().get::<Seen>().unwrap().headers;
        let token = format!("{}=", vector["policy"]["cookie"].as_str().unwrap_or("no cookie's name"));
        let has_token = headers.get_all(COOKIE).iter().any(|field| field.to_str().unwrap().contains(&token));
        (has_token || headers.contains_key(AUTHORIZATION)).then(|| format!("{headers:?}"))
    });
}

#[test]
fn whoever_is_answered_401_is_asked_for_a_password() {
    check("verify", |vector| {
        let (_, response) = outcome(&verifier(vector), request(vector));
        let asked = response.headers().get(WWW_AUTHENTICATE).map(|field| field.to_str().unwrap());
        let is_asked =
            asked.is_some_and(|field| field.starts_with("Basic realm=\"") && field.ends_with(", charset=\"UTF-8\""));
        (is_asked != (vector["refused"]["status"] == 401)).then(|| format!("{asked:?}"))
    });
}
