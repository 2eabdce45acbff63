//! `proxy_cache` and `Cache::Shared`: everyone who has the link shares one answer, and nobody else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use tower::Layer;
use tower_signed_url::{Cache, DEFAULT_COOKIE, Decision, SignedUrlLayer, Verifier, client_ip, context};

use super::*;
use crate::support::figure_keys;

const X_USER: HeaderName = HeaderName::from_static("x-user");

const HOUR: Duration = Duration::from_secs(3600);

fn layer(verifier: &Verifier) -> SignedUrlLayer {
    SignedUrlLayer::new(verifier).cache(Cache::Shared)
}

#[test]
fn each_file_misses_once_in_each_rounding_window() {
    let clock = Arc::new(AtomicU64::new(NOW));
    let now = Arc::clone(&clock);
    let verifier = Verifier::builder(&figure_keys()).clock(move || at(now.load(Ordering::Relaxed))).build().unwrap();
    let folder = folder();
    let Some(cached) = Cached::start(SHARED_CACHE, app(&folder).layer(layer(&verifier))) else { return };
    let mut seen = Vec::new();
    for window in 0..3 {
        for (written, name) in NAMES {
            let path = format!("/files/{written}");
            // At NOW a window begins whose links end in 3800 seconds; after 3200 the next begins.
            for (offset, client, status) in [
                (0, ("user-agent", "one"), "MISS"),
                (1600, ("accept", "text/html"), "HIT"),
                (3200, ("cookie", "a=b"), "HIT"),
            ] {
                clock.store(NOW + window * 3600 + offset - window.min(1), Ordering::Relaxed);
                let link = verifier.signer().url(&path).round_expiry_up_to(HOUR).sign_for(HOUR / 6).unwrap();
                let reply = cached.ask("GET", link.as_str(), &[client]);
                let row = format!("window {window}, second {offset}: {path}");
                assert_eq!(reply.header("x-cache-status"), Some(status), "{row}");
                assert_eq!(answer(reply), (200, name.into()), "{row}");
                seen.push(link.into_string());
            }
        }
    }
    assert_eq!(cached.asked(), 3 * NAMES.len(), "the application saw each miss and nothing else");
    seen.dedup();
    assert_eq!(seen.len(), 3 * NAMES.len(), "one link for each file and window");
}

#[test]
fn another_link_is_never_answered_from_the_cache() {
    let verifier = fixed_verifier();
    let folder = folder();
    let Some(cached) = Cached::start(SHARED_CACHE, app(&folder).layer(layer(&verifier))) else { return };
    let good = link("/files/a.txt");
    let other_time = verifier.signer().url("/files/a.txt").sign_until(at(NOW + 2000)).unwrap().into_string();
    let expired = earlier().url("/files/a.txt").sign_until(at(NOW)).unwrap().into_string();
    assert_eq!(cached.status("GET", &good, &[]), (200, "MISS".into()));
    for (row, target, expected) in [
        ("the same", good.clone(), (200, "HIT")),
        ("not seen yet", other_time, (200, "MISS")),
        ("no link", "/files/a.txt".into(), (403, "MISS")),
        ("the last character", format!("{}A", &good[..good.len() - 1]), (403, "MISS")),
        ("the time", good.replace("exp=1", "exp=2"), (403, "MISS")),
        ("the path", good.replace("a.txt", "%41.txt"), (403, "MISS")),
        ("the path in another spelling", good.replace("a.txt", "%61.txt"), (403, "MISS")),
        ("the path with a slash more", good.replace("/a.txt", "//a.txt"), (403, "MISS")),
        ("the path with a way round", good.replace("/a.txt", "/../files/a.txt"), (403, "MISS")),
        ("something after it", format!("{good}&x"), (403, "MISS")),
        ("expired", expired, (410, "MISS")),
    ] {
        let asked = cached.asked();
        assert_eq!(cached.status("GET", &target, &[]), (expected.0, expected.1.into()), "{row}");
        assert_eq!(cached.asked() - asked, usize::from(expected.1 == "MISS"), "{row}");
        if expected.0 != 200 {
            assert_eq!(cached.status("GET", &target, &[]), (expected.0, expected.1.into()), "{row}, again");
        }
    }
}

/// nginx asks for the whole, whatever it was asked for, and answers from that.
#[test]
fn parts_come_out_of_the_cache() {
    let folder = folder();
    let Some(cached) = Cached::start(SHARED_CACHE, app(&folder).layer(layer(&fixed_verifier()))) else { return };
    for (first, method, field, expected) in [
        ("HEAD", "HEAD", ("x-a", "b"), (200, "")),
        ("a range", "GET", ("range", "bytes=3-8"), (206, "report")),
        ("not modified", "GET", ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"), (200, "my report.txt")),
    ] {
        let target = link(&format!("/files/my%20report.txt?{}", first.len()));
        let asked = cached.asked();
        let reply = cached.ask(method, &target, &[field]);
        assert_eq!(reply.header("x-cache-status"), Some("MISS"), "{first} first");
        assert_eq!(answer(reply), (expected.0, expected.1.into()), "{first} first");
        let whole = cached.ask("GET", &target, &[]);
        let modified = whole.header("last-modified").unwrap();
        for (row, method, field, expected) in [
            ("whole", "GET", ("x-a", "b"), (200, "my report.txt")),
            ("HEAD", "HEAD", ("x-a", "b"), (200, "")),
            ("a range", "GET", ("range", "bytes=3-8"), (206, "report")),
            ("not modified", "GET", ("if-modified-since", modified), (304, "")),
        ] {
            let reply = cached.ask(method, &target, &[field]);
            let row = format!("{row} after {first}");
            assert_eq!(reply.header("x-cache-status"), Some("HIT"), "{row}");
            assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{row}");
            assert_eq!(answer(reply), (expected.0, expected.1.into()), "{row}");
        }
        assert_eq!(cached.asked() - asked, 1, "{first}");
    }
}

/// nginx repeats how long an answer was fresh once, and sends no `Age` to be taken off that. The end stays where it is.
#[test]
fn browsers_are_told_the_end_and_not_how_long_it_once_was() {
    let folder = folder();
    let Some(cached) = Cached::start(SHARED_CACHE, app(&folder).layer(layer(&fixed_verifier()))) else { return };
    let end = httpdate::fmt_http_date(at(NOW + 1000));
    for status in ["MISS", "HIT"] {
        let reply = cached.ask("GET", &link("/files/a.txt"), &[]);
        assert_eq!(reply.header("x-cache-status"), Some(status));
        assert_eq!(reply.header("cache-control"), Some("public, s-maxage=999"), "{status}");
        assert_eq!(reply.header("expires"), Some(&*end), "{status}");
        assert_eq!(reply.header("age"), None, "{status}");
    }
}

/// A cache of several hosts, whose application gives each its own: the key has the host.
#[test]
fn hosts_do_not_share_answers() {
    let tell_host = |request: Request| async move { format!("{:?}", request.headers().get("host")) };
    let app = Router::new().fallback(tell_host).layer(layer(&fixed_verifier()));
    let snippet = SHARED_CACHE.replace(":3000;", ":3000; proxy_set_header Host $host;");
    let Some(cached) = Cached::start(&snippet, app) else { return };
    for (host, status) in [("a.example", "MISS"), ("b.example", "MISS"), ("a.example", "HIT"), ("b.example", "HIT")] {
        let reply = cached.ask("GET", &format!("http://{host}{}", link("/say")), &[]);
        assert_eq!(reply.header("x-cache-status"), Some(status), "{host}");
        assert_eq!(answer(reply), (200, format!("Some(\"{host}\")")), "{host}");
    }
}

#[test]
fn what_more_than_the_url_decided_is_never_cached() {
    let verifier = Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .token_cookie(DEFAULT_COOKIE)
        .token_path()
        .bind("user", context::header(X_USER))
        .bind("password", context::basic_password())
        .client_ip(
            client_ip::behind(&["127.0.0.0/8"], |_| Some([127, 0, 0, 1].into()), |_| Some([127, 0, 0, 2].into()))
                .unwrap(),
        )
        .build()
        .unwrap();
    let signer = verifier.signer();
    let token = signer.scope("/").sign_until(at(NOW + 1000)).unwrap();
    let cookie = cookie(&token);
    let basic = format!("Basic {}", STANDARD.encode(":open sesame"));

    let live = layer(&verifier).authorize(|_, _| async { Ok(Decision::Allow) });
    let whole = layer(&verifier).layer(Router::new().fallback(tell));
    let routes = Router::new().route("/live", get(tell).layer(live)).fallback_service(whole);
    let Some(cached) = Cached::start(SHARED_CACHE, routes) else { return };
    for (row, target, field, again) in [
        ("the URL alone", finish(signer.url("/1")), ("x-a", "b"), "HIT"),
        ("a token in the query", token.in_query("/2").unwrap().into_string(), ("x-a", "b"), "HIT"),
        ("a token in the path", token.in_path("/3").unwrap().into_string(), ("x-a", "b"), "HIT"),
        ("a token in a cookie", "/4".into(), ("cookie", &*cookie), "MISS"),
        ("a user", finish(signer.url("/5").bind("user", "42")), ("x-user", "42"), "MISS"),
        ("a password", finish(signer.url("/6").bind("password", "open sesame")), ("authorization", &*basic), "MISS"),
        ("an Authorization beside it", finish(signer.url("/7")), ("authorization", &*basic), "MISS"),
        ("an address", finish(signer.url("/8").client_ip("127.0.0.2")), ("x-a", "b"), "MISS"),
        ("live authorization", finish(signer.url("/live")), ("x-a", "b"), "MISS"),
    ] {
        let asked = cached.asked();
        assert_eq!(cached.status("GET", &target, &[field]), (200, "MISS".into()), "{row}");
        assert_eq!(cached.status("GET", &target, &[field]), (200, again.into()), "{row}, again");
        assert_eq!(cached.asked() - asked, if again == "HIT" { 1 } else { 2 }, "{row}");
    }
}

#[test]
fn a_prefix_can_be_taken_off_in_front_of_a_cache() {
    let folder = folder();
    let snippet = SHARED_CACHE
        .replace("server {", &format!("{}server {{", STRIPPED_PREFIX.split_once("server {").unwrap().0))
        .replace("location / {", "location /cdn/ { if ($link = \"\") { return 404; }")
        .replace(":3000;", ":3000$link;");
    let Some(cached) = Cached::start(&snippet, app(&folder).layer(layer(&fixed_verifier()))) else { return };
    for (written, _) in NAMES {
        let target = format!("/cdn{}", link(&format!("/files/{written}")));
        for (row, target, expected) in [
            ("first", target.clone(), (200, "MISS")),
            ("again", target.clone(), (200, "HIT")),
            ("tampered", target.replace("exp=1", "exp=2"), (403, "MISS")),
            ("in another spelling", target.replace("/files/", "/%66iles/"), (403, "MISS")),
            ("with a slash more", target.replace("/files/", "//files/"), (403, "MISS")),
        ] {
            assert_eq!(cached.status("GET", &target, &[]), (expected.0, expected.1.into()), "{written}: {row}");
        }
    }
}

/// What must not be added to the snippet, and one thing that may.
#[test]
fn a_cache_that_does_not_listen_breaks_the_promise() {
    let verifier =
        Verifier::builder(&figure_keys()).clock(|| at(NOW)).bind("user", context::header(X_USER)).build().unwrap();
    let by_user = finish(verifier.signer().url("/say").bind("user", "42"));
    let expired = earlier().url("/say").sign_until(at(NOW)).unwrap().into_string();
    let link = link("/say");
    let own = [("x-user", "42")];
    let (cache, key) = ("proxy_cache links;", "proxy_cache_key $scheme$host$request_uri;");
    let deaf = "proxy_cache links; proxy_ignore_headers Cache-Control; proxy_cache_valid 1h;";
    let by_default = "proxy_cache links; proxy_cache_valid any 1h;";
    let without_query = "proxy_cache_key $uri;";
    // Each first request as it may be, and a second that should be refused.
    for (row, from, to, first, second, expected) in [
        ("the snippet", cache, cache, &link, "/say", (403, "MISS")),
        ("the snippet, a user", cache, cache, &by_user, &*by_user, (403, "MISS")),
        ("a key without the query", key, without_query, &link, "/say", (200, "HIT")),
        ("a key without the query, expired", key, without_query, &link, &expired, (200, "HIT")),
        ("deaf", cache, deaf, &by_user, &by_user, (200, "HIT")),
        ("a default", cache, by_default, &by_user, &by_user, (403, "MISS")),
        ("a default, after a refusal", cache, by_default, &expired, &expired, (410, "MISS")),
    ] {
        assert_eq!(SHARED_CACHE.matches(from).count(), 1, "{row}");
        let snippet = SHARED_CACHE.replace(from, to);
        let app = Router::new().fallback(tell).layer(layer(&verifier));
        let Some(cached) = Cached::start(&snippet, app) else { return };
        assert_eq!(
            cached.status("GET", first, &own),
            (if *first == expired { 410 } else { 200 }, "MISS".into()),
            "{row}"
        );
        assert_eq!(cached.status("GET", second, &[]), (expected.0, expected.1.into()), "{row}");
    }
}
