//! Requests that look like gRPC calls: only a real call is refused by a 200 with a `grpc-status`.

use axum::Router;
use tower_signed_url::SignedUrlLayer;

use super::door::show_target;
use super::support::by_hand::signed;
use super::support::fixed_verifier;
use super::whole::{Whole, over_http1, over_http2};
use super::wire::Server;

/// Status, and what gRPC reads of the answer.
fn told(answer: &Whole) -> (u16, Vec<&str>) {
    (answer.status, answer.all("grpc-status"))
}

#[test]
fn only_a_call_has_a_200_for_a_refusal() {
    let app = Router::new().fallback(show_target).layer(SignedUrlLayer::new(fixed_verifier()));
    let running = Server::start(app);
    let server = running.address;
    let (forged, expired) = ("/a?exp=1790000000&sig=A".to_owned(), signed("/a?exp=1789999000&sig-methods=GET,POST"));
    let get_only = signed("/a?exp=1790000000");
    for (name, method, types, is_call) in [
        ("a call", "POST", &["application/grpc"][..], true),
        ("of protobuf", "POST", &["application/grpc+proto"], true),
        ("of anything", "POST", &["application/grpc+"], true),
        ("with a parameter", "POST", &["application/grpc;x"], true),
        ("GET", "GET", &["application/grpc"], false),
        ("GET of protobuf", "GET", &["application/grpc+proto"], false),
        ("HEAD", "HEAD", &["application/grpc"], false),
        ("PUT", "PUT", &["application/grpc"], false),
        ("OPTIONS", "OPTIONS", &["application/grpc"], false),
        ("a method in lower case", "post", &["application/grpc"], false),
        ("a longer name", "POST", &["application/grpcx"], false),
        ("gRPC-Web", "POST", &["application/grpc-web+proto"], false),
        ("a space before the parameter", "POST", &["application/grpc ;x"], false),
        ("letter case", "POST", &["Application/gRPC"], false),
        ("a list", "POST", &["application/grpc, text/html"], false),
        ("a list that ends so", "POST", &["text/html, application/grpc"], false),
        ("two fields, the first another", "POST", &["text/html", "application/grpc"], false),
        ("in quotes", "POST", &["\"application/grpc\""], false),
        ("another type", "POST", &["application/json"], false),
        ("no type", "POST", &[], false),
        ("an empty type", "POST", &[""], false),
    ] {
        let mut fields: Vec<_> = types.iter().map(|value| ("content-type", *value)).collect();
        fields.push(("te", "trailers"));
        fields.push(("x-http-method-override", "POST"));
        // Expiry is judged before the method, so that every method is told 410.
        for (target, status) in [(&forged, 403), (&expired, 410)] {
            let (http1, http2) =
                (over_http1(server, method, target, &fields), over_http2(server, method, target, &fields));
            assert_eq!(told(&http1), (status, vec![]), "{name}, HTTP/1.1");
            let over_http2 = if is_call { (200, vec!["7"]) } else { (status, vec![]) };
            assert_eq!(told(&http2), over_http2, "{name}, HTTP/2");
            assert_eq!(http2.fields_alone, is_call || method == "HEAD", "{name}: trailers come last and alone");
            for answer in [http1, http2] {
                assert_eq!(answer.all("cache-control"), ["no-store"], "{name}");
                assert_eq!(answer.all("x-target"), [""; 0], "{name}: it was let in");
            }
        }
    }
    let served = over_http2(server, "GET", &get_only, &[("content-type", "application/grpc")]);
    assert_eq!((told(&served), served.all("x-target")), ((200, vec![]), vec!["/a"]));
}
