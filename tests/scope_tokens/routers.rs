//! Tokens in the path of axum's routers: they have to be off before a route is chosen.

use axum::extract::{OriginalUri, Path, Request as AxumRequest};
use axum::response::Redirect;
use axum::routing::get as route_get;
use axum::{Router, body::Body};

use super::*;

/// Tells what it sees.
async fn report(OriginalUri(original): OriginalUri, request: AxumRequest) -> String {
    let granted = if request.extensions().get::<Grant>().is_some() { "granted" } else { "anonymous" };
    format!("{} {original} {granted}", request.uri())
}

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(verifier()).on_reject(|rejected| {
        let kind = format!("{:?}", rejected.rejection().kind());
        Response::builder().status(rejected.status()).body(kind).unwrap()
    })
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(verifier())
}

/// Status, body, and `Location`, of a router's answer.
fn ask(app: Boxed, target: &str) -> (u16, String, Option<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let answer = app.oneshot(Request::get(target).body(Body::empty()).unwrap()).await.unwrap();
        let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap(), location)
    })
}

use super::log::{Boxed, boxed};

fn route() -> Router {
    Router::new().route("/v/a", route_get(report)).route("/v/up", route_get(async || Redirect::to("/v/a")))
}

fn nest() -> Router {
    let inner = Router::new().route("/a", route_get(report)).route("/up", route_get(async || Redirect::to("/v/a")));
    Router::new().nest("/v", inner)
}

fn whole(
    app: impl Service<AxumRequest, Response: axum::response::IntoResponse, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static,
) -> Boxed {
    boxed(Router::new().fallback_service(app))
}

#[test]
fn a_token_in_the_path_works_before_routing() {
    let nested = || {
        let inner = Router::new().route("/a", route_get(report)).route("/up", route_get(async || Redirect::to("/v/a")));
        Router::new().nest("/v", inner.route_layer(signed()))
    };
    let segment = format!("/~{}", encode(&token(COVERED)));
    for (name, app, path) in [
        ("around the router", boxed(signed().layer(route())), "/v/a"),
        ("around the router, as an outer one's fallback", whole(signed().layer(route())), "/v/a"),
        ("around the router, a nest", whole(signed().layer(nest())), "/a"),
        ("ConcealLayer and route_layer", boxed(conceal().layer(route().route_layer(signed()))), "/v/a"),
        ("ConcealLayer and Router::layer", boxed(conceal().layer(route().layer(signed()))), "/v/a"),
        ("ConcealLayer in a fallback, and route_layer", whole(conceal().layer(route().route_layer(signed()))), "/v/a"),
        ("ConcealLayer twice", boxed(conceal().layer(conceal().layer(route().route_layer(signed())))), "/v/a"),
        ("ConcealLayer and route_layer in a nest", boxed(conceal().layer(nested())), "/a"),
        ("ConcealLayer in a fallback, and route_layer in a nest", whole(conceal().layer(nested())), "/a"),
        ("ConcealLayer around the layer", boxed(conceal().layer(signed().layer(route()))), "/v/a"),
        ("ConcealLayer around the layer, in a fallback", whole(conceal().layer(signed().layer(route()))), "/v/a"),
    ] {
        let granted = (200, format!("{path}?w=1 /v/a?w=1 granted"), None);
        assert_eq!(ask(app.clone(), &format!("{segment}/v/a?w=1")), granted, "{name}");
        let by_query = ask(app.clone(), &format!("/v/a?w=1&{}", token(COVERED)));
        assert_eq!(by_query, granted, "{name}, in the query");
        let up = ask(app.clone(), &format!("{segment}/v/up"));
        assert_eq!((up.0, up.2), (303, Some(format!("{segment}/v/a"))), "{name}, redirected");
        let elsewhere = ask(app.clone(), &format!("{segment}/w/a"));
        // Where the layer is on the routes alone, what is no route is nobody's.
        let expected =
            if !name.contains("around") && !name.contains("Router::layer") { (404, "") } else { (403, "Scope") };
        assert_eq!((elsewhere.0, &*elsewhere.1), expected, "{name}, elsewhere");
        let tampered = ask(app, &format!("/~{}/v/a", encode(&token(COVERED).replace("/v/", "/"))));
        assert_eq!((tampered.0, &*tampered.1), (403, "NotAuthentic"), "{name}, tampered with");
    }
}

#[test]
fn a_token_in_the_path_is_refused_once_a_route_was_chosen_by_it() {
    let wild = |handler: fn() -> axum::routing::MethodRouter| Router::new().route("/{*rest}", handler());
    let handler: fn() -> axum::routing::MethodRouter = || route_get(report);
    let both = || tower::ServiceBuilder::new().layer(conceal()).layer(signed());
    let tenant = || {
        Router::new()
            .route("/{tenant}/v/{name}", route_get(|Path((tenant, _)): Path<(String, String)>| async { tenant }))
    };
    let segment = format!("/~{}", encode(&token(COVERED)));
    for (name, app) in [
        ("Router::layer", wild(handler).layer(signed())),
        ("route_layer", wild(handler).route_layer(signed())),
        ("MethodRouter::layer", Router::new().route("/{*rest}", route_get(report).layer(signed()))),
        ("a route_service", Router::new().route_service("/{*rest}", signed().layer(route_get(report)))),
        ("a parameter", tenant().layer(signed())),
        ("a nest under a parameter", Router::new().nest("/{tenant}", route().layer(signed()))),
        ("a nested service under a parameter", Router::new().nest_service("/{tenant}", signed().layer(route()))),
        // `ConcealLayer` takes it out too late: the route, and what a handler is told of it, hold the token.
        ("ConcealLayer and the layer", wild(handler).layer(both())),
        ("ConcealLayer and the layer, a parameter", tenant().layer(both())),
        ("ConcealLayer by itself", wild(handler).route_layer(signed()).layer(conceal())),
        ("ConcealLayer by itself, a parameter", tenant().route_layer(signed()).layer(conceal())),
        ("ConcealLayer in a nest", Router::new().nest("/{tenant}", route().layer(both()))),
    ] {
        let (status, body, _) = ask(boxed(app.clone()), &format!("{segment}/v/a?w=1"));
        assert_eq!((status, &*body), (403, "Malformed"), "{name}");
    }
}

/// Not even to a `Verify` that asks another about a target of its own.
#[test]
fn a_route_stays_chosen_for_a_wrapper() {
    let target = format!("/~{}/v/a", encode(&token(COVERED)));
    let mut request = Request::get("/v/a").body(()).unwrap();
    let bare = target.parse().unwrap();
    assert!(verifier().verify(Head::of(&request).with_target(&bare)).is_ok());
    request.extensions_mut().insert(OriginalUri(target.parse().unwrap()));
    let rejection = verifier().verify(Head::of(&request).with_target(&bare)).unwrap_err();
    assert_eq!(rejection.kind(), RejectionKind::Malformed);
}

/// The prefix that a router takes off stands before the token, which is no first segment then.
#[test]
fn a_token_under_a_nest_is_the_application_s_own() {
    let app = Router::new().nest_service("/in", signed().layer(route()));
    let segment = format!("/~{}", encode(&token("sig-scope=/&exp=1790000000")));
    let (status, body, _) = ask(boxed(app), &format!("/in{segment}/v/a"));
    assert_eq!((status, &*body), (403, "Missing"));
}

/// A router that has no route for a token's path leaves it to its fallback, which then gets what another route is for.
#[test]
fn a_fallback_beside_routes_is_asked_for_every_path_under_a_token() {
    let app = Router::new().route("/v/a", route_get(async || "the route")).fallback(report).layer(signed());
    let segment = format!("/~{}", encode(&token(COVERED)));
    for (target, expected) in [
        (format!("/v/a?{}", token(COVERED)), "the route"),
        (format!("{segment}/v/a"), "/v/a /v/a granted"),
        (format!("{segment}/v/b"), "/v/b /v/b granted"),
    ] {
        let (status, body, _) = ask(boxed(app.clone()), &target);
        assert_eq!((status, &*body), (200, expected), "{target}");
    }
}
