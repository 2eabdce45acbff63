//! tonic calls tonic through both layers.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Uri};
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tonic_health::ServingStatus::{NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::HealthReporter;
use tower::Layer;
use tower::util::MapRequestLayer;
use tower_signed_url::{
    ConcealLayer, Grant, Keyring, SignError, SignErrorKind, SignRequestLayer, SignedUrlLayer, Signer, Verifier, context,
};

use super::log::{plain_trace, record};
use super::support::{NOW, at};
use super::{Nobody, key, sign};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// What came through to the service, and by which key.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// tonic's health service behind the layer, with a trace around that, and a `ConcealLayer` around both.
async fn serve(verifier: &Verifier) -> (SocketAddr, HealthReporter, Seen) {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let seen = Seen::default();
    let by_service = Arc::clone(&seen);
    let look = move |request: Request<Body>| {
        let key = request.extensions().get::<Grant>().unwrap().key_id().unwrap().to_string();
        by_service.lock().unwrap().push((request.uri().path_and_query().unwrap().to_string(), key));
        request
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .layer(ConcealLayer::new(verifier))
        .layer(plain_trace())
        .layer(SignedUrlLayer::new(verifier))
        .layer(MapRequestLayer::new(look))
        .add_service(health);
    tokio::spawn(server.serve_with_incoming(incoming));
    (address, reporter, seen)
}

fn channel(server: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{server}")).unwrap().connect_lazy()
}

fn at_now(keys: &Keyring) -> (Verifier, Signer) {
    let verifier = Verifier::builder(keys).clock(|| at(NOW)).build().unwrap();
    let signer = verifier.signer();
    (verifier, signer)
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

#[tokio::test]
async fn calls_and_streams_pass_while_keys_rotate() {
    let keys = Keyring::new(key("old"));
    let (verifier, signer) = at_now(&keys);
    let (server, reporter, seen) = serve(&verifier).await;
    let mut client = HealthClient::new(sign(signer).layer(channel(server)));
    let serving = |answer: tonic::Response<HealthCheckResponse>| answer.get_ref().status;

    assert_eq!(serving(client.check(of("")).await.unwrap()), 1);
    reporter.set_service_status("reports", Serving).await;
    let mut stream = client.watch(of("reports")).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status, 1);

    keys.accept(key("new")).unwrap();
    assert_eq!(serving(client.check(of("")).await.unwrap()), 1);
    keys.activate(&"new".parse().unwrap()).unwrap();
    assert_eq!(serving(client.check(of("")).await.unwrap()), 1);
    keys.retire(&"old".parse().unwrap()).unwrap();
    assert_eq!(serving(client.check(of("")).await.unwrap()), 1);

    // The stream was let in when it began, and goes on.
    reporter.set_service_status("reports", NotServing).await;
    assert_eq!(stream.message().await.unwrap().unwrap().status, 2);
    let mut another = client.watch(of("reports")).await.unwrap().into_inner();
    assert_eq!(another.message().await.unwrap().unwrap().status, 2);

    // The service's own refusal is a refusal of its own.
    let unknown = client.check(of("nothing")).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.message()), (Code::NotFound, "service not registered"));

    let expected = [
        (CHECK, "old"),
        (WATCH, "old"),
        (CHECK, "old"),
        (CHECK, "new"),
        (CHECK, "new"),
        (WATCH, "new"),
        (CHECK, "new"),
    ];
    let expected = expected.map(|(path, key)| (path.to_owned(), key.to_owned()));
    assert_eq!(*seen.lock().unwrap(), expected);
}

fn status(answer: Result<tonic::Response<HealthCheckResponse>, Status>) -> (Code, String) {
    match answer {
        Ok(_) => (Code::Ok, String::new()),
        Err(status) => (status.code(), status.message().to_owned()),
    }
}

#[tokio::test]
async fn a_channel_decides_where_a_call_goes_and_an_origin_what_the_layer_sees() {
    let keys = Keyring::new(key("k"));
    let verifier = Verifier::builder(&keys).clock(|| at(NOW)).bind("host", context::host()).build().unwrap();
    let (server, _reporter, seen) = serve(&verifier).await;
    let origin: Uri = format!("http://{server}").parse().unwrap();
    let signer = || verifier.signer();
    let based = |base: &str| signer().with_base(base).unwrap();
    let (at_server, elsewhere) = (format!("http://{server}"), "https://reports.example");
    let by_host = |signer| sign(signer).bind("host", context::host());
    let (passes, refused) = ((Code::Ok, ""), (Code::PermissionDenied, "This link is not valid here."));
    let no_host = (Code::Unknown, "the request does not show \"host\"");
    for (row, layer, origin, (code, message)) in [
        ("no base", sign(signer()), None, passes),
        ("a base", sign(based(&at_server)), None, passes),
        // The channel puts its own before the path.
        ("another base", sign(based(elsewhere)), None, passes),
        ("a base with a path, which no proxy takes off", sign(based(&format!("{at_server}/v1"))), None, refused),
        ("a base, and its origin", sign(based(&at_server)), Some(&origin), passes),
        (
            "another base, and an origin",
            sign(based(elsewhere)),
            Some(&origin),
            (Code::Unknown, "not under the signer's base"),
        ),
        ("the host", by_host(signer()), None, no_host),
        ("the host of an origin", by_host(signer()), Some(&origin), passes),
        ("the host of a base", by_host(based(&at_server)), None, passes),
        ("the host of another base", by_host(based(elsewhere)), None, refused),
    ] {
        let service = layer.layer(channel(server));
        let mut client = match origin {
            Some(origin) => HealthClient::with_origin(service, origin.clone()),
            None => HealthClient::new(service),
        };
        let answer = status(client.check(of("")).await);
        assert_eq!(answer.0, code, "{row}: {answer:?}");
        assert!(answer.1.contains(message), "{row}: {answer:?}");
    }
    assert_eq!(seen.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn a_call_that_cannot_be_signed_tells_why() {
    let keys = Keyring::new(key("k"));
    let nobody = Nobody::listen();
    let layer = SignRequestLayer::new(Signer::new(&keys), Duration::ZERO);
    let mut client = HealthClient::new(layer.layer(channel(nobody.address())));
    let status = client.check(of("")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unknown, "the expiry is not in the future: give a later one"));
    let source = status.source().unwrap().downcast_ref::<SignError>().unwrap();
    assert_eq!(source.kind(), SignErrorKind::NotInFuture);
    assert!(!nobody.was_asked());
}

#[test]
fn no_end_logs_a_signature() {
    let ((), log) = record(|| {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let (verifier, signer) = at_now(&Keyring::new(key("k")));
            let (server, _reporter, seen) = serve(&verifier).await;
            let mut client = HealthClient::new(sign(signer).layer(channel(server)));
            client.check(of("")).await.unwrap();
            let mut stream = client.watch(of("")).await.unwrap().into_inner();
            stream.message().await.unwrap();
            let (_, signer) = at_now(&Keyring::new(key("z")));
            let mut client = HealthClient::new(sign(signer).layer(channel(server)));
            assert_eq!(client.check(of("")).await.unwrap_err().code(), Code::PermissionDenied);
            assert_eq!(seen.lock().unwrap().len(), 2);
        });
    });
    assert!(log.text.contains("uri=http://"), "{}", log.text);
    assert!(log.text.contains(CHECK) && log.text.contains(WATCH));
    assert_eq!(log.expiry(), None);
    for id in ["k", "z"] {
        let (_, signer) = at_now(&Keyring::new(key(id)));
        for path in [CHECK, WATCH] {
            let link = signer.url(path).method(http::Method::POST).sign_for(super::HALF_A_MINUTE).unwrap();
            let (_, mac) = link.as_str().rsplit_once('.').unwrap();
            assert_eq!(log.signature(mac), None, "{id} {path}");
        }
    }
}
