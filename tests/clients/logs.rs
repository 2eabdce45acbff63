//! What is logged, at any level, where requests are signed and sent by hyper. (By tonic: `grpc.rs`.)

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tokio::runtime::Runtime;
use tower::{Layer, Service};
use tower_signed_url::{BoxError, SignRequestLayer};

use super::log::{Log, plain_trace, record};
use super::support::{NOW, at, fixed_verifier};
use super::{HALF_A_MINUTE, Http, ask, echoing, hyper, request, serve, sign, signer, told};

/// Where a trace stands to the signing layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trace {
    None,
    Outside,
    Inside,
}

/// An accepted request, one that is refused, and one that is not answered, by clients with these layers.
async fn ask_thrice<S, B>(client: impl Fn(SignRequestLayer) -> S, uri: &str)
where
    S: Service<http::Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let layer = sign(signer().allow_http_to("a.example"));
    let late = sign(signer().with_clock(|| at(NOW - 60)));
    assert_eq!(told(&client(layer.clone()), "POST", uri).await.0, 200);
    assert_eq!(told(&client(late), "POST", uri).await.0, 410);
    assert!(ask(&client(layer), request("GET", "http://a.example/a")).await.is_err());
}

/// What both ends log of that, and where it was asked.
fn logged(http: Http, trace: Trace) -> (String, Log) {
    record(|| {
        Runtime::new().unwrap().block_on(async {
            let uri = format!("http://{}/a", serve(echoing(fixed_verifier())).await);
            let client = || hyper(http, &[]);
            match trace {
                Trace::None => ask_thrice(|sign| sign.layer(client()), &uri).await,
                Trace::Outside => ask_thrice(|sign| plain_trace().layer(sign.layer(client())), &uri).await,
                Trace::Inside => ask_thrice(|sign| sign.layer(plain_trace().layer(client())), &uri).await,
            }
            uri
        })
    })
}

#[test]
fn no_end_logs_a_signature_unless_a_trace_stands_inside() {
    for http in [Http::One, Http::Two] {
        for trace in [Trace::None, Trace::Outside, Trace::Inside] {
            let (uri, log) = logged(http, trace);
            // It was listened to.
            let target = if matches!(http, Http::One) { "hyper_util::client" } else { "h2::client" };
            assert!(log.text.contains(target), "{http:?} {trace:?}");
            assert_eq!(log.expiry().is_some(), trace == Trace::Inside, "{http:?} {trace:?}: {:?}", log.expiry());
            for (row, clock, method, uri) in [
                ("accepted", NOW, "POST", &*uri),
                ("refused", NOW - 60, "POST", &uri),
                ("not answered", NOW, "GET", "http://a.example/a"),
            ] {
                let signer = signer().with_clock(move || at(clock)).allow_http_to("a.example");
                let link = signer.url(uri).method(method.parse().unwrap()).sign_for(HALF_A_MINUTE).unwrap();
                let (_, mac) = link.as_str().rsplit_once('=').unwrap();
                let found = log.signature(mac);
                assert_eq!(found.is_some(), trace == Trace::Inside, "{http:?} {trace:?} {row}: {found:?}");
            }
        }
    }
}
