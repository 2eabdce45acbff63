//! What a proxy is answered: whatever the link, whatever callbacks say, and whatever comes with the question.

use std::io::Error;

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower_signed_url::{Cache, Decision, SignedUrlLayer, Verifier, context};

use super::wire::{Server, only, signed};
use super::{
    FILE, NOW, Nginx, PASSED, XForwarded, at, exchange, figure_keys, fixed_layer, fixed_verifier, layer, link, outcome,
    refused,
};

#[test]
fn what_passes_has_the_fields_that_the_files_answer_should_have() {
    let private = Some("private, max-age=1000");
    for proxy in [Nginx, XForwarded] {
        for (name, layer, cache, referrer, robots) in [
            ("as it is", fixed_layer(), private, true, true),
            ("Shared", fixed_layer().cache(Cache::Shared), private, true, true),
            ("NoStore", fixed_layer().cache(Cache::NoStore), Some("no-store"), true, true),
            ("without Cache-Control", fixed_layer().without_cache_control(), None, true, true),
            ("without Referrer-Policy", fixed_layer().without_referrer_policy(), private, false, true),
            ("without X-Robots-Tag", fixed_layer().without_robots_tag(), private, true, false),
        ] {
            let reply = proxy.ask(&proxy.serve(layer), "GET", &link(FILE), &[]);
            assert_eq!((outcome(&reply), &*reply.body), (PASSED, &b""[..]), "{proxy:?}: {name}");
            assert_eq!(reply.header("cache-control"), cache, "{proxy:?}: {name}");
            assert_eq!(reply.header("referrer-policy"), referrer.then_some("no-referrer"), "{proxy:?}: {name}");
            assert_eq!(reply.header("x-robots-tag"), robots.then_some("noindex"), "{proxy:?}: {name}");
            assert_eq!(reply.header("vary"), Some("*"), "{proxy:?}: {name}");
        }
    }
}

#[test]
fn every_refusal_has_its_status_in_a_field() {
    let verifier = Verifier::builder(&figure_keys())
        .clock(|| at(NOW))
        .bind("password", context::basic_password())
        .client_ip(|_: tower_signed_url::Head<'_>| Some("192.0.2.7".parse().unwrap()))
        .build()
        .unwrap();
    let bound = |expires: u64| {
        let signer = verifier.signer().with_clock(move || at(expires - 100));
        let link = signer.url(FILE).bind("password", "secret").sign_until(at(expires));
        link.unwrap().into_string()
    };
    let right = format!("Basic {}", STANDARD.encode("user:secret"));
    let wrong = format!("Basic {}", STANDARD.encode("user:guess"));
    let (right, wrong) = (("authorization", &*right), ("authorization", &*wrong));
    let run = |run: &str| signed(&format!("{FILE}?exp=1790000000{run}"));
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(layer(&verifier));
        for (name, method, target, field, kind, status) in [
            ("no link", "GET", FILE.to_owned(), None, "Missing", 403),
            ("half a link", "GET", format!("{FILE}?exp=1790000000"), None, "Malformed", 403),
            ("another file", "GET", link(FILE).replace("a.txt", "b.txt"), None, "NotAuthentic", 403),
            ("another key", "GET", link(FILE).replace("sig=", "sig=k."), None, "UnknownKey", 403),
            ("more after it", "GET", format!("{}&a=1", link(FILE)), None, "Malformed", 403),
            ("expired", "GET", signed(&format!("{FILE}?exp={NOW}")), None, "Expired", 410),
            ("too early", "GET", run("&sig-start=1789999900"), None, "NotYetValid", 403),
            ("too long", "GET", signed(&format!("{FILE}?exp=1890000000")), None, "LifetimeTooLong", 403),
            ("another method", "PUT", link(FILE), None, "Method", 403),
            ("another client", "GET", run("&sig-ip=198.51.100.1"), None, "Client", 403),
            ("a restriction unknown here", "GET", run("&sig-new=1"), None, "Unenforceable", 403),
            ("no password", "GET", bound(NOW + 100), None, "PasswordRequired", 401),
            ("a wrong password", "GET", bound(NOW + 100), Some(wrong), "WrongPassword", 401),
            ("a dead link's password", "GET", bound(NOW), Some(right), "Expired", 403),
            // Nothing is known of a body: what limits one is refused, whatever the proxy says of its own request's.
            ("limits a body", "PUT", run("&sig-methods=PUT&sig-max-bytes=9"), None, "LengthRequired", 411),
            (
                "limits a body, length of another",
                "PUT",
                run("&sig-methods=PUT&sig-max-bytes=9"),
                Some(("content-length", "0")),
                "LengthRequired",
                411,
            ),
            ("limits a body, GET", "GET", run("&sig-max-bytes=9"), None, "Unenforceable", 403),
            (
                "limits a body, GET, length of another",
                "GET",
                run("&sig-max-bytes=9"),
                Some(("content-length", "0")),
                "Unenforceable",
                403,
            ),
            (
                "limits a body, GET, no length of another",
                "GET",
                run("&sig-max-bytes=9"),
                Some(("transfer-encoding", "chunked")),
                "Unenforceable",
                403,
            ),
            (
                "another type",
                "PUT",
                run("&sig-methods=PUT&sig-type=image/*"),
                Some(("content-type", "text/plain")),
                "MediaType",
                415,
            ),
            ("no type", "PUT", run("&sig-methods=PUT&sig-type=image/*"), None, "MediaType", 415),
            ("a type, GET of nothing", "GET", run("&sig-type=image/*"), None, "Unenforceable", 403),
            ("a download's name", "GET", run("&sig-download=b.txt"), None, "Unenforceable", 403),
        ] {
            let field: Vec<_> = field.into_iter().collect();
            let reply = proxy.ask(&server, method, &target, &field);
            assert_eq!(outcome(&reply), refused(proxy, kind, status), "{proxy:?}: {name}");
            let challenge = (status == 401).then_some("Basic realm=\"Link\", charset=\"UTF-8\"");
            assert_eq!(reply.header("www-authenticate"), challenge, "{proxy:?}: {name}");
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{proxy:?}: {name}");
            assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{proxy:?}: {name}");
        }
        for (name, target, field) in [
            ("the password", bound(NOW + 100), Some(right)),
            ("the client", run("&sig-ip=192.0.2.0/24"), None),
            ("a body's type", run("&sig-methods=PUT&sig-type=image/*"), Some(("content-type", "image/png"))),
        ] {
            let field: Vec<_> = field.into_iter().collect();
            let method = if target.contains("PUT") { "PUT" } else { "GET" };
            assert_eq!(outcome(&proxy.ask(&server, method, &target, &field)), PASSED, "{proxy:?}: {name}");
        }
    }
}

#[test]
fn live_authorization_is_asked_about_the_original_request() {
    for proxy in [Nginx, XForwarded] {
        let live = fixed_layer().authorize(|_, request: http::request::Parts| async move {
            let held = format!("{request:?}");
            assert!(!held.contains("sig=") && !held.contains("exp="), "{held}");
            match (request.method.as_str(), request.uri.to_string().as_str()) {
                ("GET" | "HEAD", "/files/a.txt?w=1") => Ok(Decision::Allow),
                ("GET", "/files/gone.txt") => Ok(Decision::Gone),
                ("GET", "/files/hidden.txt") => Ok(Decision::Forbidden),
                (method, uri) => Err(Error::other(format!("{method} {uri}")).into()),
            }
        });
        let service = proxy.service(live);
        let server = Server::start(Router::new().nest("/in", Router::new().route_service("/{x}", service)));
        for (method, target, expected) in [
            ("GET", "/files/a.txt?w=1", PASSED),
            ("HEAD", "/files/a.txt?w=1", PASSED),
            ("GET", "/files/gone.txt", refused(proxy, "Gone", 410)),
            ("GET", "/files/hidden.txt", refused(proxy, "Forbidden", 403)),
            ("GET", "/in/auth", refused(proxy, "Unavailable", 503)),
        ] {
            let [uri_field, method_field] = proxy.fields();
            let fields = [(uri_field, &*link(target)), (method_field, method)];
            let reply = exchange(server.address, "GET", "/in/auth", &fields, b"");
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {method} {target}");
            let cache = if expected == PASSED { "private, max-age=0" } else { "no-store" };
            assert_eq!(reply.header("cache-control"), Some(cache), "{proxy:?}: {method} {target}");
        }
    }
}

#[test]
fn no_callback_makes_a_refusal_pass() {
    let expired = signed(&format!("{FILE}?exp={NOW}"));
    let answer =
        |status: u16| move |_: tower_signed_url::Rejected<'_>| Response::builder().status(status).body("x").unwrap();
    for proxy in [Nginx, XForwarded] {
        let layer = || SignedUrlLayer::new(fixed_verifier());
        for (name, layer, [missing, gone]) in [
            ("none", layer(), [403, 410]),
            ("no status", layer().on_reject(|_| Response::new("x")), [403, 410]),
            ("200", layer().on_reject(answer(200)), [403, 410]),
            ("204", layer().on_reject(answer(204)), [403, 410]),
            ("299", layer().on_reject(answer(299)), [403, 410]),
            ("302", layer().on_reject(answer(302)), [302, 302]),
            ("304", layer().on_reject(answer(304)), [304, 304]),
            ("401", layer().on_reject(answer(401)), [401, 401]),
            ("404", layer().on_reject(answer(404)), [404, 404]),
            ("500", layer().on_reject(answer(500)), [500, 500]),
        ] {
            let server = proxy.serve(layer);
            for (target, own, status) in [(FILE, 403, missing), (&expired, 410, gone), ("*", 403, missing)] {
                let reply = proxy.ask(&server, "GET", target, &[]);
                // nginx goes by what is refused and not by how: it would take a redirect for a failure.
                let status = if proxy == Nginx { 403 } else { status };
                assert_eq!(outcome(&reply), (status, Some(own), None), "{proxy:?}: {name}");
                assert_eq!(reply.header("cache-control"), Some("no-store"), "{proxy:?}: {name}");
            }
        }
    }
}

#[test]
fn who_asks_by_grpc_is_told_a_refusal_all_the_same() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        let [uri, method] = proxy.fields();
        let allowed = signed("/files/a.txt?exp=1790000000&sig-methods=POST");
        let gone = signed("/files/a.txt?exp=1789999000&sig-methods=POST");
        for (name, target, expected) in [
            ("a link", &*allowed, (204, None)),
            ("no link", FILE, (403, Some("403"))),
            ("an expired link", &gone, (proxy.told(410), Some("410"))),
            ("nothing told", "", (403, Some("403"))),
        ] {
            let request = Request::post(server.url("/auth")).header("content-type", "application/grpc");
            let request = request.header(uri, target).header(method, "POST");
            let answer = server.http2(request.body(Full::from("\0\0\0\0\0").boxed_unsync()).unwrap()).unwrap();
            let told = (answer.status().as_u16(), only(answer.headers(), "x-signed-url-status"));
            assert_eq!(told, expected, "{proxy:?}: {name}");
            assert_eq!(only(answer.headers(), "grpc-status"), None, "{proxy:?}: {name}");
        }
    }
}

/// What is asked by and what is asked about may differ in their methods, and a refusal in whether it has a body.
#[test]
fn over_http_2_a_refusal_breaks_no_stream() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        let [uri, method] = proxy.fields();
        for (asked_by, about, body) in [
            ("GET", "GET", "Missing"),
            ("GET", "HEAD", ""),
            ("HEAD", "GET", ""),
            ("HEAD", "HEAD", ""),
            ("POST", "HEAD", ""),
            ("HEAD", "not one", ""),
        ] {
            let request = Request::builder().method(asked_by).uri(server.url("/auth")).header(uri, FILE);
            let request = request.header(method, about).body(Full::default().boxed_unsync());
            let row = format!("{proxy:?}: {asked_by} about {about}");
            let answer = server.http2(request.unwrap()).unwrap_or_else(|| panic!("{row}"));
            let told = (answer.status().as_u16(), only(answer.headers(), "x-signed-url-status"));
            assert_eq!((told, &answer.body()[..]), ((403, Some("403")), body.as_bytes()), "{row}");
        }
    }
}

#[test]
fn a_download_passes_only_where_the_proxy_names_it() {
    let signer = fixed_verifier().signer();
    let named = signer.url(FILE).download("March, café.txt").sign_until(at(NOW + 1000)).unwrap().into_string();
    let disposition = "attachment; filename=\"March, caf_.txt\"; filename*=UTF-8''March%2C%20caf%C3%A9.txt";
    for proxy in [Nginx, XForwarded] {
        let not_named = proxy.serve(fixed_layer());
        let service = proxy.service(fixed_layer());
        let names = Server::start(Router::new().route_service("/auth", service.clone().named_downloads()));
        assert_eq!(outcome(&proxy.ask(&not_named, "GET", &named, &[])), refused(proxy, "Unenforceable", 403));
        let reply = proxy.ask(&names, "GET", &named, &[]);
        assert_eq!((outcome(&reply), reply.header("content-disposition")), (PASSED, Some(disposition)), "{proxy:?}");
        let reply = proxy.ask(&names, "GET", &link(FILE), &[]);
        assert_eq!((outcome(&reply), reply.header("content-disposition")), (PASSED, None), "{proxy:?}");
        // It takes on nothing else.
        let limited = signed(&format!("{FILE}?exp=1790000000&sig-max-bytes=1"));
        assert_eq!(outcome(&proxy.ask(&names, "GET", &limited, &[])), refused(proxy, "Unenforceable", 403));
        // The service that it was made of is as it was.
        let server = Server::start(Router::new().route_service("/auth", service));
        assert_eq!(outcome(&proxy.ask(&server, "GET", &named, &[])).0, 403, "{proxy:?}");
    }
}

/// A proxy may leave the fields of a body in what it asks, and never send one.
#[test]
fn no_body_is_waited_for() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer());
        let [uri, method] = proxy.fields();
        for (framing, target, expected) in [
            ("content-length: 5", link(FILE), 204),
            ("transfer-encoding: chunked", link(FILE), 204),
            ("content-length: 5\r\nexpect: 100-continue", link(FILE), 204),
            ("content-length: 99999999999", FILE.to_owned(), 403),
        ] {
            for asked_by in ["GET", "POST"] {
                let told = format!("{uri}: {target}\r\n{method}: GET\r\n{framing}\r\nconnection: close");
                let answer = server.raw(format!("{asked_by} /auth HTTP/1.1\r\nhost: h\r\n{told}\r\n\r\n").as_bytes());
                assert_eq!(super::wire::read_raw(&answer, &[]).0, expected, "{proxy:?}: {asked_by}, {framing}");
            }
        }
    }
}

#[test]
fn a_layer_that_lets_in_without_a_link_still_judges_links() {
    for proxy in [Nginx, XForwarded] {
        let server = proxy.serve(fixed_layer().optional());
        for (name, target, expected) in [
            ("no link", FILE.to_owned(), PASSED),
            ("a link", link(FILE), PASSED),
            ("another's", link(FILE).replace("a.txt", "b.txt"), refused(proxy, "NotAuthentic", 403)),
            ("expired", signed(&format!("{FILE}?exp={NOW}")), refused(proxy, "Expired", 410)),
            ("not told", String::new(), refused(proxy, "Malformed", 403)),
        ] {
            let reply = proxy.ask(&server, "GET", &target, &[]);
            assert_eq!(outcome(&reply), expected, "{proxy:?}: {name}");
            let cache = match (name, expected == PASSED) {
                ("no link", _) => None,
                (_, true) => Some("private, max-age=1000"),
                (_, false) => Some("no-store"),
            };
            assert_eq!(reply.header("cache-control"), cache, "{proxy:?}: {name}");
        }
    }
}
