//! What a layer on one router covers, and what it leaves to others.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::{Method, StatusCode};
use tower_signed_url::{Keyring, SignedUrlLayer, SigningKey, Verifier};

use super::support::{NOW, at, fixed_verifier};
use super::{Server, answer, answer_to, link, report, route, signed, tell_kind};

/// Two parts of a site with keys of their own.
#[test]
fn merged_routers_have_their_own_keys() {
    let keys = ["photos", "films"].map(|id| Keyring::new(SigningKey::generate().unwrap().with_id(id.parse().unwrap())));
    let [photos, films] = keys.each_ref().map(|keys| Verifier::builder(keys).clock(|| at(NOW)).build().unwrap());
    let guard = |verifier: &Verifier| SignedUrlLayer::new(verifier).on_reject(tell_kind);
    let app = Router::new()
        .merge(route("/photos/1").route_layer(guard(&photos)))
        .merge(route("/films/1").route_layer(guard(&films)))
        .route("/", get(async || "open to all"));
    let server = Server::start(app);
    let link =
        |verifier: &Verifier, path: &str| verifier.signer().url(path).sign_until(at(NOW + 9)).unwrap().to_string();
    for (row, target, expected) in [
        ("photos", link(&photos, "/photos/1"), (200, "/photos/1 /photos/1 granted")),
        ("films", link(&films, "/films/1"), (200, "/films/1 /films/1 granted")),
        ("photos, by the films' key", link(&films, "/photos/1"), (403, "UnknownKey")),
        ("films, by the photos' key", link(&photos, "/films/1"), (403, "UnknownKey")),
        ("neither", "/photos/1".into(), (403, "Missing")),
        ("no part", "/".into(), (200, "open to all")),
        ("a link for it", link(&photos, "/"), (200, "open to all")),
    ] {
        assert_eq!(answer(&server, &target), (expected.0, expected.1.into()), "{row}");
    }
}

/// A link is for one tenant's file, whatever the route is called.
#[test]
fn a_link_for_one_tenant_does_not_open_another_s() {
    let file = async |Path((tenant, name)): Path<(String, String)>| format!("{tenant}'s {name}");
    let inner = || Router::new().route("/files/{name}", get(file));
    for (mount, app) in [
        ("nest, route_layer", Router::new().nest("/{tenant}", inner().route_layer(signed()))),
        ("nest, layer", Router::new().nest("/{tenant}", inner().layer(signed()))),
        ("layer outside", Router::new().nest("/{tenant}", inner()).layer(signed())),
        ("a route", Router::new().route("/{tenant}/files/{name}", get(file)).route_layer(signed())),
    ] {
        let server = Server::start(app);
        let signed = link("/a/files/1");
        for (target, expected) in [
            (signed.clone(), (200, "a's 1")),
            (signed.replace("/a/", "/b/"), (403, "NotAuthentic")),
            (signed.replace("/1", "/2"), (403, "NotAuthentic")),
            (signed.replace("/a/", "/%61/"), (403, "NotAuthentic")),
        ] {
            assert_eq!(answer(&server, &target), (expected.0, expected.1.into()), "{mount}: {target}");
        }
    }
}

/// `layer` and `route_layer` cover what the router has by then. A handler for other methods is a part of each route.
#[test]
fn what_is_added_later_is_not_covered() {
    let routes = || Router::new().route("/file", get(report));
    let of_method = |handler| Router::new().route("/file", handler);
    let fallbacks = |router: Router| {
        let router = router.fallback(async || (StatusCode::NOT_FOUND, "fallback"));
        router.method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "not allowed"))
    };
    for (row, app, [route_is_covered, method_is_covered, fallback_is_covered]) in [
        ("layer, last", fallbacks(routes()).layer(signed()), [true; 3]),
        ("route_layer, last", fallbacks(routes()).route_layer(signed()), [true, true, false]),
        ("layer, then fallbacks", fallbacks(routes().layer(signed())), [true, false, false]),
        ("route_layer, then fallbacks", fallbacks(routes().route_layer(signed())), [true, false, false]),
        ("MethodRouter::layer", fallbacks(of_method(get(report).layer(signed()))), [true, false, false]),
        ("MethodRouter::route_layer", fallbacks(of_method(get(report).route_layer(signed()))), [true, false, false]),
    ] {
        let nested = Router::new().nest("/in", app.clone()).fallback(async || "the outer fallback");
        for (prefix, app) in [("", app), ("/in", nested)] {
            let server = Server::start(app);
            let granted = format!("/file {prefix}/file granted");
            for (method, path, is_covered, with_link) in [
                (Method::GET, "/file", route_is_covered, (200, granted)),
                (Method::POST, "/file", method_is_covered, (405, "not allowed".into())),
                (Method::GET, "/none", fallback_is_covered, (404, "fallback".into())),
                (Method::GET, "/file/", fallback_is_covered, (404, "fallback".into())),
            ] {
                let (row, path) = (format!("{row}: {method} {prefix}{path}"), format!("{prefix}{path}"));
                let link = fixed_verifier().signer();
                let link = link.url(&path).method(method.clone()).sign_until(at(NOW + 9)).unwrap();
                assert_eq!(answer_to(method.as_str(), &server, link.as_str()), with_link, "{row}");
                let without = if is_covered { (403, "Missing".into()) } else { with_link };
                assert_eq!(answer_to(method.as_str(), &server, &path), without, "{row}, without a link");
            }
        }
    }
}

/// A nested router without a fallback of its own has the outer one's, which its layer does not cover.
#[test]
fn an_outer_fallback_stays_outside() {
    for (row, inner) in
        [("layer", route("/file").layer(signed())), ("route_layer", route("/file").route_layer(signed()))]
    {
        let server = Server::start(Router::new().nest("/in", inner).fallback(async || "open to all"));
        assert_eq!(answer(&server, "/in/file"), (403, "Missing".into()), "{row}");
        assert_eq!(answer(&server, "/in/none"), (200, "open to all".into()), "{row}");
    }
}
