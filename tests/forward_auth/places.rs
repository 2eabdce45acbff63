//! Where the service may stand: wherever an application can be asked by its proxy, but not behind a `ConcealLayer`.

use std::convert::Infallible;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::runtime::Runtime;
use tower::Layer;
use tower_signed_url::ConcealLayer;

use super::wire::{Server, serve_by_hyper};
use super::{FILE, Nginx, PASSED, XForwarded, exchange, fixed_layer, fixed_verifier, link, outcome, refused};

#[test]
fn a_valid_link_is_answered_204_wherever_the_service_stands() {
    for proxy in [Nginx, XForwarded] {
        let service = || proxy.service(fixed_layer());
        let nested = || Router::new().route_service("/auth", service());
        for (mount, path, app) in [
            ("a route", "/auth", nested()),
            ("a pattern", "/in/auth", Router::new().route_service("/{any}/auth", service())),
            ("a wildcard", "/files/b.txt", Router::new().route_service("/{*rest}", service())),
            ("nest_service", "/in/auth", Router::new().nest_service("/in", service())),
            ("a nested router", "/in/auth", Router::new().nest("/in", nested())),
            ("nested twice", "/in/side/auth", Router::new().nest("/in", Router::new().nest("/{x}", nested()))),
            ("a fallback", "/auth", Router::new().fallback_service(service())),
            ("the file's own path", FILE, Router::new().route_service(FILE, service())),
        ] {
            let server = Server::start(app);
            let ask = |target: &str| {
                let [uri, method] = proxy.fields();
                exchange(server.address, "GET", path, &[(uri, target), (method, "GET")], b"")
            };
            assert_eq!(outcome(&ask(&link(FILE))), PASSED, "{proxy:?}: {mount}");
            assert_eq!(outcome(&ask(&link("/"))), PASSED, "{proxy:?}: {mount}");
            assert_eq!(outcome(&ask(FILE)), refused(proxy, "Missing", 403), "{proxy:?}: {mount}");
            assert_eq!(outcome(&ask(&link(path).replace(path, "/other"))).0, 403, "{proxy:?}: {mount}");
        }
    }
}

#[test]
fn hyper_alone_will_do() {
    let runtime = Runtime::new().unwrap();
    for proxy in [Nginx, XForwarded] {
        let address = runtime.block_on(serve_by_hyper(proxy.service(fixed_layer())));
        let [uri, method] = proxy.fields();
        for (target, expected) in
            [(link(FILE), PASSED), (link(FILE).replace("a.txt", "b.txt"), refused(proxy, "NotAuthentic", 403))]
        {
            let reply = exchange(address, "GET", "/any", &[(uri, &target), (method, "GET")], b"");
            assert_eq!(outcome(&reply), expected, "{proxy:?}");
            assert_eq!(reply.header("x-kind").unwrap_or_default().as_bytes(), reply.body, "{proxy:?}");
        }
    }
}

/// A `ConcealLayer` takes the link out of what the proxy tells, whatever paths it is for: the service has to stand beside
/// it.
#[test]
fn behind_a_layer_that_conceals_links_nothing_passes() {
    for proxy in [Nginx, XForwarded] {
        let auth = || Router::new().route_service("/auth", proxy.service(fixed_layer()));
        let conceal = || ConcealLayer::new(fixed_verifier());
        let files = || Router::new().route("/files/{name}", get(async || "a file")).route_layer(fixed_layer());
        for (name, app, expected) in [
            ("behind it", files().merge(auth()).layer(conceal()), refused(proxy, "Missing", 403)),
            ("for other paths", files().merge(auth()).layer(conceal().under("/files")), refused(proxy, "Missing", 403)),
            (
                "behind it, around the router",
                Router::new().fallback_service(conceal().layer(files().merge(auth()))),
                refused(proxy, "Missing", 403),
            ),
            ("beside it", files().layer(conceal()).merge(auth()), PASSED),
        ] {
            let server = Server::start(app);
            assert_eq!(outcome(&proxy.ask(&server, "GET", &link(FILE), &[])), expected, "{proxy:?}: {name}");
            assert_eq!(exchange(server.address, "GET", &link(FILE), &[], b"").status, 200, "{proxy:?}: {name}");
        }
    }
}

/// The service asks for no body type, so that a proxy that asks over HTTP/2 with one is answered, too.
#[test]
fn it_is_asked_over_http_2_as_well() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        let [uri, method] = proxy.fields();
        for (target, status) in [(link(FILE), 204), (FILE.to_owned(), 403)] {
            let request = Request::get(server.url("/auth")).header(uri, &target).header(method, "GET");
            let answer = server.http2(request.body(Full::<Bytes>::default().boxed_unsync()).unwrap()).unwrap();
            assert_eq!(answer.status().as_u16(), status, "{proxy:?}");
        }
    }
    fn is_service<S>(_: &S)
    where
        S: tower::Service<Request<()>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
    }
    is_service(&Nginx.service(fixed_layer()));
}
