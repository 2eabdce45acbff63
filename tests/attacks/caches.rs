//! What a cache is told: whatever the service says and whatever the status, no answer outlives its link.

use std::fs;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CACHE_CONTROL, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue};
use tempfile::TempDir;
use tower::ServiceBuilder;
use tower::util::MapResponseLayer;
use tower_http::services::ServeDir;
use tower_signed_url::{Cache, SignedUrlLayer, Verifier, client_ip, context};

use super::carriers::{builder, cookie, token};
use super::support::by_hand::{exact, signed, signed_with};
use super::whole::{Whole, ask, over_http1};
use super::wire::Server;

/// What a service would have caches keep for years.
const FOR_YEARS: [(&str, &str); 12] = [
    ("cache-control", "public, max-age=31536000, immutable"),
    ("cache-control", "stale-while-revalidate=86400, stale-if-error=86400, S-MaxAge=31536000"),
    ("expires", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("cdn-cache-control", "max-age=31536000"),
    ("cloudflare-cdn-cache-control", "max-age=31536000"),
    ("vercel-cdn-cache-control", "max-age=31536000"),
    ("surrogate-control", "max-age=31536000"),
    ("edge-control", "max-age=31536000"),
    ("x-accel-expires", "31536000"),
    ("x-accel-expires", "@4102444800"),
    ("age", "0"),
    ("pragma", "public"),
];

/// Fields that a cache may go by.
const READ_BY_CACHES: [&str; 9] = [
    "cache-control",
    "expires",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "vercel-cdn-cache-control",
    "surrogate-control",
    "edge-control",
    "x-accel-expires",
    "vary",
];

fn verifier() -> Verifier {
    let by_connection = client_ip::connect_info();
    builder()
        .client_ip(by_connection)
        .bind("host", context::host())
        .bind("password", context::basic_password())
        .build()
        .unwrap()
}

/// Files, an answer that is a 304 where that is asked for, and one that is a 500, each with these fields.
fn serve(folder: &TempDir, said: &'static [(&'static str, &'static str)], cache: Cache) -> Server {
    fs::write(folder.path().join("page.txt"), "0123456789").unwrap();
    let say = move |mut response: Response| {
        for (name, value) in said {
            response.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    };
    let tagged = async |request: Request| {
        let status = if request.headers().contains_key(IF_NONE_MATCH) { 304 } else { 200 };
        Response::builder().status(status).header("etag", "\"1\"").body(Body::empty()).unwrap()
    };
    let broken = async || Response::builder().status(500).body(Body::empty()).unwrap();
    let app = Router::new()
        .nest_service("/files", ServeDir::new(folder.path()))
        .route("/tagged", axum::routing::get(tagged))
        .route("/broken", axum::routing::get(broken))
        .layer(
            ServiceBuilder::new().layer(SignedUrlLayer::new(verifier()).cache(cache)).layer(MapResponseLayer::new(say)),
        );
    Server::start(app)
}

/// All that a cache goes by, but `Vary`, which every answer has.
fn read_by_caches<'a>(name: &str, answer: &'a Whole) -> Vec<(&'a str, &'a str)> {
    let fields = answer.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (vary, others): (Vec<_>, Vec<_>) =
        fields.filter(|(name, _)| READ_BY_CACHES.contains(name)).partition(|(name, _)| *name == "vary");
    assert!(vary.contains(&("vary", "cookie")), "{name}: {vary:?}");
    others
}

/// A request for a link, by name, path and fields, and the status of its answer.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], u16);

const ANSWERS: [Row; 7] = [
    ("all of it", "/files/page.txt", &[], 200),
    ("a part", "/files/page.txt", &[("range", "bytes=2-3")], 206),
    ("a part that is not there", "/files/page.txt", &[("range", "bytes=20-30")], 416),
    ("nothing new", "/tagged", &[("if-none-match", "\"1\"")], 304),
    ("nothing new by date", "/files/page.txt", &[("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT")], 304),
    ("not there", "/files/none.txt", &[], 404),
    ("broken", "/broken", &[], 500),
];

#[test]
fn no_answer_outlives_its_link() {
    let folder = TempDir::new().unwrap();
    // At the end of the link, `exp` in words.
    const END: &str = "Mon, 21 Sep 2026 14:13:20 GMT";
    let (private, silent) = (serve(&folder, &FOR_YEARS, Cache::Private), serve(&folder, &[], Cache::Private));
    let (shared, none) = (serve(&folder, &FOR_YEARS, Cache::Shared), serve(&folder, &FOR_YEARS, Cache::NoStore));
    let untargeted = serve(&folder, &FOR_YEARS[..3], Cache::Shared);
    for (name, path, fields, status) in ANSWERS {
        let by_default = if status < 400 { "private, max-age=1000" } else { "private, max-age=0" };
        for (policy, server, expected) in [
            ("private", &private, vec![("cache-control", "private, max-age=1000"), ("expires", END)]),
            ("private, nothing said", &silent, vec![("cache-control", by_default)]),
            // A service that speaks to one shared cache has kept it from the others.
            ("shared", &shared, vec![("cache-control", "private, max-age=1000"), ("expires", END)]),
            ("shared, no such field", &untargeted, vec![("cache-control", "public, s-maxage=999"), ("expires", END)]),
            ("none", &none, vec![("cache-control", "no-store")]),
        ] {
            for (protocol, answer) in ask(server.address, &exact(path), fields) {
                let row = format!("{name}, {policy}, {protocol}");
                assert_eq!(answer.status, status, "{row}");
                let mut found = read_by_caches(&row, &answer);
                found.sort_unstable();
                if policy == "none" {
                    // Beside `no-store` no cache reads `Expires`.
                    found.retain(|(name, _)| *name != "expires");
                }
                assert_eq!(found, expected, "{row}");
            }
        }
    }
}

#[test]
fn a_refusal_is_kept_by_nobody() {
    let folder = TempDir::new().unwrap();
    let fields = [
        ("range", "bytes=2-3"),
        ("if-range", "\"1\""),
        ("if-none-match", "*"),
        ("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT"),
    ];
    let check = |row: &str, answer: &Whole, status: u16| {
        assert_eq!(answer.status, status, "{row}");
        assert_eq!(read_by_caches(row, answer), [("cache-control", "no-store")], "{row}");
        for name in ["content-range", "accept-ranges", "etag", "last-modified", "age"] {
            assert_eq!(answer.all(name), [""; 0], "{row}");
        }
    };
    for (policy, cache) in [("private", Cache::Private), ("shared", Cache::Shared)] {
        let server = serve(&folder, &FOR_YEARS, cache);
        for (name, target, status) in [
            ("no link", "/files/page.txt".to_owned(), 403),
            ("expired", signed("/files/page.txt?exp=1789999000"), 410),
            ("forged", exact("/files/page.txt").replace("page", "pages"), 403),
            ("a password", signed_with("/files/page.txt?exp=1790000000&sig-bind=password", "\npassword:a"), 401),
        ] {
            for (protocol, answer) in ask(server.address, &target, &fields) {
                check(&format!("{name}, {policy}, {protocol}"), &answer, status);
            }
        }
        // `Transfer-Encoding` is HTTP/1.1's.
        let target = signed("/files/page.txt?exp=1790000000&sig-max-bytes=1");
        let chunked = [&fields[..], &[("transfer-encoding", "chunked")]].concat();
        check(&format!("no length, {policy}"), &over_http1(server.address, "GET", &target, &chunked), 411);
    }
}

#[test]
fn what_not_the_url_alone_decided_is_shared_with_nobody() {
    let folder = TempDir::new().unwrap();
    let server = serve(&folder, &[("cache-control", "public, s-maxage=31536000")], Cache::Shared);
    let host = server.address.to_string();
    let with = |run: &str, lines: &str| signed_with(&format!("/tagged?exp=1790000000{run}"), lines);
    let in_cookie = cookie(&token("/"));
    for (name, target, fields, expected) in [
        ("the URL alone", exact("/tagged"), vec![], "public, s-maxage=999"),
        ("a token in the query", format!("/tagged?{}", token("/")), vec![], "public, s-maxage=999"),
        ("a token in a cookie", "/tagged".into(), vec![("cookie", &*in_cookie)], "private, max-age=1000"),
        ("an address", with("&sig-ip=127.0.0.1", ""), vec![], "private, max-age=1000"),
        ("a host", with("&sig-bind=host", &format!("\nhost:{host}")), vec![], "private, max-age=1000"),
        (
            "a password",
            with("&sig-bind=password", "\npassword:hunter2"),
            vec![("authorization", "Basic dXNlcjpodW50ZXIy")],
            "private, max-age=0",
        ),
        ("the URL, and a user", exact("/tagged"), vec![("authorization", "Bearer abc")], "private, max-age=1000"),
        (
            "nothing new by a cookie",
            "/tagged".into(),
            vec![("cookie", &*in_cookie), ("if-none-match", "\"1\"")],
            "private, max-age=1000",
        ),
    ] {
        for (protocol, answer) in ask(server.address, &target, &fields) {
            let row = format!("{name}, {protocol}");
            assert!(matches!(answer.status, 200 | 304), "{row}: {answer:?}");
            assert_eq!(answer.all(CACHE_CONTROL.as_str()), [expected], "{row}");
        }
    }
}
