//! Wherever the layer stands, a link is for the path that the client asks for, and for no other mount's.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::routing::{any, get};
use tower::{Layer, Service, ServiceBuilder};
use tower_http::map_response_body::MapResponseBodyLayer;

use super::support::{NOW, at, earlier};
use super::{Server, answer, conceal, link, report, route, signed};

/// Asks for `/a/b/file?w=1` in every way that should and should not work, of a router that hands its path to the
/// handler as `path`.
fn check_mount<S>(mount: &str, app: S, path: &str)
where
    S: Service<Request, Response = axum::response::Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let server = Server::start_service(|| app);
    let signed = link("/a/b/file?w=1");
    let granted = |origin| (200, format!("{origin}{path}?w=1 {origin}/a/b/file?w=1 granted"));
    assert_eq!(answer(&server, &signed), granted(""), "{mount}");
    assert_eq!(answer(&server, &format!("http://h{signed}")), granted("http://h"), "{mount}, absolute form");

    let expired = earlier().url("/a/b/file?w=1").sign_until(at(NOW)).unwrap();
    let of = |target: &str| target.split_once('?').map(|(_, query)| query.to_owned()).unwrap();
    for (row, target, expected) in [
        ("no credential", "/a/b/file?w=1".into(), (403, "Missing")),
        ("expired", expired.into_string(), (410, "Expired")),
        ("another query", signed.replace("w=1", "w=2"), (403, "NotAuthentic")),
        ("a link for what is inside", format!("/a/b/file?{}", of(&link("/file?w=1"))), (403, "NotAuthentic")),
        ("a link for half of it", format!("/a/b/file?{}", of(&link("/b/file?w=1"))), (403, "NotAuthentic")),
        ("a link for another mount", format!("/a/b/file?{}", of(&link("/z/b/file?w=1"))), (403, "NotAuthentic")),
        ("two credentials", format!("{signed}&{}", of(&link("/a/b/file"))), (403, "Malformed")),
    ] {
        assert_eq!(answer(&server, &target), (expected.0, expected.1.into()), "{mount}: {row}");
    }
}

#[test]
fn a_link_works_wherever_the_layer_stands() {
    let handler = get(report);
    let nested = |path| route(path).layer(signed());
    for (mount, app, path) in [
        ("Router::layer", route("/a/b/file").layer(signed()), "/a/b/file"),
        ("Router::route_layer", route("/a/b/file").route_layer(signed()), "/a/b/file"),
        ("a wildcard", route("/a/{*rest}").route_layer(signed()), "/a/b/file"),
        ("a fallback", Router::new().fallback(report).layer(signed()), "/a/b/file"),
        ("MethodRouter::layer", Router::new().route("/a/b/file", handler.clone().layer(signed())), "/a/b/file"),
        ("MethodRouter::route_layer", Router::new().route("/a/b/file", handler.route_layer(signed())), "/a/b/file"),
        ("Handler::layer", Router::new().route("/a/b/file", get(report.layer(signed()))), "/a/b/file"),
        ("merge", Router::new().merge(nested("/a/b/file")), "/a/b/file"),
        ("outside a nest", Router::new().nest("/a", route("/b/file")).layer(signed()), "/b/file"),
        ("route_layer outside a nest", Router::new().nest("/a", route("/b/file")).route_layer(signed()), "/b/file"),
        ("nest", Router::new().nest("/a", nested("/b/file")), "/b/file"),
        ("nest, route_layer", Router::new().nest("/a", route("/b/file").route_layer(signed())), "/b/file"),
        ("nest, a fallback", Router::new().nest("/a", Router::new().fallback(report).layer(signed())), "/b/file"),
        ("nest under a parameter", Router::new().nest("/{tenant}", nested("/b/file")), "/b/file"),
        ("nested twice", Router::new().nest("/a", Router::new().nest("/b", nested("/file"))), "/file"),
        (
            "nested twice, between",
            Router::new().nest("/a", Router::new().nest("/b", route("/file")).layer(signed())),
            "/file",
        ),
        ("nest of everything", Router::new().nest("/a/b/file", nested("/")), "/"),
        ("nest_service", Router::new().nest_service("/a/b", signed().layer(route("/file"))), "/file"),
        ("nest_service of everything", Router::new().nest_service("/a/b/file", signed().layer(get(report))), "/"),
        ("merged into a nest", Router::new().nest("/a", Router::new().merge(nested("/b/file"))), "/b/file"),
        (
            "around the whole router",
            Router::new().fallback_service(signed().layer(Router::new().nest("/a", route("/b/file")))),
            "/b/file",
        ),
        ("route_service", Router::new().route_service("/a/{*rest}", signed().layer(get(report))), "/a/b/file"),
        (
            "a guarded service, by a route_layer",
            Router::new().nest_service("/a", route("/b/file")).route_layer(signed()),
            "/b/file",
        ),
        ("any method", Router::new().route("/a/b/file", any(report)).route_layer(signed()), "/a/b/file"),
    ] {
        check_mount(mount, app, path);
    }
    // A body of its own type is one more body for a router to box.
    let whole = Router::new().nest("/a", route("/b/file"));
    let whole = ServiceBuilder::new().layer(MapResponseBodyLayer::new(Body::new)).layer(signed()).service(whole);
    check_mount("around the whole router, without another", whole, "/b/file");
}

#[test]
fn a_link_works_wherever_its_credential_is_concealed() {
    let nested = |path| route(path).layer(signed());
    let whole = Router::new().nest("/a", Router::new().nest("/b", route("/file").route_layer(signed())));
    let twice = conceal().layer(conceal().layer(whole.clone()));
    for (mount, app, path) in [
        ("around the whole router", Router::new().fallback_service(conceal().layer(whole.clone())), "/file"),
        ("Router::layer", whole.clone().layer(conceal()), "/file"),
        ("twice around the whole router", Router::new().fallback_service(twice), "/file"),
        (
            "around the router and in a nest",
            Router::new().nest("/a", nested("/b/file").layer(conceal())).layer(conceal()),
            "/b/file",
        ),
        ("Router::layer, side by side", route("/a/b/file").layer(signed()).layer(conceal()), "/a/b/file"),
        ("inside a nest", Router::new().nest("/a", nested("/b/file").layer(conceal())), "/b/file"),
        (
            "inside the outer of two nests",
            Router::new().nest("/a", Router::new().nest("/b", nested("/file")).layer(conceal())),
            "/file",
        ),
        (
            "inside the inner of two nests",
            Router::new().nest("/a", Router::new().nest("/b", nested("/file").layer(conceal()))),
            "/file",
        ),
        ("inside a nest of everything", Router::new().nest("/a/b/file", nested("/").layer(conceal())), "/"),
        ("in a nest_service", Router::new().nest_service("/a", conceal().layer(nested("/b/file"))), "/b/file"),
        (
            "MethodRouter::layer",
            Router::new().nest("/a", Router::new().route("/b/file", get(report.layer(signed())).layer(conceal()))),
            "/b/file",
        ),
    ] {
        check_mount(&format!("concealed: {mount}"), app, path);
    }
    check_mount("concealed: outside of any router", conceal().layer(whole), "/file");
}

#[test]
fn a_link_for_one_mount_does_not_open_another() {
    let inner = route("/file").route_layer(signed());
    let mounts =
        Router::new().nest("/a", inner.clone()).nest("/b", inner.clone()).nest("/a/b", inner.clone()).merge(inner);
    for (row, app) in [
        ("plain", mounts.clone()),
        ("concealed", mounts.clone().layer(conceal())),
        ("concealed outside", Router::new().fallback_service(conceal().layer(mounts))),
    ] {
        let server = Server::start(app);
        let paths = ["/file", "/a/file", "/b/file", "/a/b/file"];
        for signed in paths {
            let (_, query) =
                link(signed).split_once('?').map(|(path, query)| (path.to_owned(), query.to_owned())).unwrap();
            for asked in paths {
                let expected = if asked == signed {
                    (200, format!("/file {asked} granted"))
                } else {
                    (403, "NotAuthentic".into())
                };
                assert_eq!(answer(&server, &format!("{asked}?{query}")), expected, "{row}: {signed} for {asked}");
            }
        }
    }
}
