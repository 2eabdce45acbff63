//! `NormalizePathLayer` rewrites the path, every byte of which a link is for: inside, links work as they do without it;
//! outside, or behind `ConcealLayer`, it breaks those for a path that it changes. No order opens what a link is not for.

use axum::Router;
use axum::http::Uri;
use axum::routing::get as get_route;
use tower::Layer;
use tower_http::normalize_path::NormalizePathLayer;

use crate::support::{NOW, at, fixed_verifier};
use crate::wire::Server;
use crate::{conceal, link, signed};

/// Each route tells what it serves.
fn routes() -> Router {
    let tell = get_route(|uri: Uri| async move { uri.path().to_owned() });
    ["/files", "/files/a", "/secret"].into_iter().fold(Router::new(), |routes, path| routes.route(path, tell.clone()))
}

/// A link for one path, asked for at another.
fn asked_at(path: &str, link_for: &str) -> String {
    link(link_for).replacen(link_for, path, 1)
}

/// A path, with a token for `/files/`.
fn by_token(path: &str) -> String {
    let token = fixed_verifier().signer().scope("/files/").sign_until(at(NOW + 1000)).unwrap();
    token.in_query("/files/").unwrap().as_str().replacen("/files/", path, 1)
}

#[test]
fn it_works_inside_and_breaks_links_outside() {
    let trim = NormalizePathLayer::trim_trailing_slash;
    let in_router = |service| Server::start(Router::new().fallback_service(service));
    let behind = || trim().layer(routes().layer(signed()));
    let before = || Router::new().fallback_service(signed().layer(trim().layer(routes())));

    // As axum's documentation has it, around what is served, and as the fallback of a router, which keeps the `OriginalUri`.
    let outside = [Server::start_service(behind)];
    let outside_in_router = [in_router(behind())];
    let between = [
        Server::start_service(|| conceal().layer(behind())),
        Server::start(Router::new().fallback_service(conceal().layer(behind()))),
    ];
    let inside = [Server::start_service(before), Server::start_service(|| conceal().layer(before()))];

    let (files, a) = (Some("/files"), Some("/files/a"));
    for (row, target, expected) in [
        ("as signed", link("/files"), [files, files, files, files]),
        ("as signed, with a slash", link("/files/"), [None, None, None, files]),
        // It is for what it opens, but not for how that is asked for.
        ("a slash added", asked_at("/files/", "/files"), [files, None, None, None]),
        ("a slash before", asked_at("//files", "/files"), [files, None, None, None]),
        ("the slash taken away", asked_at("/files", "/files/"), [None; 4]),
        ("another path", asked_at("/secret", "/files"), [None; 4]),
        ("another path, with a slash", asked_at("/secret/", "/files/"), [None; 4]),
        ("another path, with a slash before", asked_at("//secret", "/files"), [None; 4]),
        ("by token", by_token("/files/a"), [a, a, a, a]),
        ("by token, with a slash", by_token("/files/a/"), [a, None, None, a]),
        ("by token, the folder", by_token("/files/"), [None, None, None, files]),
        ("by token, beside the folder", by_token("/secret/"), [None; 4]),
        ("by token, two slashes", by_token("/files//a"), [None; 4]),
        ("no link", "/files/".into(), [None; 4]),
    ] {
        let orders = ["outside", "outside, in a router", "between", "inside"];
        let servers = [&outside[..], &outside_in_router, &between, &inside];
        for ((order, servers), expected) in orders.into_iter().zip(servers).zip(expected) {
            for server in servers {
                let reply = server.get(&target);
                let served = (reply.status != 403).then(|| str::from_utf8(&reply.body).unwrap());
                assert_eq!(served, expected, "{order}: {row}: {}", reply.status);
            }
        }
    }
}
