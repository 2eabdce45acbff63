//! Real axum routers on real sockets: wherever the layer stands, a link is for the path that the client asks for, and
//! handlers see no credential.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::SystemTime;

use axum::extract::{OriginalUri, Request};
use axum::handler::Handler;
use axum::routing::get;
use axum::{Router, ServiceExt};
use http::{Response, Uri};
use support::{NOW, Reply, at, exchange, fixed_verifier};
use tokio::runtime::Runtime;
use tower::util::MapRequestLayer;
use tower::{Layer, Service};
use tower_signed_url::{
    ConcealLayer, Grant, Head, Rejected, Rejection, RejectionKind, SignedUrlLayer, Verified, Verify,
};

/// A server for as long as this lives.
struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    fn start<S>(app: S) -> Self
    where
        S: Service<Request, Response = axum::response::Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(axum::serve(listener, app.into_make_service()).into_future());
        Self { address, _runtime: runtime }
    }

    fn get(&self, target: &str) -> Reply {
        exchange(self.address, "GET", target, &[], b"")
    }

    /// Status and body.
    fn answer(&self, target: &str) -> (u16, String) {
        let reply = self.get(target);
        (reply.status, String::from_utf8(reply.body).unwrap())
    }
}

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier()).on_reject(tell_kind)
}

/// Puts the kind of refusal into the body.
fn tell_kind(rejected: Rejected<'_>) -> Response<String> {
    let kind = format!("{:?}", rejected.rejection().kind());
    Response::builder().status(rejected.status()).body(kind).unwrap()
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(fixed_verifier())
}

fn link(target: &str) -> String {
    fixed_verifier().signer().url(target).sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// Tells what it sees.
async fn report(uri: Uri, OriginalUri(original): OriginalUri, grant: Option<Grant>) -> String {
    let granted = if grant.is_some() { "granted" } else { "anonymous" };
    format!("{uri} {original} {granted}")
}

fn route(path: &str) -> Router {
    Router::new().route(path, get(report))
}

/// Asks for `/a/b/file?w=1` in every way that should and should not work, of a router that hands its path to the
/// handler as `path`.
fn check_mount<S>(mount: &str, app: S, path: &str)
where
    S: Service<Request, Response = axum::response::Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let server = Server::start(app);
    let signed = link("/a/b/file?w=1");
    let granted = |origin| (200, format!("{origin}{path}?w=1 {origin}/a/b/file?w=1 granted"));
    assert_eq!(server.answer(&signed), granted(""), "{mount}");
    assert_eq!(server.answer(&format!("http://h{signed}")), granted("http://h"), "{mount}, absolute form");

    let expired = fixed_verifier().signer().with_clock(|| at(NOW - 9));
    let expired = expired.url("/a/b/file?w=1").sign_until(at(NOW)).unwrap();
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
        assert_eq!(server.answer(&target), (expected.0, expected.1.into()), "{mount}: {row}");
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
    ] {
        check_mount(mount, app, path);
    }
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
                assert_eq!(server.answer(&format!("{asked}?{query}")), expected, "{row}: {signed} for {asked}");
            }
        }
    }
}

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

/// Gives a request another target, in which `{q}` is its query.
fn rewrite(to: &str) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static + use<>> {
    let to = to.to_owned();
    MapRequestLayer::new(move |mut request: Request| {
        let target = to.replace("{q}", request.uri().query().unwrap_or_default());
        *request.uri_mut() = target.parse().unwrap();
        request
    })
}

#[test]
fn a_rewrite_between_two_routers_breaks_the_link() {
    let public = link("/public/file?w=1");
    let secret = link("/public/secret");
    let inner = || Router::new().fallback(report).layer(signed());
    for (row, to, expected) in [
        ("nothing changed", "/file?{q}", (200, "/file?w=1 /public/file?w=1 granted")),
        ("another path", "/secret?{q}", (403, "Malformed")),
        ("a longer path", "/public/public/file?{q}", (403, "Malformed")),
        ("an end that is no segment", "/ile?{q}", (403, "Malformed")),
        ("more in the query", "/file?{q}&x=1", (403, "Malformed")),
        ("less in the query", "/file?w=1", (403, "Malformed")),
        ("no query", "/file", (403, "Malformed")),
        ("another link", &secret, (403, "Malformed")),
        ("another link, nested", &secret["/public".len()..], (403, "Malformed")),
    ] {
        let app = Router::new().nest_service("/public", rewrite(to).layer(inner()));
        assert_eq!(Server::start(app).answer(&public), (expected.0, expected.1.into()), "{row}");
        // A request that comes without a link gains nothing by another's, and loses nothing.
        let app = Router::new().fallback(report).layer(signed().optional());
        let app = Router::new().nest_service("/public", rewrite(to).layer(app));
        let expected = if to.contains("&sig=") { 403 } else { 200 };
        let (status, body) = Server::start(app).answer("/public/file?w=1");
        assert_eq!(
            (status, body.ends_with(" anonymous")),
            (expected, expected == 200),
            "{row}, without a link: {body}"
        );
    }
}

#[test]
fn a_rewrite_behind_conceal_layer_breaks_the_link() {
    let public = link("/public/file?w=1");
    let secret = link("/public/secret");
    let inner = || Router::new().fallback(report).layer(signed());
    for (row, to, expected) in [
        ("nothing changed", "/file?{q}", (200, "/file?w=1 /public/file?w=1 granted")),
        ("another path", "/secret?{q}", (403, "Malformed")),
        ("more in the query", "/file?{q}&x=1", (403, "Malformed")),
        ("no query", "/file", (403, "Malformed")),
        ("another link", &secret["/public".len()..], (403, "Malformed")),
        ("the same link", &public["/public".len()..], (403, "Malformed")),
    ] {
        let nest = Router::new().nest_service("/public", rewrite(to).layer(inner()));
        for (place, app) in [
            ("Router::layer", nest.clone().layer(conceal())),
            ("around the whole router", Router::new().fallback_service(conceal().layer(nest))),
        ] {
            assert_eq!(Server::start(app).answer(&public), (expected.0, expected.1.into()), "{place}: {row}");
        }
        // Outside of any router there is no `OriginalUri` that would tell.
        let to = format!("/public{to}");
        let app = conceal().layer(rewrite(&to).layer(Router::new().nest("/public", inner())));
        assert_eq!(Server::start(app).answer(&public), (expected.0, expected.1.into()), "before routing: {row}");
    }
}

/// Another system's links, which may have no path: `t=1&` makes one.
struct Token;

impl Verify for Token {
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        let query = head.target().and_then(|target| target.query()).unwrap_or_default();
        let grant = query.starts_with("t=1&").then(|| Grant::until(at(NOW + 1000)));
        grant.map(Verified::new).ok_or(RejectionKind::Missing.into())
    }

    fn strip(&self, target: &str) -> Option<String> {
        target.contains("t=1&").then(|| target.replace("t=1&", ""))
    }

    fn hide(&self, url: &str) -> Option<String> {
        self.strip(url)
    }

    fn cookies(&self) -> &[Box<str>] {
        &[]
    }

    fn now(&self) -> SystemTime {
        at(NOW)
    }
}

#[test]
fn a_slash_that_was_put_before_the_query_breaks_the_link() {
    let app = SignedUrlLayer::custom(Token).on_reject(tell_kind).layer(Router::new().fallback(report));
    for (row, to, expected) in [
        ("as it came", "http://h?{q}", (200, "http://h/?x=2 http://h/?x=2 granted")),
        ("with a slash", "http://h/?{q}", (403, "Malformed")),
    ] {
        let app = Router::new().fallback_service(rewrite(to).layer(app.clone()));
        let answer = Server::start(app).answer("http://h?t=1&x=2");
        assert_eq!(answer, (expected.0, expected.1.into()), "{row}");
    }
}
