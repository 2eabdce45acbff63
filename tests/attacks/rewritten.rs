//! Requests that are for another path by the time the service sees them: the link breaks, and opens nothing.

use axum::Router;
use axum::extract::{OriginalUri, Request};
use tower::Layer;
use tower::util::MapRequestLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_signed_url::RejectionKind::{Malformed, NotAuthentic, Scope};
use tower_signed_url::{ConcealLayer, SignedUrlLayer};

use super::carriers::{encoded, token, verifier};
use super::door::{Case, Door, get, show_target};
use super::support::by_hand::exact;
use super::wire::tell_kind;

fn checked() -> Router {
    Router::new().fallback(show_target).layer(SignedUrlLayer::new(verifier()).on_reject(tell_kind))
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(verifier())
}

/// What a field of the request says, `{q}` in it being the request's query. Without one there is no `?` either.
fn told(request: &Request, field: &str) -> Option<http::Uri> {
    let target = request.headers().get(field)?.to_str().unwrap();
    let query = request.uri().query();
    let target = target.replace("?{q}", &query.map_or_else(String::new, |query| format!("?{query}")));
    Some(target.replace("{q}", query.unwrap_or_default()).parse().unwrap())
}

/// A middleware that serves another path than it was asked for.
fn rewrite() -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    MapRequestLayer::new(|mut request: Request| {
        if let Some(uri) = told(&request, "x-to") {
            *request.uri_mut() = uri;
        }
        request
    })
}

/// A middleware that says that it was asked for another path.
fn plant() -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    MapRequestLayer::new(|mut request: Request| {
        if let Some(uri) = told(&request, "x-original") {
            request.extensions_mut().insert(OriginalUri(uri));
        }
        request
    })
}

fn to(name: &str, link: &str, to: &str) -> Case {
    get(name, link).field("x-to", to)
}

#[test]
fn between_two_routers() {
    let link = exact("/public/a");
    let by_token = format!("/public/a?{}", token("/public/"));
    let secret = exact("/secret");
    // Each with whether the query has to be there: it is not where the credential is out of the URI meanwhile.
    let rows = |link: &str| {
        [
            (get("not at all", link).served("/a"), false),
            (to("to itself", link, "/a?{q}").served("/a"), false),
            // Where a nest is for the whole of a path, this is what it leaves.
            (to("to the root", link, "/?{q}").served("/"), false),
            (to("to a secret", link, "/secret?{q}").refused(Malformed), false),
            (to("to the whole path once more", link, "/public/public/a?{q}").refused(Malformed), false),
            (to("to an end that is no segment", link, "/ublic/a?{q}").refused(Malformed), false),
            (to("to two slashes", link, "//a?{q}").refused(Malformed), false),
            (to("to the secret's own link", link, &secret).refused(Malformed), false),
            (to("to no query", link, "/a").refused(Malformed), true),
            (to("to a longer query", link, "/a?{q}&admin=1").refused(Malformed), true),
            (to("to a query before", link, "/a?admin=1&{q}").refused(Malformed), true),
            (to("to an escape", link, "/%61?{q}").refused(Malformed), false),
            (to("to another letter case", link, "/A?{q}").refused(Malformed), false),
        ]
    };
    let inner = || rewrite().layer(checked());
    let door = Door::around(Router::new().nest_service("/public", inner()));
    let concealed =
        Door::around(Router::new().fallback_service(conceal().layer(Router::new().nest_service("/public", inner()))));
    for link in [&link, &by_token] {
        door.check(&rows(link).map(|(case, _)| case));
        let without_query = rows(link).into_iter().filter(|(_, needs_query)| !needs_query);
        concealed.check(&without_query.map(|(case, _)| case).collect::<Vec<_>>());
    }
    concealed.check(&[
        get("in the path", format!("/~{}/public/a", encoded(&token("/public/")))).served("/a"),
        to("in the path, to a secret", &format!("/~{}/public/a", encoded(&token("/public/"))), "/secret")
            .refused(Malformed),
        to("a longer query", &link, "/a?admin=1").refused(Malformed),
    ]);
}

#[test]
fn before_any_router() {
    // Nobody remembers here what was asked for: the link is held against what is served.
    let rows = |link: &str| {
        vec![
            get("not at all", link).served("/public/a"),
            to("to a secret", link, "/secret?{q}").refused(NotAuthentic),
            to("to two slashes", link, "//public/a?{q}").refused(NotAuthentic),
            to("to a parameter before", link, "/public/a?admin=1&{q}").refused(NotAuthentic),
            to("to a parameter behind", link, "/public/a?{q}&admin=1").refused(Malformed),
        ]
    };
    let app = || rewrite().layer(checked());
    let link = exact("/public/a");
    Door::around_service(app()).check(&rows(&link));
    Door::around_service(conceal().layer(app())).check(&[
        get("not at all", &*link).served("/public/a"),
        to("to a secret", &link, "/secret").refused(Malformed),
        to("to a secret of the same length", &link, "/secret/x").refused(Malformed),
        to("to a parameter", &link, "/public/a?admin=1").refused(Malformed),
        to("to another link", &link, &exact("/secret")).refused(Malformed),
        to("to the same link", &link, &link).refused(Malformed),
    ]);
}

#[test]
fn by_an_original_uri_that_somebody_planted() {
    let (public, secret) = (exact("/public/a"), exact("/secret"));
    let at_secret = public.replace("/public/a", "/secret");
    let planted = |name: &str, target: &str, original: &str| get(name, target).field("x-original", original);
    let door = Door::around_service(plant().layer(checked()));
    door.check(&[
        get("none", &*public).served("/public/a"),
        planted("what was asked for", &public, &public).served("/public/a"),
        planted("a link for another path", &at_secret, &public).refused(Malformed),
        planted("a link for another path, no query", "/secret", &public).refused(Malformed),
        planted("a path that ends like it", &at_secret, "/public/a/secret?{q}").refused(NotAuthentic),
        planted("a path that ends like it, no segment", &secret, "/public/xsecret?{q}").refused(Malformed),
        planted("another query", &public, "/public/a?x=1").refused(Malformed),
        planted("another query of another path", "/secret?x=1", &public).refused(Malformed),
        planted("no path", &public, "http://h?x=1").refused(Malformed),
        // By what ends a path a nest is known, and this is what one leaves.
        planted("what a nest would leave", &exact("/in/public/a").replace("/in", ""), "/in/public/a?{q}")
            .served("/public/a"),
    ]);
}

#[test]
fn by_a_path_that_was_normalised() {
    let trim = NormalizePathLayer::trim_trailing_slash;
    let (a, by_token) = (exact("/public/a"), format!("/public//a?{}", token("/public/")));
    Door::around(Router::new().fallback_service(conceal().layer(trim().layer(checked())))).check(&[
        get("as signed", &*a).served("/public/a"),
        get("a slash last", a.replace("/a?", "/a/?")).refused(Malformed),
        get("two slashes before", format!("/{a}")).refused(NotAuthentic),
        get("signed with a slash last", exact("/public/a/")).refused(Malformed),
    ]);
    let layer = SignedUrlLayer::new(verifier()).on_reject(tell_kind);
    let behind = layer.layer(trim().layer(Router::new().fallback(show_target)));
    Door::around(Router::new().fallback_service(behind)).check(&[
        get("behind the check", exact("/public/a/")).served("/public/a"),
        get("behind the check, two slashes by a token", by_token).refused(Scope),
    ]);
}
