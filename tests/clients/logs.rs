//! What is logged, at any level, where requests are signed and sent by hyper. (By tonic: `grpc.rs`.)

use tokio::runtime::Runtime;
use tower::{Layer, ServiceBuilder};

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

/// What both ends log of an accepted request, one that is refused, one that is not signed, and one that is not answered.
fn logged(http: Http, trace: Trace) -> (String, Log) {
    record(|| {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let uri = format!("http://{}/a", serve(echoing(fixed_verifier())).await);
            let layer = sign(signer().allow_http_to("a.example"));
            let late = sign(signer().with_clock(|| at(NOW - 60)));
            let client = hyper(http, &[]);
            let no_answer = match trace {
                Trace::None => {
                    assert_eq!(told(&layer.layer(client.clone()), "POST", &uri).await.0, 200);
                    assert_eq!(told(&late.layer(client.clone()), "POST", &uri).await.0, 410);
                    ask(&layer.layer(client), request("GET", "http://a.example/a")).await
                }
                Trace::Outside => {
                    let traced =
                        |layer| ServiceBuilder::new().layer(plain_trace()).layer(layer).service(client.clone());
                    assert_eq!(told(&traced(layer.clone()), "POST", &uri).await.0, 200);
                    assert_eq!(told(&traced(late), "POST", &uri).await.0, 410);
                    ask(&traced(layer), request("GET", "http://a.example/a")).await
                }
                Trace::Inside => {
                    let client = plain_trace().layer(client);
                    assert_eq!(told(&layer.layer(client.clone()), "POST", &uri).await.0, 200);
                    assert_eq!(told(&late.layer(client.clone()), "POST", &uri).await.0, 410);
                    ask(&layer.layer(client), request("GET", "http://a.example/a")).await
                }
            };
            assert!(no_answer.is_err());
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
