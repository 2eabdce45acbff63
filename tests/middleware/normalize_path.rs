//! `NormalizePathLayer` rewrites the path, of which a link is for every byte: inside it is as without the layer, outside and
//! behind `ConcealLayer` it breaks links. No order opens anything that a link is not for.

use axum::Router;
use axum::http::Uri;
use axum::routing::get as get_route;
use tower::Layer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_signed_url::SignedUrlLayer;

use crate::support::{NOW, at, fixed_verifier};
use crate::wire::{Server, tell_kind};
use crate::{conceal, get, link};

fn signed() -> SignedUrlLayer {
    crate::signed().on_reject(tell_kind)
}

/// Each route tells what it serves.
fn routes() -> Router {
    let tell = get_route(|uri: Uri| async move { uri.path().to_owned() });
    ["/files", "/files/a", "/secret"].into_iter().fold(Router::new(), |routes, path| routes.route(path, tell.clone()))
}

/// The folder's token in the query.
fn token(url: &str) -> String {
    let token = fixed_verifier().signer().scope("/files/").sign_until(at(NOW + 1000)).unwrap();
    let (_, query) = token.in_query("/files/").unwrap().into_string().split_once('?').map(own).unwrap();
    format!("{url}?{query}")
}

fn own((path, query): (&str, &str)) -> (String, String) {
    (path.into(), query.into())
}

/// A link for one path, asked for at another.
fn asked_at(path: &str, link_for: &str) -> String {
    link(link_for).replacen(link_for, path, 1)
}

#[test]
fn it_works_inside_and_breaks_links_outside() {
    let trim = NormalizePathLayer::trim_trailing_slash;
    let whole = |routes: Router| Router::new().fallback_service(signed().layer(trim().layer(routes)));
    let concealed = || trim().layer(routes().route_layer(signed()));

    // What `axum::serve` is given, and the same as the fallback of a router.
    let outside = Server::start_with(|| trim().layer(routes().layer(signed())));
    let outside_in_router = Server::start(Router::new().fallback_service(trim().layer(routes().layer(signed()))));
    let between = Server::start_with(|| conceal().layer(concealed()));
    let between_in_router = Server::start(Router::new().fallback_service(conceal().layer(concealed())));
    let inside = Server::start(whole(routes()));
    let inside_concealed = Server::start_with(|| conceal().layer(whole(routes())));

    let changed = (403, "Malformed");
    let not_authentic = (403, "NotAuthentic");
    let serves = |path| (200, path);
    let rows = [
        ("as signed", link("/files"), [serves("/files"); 6]),
        (
            "as signed, with a slash",
            link("/files/"),
            [not_authentic, changed, changed, changed, serves("/files"), serves("/files")],
        ),
        (
            "a slash added",
            asked_at("/files/", "/files"),
            [serves("/files"), changed, not_authentic, not_authentic, not_authentic, not_authentic],
        ),
        (
            "a slash before",
            asked_at("//files", "/files"),
            [serves("/files"), changed, not_authentic, not_authentic, not_authentic, not_authentic],
        ),
        ("the slash taken away", asked_at("/files", "/files/"), [not_authentic; 6]),
        ("another path", asked_at("/secret", "/files"), [not_authentic; 6]),
        (
            "another path, with a slash",
            asked_at("/secret/", "/files"),
            [not_authentic, changed, not_authentic, not_authentic, not_authentic, not_authentic],
        ),
        ("under a token", token("/files/a"), [serves("/files/a"); 6]),
        (
            "under a token, with a slash",
            token("/files/a/"),
            [serves("/files/a"), changed, changed, changed, serves("/files/a"), serves("/files/a")],
        ),
        ("the folder itself", token("/files/"), [(403, "Path"), changed, changed, changed, serves("/files"), serves("/files")]),
        ("beside the folder", token("/secret/"), [(403, "Path"); 6]),
    ];
    for (row, target, expected) in rows {
        for ((order, server), expected) in [
            ("outside", &outside),
            ("outside, in a router", &outside_in_router),
            ("between", &between),
            ("between, in a router", &between_in_router),
            ("inside", &inside),
            ("inside, concealed", &inside_concealed),
        ]
        .into_iter()
        .zip(expected)
        {
            let reply = get(server, &target);
            let body = str::from_utf8(&reply.body).unwrap();
            assert_eq!((reply.status, body), expected, "{order}: {row}");
        }
    }
}
