//! nginx takes a prefix off the public path.

use axum::routing::get;
use http::StatusCode;
use tower::Layer;
use tower_signed_url::{DEFAULT_COOKIE, ScopeToken, SignedUrlLayer, Signer, Verifier};

use super::*;
use crate::support::figure_keys;

fn verifier() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).token_path().build().unwrap()
}

const ELSEWHERE: (&str, &str) = ("/go/elsewhere", "//example.com/files/a.txt");

/// The application, and nginx in front of it.
fn start(folder: &TempDir, snippet: &str) -> Option<(Server, Nginx)> {
    let redirect = |to: &'static str| get(move || async move { (StatusCode::FOUND, [("location", to)]) });
    let routes = app(folder)
        .route("/go/absolute", redirect("/files/a.txt"))
        .route("/go/relative", redirect("../files/a.txt"))
        .route("/go/public", redirect("/cdn/files/a.txt"))
        .route(ELSEWHERE.0, redirect(ELSEWHERE.1));
    let layer = SignedUrlLayer::new(verifier()).exchange_behind("/cdn").unwrap();
    let server = Server::start(Router::new().fallback_service(layer.layer(routes)));
    let nginx = Nginx::start(snippet, server.address)?;
    Some((server, nginx))
}

/// What signs for the URLs that nginx is asked for.
fn signer(nginx: &Nginx) -> Signer {
    verifier().signer().with_base(&format!("http://{}/cdn", nginx.address)).unwrap()
}

/// What a client that has this URL sends to nginx.
fn target<'u>(nginx: &Nginx, url: &'u str) -> &'u str {
    url.strip_prefix(&format!("http://{}", nginx.address)).unwrap()
}

fn public_link(nginx: &Nginx, path: &str) -> String {
    let link = finish(signer(nginx).url(path));
    target(nginx, &link).to_owned()
}

fn scope_token(nginx: &Nginx, scope: &str) -> ScopeToken {
    signer(nginx).scope(scope).sign_until(at(NOW + 1000)).unwrap()
}

#[test]
fn links_with_the_prefix_work_and_others_do_not() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder, STRIPPED_PREFIX) else { return };
    for (written, name) in NAMES {
        let target = public_link(&nginx, &format!("/files/{written}"));
        assert!(target.starts_with("/cdn/files/"), "{target}");
        assert_eq!(answer(nginx.get(&target)), (200, name.into()), "{written}");
    }
    let good = public_link(&nginx, "/files/a.txt");
    for (row, target, status) in [
        ("the link", good.clone(), 200),
        ("a query", public_link(&nginx, "/say?q=a+b%20c"), 200),
        ("without the prefix", link("/files/a.txt"), 404),
        ("tampered", good.replace("exp=1", "exp=2"), 403),
        ("without a link", "/cdn/files/a.txt".into(), 403),
        ("expired", format!("/cdn{}", earlier().url("/say").sign_until(at(NOW)).unwrap().as_str()), 410),
    ] {
        assert_eq!(nginx.get(&target).status, status, "{row}");
    }
}

/// nginx finds the `location` by a path that it has decoded and tidied up.
#[test]
fn a_way_round_the_prefix_leads_nowhere() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder, STRIPPED_PREFIX) else { return };
    let good = public_link(&nginx, "/files/a.txt");
    let token = scope_token(&nginx, "/files/");
    let token = token.in_query("/files/a.txt").unwrap().into_string();
    let token = target(&nginx, &token);
    for (path, status) in [
        ("/cdn/files/a.txt", 200),
        ("http://elsewhere.example/cdn/files/a.txt", 200),
        // Not the location. For the first, nginx adds the slash.
        ("/cdn", 301),
        ("/cdn/../files/a.txt", 404),
        ("/cdn/%2e%2e/files/a.txt", 404),
        ("/cdn%2f..", 404),
        ("/cdn%2f../files/a.txt", 404),
        ("/cdn/..%2ffiles/a.txt", 404),
        ("/cdnx/files/a.txt", 404),
        ("/../cdn/files/a.txt", 400),
        // The location, by a way that is not the prefix.
        ("//cdn/files/a.txt", 404),
        ("/x/../cdn/files/a.txt", 404),
        ("/%2e/cdn/files/a.txt", 404),
        ("/%63dn/files/a.txt", 404),
        ("/cdn%2ffiles/a.txt", 404),
        // The prefix, and after it not what was signed.
        ("/cdn//files/a.txt", 403),
        ("/cdn/./files/a.txt", 403),
        ("/cdn/../cdn/files/a.txt", 403),
        ("/cdn/cdn/files/a.txt", 403),
        ("/cdn/files/../files/a.txt", 403),
        ("/cdn/files/%2e%2e/files/a.txt", 403),
        ("/cdn/files/..;/files/a.txt", 403),
        ("/cdn/@127.0.0.1/files/a.txt", 403),
        ("/cdn/say", 403),
    ] {
        assert_eq!(nginx.get(&good.replace("/cdn/files/a.txt", path)).status, status, "a link: {path}");
        assert_eq!(nginx.get(&token.replace("/cdn/files/a.txt", path)).status, status, "a token: {path}");
    }
}

/// Why the snippet takes the rest from `$request_uri`: with a path of its own after the port, nginx writes the path anew.
#[test]
fn a_slash_after_the_port_breaks_the_links_that_nginx_would_have_written_otherwise() {
    let folder = folder();
    let short = "server { listen 80; location /cdn/ { proxy_pass http://127.0.0.1:3000/; } }";
    let Some((_server, nginx)) = start(&folder, short) else { return };
    for (written, survives) in [
        ("a.txt", true),
        ("my%20report.txt", true),
        ("what%3F.txt", true),
        ("%C3%A4.txt", true),
        ("1%2B1.txt", false),
        ("it%27s.txt", false),
        ("%c3%b6.txt", false),
        ("%7Ehome.txt", false),
        ("%41.txt", false),
    ] {
        assert!(NAMES.iter().any(|(name, _)| *name == written));
        let status = nginx.get(&public_link(&nginx, &format!("/files/{written}"))).status;
        assert_eq!(status, if survives { 200 } else { 403 }, "{written}");
    }
}

#[test]
fn a_token_is_exchanged_for_a_cookie_of_the_public_path() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder, STRIPPED_PREFIX) else { return };
    let url = scope_token(&nginx, "/files/").in_query("/files/a.txt?q=1").unwrap().into_string();
    let navigate = [("sec-fetch-mode", "navigate")];
    let reply = exchange(nginx.address, "GET", target(&nginx, &url), &navigate, b"");
    assert_eq!((reply.status, reply.header("location")), (303, Some("/cdn/files/a.txt?q=1")));
    let (cookie, attributes) = reply.header("set-cookie").unwrap().split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/cdn/files/; Max-Age=1000; Secure; HttpOnly; SameSite=Lax");
    for (path, status) in
        [("/cdn/files/a.txt?q=1", 200), ("/cdn/files/%41.txt", 200), ("/cdn/say", 403), ("/files/a.txt", 404)]
    {
        let reply = exchange(nginx.address, "GET", path, &[("cookie", cookie)], b"");
        assert_eq!(reply.status, status, "{path}");
    }
}

#[test]
fn redirects_keep_the_prefix_and_a_token_in_the_path() {
    let folder = folder();
    let Some((_server, nginx)) = start(&folder, STRIPPED_PREFIX) else { return };
    let token = scope_token(&nginx, "/");
    let segment = token.in_path("/").unwrap().into_string();
    let segment = target(&nginx, &segment).trim_end_matches('/').to_owned();
    assert!(segment.starts_with("/cdn/~c2lnLXNjb3BlPS"), "{segment}");
    for (path, location) in [("/go/absolute", "{}/files/a.txt"), ("/go/relative", "../files/a.txt"), ELSEWHERE] {
        let reply = nginx.get(&format!("{segment}{path}"));
        let location = location.replace("{}", &segment);
        assert_eq!((reply.status, reply.header("location")), (302, Some(&*location)), "by token: {path}");
    }
    let reply = nginx.get(&format!("{segment}/files/a.txt"));
    assert_eq!(answer(reply), (200, "a.txt".into()));
    for (path, location) in [
        ("/go/absolute", "/cdn/files/a.txt"),
        ("/go/relative", "../files/a.txt"),
        ("/go/public", "/cdn/files/a.txt"),
        ELSEWHERE,
    ] {
        let reply = nginx.get(&public_link(&nginx, path));
        assert_eq!((reply.status, reply.header("location")), (302, Some(location)), "by link: {path}");
    }
}
