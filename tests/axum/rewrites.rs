//! Whatever rewrites the URI between two routers breaks the link, and cannot have it serve another path.

use std::time::SystemTime;

use axum::Router;
use axum::extract::Request;
use tower::Layer;
use tower::util::MapRequestLayer;
use tower_signed_url::{Grant, Head, Rejection, RejectionKind, SignedUrlLayer, Verified, Verify};

use super::support::{NOW, at};
use super::{Server, answer, conceal, link, report, signed, tell_kind};

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
        assert_eq!(answer(&Server::start(app), &public), (expected.0, expected.1.into()), "{row}");
        // A request that comes without a link gains nothing by another's, and loses nothing.
        let app = Router::new().fallback(report).layer(signed().optional());
        let app = Router::new().nest_service("/public", rewrite(to).layer(app));
        let expected = if to.contains("&sig=") { 403 } else { 200 };
        let (status, body) = answer(&Server::start(app), "/public/file?w=1");
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
            assert_eq!(answer(&Server::start(app), &public), (expected.0, expected.1.into()), "{place}: {row}");
        }
        // Outside of any router there is no `OriginalUri` that would tell.
        let to = format!("/public{to}");
        let app = conceal().layer(rewrite(&to).layer(Router::new().nest("/public", inner())));
        let server = Server::start_service(|| app);
        assert_eq!(answer(&server, &public), (expected.0, expected.1.into()), "before routing: {row}");
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
        let answer = answer(&Server::start(app), "http://h?t=1&x=2");
        assert_eq!(answer, (expected.0, expected.1.into()), "{row}");
    }
}
