//! Uploads by link: what `sig-methods`, `sig-max-bytes` and `sig-type` let through, on servers and before the verifier
//! alone, for what no server passes on.
#![allow(clippy::panic, clippy::unwrap_used)]

mod support;
#[path = "support/wire.rs"]
mod wire;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as AxumRequest;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Collected, Empty, Full};
use support::{NOW, at, figure_keys, fixed_verifier};
use tower::{Layer, Service, service_fn};
use tower_signed_url::RejectionKind::{
    self, Expired, LengthRequired, LifetimeTooLong, Malformed, MediaType, NotAuthentic, NotYetValid, TooLarge,
    Unenforceable,
};
use tower_signed_url::{Head, Obligations, Policy, SignErrorKind, SignedUrlLayer, Verifier, Verify};
use wire::{ClientBody, Server, only, read_raw, signed, tell_kind};

/// The specification's figure.
const FIGURE: &str = "/inbox/report.pdf?exp=1790000000&sig-methods=PUT&sig-max-bytes=1048576\
    &sig=KkEQiWFrlc2fl1B3p5O72ajdLIj7UHUz9vT2cVkiwao";

const METHODS: &str = "/inbox?exp=1790000000&sig-methods=GET,PUT,POST,OPTIONS";

/// A link for these methods with more to say.
fn link(run: &str) -> String {
    signed(&format!("{METHODS}{run}"))
}

/// Reads the whole body and tells it in a field, where an answer to `HEAD` has it, too.
async fn read(request: AxumRequest) -> Response<axum::body::Body> {
    let body = request.into_body().collect().await.map_or("broken".into(), Collected::to_bytes);
    Response::builder().header("x-body", &*body).body(axum::body::Body::empty()).unwrap()
}

fn server() -> Server {
    let layer = SignedUrlLayer::new(fixed_verifier()).on_reject(tell_kind);
    Server::start(Router::new().fallback(read).layer(layer))
}

/// Of a link that takes 5 bytes and one that takes 5 of any image; `""` is hyper's own refusal.
#[test]
fn over_http_1_a_body_is_as_long_as_it_says() {
    let server = server();
    let images = "content-type: image/png\r\n";
    for (name, method, fields, by_length, by_both) in [
        ("less", "PUT", "content-length: 4\r\n\r\nhell", (200, "hell"), (415, "MediaType")),
        ("the most", "PUT", "content-length: 5\r\n\r\nhello", (200, "hello"), (415, "MediaType")),
        ("one more", "PUT", "content-length: 6\r\n\r\nhello!", (413, "TooLarge"), (413, "TooLarge")),
        (
            "much more, none of it sent",
            "PUT",
            "content-length: 99999999999\r\n\r\n",
            (413, "TooLarge"),
            (413, "TooLarge"),
        ),
        ("nothing", "PUT", "content-length: 0\r\n\r\n", (200, ""), (415, "MediaType")),
        ("no length", "PUT", "\r\n", (411, "LengthRequired"), (411, "LengthRequired")),
        ("no length", "POST", "\r\n", (411, "LengthRequired"), (411, "LengthRequired")),
        (
            "chunked",
            "PUT",
            "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            (411, "LengthRequired"),
            (411, "LengthRequired"),
        ),
        (
            "chunked, with nothing in it",
            "PUT",
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            (411, "LengthRequired"),
            (411, "LengthRequired"),
        ),
        (
            "both, the length first",
            "PUT",
            "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            (411, "LengthRequired"),
            (411, "LengthRequired"),
        ),
        (
            "both, the length last",
            "PUT",
            "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n0\r\n\r\n",
            (411, "LengthRequired"),
            (411, "LengthRequired"),
        ),
        ("two lengths", "PUT", "content-length: 5\r\ncontent-length: 4\r\n\r\nhello", (400, ""), (400, "")),
        (
            "the same length twice",
            "PUT",
            "content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
            (200, "hello"),
            (415, "MediaType"),
        ),
        ("a list of lengths", "PUT", "content-length: 5, 5\r\n\r\nhello", (400, ""), (400, "")),
        ("a sign", "PUT", "content-length: +5\r\n\r\nhello", (400, ""), (400, "")),
        ("a negative length", "PUT", "content-length: -5\r\n\r\n", (400, ""), (400, "")),
        ("hexadecimal", "PUT", "content-length: 0x5\r\n\r\nhello", (400, ""), (400, "")),
        ("2^64 + 5", "PUT", "content-length: 18446744073709551621\r\n\r\nhello", (400, ""), (400, "")),
        ("an empty length", "PUT", "content-length:\r\n\r\n", (400, ""), (400, "")),
        ("another encoding", "PUT", "transfer-encoding: gzip\r\n\r\n", (400, ""), (400, "")),
        ("GET without a body", "GET", "\r\n", (200, ""), (200, "")),
        ("HEAD without a body", "HEAD", "\r\n", (200, ""), (200, "")),
        ("OPTIONS without a body", "OPTIONS", "\r\n", (200, ""), (200, "")),
        ("GET of nothing", "GET", "content-length: 0\r\n\r\n", (200, ""), (200, "")),
        ("GET with a body", "GET", "content-length: 5\r\n\r\nhello", (200, "hello"), (415, "MediaType")),
        ("GET with a body too large", "GET", "content-length: 6\r\n\r\nhello!", (413, "TooLarge"), (413, "TooLarge")),
        ("HEAD with a body too large", "HEAD", "content-length: 6\r\n\r\nhello!", (413, "TooLarge"), (413, "TooLarge")),
        (
            "GET, chunked",
            "GET",
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            (411, "LengthRequired"),
            (411, "LengthRequired"),
        ),
        (
            "OPTIONS, chunked",
            "OPTIONS",
            "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            (411, "LengthRequired"),
            (411, "LengthRequired"),
        ),
    ] {
        let ask = |run: &str, more: &str| {
            let target = link(run);
            let head = format!("{method} {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{more}");
            server.raw(format!("{head}{fields}").as_bytes())
        };
        assert_eq!(read_raw(&ask("&sig-max-bytes=5", ""), &["x-kind", "x-body"]), by_length, "{name}: a length");
        let both = "&sig-max-bytes=5&sig-type=image/*";
        assert_eq!(read_raw(&ask(both, ""), &["x-kind", "x-body"]), by_both, "{name}: both, no type");
        assert_eq!(read_raw(&ask(both, images), &["x-kind", "x-body"]), by_length, "{name}: both, the type");
    }
}

#[test]
fn an_upload_that_is_refused_is_not_waited_for() {
    let server = server();
    for (name, length, expected) in
        [("refused", 6, "HTTP/1.1 413 Payload Too Large"), ("accepted", 5, "HTTP/1.1 100 Continue")]
    {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let target = link("&sig-max-bytes=5");
        let head =
            format!("PUT {target} HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = vec![0; expected.len()];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(String::from_utf8(first).unwrap(), expected, "{name}");
    }
}

/// What a request over HTTP/2 has for a body.
#[derive(Clone, Copy, Debug)]
enum Sent {
    /// Its head is all of it.
    Nothing,
    /// Nothing, as its head does not tell.
    NothingLater,
    /// These bytes, after a head that does not tell their length.
    Unsized(&'static str),
    /// These, of a length that the head states.
    Whole(&'static str),
    /// These, of another length than the head states.
    Declared(&'static str, &'static str),
}

impl Sent {
    fn body(self) -> ClientBody {
        match self {
            Self::Nothing => Empty::new().boxed_unsync(),
            Self::NothingLater => Feed::of(&[]).boxed_unsync(),
            Self::Unsized(bytes) | Self::Declared(_, bytes) => Feed::of(&[bytes]).boxed_unsync(),
            Self::Whole(bytes) => Full::from(bytes).boxed_unsync(),
        }
    }
}

#[test]
fn over_http_2_a_body_counts_though_no_field_tells_of_it() {
    use Sent::{Declared, Nothing, NothingLater, Unsized, Whole};
    const LENGTH: &str = "&sig-max-bytes=5";
    const TYPE: &str = "&sig-type=image/png";
    const BOTH: &str = "&sig-max-bytes=5&sig-type=image/png";
    let server = server();
    for (name, method, run, content_type, sent, expected) in [
        ("less", "PUT", LENGTH, "", Whole("hell"), (200, "hell")),
        ("the most", "PUT", LENGTH, "", Whole("hello"), (200, "hello")),
        ("one more", "PUT", LENGTH, "", Whole("hello!"), (413, "TooLarge")),
        ("no length", "PUT", LENGTH, "", Unsized("hello"), (411, "LengthRequired")),
        ("no length, no body", "PUT", LENGTH, "", NothingLater, (411, "LengthRequired")),
        ("a length of nothing", "PUT", LENGTH, "", Declared("0", ""), (200, "")),
        ("a length that lies, in bounds", "PUT", LENGTH, "", Declared("5", "hello!"), (0, "")),
        ("a length that lies, none in truth", "PUT", LENGTH, "", Declared("0", "hello!"), (0, "")),
        ("a length that lies, GET", "GET", LENGTH, "", Declared("0", "hello!"), (0, "")),
        ("GET", "GET", LENGTH, "", Nothing, (200, "")),
        ("HEAD", "HEAD", LENGTH, "", Nothing, (200, "")),
        ("OPTIONS", "OPTIONS", LENGTH, "", Nothing, (200, "")),
        ("GET with a body", "GET", LENGTH, "", Whole("hello"), (200, "hello")),
        ("GET with a body too large", "GET", LENGTH, "", Whole("hello!"), (413, "TooLarge")),
        ("GET, no length", "GET", LENGTH, "", Unsized("h"), (411, "LengthRequired")),
        ("HEAD, no length", "HEAD", LENGTH, "", Unsized("h"), (411, "LengthRequired")),
        ("OPTIONS, no length", "OPTIONS", LENGTH, "", Unsized("h"), (411, "LengthRequired")),
        // Not known to be empty when it is judged.
        ("GET, its end in another frame", "GET", LENGTH, "", NothingLater, (411, "LengthRequired")),
        ("the type, no length", "PUT", TYPE, "image/png", Unsized("hello"), (200, "hello")),
        ("another type, no length", "PUT", TYPE, "image/gif", Unsized("hello"), (415, "MediaType")),
        ("no type, no length", "PUT", TYPE, "", Unsized("hello"), (415, "MediaType")),
        ("no type, no body", "PUT", TYPE, "", NothingLater, (415, "MediaType")),
        ("GET, typed", "GET", TYPE, "", Nothing, (200, "")),
        ("GET with a body of the type", "GET", TYPE, "image/png", Whole("hello"), (200, "hello")),
        ("GET with a body of another", "GET", TYPE, "image/gif", Whole("hello"), (415, "MediaType")),
        ("GET with a body of the type, no length", "GET", TYPE, "image/png", Unsized("hello"), (200, "hello")),
        ("GET with a body of another, no length", "GET", TYPE, "image/gif", Unsized("hello"), (415, "MediaType")),
        ("GET of the type, both, no length", "GET", BOTH, "image/png", Unsized("h"), (411, "LengthRequired")),
        ("GET of the type, both", "GET", BOTH, "image/png", Whole("hello"), (200, "hello")),
        ("no restriction", "PUT", "", "", Unsized("hello"), (200, "hello")),
        ("no restriction, GET", "GET", "", "", Unsized("hello"), (200, "hello")),
    ] {
        let mut request = Request::builder().method(method).uri(server.url(&link(run)));
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        if let Declared(length, _) = sent {
            request = request.header("content-length", length);
        }
        let answer = server.http2(request.body(sent.body()).unwrap());
        let told = answer.as_ref().map_or((0, ""), |answer| {
            let text = only(answer.headers(), "x-kind").or(only(answer.headers(), "x-body"));
            (answer.status().as_u16(), text.unwrap_or_default())
        });
        // A body that is not as long as it was said to be breaks, and its answer may, too.
        let lies = expected.0 == 0 && told == (200, "broken");
        assert!(told == expected || lies, "{name}: {told:?} instead of {expected:?}");
    }
}

/// gRPC streams state no length: a link that limits one is not for them.
#[test]
fn a_grpc_call_is_refused_as_grpc() {
    let server = server();
    for (name, run, message) in [
        ("no length", "&sig-max-bytes=5", "This link needs a request that states its length."),
        ("another type", "&sig-type=image/png", "This link takes no upload of this type."),
    ] {
        let request = Request::post(server.url(&link(run))).header("content-type", "application/grpc");
        let answer = server.http2(request.body(Sent::Unsized("\0\0\0\0\0").body()).unwrap()).unwrap();
        let told = (answer.status().as_u16(), only(answer.headers(), "grpc-status"));
        assert_eq!(told, (200, Some("7")), "{name}");
        assert_eq!(only(answer.headers(), "grpc-message"), Some(message), "{name}");
    }
    let request = Request::post(server.url(&link("&sig-type=application/grpc")));
    let request = request.header("content-type", "application/grpc").body(Sent::Unsized("hi").body()).unwrap();
    assert_eq!(only(server.http2(request).unwrap().headers(), "x-body"), Some("hi"));
}

fn request(method: &str, target: &str, fields: &[(&str, &str)]) -> Request<()> {
    let request = Request::builder().method(method).uri(target);
    fields.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
}

/// Kind and status, whether it was authentic, and the parameter at fault.
fn judge(request: &Request<()>) -> Result<Obligations, (RejectionKind, u16, bool, Option<String>)> {
    let verified = fixed_verifier().verify(Head::of(request));
    verified.map(|verified| verified.obligations()).map_err(|rejection| {
        let parameter = rejection.parameter().map(str::to_owned);
        (rejection.kind(), rejection.status().as_u16(), rejection.is_authentic(), parameter)
    })
}

const fn authentic(
    kind: RejectionKind,
    status: u16,
) -> Result<Obligations, (RejectionKind, u16, bool, Option<String>)> {
    Err((kind, status, true, None))
}

#[test]
fn a_length_is_one_field_of_digits() {
    const MAX: &str = "18446744073709551615";
    const NO_LENGTH: Result<Obligations, (RejectionKind, u16, bool, Option<String>)> = authentic(LengthRequired, 411);
    const LARGE: Result<Obligations, (RejectionKind, u16, bool, Option<String>)> = authentic(TooLarge, 413);
    const FINE: Result<Obligations, (RejectionKind, u16, bool, Option<String>)> = Ok(Obligations::NONE);
    for (name, max, fields, expected) in [
        ("one more", "5", &[("content-length", "6")][..], LARGE),
        ("the most", "5", &[("content-length", "5")], FINE),
        ("zeros before", "5", &[("content-length", "0005")], FINE),
        ("the same twice", "5", &[("content-length", "5"), ("content-length", "5")], NO_LENGTH),
        ("two", "5", &[("content-length", "1"), ("content-length", "9")], NO_LENGTH),
        ("a list", "5", &[("content-length", "5, 5")], NO_LENGTH),
        ("a sign", "5", &[("content-length", "+5")], NO_LENGTH),
        ("a negative", "5", &[("content-length", "-5")], NO_LENGTH),
        ("a space", "5", &[("content-length", " 5")], NO_LENGTH),
        ("a fraction", "5", &[("content-length", "5.0")], NO_LENGTH),
        ("an exponent", "5", &[("content-length", "1e0")], NO_LENGTH),
        ("empty", "5", &[("content-length", "")], NO_LENGTH),
        ("full-width", "5", &[("content-length", "５")], NO_LENGTH),
        ("2^64", MAX, &[("content-length", "18446744073709551616")], NO_LENGTH),
        ("chunked as well", "5", &[("content-length", "5"), ("transfer-encoding", "chunked")], NO_LENGTH),
        ("chunked", "5", &[("transfer-encoding", "chunked")], NO_LENGTH),
        ("identity", "5", &[("content-length", "5"), ("transfer-encoding", "identity")], NO_LENGTH),
        ("none", "5", &[], NO_LENGTH),
        ("of nothing", "0", &[("content-length", "0")], FINE),
        ("one, of nothing", "0", &[("content-length", "1")], LARGE),
        ("none, of nothing", "0", &[], NO_LENGTH),
        ("the greatest", MAX, &[("content-length", MAX)], FINE),
        ("the greatest but one", "18446744073709551614", &[("content-length", MAX)], LARGE),
        ("none, of the greatest", MAX, &[], NO_LENGTH),
    ] {
        let target = link(&format!("&sig-max-bytes={max}"));
        assert_eq!(judge(&request("PUT", &target, fields)), expected, "{name}");
        assert_eq!(judge(&request("POST", &target, fields)), expected, "{name}: POST");
        // Of these methods alone a request without any length may have no body: the layer has to look.
        let of_get = if fields.is_empty() { Ok(Obligations::NO_BODY) } else { expected.clone() };
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(judge(&request(method, &target, fields)), of_get, "{name}: {method}");
        }
        let unlimited = link("");
        for method in ["PUT", "POST", "GET", "HEAD", "OPTIONS"] {
            assert_eq!(judge(&request(method, &unlimited, fields)), FINE, "{name}: {method}, no restriction");
        }
    }
}

#[test]
fn a_media_type_is_one_field_without_its_parameters() {
    for (name, allowed, sent, fits) in [
        ("the type", "image/png", &["image/png"][..], true),
        ("letter case", "image/png", &["IMAGE/Png"], true),
        ("letter case of the link", "Image/PNG", &["image/png"], true),
        ("a parameter", "text/plain", &["text/plain; charset=utf-8"], true),
        ("a parameter without a space", "text/plain", &["text/plain;charset=utf-8"], true),
        ("a space before it", "text/plain", &["text/plain ;charset=utf-8"], true),
        ("parameters that quote", "text/plain", &["text/plain;a=\"b;c, image/png\""], true),
        ("another type in a parameter", "image/png", &["text/plain; image/png"], false),
        ("a semicolon alone", "image/png", &["image/png;"], true),
        ("a suffix", "image/svg+xml", &["image/svg+xml"], true),
        ("without the suffix", "image/svg+xml", &["image/svg"], false),
        ("any subtype", "image/*", &["image/x-anything"], true),
        ("any subtype, letter case", "image/*", &["IMAGE/PNG"], true),
        ("a longer type", "image/*", &["images/png"], false),
        ("another type", "image/*", &["text/html"], false),
        ("another subtype", "image/png", &["image/gif"], false),
        ("a longer subtype", "image/png", &["image/pngx"], false),
        ("the beginning of it", "image/png", &["image/pn"], false),
        ("a wildcard sent", "image/png", &["image/*"], false),
        ("a wildcard for a wildcard", "image/*", &["image/*"], false),
        ("anything sent", "image/png", &["*/*"], false),
        ("no subtype", "image/*", &["image"], false),
        ("an empty subtype", "image/*", &["image/"], false),
        ("a slash alone", "image/*", &["/"], false),
        ("two slashes", "image/*", &["image/png/gif"], false),
        ("a space in it", "image/png", &["image /png"], false),
        ("empty", "image/png", &[""], false),
        ("none", "image/png", &[], false),
        ("twice", "image/png", &["image/png", "image/png"], false),
        ("two", "image/png", &["image/png", "text/html"], false),
        ("a list", "image/png", &["image/png, image/png"], false),
        ("a list with another", "image/*", &["image/png, text/html"], false),
        ("a list without a space", "image/*", &["image/png,text/html"], false),
        ("a list behind a parameter", "image/png", &["image/png;a=b, text/html"], false),
        ("a list behind a quotation", "image/png", &["image/png;a=\"b\", text/html"], false),
        ("a quotation without an end", "image/png", &["image/png;a=\"b, text/html"], false),
        ("a null byte's escape", "image/png", &["image/png%00"], false),
        ("beyond ASCII", "image/png", &["image/pñg"], false),
    ] {
        let target = link(&format!("&sig-type={allowed}"));
        let fields: Vec<_> = sent.iter().map(|value| ("content-type", *value)).collect();
        let expected = if fits { Ok(Obligations::NONE) } else { authentic(MediaType, 415) };
        assert_eq!(judge(&request("PUT", &target, &fields)), expected, "{name}");

        let with_length: Vec<_> = fields.iter().copied().chain([("content-length", "9")]).collect();
        for method in ["PUT", "GET", "HEAD", "OPTIONS"] {
            assert_eq!(judge(&request(method, &target, &with_length)), expected, "{name}: {method}, with a length");
            let chunked: Vec<_> = fields.iter().copied().chain([("transfer-encoding", "chunked")]).collect();
            assert_eq!(judge(&request(method, &target, &chunked)), expected, "{name}: {method}, chunked");
            let both = link(&format!("&sig-type={allowed}&sig-max-bytes=8"));
            assert_eq!(
                judge(&request(method, &both, &with_length)),
                authentic(TooLarge, 413),
                "{name}: the length first"
            );
            let unlimited = judge(&request(method, &link(""), &with_length));
            assert_eq!(unlimited, Ok(Obligations::NONE), "{name}: {method}, no restriction");
        }
    }
}

#[test]
fn what_was_signed_is_read_strictly_and_nothing_else_is_read() {
    let malformed = |name: &str| Err((Malformed, 403, true, Some(name.to_owned())));
    for value in [
        "",
        "00",
        "01",
        "+1",
        "-1",
        "1.0",
        "1e3",
        "0x10",
        "1k",
        "%31",
        "1+",
        "1%20",
        "=1",
        "1_000",
        "1,2",
        "５",
        "1,1",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        let target = link(&format!("&sig-max-bytes={value}"));
        let put = request("PUT", &target, &[("content-length", "0")]);
        assert_eq!(judge(&put), malformed("sig-max-bytes"), "{value:?}");
    }
    for value in [
        "",
        "image",
        "image/",
        "/",
        "/png",
        "*",
        "*/*",
        "*/png",
        "image/**",
        "image/p*",
        "im*/png",
        "a/b/c",
        "image%2Fpng",
        "image/png;q=1",
        "image/png,image/gif",
        "image/png+image/gif,",
        "image//png",
        "i@mage/png",
        "image/(png)",
        "image/pñg",
        "=image/png",
    ] {
        let target = link(&format!("&sig-type={value}"));
        let put = request("PUT", &target, &[("content-type", "image/png"), ("content-length", "0")]);
        assert_eq!(judge(&put), malformed("sig-type"), "{value:?}");
    }
    for (name, covered, expected) in [
        ("no value", format!("{METHODS}&sig-max-bytes"), malformed("sig-max-bytes")),
        ("no type", format!("{METHODS}&sig-type"), malformed("sig-type")),
        (
            "the length twice",
            format!("{METHODS}&sig-max-bytes=1&sig-max-bytes=1"),
            Err((Malformed, 403, false, Some("sig-max-bytes".into()))),
        ),
        (
            "the type twice",
            format!("{METHODS}&sig-type=a/b&sig-type=a/c"),
            Err((Malformed, 403, false, Some("sig-type".into()))),
        ),
        (
            "letter case",
            format!("{METHODS}&sig-Max-bytes=9"),
            Err((Unenforceable, 403, true, Some("sig-Max-bytes".into()))),
        ),
        (
            "a name like it",
            format!("{METHODS}&sig-types=a/b"),
            Err((Unenforceable, 403, true, Some("sig-types".into()))),
        ),
        ("expired, and malformed", "/inbox?exp=1&sig-max-bytes=x".into(), malformed("sig-max-bytes")),
    ] {
        let put = request("PUT", &signed(&covered), &[("content-length", "0"), ("content-type", "a/b")]);
        assert_eq!(judge(&put), expected, "{name}");
    }
}

#[test]
fn a_limit_is_part_of_what_is_signed() {
    let limited = link("&sig-max-bytes=5&sig-type=image/png");
    for (name, target) in [
        ("a larger one", limited.replace("bytes=5", "bytes=50")),
        ("none", limited.replace("&sig-max-bytes=5", "")),
        ("any type", limited.replace("image/png", "image/*")),
        ("no type", limited.replace("&sig-type=image/png", "")),
        (
            "another order",
            limited.replace("&sig-max-bytes=5&sig-type=image/png", "&sig-type=image/png&sig-max-bytes=5"),
        ),
        ("a method more", limited.replace("PUT", "PUT,PATCH")),
        ("letter case", limited.replace("image/png", "image/PNG")),
        ("nonsense", limited.replace("bytes=5", "bytes=x")),
    ] {
        assert_ne!(target, limited, "{name}");
        let put = request("PUT", &target, &[("content-length", "5"), ("content-type", "image/png")]);
        assert_eq!(judge(&put), Err((NotAuthentic, 403, false, None)), "{name}");
    }
    let put = |fields: &[_]| judge(&request("PUT", &limited, fields));
    assert_eq!(put(&[("content-length", "5"), ("content-type", "image/png")]), Ok(Obligations::NONE));
    assert!(judge(&request("PUT", &limited.replace("&exp=", "&"), &[])).is_err());
}

/// Each row breaks the rule that it is named for and all that come after it.
#[test]
fn a_limit_comes_last() {
    let ip = Verifier::builder(&figure_keys()).clock(|| at(NOW)).client_ip(|_| None).build().unwrap();
    let not_yet = format!("sig-start={}", NOW + 61);
    let put = |method: &str, target: &str| request(method, target, &[("content-length", "6"), ("content-type", "a/b")]);
    for (name, method, covered, expected) in [
        ("not authentic", "PATCH", "", NotAuthentic),
        ("malformed", "PATCH", "/a?exp=1&sig-methods=PUT&sig-max-bytes=05&sig-type=c/d", Malformed),
        ("not yet", "PATCH", &format!("/a?exp=1790000000&sig-methods=PUT&{not_yet}&sig-max-bytes=5"), NotYetValid),
        ("expired", "PATCH", "/a?exp=1789999000&sig-methods=PUT&sig-max-bytes=5&sig-type=c/d", Expired),
        ("too long", "PATCH", "/a?exp=1800000000&sig-methods=PUT&sig-max-bytes=5&sig-type=c/d", LifetimeTooLong),
        ("the method", "PATCH", "/a?exp=1790000000&sig-methods=PUT&sig-max-bytes=5", RejectionKind::Method),
        ("the client", "PUT", "/a?exp=1790000000&sig-methods=PUT&sig-ip=::1&sig-max-bytes=5", RejectionKind::Client),
        ("the length", "PUT", "/a?exp=1790000000&sig-methods=PUT&sig-type=c/d&sig-max-bytes=5", TooLarge),
        ("the type", "PUT", "/a?exp=1790000000&sig-methods=PUT&sig-type=c/d&sig-max-bytes=6", MediaType),
    ] {
        let target =
            if covered.is_empty() { link("&sig-max-bytes=5").replace("/inbox", "/outbox") } else { signed(covered) };
        let rejection = ip.verify(Head::of(&put(method, &target))).unwrap_err();
        assert_eq!((rejection.kind(), rejection.status()), (expected, expected.status()), "{name}");
        // Nor is a length missed before.
        let rejection = ip.verify(Head::of(&request(method, &target, &[]))).unwrap_err();
        let without = if matches!(expected, TooLarge | MediaType) { LengthRequired } else { expected };
        assert_eq!(rejection.kind(), without, "{name}, no length");
    }
    let scope = "sig-scope=/b/&exp=1790000000&sig-methods=PUT&sig-max-bytes=5";
    let outside = put("PUT", &format!("/a?{}", signed(scope)));
    assert_eq!(judge(&outside), authentic(RejectionKind::Scope, 403), "the scope");
    let inside = put("PUT", &format!("/b/a?{}", signed(scope)));
    assert_eq!(judge(&inside), authentic(TooLarge, 413), "under the scope");
}

#[test]
fn a_mint_writes_limits_and_refuses_what_is_none() {
    let signer = fixed_verifier().signer();
    let mint = || signer.url("/inbox").method(Method::PUT);
    let until = at(1_790_000_000);
    for (name, link, covered) in [
        ("a length", mint().max_bytes(5), "&sig-max-bytes=5"),
        ("nothing", mint().max_bytes(0), "&sig-max-bytes=0"),
        ("the greatest", mint().max_bytes(u64::MAX), "&sig-max-bytes=18446744073709551615"),
        ("the last of two", mint().max_bytes(5).max_bytes(6), "&sig-max-bytes=6"),
        ("a type", mint().media_type("image/svg+xml"), "&sig-type=image/svg+xml"),
        ("its letter case", mint().media_type("Image/PNG"), "&sig-type=Image/PNG"),
        ("any subtype", mint().media_type("image/*"), "&sig-type=image/*"),
        ("both", mint().media_type("a/b").max_bytes(1), "&sig-max-bytes=1&sig-type=a/b"),
        ("with an id", mint().id("i").max_bytes(1), "&sig-id=i&sig-max-bytes=1"),
    ] {
        let link = link.sign_until(until).unwrap();
        assert_eq!(link.as_str(), signed(&format!("/inbox?exp=1790000000&sig-methods=PUT{covered}")), "{name}");
    }
    for media_type in [
        "",
        "image",
        "image/",
        "/png",
        "*/*",
        "*",
        "image/p*",
        "image/png; q=1",
        "image/png,image/gif",
        "image /png",
        "image/pñg",
        "image/a&b",
        "image/a#b",
        "image/a`b",
        "image/a^b",
        "image/a|b",
        "image/a'b",
        "image/a\r\nb",
    ] {
        let error = mint().media_type(media_type).sign_until(until).unwrap_err();
        assert_eq!(error.kind(), SignErrorKind::MediaType, "{media_type:?}");
        let expected = format!("{media_type:?} is not a media type: write image/png or image/*, without parameters");
        assert_eq!(error.to_string(), expected);
    }
    let error = mint().method(Method::from_bytes(b"put").unwrap()).max_bytes(1).sign_until(until).unwrap_err();
    assert_eq!(error.kind(), SignErrorKind::Method);

    let prefixed = Policy::new().prefix("x-");
    let prefixed = Verifier::builder(&figure_keys()).policy(prefixed).clock(|| at(NOW)).build().unwrap();
    let link =
        prefixed.signer().url("/a").method(Method::PUT).max_bytes(5).media_type("a/b").sign_until(until).unwrap();
    assert!(link.as_str().contains("&x-sig-max-bytes=5&x-sig-type=a/b&x-sig="), "{link}");
    for (length, media_type, expected) in
        [("5", "a/b", None), ("6", "a/b", Some(TooLarge)), ("5", "a/c", Some(MediaType))]
    {
        let put = request("PUT", link.as_str(), &[("content-length", length), ("content-type", media_type)]);
        assert_eq!(
            prefixed.verify(Head::of(&put)).err().map(|rejection| rejection.kind()),
            expected,
            "{length} {media_type}"
        );
    }
}

#[test]
fn the_figure_is_enforced() {
    let mint = fixed_verifier().signer();
    let link = mint.url("/inbox/report.pdf").method(Method::PUT).max_bytes(1_048_576).sign_until(at(1_790_000_000));
    assert_eq!(link.unwrap().as_str(), FIGURE);
    for (name, method, length, expected) in [
        ("the most", "PUT", Some("1048576"), Ok(Obligations::NONE)),
        ("one more", "PUT", Some("1048577"), authentic(TooLarge, 413)),
        ("no length", "PUT", None, authentic(LengthRequired, 411)),
        ("GET", "GET", None, authentic(RejectionKind::Method, 403)),
        ("POST", "POST", Some("1"), authentic(RejectionKind::Method, 403)),
    ] {
        let fields: Vec<_> = length.into_iter().map(|length| ("content-length", length)).collect();
        assert_eq!(judge(&request(method, FIGURE, &fields)), expected, "{name}");
    }
}

/// A body that comes as it is fed; `""` ends it.
#[derive(Clone)]
struct Feed(Arc<Mutex<VecDeque<&'static str>>>);

impl Feed {
    fn of(frames: &[&'static str]) -> Self {
        Self(Arc::new(Mutex::new(frames.iter().copied().chain([""]).collect())))
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.lock().unwrap().pop_front() {
            None => Poll::Pending, // polled again once it was fed
            Some("") => Poll::Ready(None),
            Some(frame) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(frame.as_bytes()))))),
        }
    }
}

#[test]
fn a_body_is_passed_on_as_it_comes() {
    for (name, run) in [("no restriction", ""), ("a length", "&sig-max-bytes=11"), ("a type", "&sig-type=a/b")] {
        let seen = Arc::new(Mutex::new(String::new()));
        let by_service = Arc::clone(&seen);
        let service = service_fn(move |request: Request<Feed>| {
            let seen = Arc::clone(&by_service);
            async move {
                let mut body = request.into_body();
                while let Some(frame) = body.frame().await {
                    let data = frame.unwrap().into_data().unwrap();
                    seen.lock().unwrap().push_str(str::from_utf8(&data).unwrap());
                }
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let feed = Feed(Arc::new(Mutex::new(VecDeque::new())));
        let request = Request::put(link(run)).header("content-length", "11").header("content-type", "a/b");
        let mut service = SignedUrlLayer::new(fixed_verifier()).layer(service);
        let mut answer = Box::pin(service.call(request.body(feed.clone()).unwrap()));
        let mut context = Context::from_waker(Waker::noop());
        for (fed, expected) in [("first ", "first "), ("last", "first last")] {
            assert!(answer.as_mut().poll(&mut context).is_pending(), "{name}");
            feed.0.lock().unwrap().push_back(fed);
            assert!(answer.as_mut().poll(&mut context).is_pending(), "{name}");
            assert_eq!(*seen.lock().unwrap(), expected, "{name}");
        }
        feed.0.lock().unwrap().push_back("");
        assert!(answer.as_mut().poll(&mut context).is_ready(), "{name}");
    }
}

#[test]
fn on_a_socket_the_first_bytes_arrive_before_the_last_are_sent() {
    let (tell, told) = mpsc::channel();
    let service = move |request: AxumRequest| {
        let tell = tell.clone();
        async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                tell.send(frame.unwrap().into_data().unwrap()).unwrap();
            }
        }
    };
    let layer = SignedUrlLayer::new(fixed_verifier());
    let server = Server::start(Router::new().fallback(service).layer(layer));
    for (name, run) in [("no restriction", ""), ("a length", "&sig-max-bytes=10")] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!("PUT {} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 10\r\n\r\n", link(run));
        stream.write_all(head.as_bytes()).unwrap();
        for piece in ["first", "-last"] {
            stream.write_all(piece.as_bytes()).unwrap();
            // Long enough for any machine; where it buffers, this would be all there is to see.
            assert_eq!(told.recv_timeout(Duration::from_secs(60)).unwrap(), piece, "{name}");
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(read_raw(&answer, &[]).0, 200, "{name}");
    }
}
