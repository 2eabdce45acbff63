//! The log of the service, and of a trace around it, at any level.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::{Layer, ServiceExt};
use tower_http::trace::DefaultMakeSpan;
use tower_signed_url::Decision;
use tracing::Level;

use super::log::{Connect, Log, boxed, http1, http2, plain_trace, record, respond, trace};
use super::site::verifier;
use super::wire::signed;
use super::{NOW, Nginx, Proxy, XForwarded, at};

/// Other tests log meanwhile: these paths are none of theirs.
const AUTH: &str = "/asked/auth";
const FILE: &str = "/logged/a.txt";

/// What a request asks by.
fn request(proxy: Proxy, target: &str) -> Request {
    let [uri, method] = proxy.fields();
    let request = Request::get(AUTH).header(uri, target).header(method, "GET").header("referer", target);
    request.body(Body::empty()).unwrap()
}

/// The signature of a target, or the token in its path.
fn secret(target: &str) -> &str {
    let (_, secret) = target.split_once("sig=").or(target.split_once('~')).unwrap();
    secret.split(['&', '#', '/']).next().unwrap()
}

fn assert_holds_nothing_of(log: &Log, target: &str, name: &str) {
    assert_eq!(log.signature(secret(target)), None, "{name}: {}", log.text);
    assert_eq!(log.expiry(), None, "{name}: {}", log.text);
}

#[test]
fn a_log_without_headers_holds_no_signature() {
    let token = verifier().signer().scope("/logged/").sign_until(at(NOW + 1000)).unwrap();
    let good = super::link(FILE);
    let in_path = token.in_path(FILE).unwrap().into_string();
    for proxy in [Nginx, XForwarded] {
        let live = super::layer(verifier()).authorize(async |_, request: http::request::Parts| {
            tracing::info!(?request, "asked");
            Ok(Decision::Allow)
        });
        let spans = trace(DefaultMakeSpan::new().level(Level::INFO));
        let service = boxed(spans.layer(proxy.service(live)));
        for (name, target, status, event) in [
            ("passed", good.clone(), 204, None),
            ("tampered with", good.replace("a.txt", "b.txt"), 403, Some("/logged/b.txt")),
            ("expired", signed(&format!("{FILE}?exp={NOW}")), 410, Some(FILE)),
            ("more after it", format!("{good}&a=1"), 403, Some(FILE)),
            ("a fragment", format!("{good}#a"), 403, Some(AUTH)),
            ("an absolute URL", format!("http://h{good}"), 403, Some(AUTH)),
            ("escaped for HTML", good.replace("&sig", "&amp;sig"), 403, Some(FILE)),
            ("a token in the path", in_path.clone(), 204, None),
            (
                "a token in the path, of another",
                in_path.replace("/logged/", "/logged-too/"),
                403,
                Some("/logged-too/a.txt"),
            ),
            ("a token in the query", format!("{FILE}?{token}"), 204, None),
        ] {
            let (answer, log) = respond(service.clone(), request(proxy, &target));
            assert_eq!(answer.status(), if status == 204 { 204 } else { proxy.told(status) }, "{proxy:?}: {name}");
            assert_holds_nothing_of(&log, &target, name);
            let is_ours =
                |line: &&str| line.contains("refused") && ["/asked", "/logged"].iter().any(|path| line.contains(path));
            let refusal = log.text.lines().find(is_ours);
            let tells = |path: &str| refusal.is_some_and(|line| line.contains(&format!("path=\"{path}\"")));
            assert_eq!(refusal.is_some(), event.is_some(), "{proxy:?}: {name}: {}", log.text);
            assert!(event.is_none_or(tells), "{proxy:?}: {name}: {refusal:?}");
            if let Some(refusal) = refusal {
                assert!(refusal.contains(&format!("status={status}")), "{proxy:?}: {name}: {refusal}");
            }
        }
    }
}

/// Servers log, too, at this level.
#[test]
fn a_log_of_the_whole_server_holds_no_signature() {
    let runtime = Runtime::new().unwrap();
    for proxy in [Nginx, XForwarded] {
        let versions: [Connect; 2] = [http1, http2];
        for connect in versions {
            let good = super::link(FILE);
            let tampered = good.replace("a.txt", "b.txt");
            let spans = trace(DefaultMakeSpan::new().level(Level::INFO));
            let app = Router::new().route_service(AUTH, proxy.service(super::layer(verifier()))).layer(spans);
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let server = listener.local_addr().unwrap();
            let [uri, method] = proxy.fields();
            let (statuses, log) = record(|| {
                let serving = runtime.spawn(axum::serve(listener, app).into_future());
                let mut ask = connect(server, &runtime);
                let statuses = [&good, &tampered].map(|target| ask(AUTH, &[(uri, target), (method, "GET")]));
                serving.abort();
                statuses
            });
            assert_eq!(statuses, [204, 403], "{proxy:?}");
            assert_holds_nothing_of(&log, &good, "asked");
            assert!(log.text.contains("path=\"/logged/b.txt\""), "{proxy:?}: {}", log.text);
        }
    }
}

/// The mistake: it shows that the log is looked at in the right place.
#[test]
fn a_trace_that_logs_headers_shows_the_link() {
    for proxy in [Nginx, XForwarded] {
        let service = boxed(plain_trace().layer(proxy.service(super::fixed_layer())));
        let good = super::link(FILE);
        let runtime = Runtime::new().unwrap();
        // The answer goes before the recording ends: its span is logged with it.
        let ((), log) = record(|| drop(runtime.block_on(service.oneshot(request(proxy, &good)))));
        assert!(log.signature(secret(&good)).is_some(), "{proxy:?}: {}", log.text);
    }
}
