//! What handlers and their middleware are given.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::error_handling::{HandleError, HandleErrorLayer};
use axum::extract::{ConnectInfo, MatchedPath, OriginalUri, Path, RawQuery, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use tower::{BoxError, Layer, ServiceBuilder, service_fn};
use tower_signed_url::Grant;

use super::support::{NOW, at, exchange};
use super::wire::signed as signed_by_hand;
use super::{Server, answer, conceal, link, signed};

#[test]
fn a_grant_is_an_extractor() {
    let app = || {
        Router::new()
            .route(
                "/must",
                get(|grant: Grant| async move { format!("until {:?}", grant.expires_at() == at(NOW + 1000)) }),
            )
            .route("/may", get(|grant: Option<Grant>| async move { format!("{}", grant.is_some()) }))
    };
    let no = (403, "This link is not valid here.");
    let bare = Server::start(app());
    let optional = Server::start(app().layer(signed().optional()));
    let mandatory = Server::start(app().layer(signed()));
    for (row, server, target, expected) in [
        ("no layer", &bare, "/must".into(), no),
        ("no layer", &bare, link("/must"), no),
        ("no layer", &bare, link("/may"), (200, "false")),
        ("an optional layer", &optional, "/must".into(), no),
        ("an optional layer", &optional, link("/must"), (200, "until true")),
        ("an optional layer", &optional, "/may".into(), (200, "false")),
        ("an optional layer", &optional, link("/may"), (200, "true")),
        ("a layer", &mandatory, "/must".into(), (403, "Missing")),
        ("a layer", &mandatory, link("/must"), (200, "until true")),
        ("a layer", &mandatory, link("/may"), (200, "true")),
    ] {
        let reply = server.get(&target);
        assert_eq!((reply.status, str::from_utf8(&reply.body).unwrap()), expected, "{row}: {target}");
        if reply.status == 403 {
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{row}: {target}");
            assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{row}: {target}");
        }
    }
}

/// What an application shares.
#[derive(Clone)]
struct Site(&'static str);

/// What a handler asks for.
async fn see(
    State(Site(site)): State<Site>,
    grant: Grant,
    Path(name): Path<String>,
    (OriginalUri(original), matched): (OriginalUri, MatchedPath),
    RawQuery(query): RawQuery,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> String {
    assert_eq!((peer.ip(), grant.expires_at()), (IpAddr::from(Ipv4Addr::LOCALHOST), at(1_790_000_000)));
    let query = query.unwrap_or_default();
    format!("{site} {name} {query} {} {original} {}", request.uri(), matched.as_str())
}

#[test]
fn extractors_see_what_the_application_minted() {
    let routes = || Router::new().route("/{name}", get(see));
    let (site, inner) = (Site("site"), routes().route_layer(signed()));
    for (mount, app) in [
        ("nest", Router::new().nest("/files", inner.clone()).with_state(site.clone())),
        ("a nest that has its state", Router::new().nest("/files", inner.clone().with_state(site.clone()))),
        ("layer", Router::new().nest("/files", routes().layer(signed()).with_state(site.clone()))),
        ("layer outside", Router::new().nest("/files", routes()).with_state(site.clone()).layer(signed())),
        ("ConcealLayer", Router::new().nest("/files", inner).layer(conceal()).with_state(site)),
    ] {
        let server = Server::start(app);
        for (path, name, query, another_spelling) in [
            ("/cat.jpg", "cat.jpg", "w=1&w=2", "/%63at.jpg"),
            ("/a%20b", "a b", "w=1", "/a+b"),
            ("/a%2Fb", "a/b", "w=1", "/a%2fb"),
            ("/caf%C3%A9", "café", "w=1", "/caf%c3%a9"),
            ("/café", "café", "w=1", "/caf%C3%A9"),
            ("/100%25", "100%", "", "/100%2525"),
            ("/~c2ln", "~c2ln", "", "/%7Ec2ln"),
            ("/a;exp=1", "a;exp=1", "expires=1&Sig=2&q=%26exp%3D1", "/a%3Bexp=1"),
        ] {
            let target = if query.is_empty() { format!("/files{path}") } else { format!("/files{path}?{query}") };
            let separator = if query.is_empty() { '?' } else { '&' };
            let signed = signed_by_hand(&format!("{target}{separator}exp=1790000000"));
            let inner = &target["/files".len()..];
            let seen = format!("site {name} {query} {inner} {target} /files/{{name}}");
            assert_eq!(answer(&server, &signed), (200, seen), "{mount}: {path}");
            let another = signed.replace(path, another_spelling);
            assert_eq!(answer(&server, &another), (403, "NotAuthentic".into()), "{mount}: {another_spelling}");
        }
    }
}

/// Tells in a field what a middleware sees.
async fn look(request: Request, next: Next) -> Response {
    let uri = request.uri().to_string().parse().unwrap();
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-seen", uri);
    response
}

#[test]
fn a_middleware_inside_sees_a_clean_uri() {
    let route = || super::route("/file");
    let (link, inner) = (link("/in/file?w=1"), ServiceBuilder::new().layer(signed()).layer(from_fn(look)));
    let of_method = get(super::report).layer::<_, Infallible>(from_fn(look)).layer(signed());
    let guarded = Router::new().nest("/in", route().layer(signed()));
    let between = ServiceBuilder::new().layer(conceal()).layer(from_fn(look));
    for (row, app, seen) in [
        ("added before", Router::new().nest("/in", route().layer(from_fn(look)).layer(signed())), "/file?w=1"),
        ("after, of a builder", Router::new().nest("/in", route().layer(inner.clone())), "/file?w=1"),
        ("around a nest", Router::new().nest("/in", route()).layer(inner), "/in/file?w=1"),
        ("of the method", Router::new().nest("/in", Router::new().route("/file", of_method)), "/file?w=1"),
        ("between ConcealLayer and the layer", guarded.layer(between), "/in/file?w=1"),
        // The arrangement that the README warns of.
        ("outside", Router::new().nest("/in", route().layer(signed()).layer(from_fn(look))), &link["/in".len()..]),
    ] {
        let reply = Server::start(app).get(&link);
        assert_eq!((reply.status, reply.header("x-seen")), (200, Some(seen)), "{row}");
        assert_eq!(reply.body, b"/file?w=1 /in/file?w=1 granted", "{row}");
    }
}

/// Errors of what is inside reach the handler that stands outside, with the layer between them.
#[test]
fn errors_reach_their_handler() {
    async fn handle(error: BoxError) -> (StatusCode, String) {
        (StatusCode::BAD_GATEWAY, error.to_string())
    }
    async fn fail(_: Request) -> Result<Response, BoxError> {
        Err("no luck".into())
    }
    async fn refuse(_: Response) -> Result<Response, BoxError> {
        Err("no luck".into())
    }
    let service = HandleError::new(signed().layer(service_fn(fail)), handle);
    let layers = || ServiceBuilder::new().layer(HandleErrorLayer::new(handle)).layer(signed()).and_then(refuse);
    for (row, app) in [
        ("HandleError", Router::new().route_service("/file", service)),
        ("HandleErrorLayer", super::route("/file").layer(layers())),
        ("HandleErrorLayer, of the method", Router::new().route("/file", get(super::report).layer(layers()))),
    ] {
        let server = Server::start(app);
        assert_eq!(answer(&server, &link("/file")), (502, "no luck".into()), "{row}");
        assert_eq!(answer(&server, "/file"), (403, "Missing".into()), "{row}");
    }
}

#[test]
fn head_is_answered_where_get_is() {
    let server = Server::start(super::route("/file").route_layer(signed()));
    let (head, get) = (|target: &str| exchange(server.address, "HEAD", target, &[], b""), server.get(&link("/file")));
    let reply = head(&link("/file"));
    assert_eq!((reply.status, &*reply.body), (200, &b""[..]));
    for name in ["content-length", "cache-control", "referrer-policy", "x-robots-tag"] {
        assert!(get.header(name).is_some(), "{name}");
        assert_eq!(reply.header(name), get.header(name), "{name}");
    }
    let reply = head("/file");
    assert_eq!((reply.status, &*reply.body, reply.header("x-kind")), (403, &b""[..], Some("Missing")));
}
