//! No log line holds a credential, however the layer and a trace stand to each other, and nothing shows one in its
//! `Debug`.
#![cfg(all(feature = "axum", feature = "trace"))]
#![allow(clippy::unwrap_used)]

#[path = "support/log.rs"]
mod log;
mod support;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::{Route, any};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use log::{Boxed, Connect, Log, answer, boxed, echo, http1, http2, plain_trace, record, request, respond, trace};
use support::by_hand::mac;
use support::{NOW, at, fixed_verifier, link};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::util::MapRequestLayer;
use tower::{Layer, service_fn};
use tower_layer::layer_fn;
use tower_signed_url::*;
use tracing::Level;

fn signed() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier())
}

fn conceal() -> ConcealLayer {
    ConcealLayer::new(fixed_verifier())
}

fn conceal_span() -> ConcealSpan {
    ConcealSpan::new(fixed_verifier()).include_headers(true).level(Level::INFO)
}

#[derive(Clone, Copy, Debug)]
enum Arrangement {
    LayerOutside,
    ConcealLayer,
    /// The trace around the whole router, the layer somewhere in it.
    ConcealLayerApart,
    ConcealSpan,
    /// The mistake: it shows that the log is looked at in the right place.
    TraceOutside,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Layer,
    RouteLayer,
    Nest,
    WholeRouter,
}

impl Arrangement {
    fn around(self, inner: Boxed) -> Boxed {
        match self {
            Self::LayerOutside => boxed(signed().layer(plain_trace().layer(inner))),
            Self::ConcealLayer => boxed(conceal().layer(plain_trace().layer(signed().layer(inner)))),
            Self::ConcealLayerApart => boxed(signed().layer(inner)),
            Self::ConcealSpan => boxed(trace(conceal_span()).layer(signed().layer(inner))),
            Self::TraceOutside => boxed(plain_trace().layer(signed().layer(inner))),
        }
    }

    /// A router that answers `/in/…`.
    fn router(self, place: Place) -> Router {
        let layer = layer_fn(move |inner: Route| self.around(boxed(inner)));
        let handler = any(async || "answer");
        let router = match place {
            Place::Layer => Router::new().route("/in/{name}", handler).layer(layer),
            Place::RouteLayer => Router::new().route("/in/{name}", handler).route_layer(layer),
            Place::Nest => Router::new().nest("/in", Router::new().route("/{name}", handler).layer(layer)),
            Place::WholeRouter => {
                Router::new().fallback_service(self.around(boxed(Router::new().route("/in/{name}", handler))))
            }
        };
        match self {
            Self::ConcealLayerApart => Router::new().fallback_service(conceal().layer(plain_trace().layer(router))),
            _ => router,
        }
    }
}

/// What is special about a request, the run of a credential for its path, its target (`{path}`, and `{run}` and `{mac}`
/// of that credential), and the status of its answer.
type Case = (&'static str, &'static str, &'static str, u16);

const RUN: &str = "exp=1790000000";
const CASES: [Case; 16] = [
    ("accepted", RUN, "{path}?{run}&sig={mac}", 200),
    ("absolute form", RUN, "http://h{path}?{run}&sig={mac}", 200),
    ("missing", RUN, "{path}?w=1", 403),
    ("tampered with", RUN, "{path}?w=1&{run}&sig={mac}", 403),
    ("tampered with, absolute form", RUN, "http://h{path}?w=1&{run}&sig={mac}", 403),
    ("too long a MAC", RUN, "{path}?{run}&sig={mac}A", 403),
    ("an unknown key", RUN, "{path}?{run}&sig=k1.{mac}", 403),
    ("expired", "exp=1789999000", "{path}?{run}&sig={mac}", 410),
    ("not enforced", "exp=1790000000&sig-ip=10.0.0.1", "{path}?{run}&sig={mac}", 403),
    ("two signatures", RUN, "{path}?{run}&sig={mac}&sig={mac}", 403),
    ("two expiries", RUN, "{path}?{run}&{run}&sig={mac}", 403),
    ("the signature first", RUN, "{path}?sig={mac}&{run}", 403),
    ("the signature alone", RUN, "{path}?w=1&sig={mac}&x=2", 403),
    ("a parameter behind", RUN, "{path}?{run}&sig={mac}&x=1", 403),
    ("a reserved name behind", RUN, "{path}?{run}&sig={mac}&sig-id={mac}", 403),
    ("a name that is not in the format", RUN, "{path}?{run}&sig-mac={mac}&sig={mac}", 403),
];

/// A case under this number: the path's last segment, the target, and the MAC that is in it or in the headers.
fn target(number: usize, (_, run, target, _): Case) -> (String, String, String) {
    let segment = format!("segment-{number}-");
    let path = format!("/in/{segment}");
    let mac = mac(format!("{path}?{run}"));
    let target = target.replace("{path}", &path).replace("{run}", run).replace("{mac}", &mac);
    (segment, target, mac)
}

/// Serves all cases, stops, and gives their statuses.
fn serve(app: Router, connect: Connect) -> Vec<u16> {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let server = listener.local_addr().unwrap();
    runtime.spawn(axum::serve(listener, app).into_future());
    let mut exchange = connect(server, &runtime);
    let status = |(number, case)| {
        let (segment, target, mac) = target(number, case);
        let repeated = format!("http://h/in/{segment}?w=1&exp=1790000000&sig={mac}");
        exchange(&target, &[("referer", &repeated), ("x-original-uri", &repeated), ("x-forwarded-uri", &target)])
    };
    CASES.into_iter().enumerate().map(status).collect()
}

#[test]
fn a_trace_never_holds_a_credential() {
    use Arrangement::*;
    let versions: [(&str, Connect); 2] = [("1.1", http1), ("2", http2)];
    for arrangement in [LayerOutside, ConcealLayer, ConcealLayerApart, ConcealSpan, TraceOutside] {
        for place in [Place::Layer, Place::RouteLayer, Place::Nest, Place::WholeRouter] {
            for (version, connect) in versions {
                let (statuses, log) = record(|| serve(arrangement.router(place), connect));
                let combination = format!("{arrangement:?}, {place:?}, HTTP/{version}");
                let mistaken = matches!(arrangement, TraceOutside);
                assert_eq!(log.expiry().is_some(), mistaken, "{combination}: {:?}", log.expiry());
                for (number, case) in CASES.into_iter().enumerate() {
                    let (segment, _, mac) = target(number, case);
                    let row = format!("{combination}: {}", case.0);
                    assert_eq!(statuses[number], case.3, "{row}");
                    let found = log.signature(&mac);
                    assert_eq!(found.is_some(), mistaken, "{row}: {found:?}");
                    assert!(log.text.contains(&segment), "{row}: the path is not in the log");
                }
            }
        }
    }
}

#[test]
fn a_refusal_is_an_event_with_its_reason() {
    let long = Policy::new().max_lifetime(Duration::from_secs(30 * 86400));
    let signer = fixed_verifier().signer();
    let long = signer.clone().with_policy(long).unwrap().url("/a").sign_until(at(NOW + 8 * 86400)).unwrap();
    let by_hand = |run: &str| format!("/a?{run}&sig={}", mac(format!("/a?{run}")));
    for (row, level, method, target) in [
        ("authentic and malformed", " WARN", "GET", by_hand("exp=1790000000&sig-id=a.b")),
        ("authentic, not enforced", " WARN", "GET", by_hand("exp=1790000000&sig-ip=10.0.0.1")),
        ("authentic, of an unknown name", " WARN", "GET", by_hand("exp=1790000000&sig-new")),
        ("over the maximum", " WARN", "GET", long.into_string()),
        ("not yet valid", "DEBUG", "GET", by_hand("exp=1790000000&sig-start=1789999999")),
        ("expired", "DEBUG", "GET", by_hand("exp=1789999000")),
        ("another method", "DEBUG", "PUT", by_hand("exp=1790000000")),
        ("missing", "DEBUG", "GET", "/a?x=1".into()),
        ("malformed", "DEBUG", "GET", "/a?exp=1790000000".into()),
        ("not authentic, not enforced", "DEBUG", "GET", "/a?sig-scope=/&exp=1790000000&sig=x".into()),
        ("an unknown key", "DEBUG", "GET", by_hand("exp=1790000000").replace("&sig=", "&sig=k1.")),
        ("not authentic", "DEBUG", "GET", by_hand("exp=1790000000").replace("179", "180")),
    ] {
        let (answer, log) = respond(signed().layer(service_fn(echo)), request(method, &target));
        let (rejection, status) = (answer.extensions().get::<Rejection>().expect(row), answer.status().as_u16());
        let expected = format!(
            "{level} tower_signed_url: refused method={method} path=\"/a\" status={status} reason={rejection}\n"
        );
        assert_eq!(log.text, expected, "{row}");
    }
    let (answer, log) = respond(signed().layer(service_fn(echo)), request("GET", &link("/a")));
    assert_eq!((answer.status().as_u16(), &*log.text), (200, ""), "accepted");
}

#[test]
fn conceal_span_shows_names_without_values() {
    for (target, shown) in [
        ("/a?x=1", "/a?x=1"),
        ("/a?exp=1&sig=SECRET", "/a?exp=…&sig=…"),
        ("/a?x=1&exp=1&sig-id=a&sig=k1.SECRET&y=2", "/a?x=1&exp=…&sig-id=…&sig=…&y=2"),
        ("/a?&sig=SECRET=SECRET", "/a?&sig=…"),
        ("http://h/a?sig=SECRET&sig-x", "http://h/a?sig=…&…"),
        ("/~c2lnLXNjb3BlPSSECRET/v/a?x=1", "/…/v/a?x=1"),
    ] {
        let log = traced(target);
        assert!(log.text.contains(&format!(" uri={shown} ")), "{target}: {}", log.text);
        assert!(!log.text.contains("SECRET"), "{target}: {}", log.text);
    }
}

#[test]
fn conceal_span_hides_too_much_rather_than_too_little() {
    let shown = [
        "/~c2lnLXNjb3BlPSSECRET=/v/a",
        "/~c2lnLXNjb3BlPSSECRET==",
        "/v/~c2lnLXNjb3BlPSSECRET/b=1/a?x&sig=1",
        "/a?exp=1&sig=?SECRET=",
        "/a?exp=1&sig=1?SECRET=&x=2",
        "/a?sig=SECRET&b=SE&sig=SECRET",
        "/SE?sig=SECRET&b=CRET",
    ];
    let shown: Vec<_> = shown.into_iter().filter(|target| traced(target).text.contains("SECRET")).collect();
    assert_eq!(shown, [""; 0]);
}

/// What a trace with a `ConcealSpan` logs of a request.
fn traced(target: &str) -> Log {
    let mut request = request("GET", target);
    request.headers_mut().insert("referer", HeaderValue::from_str(target).unwrap());
    respond(boxed(trace(conceal_span()).layer(service_fn(answer))), request).1
}

#[test]
fn conceal_span_shows_no_value_of_a_link_that_was_mangled() {
    const MAC: &str = "FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";
    for (name, target) in [
        ("the question mark encoded", format!("/a%3Fw=1&exp=1790000000&sig={MAC}")),
        ("all but the name encoded", format!("/a?sig%3D{MAC}=")),
        ("a whole query as a name", format!("/a?exp%3D1790000000%26sig%3D{MAC}=")),
        ("a URL as a value", format!("/a?next=/b?w=1?sig={MAC}")),
    ] {
        let service = trace(conceal_span()).layer(boxed(signed().layer(service_fn(answer))));
        let (response, log) = respond(service, request("GET", &target));
        assert_eq!(response.status(), 403, "{name}");
        assert_eq!(log.signature(MAC), None, "{name}");
    }
}

#[test]
fn conceal_layer_leaves_other_paths_alone() {
    let files = conceal().under("/files");
    let both = files.clone().under("/v/");
    for (layer, target, expected) in [
        (&files, "/files?sig=1", "/files"),
        (&files, "/files/?x&sig=1", "/files/?x"),
        (&files, "/files/a/b?exp=1&x=2&sig=1&y", "/files/a/b?x=2&y"),
        (&files, "http://h/files/a?sig=1", "http://h/files/a"),
        (&files, "/hook?sig=1", "/hook?sig=1"),
        (&files, "/filesystem?sig=1", "/filesystem?sig=1"),
        (&files, "/a/files/b?sig=1", "/a/files/b?sig=1"),
        (&files, "http://h/?x=/files&sig=1", "http://h/?x=/files&sig=1"),
        (&both, "/files/a?sig=1", "/files/a"),
        (&both, "/v/a?sig=1", "/v/a"),
        (&both, "/v?sig=1", "/v?sig=1"),
        (&conceal(), "/hook?sig=1", "/hook"),
    ] {
        let (answer, _) = respond(layer.layer(service_fn(echo)), request("GET", target));
        assert_eq!(answer.body().uri(), expected, "{layer:?} {target}");
        assert_eq!(answer.body().uri().to_string(), expected, "{layer:?} {target}");
    }
}

#[test]
fn what_was_concealed_is_checked_once_and_nothing_beside_it() {
    let put = |target: &str| {
        let uri: http::Uri = target.parse().unwrap();
        MapRequestLayer::new(move |mut request: Request| {
            *request.uri_mut() = uri.clone();
            request
        })
    };
    let service = || signed().layer(service_fn(answer));
    let optional = || signed().optional().layer(service_fn(answer));
    let (a, b) = (link("/a"), link("/b"));
    let malformed = (403, Some(RejectionKind::Malformed));
    let unenforceable = (403, Some(RejectionKind::Unenforceable));
    for (row, service, target, expected) in [
        ("once", boxed(conceal().layer(service())), &*a, (200, None)),
        ("twice", boxed(conceal().layer(conceal().layer(service()))), &a, (200, None)),
        ("not at all", boxed(conceal().layer(service())), "/a", (403, Some(RejectionKind::Missing))),
        ("not at all, optional", boxed(conceal().layer(optional())), "/a", (200, None)),
        ("half of it, optional", boxed(conceal().layer(optional())), "/a?sig=x", malformed),
        ("a stray name, optional", boxed(conceal().layer(optional())), "/a?sig-foo", malformed),
        ("a path token, optional", boxed(conceal().layer(optional())), "/~c2lnLXNjb3BlPSxyz/a", unenforceable),
        ("the application's own, optional", boxed(conceal().layer(optional())), "/v/~c2lnLXNjb3BlPSxyz/a", (200, None)),
        ("the same added", boxed(conceal().layer(put(&a).layer(service()))), &a, malformed),
        ("another added", boxed(conceal().layer(put(&b).layer(service()))), &a, malformed),
        ("added, optional", boxed(conceal().layer(put(&b).layer(optional()))), &a, malformed),
        ("the same between two", boxed(conceal().layer(put(&a).layer(conceal().layer(service())))), &a, malformed),
        ("another between two", boxed(conceal().layer(put(&b).layer(conceal().layer(service())))), &a, malformed),
        ("outside of the filter", boxed(conceal().under("/b").layer(service())), &a, (200, None)),
    ] {
        let (answer, _) = respond(service, request("GET", target));
        let kind = answer.extensions().get::<Rejection>().map(Rejection::kind);
        assert_eq!((answer.status().as_u16(), kind), expected, "{row}");
    }
}

#[test]
fn nothing_shows_a_secret_in_its_debug() {
    let keys: Keyring = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".parse().unwrap();
    let verifier = Verifier::builder(&keys).clock(|| at(NOW)).build().unwrap();
    let signer = verifier.signer().with_base("https://example.com").unwrap();
    let url = signer.url("/a").id("invoice-7").sign_until(at(NOW + 1000)).unwrap();
    let target = url.as_str().strip_prefix("https://example.com").unwrap();
    let mac = target.rsplit_once('.').unwrap().1;
    let ask = |method: &str, target: &str| {
        let mut request = request(method, target);
        request.headers_mut().insert("referer", HeaderValue::from_str(url.as_str()).unwrap());
        request
    };

    let asked = ask("GET", target);
    let head = Head::of(&asked);
    let verified = verifier.verify(head).unwrap();
    let layer = SignedUrlLayer::new(&verifier).on_reject(|rejected| http::Response::new(format!("{rejected:?}")));
    let (conceal, span) = (ConcealLayer::new(&verifier), ConcealSpan::new(&verifier));
    let mut rows = vec![
        ("SigningKey", format!("{:?}", support::figure_key())),
        ("Keyring", format!("{keys:?}")),
        ("Verifier", format!("{verifier:?}")),
        ("VerifierBuilder", format!("{:?}", Verifier::builder(&keys))),
        ("Signer", format!("{signer:?}")),
        ("Mint", format!("{:?}", signer.url("/a"))),
        ("SignedUrl", format!("{url:?}")),
        ("Head", format!("{head:?}")),
        ("Verified", format!("{verified:?}")),
        ("Grant", format!("{:?}", verified.discharge(Obligations::NONE).unwrap())),
        ("SignedUrlLayer", format!("{layer:?}")),
        ("SignedUrlService", format!("{:?}", layer.layer(()))),
        ("ConcealLayer", format!("{conceal:?}")),
        ("Conceal", format!("{:?}", conceal.layer(()))),
        ("ConcealSpan", format!("{span:?}")),
        (
            "KeyError",
            format!("{:?}", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse::<Keyring>().unwrap_err()),
        ),
        ("SignError", format!("{:?}", signer.url(url.as_str()).sign_until(at(NOW + 1000)).unwrap_err())),
    ];
    let (answer, _) = respond(conceal.layer(service_fn(echo)), asked);
    rows.push(("what ConcealLayer passes on", format!("{:?} {:?}", answer.body(), answer.body().extensions())));
    for (name, method, target) in [
        ("tampered with", "GET", format!("{target}A")),
        ("torn", "GET", target.replace("&sig=", "&sig=1&sig=")),
        ("another method", "POST", target.into()),
    ] {
        let (answer, _) = respond(layer.layer(service_fn(echo)), ask(method, &target));
        let rejection = answer.extensions().get::<Rejection>().expect(name);
        rows.push((name, format!("{rejection:?} {rejection} {answer:?}")));
    }
    for (name, text) in rows {
        for piece in (0..mac.len() - 8).map(|start| &mac[start..start + 8]).chain(["AAECAwQF", "00010203", "1, 2, 3"]) {
            assert!(!text.contains(piece), "{name} shows {piece:?}: {text}");
        }
    }
}

#[test]
fn a_link_that_is_signed_again_is_not_shown() {
    let signer = fixed_verifier().signer();
    let covered = "sig-scope=/v/&exp=1790000000";
    let token = URL_SAFE_NO_PAD.encode(format!("{covered}&sig={}", mac(covered)));
    let link = link("/a");
    let mut shown = Vec::new();
    for (target, secret) in [(&link, link.rsplit_once('=').unwrap().1), (&format!("/~{token}/v/a"), &token)] {
        let error = signer.url(target).sign_until(at(NOW + 1000)).unwrap_err();
        assert_eq!(error.kind(), SignErrorKind::ReservedName, "{target}");
        let texts = [format!("{:?}", signer.url(target)), format!("{error:?}"), error.to_string()];
        shown.extend(texts.into_iter().filter(|text| text.contains(secret)));
    }
    assert_eq!(shown, [""; 0]);
}
