//! `sig-download`: an answer is saved under the name that was signed, byte for byte, and no name is more than a name.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod support;
#[path = "support/wire.rs"]
mod wire;

use std::convert::Infallible;
use std::fmt::Write;
use std::future::ready;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::CONTENT_DISPOSITION;
use http::{Request, Response};
use http_body_util::Empty;
use percent_encoding::percent_decode_str;
use support::{NOW, at, fixed_verifier};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::services::ServeDir;
use tower_signed_url::{
    Grant, Head, Obligations, Rejection, RejectionKind, ResponseBody, SignErrorKind, SignedUrlLayer, Verified, Verify,
};
use wire::{only, signed};

type Body = Empty<Bytes>;
type Answer = Response<ResponseBody<Body>>;

const EXP: &str = "/a?exp=1790000000";

fn layer() -> SignedUrlLayer {
    SignedUrlLayer::new(fixed_verifier())
}

fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Empty::new()).unwrap()
}

/// The answer of a service that gives this status and these values of `Content-Disposition`. The grant that it was given
/// is in the answer's extensions.
async fn call<V: Verify>(
    layer: &SignedUrlLayer<V>,
    request: Request<Body>,
    status: u16,
    own: &[&'static str],
) -> Answer {
    let service = service_fn(|mut request: Request<Body>| {
        let mut response = Response::builder().status(status);
        for value in own {
            response = response.header(CONTENT_DISPOSITION, *value);
        }
        let mut response = response.body(Empty::new()).unwrap();
        response.extensions_mut().extend(std::mem::take(request.extensions_mut()));
        ready(Ok::<_, Infallible>(response))
    });
    layer.layer(service).oneshot(request).await.unwrap()
}

fn disposition(answer: &Answer) -> Option<&str> {
    only(answer.headers(), "content-disposition")
}

fn link(name: &str) -> String {
    let signer = fixed_verifier().signer();
    signer.url("/a").download(name).sign_until(at(1_790_000_000)).unwrap().into_string()
}

#[tokio::test]
async fn a_name_is_written_escaped_and_answered_quoted() {
    for (name, file_name, value, expected) in [
        ("ASCII", "report.pdf", "report.pdf", r#"attachment; filename="report.pdf"; filename*=UTF-8''report.pdf"#),
        (
            "a space",
            "my report.pdf",
            "my%20report.pdf",
            r#"attachment; filename="my report.pdf"; filename*=UTF-8''my%20report.pdf"#,
        ),
        ("spaces around", " a ", "%20a%20", r#"attachment; filename=" a "; filename*=UTF-8''%20a%20"#),
        ("quotes", "\"a\".pdf", "%22a%22.pdf", r#"attachment; filename="_a_.pdf"; filename*=UTF-8''%22a%22.pdf"#),
        ("an apostrophe", "it's.pdf", "it%27s.pdf", r#"attachment; filename="it's.pdf"; filename*=UTF-8''it%27s.pdf"#),
        (
            "beyond ASCII",
            "café.pdf",
            "caf%C3%A9.pdf",
            r#"attachment; filename="caf_.pdf"; filename*=UTF-8''caf%C3%A9.pdf"#,
        ),
        ("decomposed", "e\u{301}", "e%CC%81", r#"attachment; filename="e_"; filename*=UTF-8''e%CC%81"#),
        (
            "three bytes each",
            "写真.jpg",
            "%E5%86%99%E7%9C%9F.jpg",
            r#"attachment; filename="__.jpg"; filename*=UTF-8''%E5%86%99%E7%9C%9F.jpg"#,
        ),
        (
            "an emoji",
            "🐈.png",
            "%F0%9F%90%88.png",
            r#"attachment; filename="_.png"; filename*=UTF-8''%F0%9F%90%88.png"#,
        ),
        ("a percent sign", "100%.pdf", "100%25.pdf", r#"attachment; filename="100_.pdf"; filename*=UTF-8''100%25.pdf"#),
        ("an escape of its own", "a%2Fb", "a%252Fb", r#"attachment; filename="a_2Fb"; filename*=UTF-8''a%252Fb"#),
        (
            "what separates parameters",
            "a; filename=b",
            "a%3B%20filename%3Db",
            r#"attachment; filename="a; filename=b"; filename*=UTF-8''a%3B%20filename%3Db"#,
        ),
        (
            "what ends a quotation",
            "a\"; filename=\"b",
            "a%22%3B%20filename%3D%22b",
            r#"attachment; filename="a_; filename=_b"; filename*=UTF-8''a%22%3B%20filename%3D%22b"#,
        ),
        (
            "what separates in the URL",
            "a&sig=b#c?d",
            "a%26sig%3Db%23c%3Fd",
            r#"attachment; filename="a&sig=b#c?d"; filename*=UTF-8''a&sig%3Db#c%3Fd"#,
        ),
        ("a plus", "a+b", "a%2Bb", r#"attachment; filename="a+b"; filename*=UTF-8''a+b"#),
        ("what needs no escape", "-._~", "-._~", r#"attachment; filename="-._~"; filename*=UTF-8''-._~"#),
        (
            "brackets and a star",
            "(1)[2]*",
            "%281%29%5B2%5D%2A",
            r#"attachment; filename="(1)[2]*"; filename*=UTF-8''%281%29%5B2%5D%2A"#,
        ),
        ("dots", "..", "..", r#"attachment; filename=".."; filename*=UTF-8''.."#),
        (
            "no-break space, after the controls",
            "\u{a0}",
            "%C2%A0",
            r#"attachment; filename="_"; filename*=UTF-8''%C2%A0"#,
        ),
        ("a right-to-left mark", "\u{200f}", "%E2%80%8F", r#"attachment; filename="_"; filename*=UTF-8''%E2%80%8F"#),
    ] {
        let link = link(file_name);
        assert_eq!(link, signed(&format!("{EXP}&sig-download={value}")), "{name}");
        let answer = call(&layer(), get(&link), 200, &[]).await;
        assert_eq!(disposition(&answer), Some(expected), "{name}");
        assert_eq!(answer.extensions().get::<Grant>().unwrap().download(), Some(file_name), "{name}");
    }
}

/// What others mint need not be escaped as here.
#[tokio::test]
async fn a_name_may_be_escaped_otherwise() {
    for (name, value, expected) in [
        ("lower case", "caf%c3%a9", "café"),
        ("more than needed", "%61%2E%70df", "a.pdf"),
        ("a plus is a plus", "a+b", "a+b"),
        ("raw separators", "a;b,c=d?e:@!$()*'", "a;b,c=d?e:@!$()*'"),
        ("an equals sign first", "=a", "=a"),
        ("an escaped `&`", "a%26b", "a&b"),
        ("decoded once", "%252F", "%2F"),
        ("the last character before a range", "%E2%80%A9", "\u{2029}"),
        ("the first after it", "%E2%80%AF", "\u{202f}"),
        ("the last before the other", "%E2%81%A5", "\u{2065}"),
        ("the first after that", "%E2%81%AA", "\u{206a}"),
        ("the last of all", "%F4%8F%BF%BF", "\u{10ffff}"),
        ("a byte order mark", "%EF%BB%BF", "\u{feff}"),
    ] {
        let request = get(&signed(&format!("{EXP}&sig-download={value}")));
        let grant = fixed_verifier().verify(Head::of(&request)).unwrap().discharge(Obligations::DOWNLOAD).unwrap();
        assert_eq!(grant.download(), Some(expected), "{name}");
        assert_eq!(call(&layer(), request, 200, &[]).await.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_name_is_neither_minted_nor_let_through() {
    for (name, file_name) in [
        ("nothing", ""),
        ("a slash", "a/b"),
        ("a backslash", "a\\b"),
        ("a folder up", "../a"),
        ("an absolute path", "/etc/passwd"),
        ("a line break", "a\r\nSet-Cookie: b=1"),
        ("a line feed", "a\nb"),
        ("a carriage return", "a\rb"),
        ("a null byte", "a\0.exe"),
        ("a tab", "a\tb"),
        ("the last control", "a\u{1f}"),
        ("delete", "a\u{7f}"),
        ("the first C1 control", "a\u{80}"),
        ("next line", "a\u{85}b"),
        ("the last C1 control", "a\u{9f}"),
        ("left-to-right embedding", "a\u{202a}b"),
        ("right-to-left embedding", "a\u{202b}b"),
        ("pop", "a\u{202c}b"),
        ("left-to-right override", "a\u{202d}b"),
        ("right-to-left override", "a\u{202e}gpj.exe"),
        ("left-to-right isolate", "a\u{2066}b"),
        ("right-to-left isolate", "a\u{2067}b"),
        ("first strong isolate", "a\u{2068}b"),
        ("pop isolate", "a\u{2069}b"),
    ] {
        let signer = fixed_verifier().signer();
        let error = signer.url("/a").download(file_name).sign_until(at(1_790_000_000)).unwrap_err();
        assert_eq!(error.kind(), SignErrorKind::Download, "{name}");
        let expected = "the file name is not usable: it must not be empty, nor hold `/`, `\\`, a control character or one \
            that turns the direction of text";
        assert_eq!(error.to_string(), expected, "{name}");

        let mut escaped = String::new();
        file_name.bytes().for_each(|byte| write!(escaped, "%{byte:02X}").unwrap());
        check_malformed(name, &format!("{EXP}&sig-download={escaped}")).await;
    }
    for (name, value) in [
        ("a raw slash", "a/b"),
        ("a raw character", "é"),
        ("half an escape", "a%"),
        ("most of an escape", "a%4"),
        ("no hexadecimal", "a%GG"),
        ("a sign in it", "a%+4"),
        ("a lone byte", "%FF"),
        ("a continuation alone", "%A9"),
        ("a character cut short", "caf%C3"),
        ("cut short by a raw byte", "%C3\u{a9}"),
        ("a slash in two bytes", "%C0%AF"),
        ("a surrogate", "%ED%A0%80"),
        ("after the last character", "%F4%90%80%80"),
        ("no value at all", ""),
    ] {
        check_malformed(name, &format!("{EXP}&sig-download={value}")).await;
    }
    check_malformed("no `=`", &format!("{EXP}&sig-download")).await;
    check_malformed("expired, and no name", "/a?exp=1&sig-download=a%2Fb").await;
}

/// Correctly signed, and refused for its name.
async fn check_malformed(name: &str, covered: &str) {
    let answer = call(&layer(), get(&signed(covered)), 200, &[]).await;
    let rejection = answer.extensions().get::<Rejection>().unwrap_or_else(|| panic!("{name}: passed"));
    let found = (rejection.kind(), rejection.is_authentic(), rejection.parameter());
    assert_eq!(found, (RejectionKind::Malformed, true, Some("sig-download")), "{name}");
    assert_eq!((answer.status().as_u16(), disposition(&answer)), (403, None), "{name}");
}

/// Every character of the basic plane that a name may hold, and some of each other, there and back; whatever it is, the
/// field's two parameters stay two.
#[tokio::test]
async fn no_character_leaves_its_quotation() {
    let may_stand =
        |c: &char| !c.is_control() && !matches!(*c, '/' | '\\' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_of_many = |c: &char| *c <= '\u{ffff}' || u32::from(*c).is_multiple_of(0x1000);
    let all: Vec<char> = ('\0'..=char::MAX).filter(may_stand).filter(is_of_many).collect();
    assert_eq!(all.len(), 0x1_0000 - 0x800 - 65 - 2 - 5 - 4 + 0x100);
    for chars in all.chunks(2048) {
        let file_name: String = chars.iter().collect();
        let name = format!("{:?} and after", chars[0]);
        let answer = call(&layer(), get(&link(&file_name)), 200, &[]).await;
        assert_eq!(answer.extensions().get::<Grant>().unwrap().download(), Some(&*file_name), "{name}");

        let value = disposition(&answer).unwrap();
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}");
        let quoted = value.strip_prefix("attachment; filename=\"").unwrap();
        let (plain, extended) = quoted.split_once("\"; filename*=UTF-8''").unwrap();
        assert!(!plain.contains(['"', '\\', '%']) && plain.chars().count() == chars.len(), "{name}");
        assert!(!extended.contains([' ', '"', ';', ',', '\'', '=', '*']), "{name}");
        assert_eq!(percent_decode_str(extended).decode_utf8().unwrap(), file_name, "{name}");
    }
}

#[tokio::test]
async fn an_answer_is_an_attachment_if_it_is_what_was_asked_for() {
    const NAMED: Option<&str> = Some(r#"attachment; filename="a"; filename*=UTF-8''a"#);
    for (status, own, expected) in [
        (200, &[][..], NAMED),
        (200, &["inline"], NAMED),
        (200, &["attachment; filename=\"b\""], NAMED),
        (200, &["inline", "attachment; filename=\"b\""], NAMED),
        (201, &[], NAMED),
        (204, &[], NAMED),
        (206, &["inline"], NAMED),
        (299, &[], NAMED),
        (301, &[], None),
        (302, &["inline"], Some("inline")),
        (304, &[], None),
        (304, &["inline"], Some("inline")),
        (400, &[], None),
        (404, &[], None),
        (404, &["inline"], Some("inline")),
        (416, &[], None),
        (500, &[], None),
        (503, &[], None),
    ] {
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri(link("a")).body(Empty::new()).unwrap();
            let answer = call(&layer(), request, status, own).await;
            assert_eq!(
                (answer.status().as_u16(), disposition(&answer)),
                (status, expected),
                "{method} {status} {own:?}"
            );
        }
        // A link that names no file leaves it all to the service.
        let plain = call(&layer(), get(&signed(EXP)), status, own).await;
        let values: Vec<_> = plain.headers().get_all(CONTENT_DISPOSITION).iter().collect();
        assert_eq!(values, own, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_has_no_name() {
    let named = link("a");
    for (name, request, kind) in [
        ("tampered with", get(&named.replace("download=a", "download=b")), RejectionKind::NotAuthentic),
        ("the name left out", get(&named.replace("&sig-download=a", "")), RejectionKind::NotAuthentic),
        ("a name put in", get(&signed(EXP).replace("&sig=", "&sig-download=a&sig=")), RejectionKind::NotAuthentic),
        ("an escape more", get(&named.replace("=a&", "=%61&")), RejectionKind::NotAuthentic),
        ("twice", get(&signed(&format!("{EXP}&sig-download=a&sig-download=a"))), RejectionKind::Malformed),
        ("before `exp`", get(&signed("/a?sig-download=a&exp=1790000000")), RejectionKind::Malformed),
        ("after `sig`", get(&format!("{}&sig-download=a", signed(EXP))), RejectionKind::Malformed),
        ("alone", get("/a?sig-download=a"), RejectionKind::Malformed),
        ("letter case", get(&signed(&format!("{EXP}&sig-Download=a"))), RejectionKind::Unenforceable),
        ("expired", get(&signed("/a?exp=1789999000&sig-download=a")), RejectionKind::Expired),
        ("another method", Request::put(&named).body(Empty::new()).unwrap(), RejectionKind::Method),
    ] {
        for layer in [layer(), layer().optional()] {
            let request = Request::builder().method(request.method()).uri(request.uri()).body(Empty::new()).unwrap();
            let answer = call(&layer, request, 200, &["inline"]).await;
            assert_eq!(answer.extensions().get::<Rejection>().map(Rejection::kind), Some(kind), "{name}");
            assert_eq!((answer.status(), disposition(&answer)), (kind.status(), None), "{name}");
        }
    }
    let anonymous = call(&layer().optional(), get("/a"), 200, &["inline"]).await;
    assert_eq!(disposition(&anonymous), Some("inline"));
}

#[tokio::test]
async fn files_are_ranges_and_fresh_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "0123456789").unwrap();
    let service = layer().layer(ServeDir::new(folder.path()));
    let target = link("é");
    let named = r#"attachment; filename="_"; filename*=UTF-8''%C3%A9"#;
    for (name, target, field, expected) in [
        ("whole", &*target, None, (200, Some(named))),
        ("a part", &target, Some(("range", "bytes=2-4")), (206, Some(named))),
        ("no such part", &target, Some(("range", "bytes=99-")), (416, None)),
        ("fresh", &target, Some(("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT")), (304, None)),
        ("not there", &signed("/b?exp=1790000000&sig-download=a"), None, (404, None)),
        // One name for all that is under the scope.
        (
            "by a token",
            &format!("/a?{}", signed("sig-scope=/&exp=1790000000&sig-download=%C3%A9")),
            None,
            (200, Some(named)),
        ),
    ] {
        let mut request = get(target);
        if let Some((field, value)) = field {
            request.headers_mut().insert(field, value.parse().unwrap());
        }
        let answer = service.clone().oneshot(request).await.unwrap();
        assert_eq!((answer.status().as_u16(), only(answer.headers(), "content-disposition")), expected, "{name}");
    }
}

/// Rule 2: who checks without the layer has to take the name on, or gets no grant.
#[test]
fn a_name_is_not_dropped_in_silence() {
    let verify = |target: &str| fixed_verifier().verify(Head::of(&get(target))).unwrap();
    for (name, taken_on, expected) in [
        ("nothing", Obligations::NONE, None),
        ("something else", Obligations::COUNT_USE, None),
        ("something else again", Obligations::NO_BODY, None),
        ("all the others", Obligations::COUNT_USE.and(Obligations::NO_BODY), None),
        ("the name", Obligations::DOWNLOAD, Some("café.pdf")),
        ("the name and more", Obligations::DOWNLOAD.and(Obligations::COUNT_USE), Some("café.pdf")),
    ] {
        let verified = verify(&link("café.pdf"));
        assert_eq!(verified.obligations(), Obligations::DOWNLOAD, "{name}");
        match (verified.discharge(taken_on), expected) {
            (Ok(grant), Some(expected)) => assert_eq!(grant.download(), Some(expected), "{name}"),
            (Err(rejection), None) => {
                let found = (rejection.kind(), rejection.status().as_u16(), rejection.is_authentic());
                assert_eq!(found, (RejectionKind::Unenforceable, 403, true), "{name}");
                assert_eq!(
                    rejection.to_string(),
                    "cannot be enforced here: the link names a download, which whoever checked it does not see to (`discharge`, or a `ForwardAuth`'s `named_downloads`)",
                    "{name}"
                );
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
        let plain = verify(&signed(EXP));
        assert_eq!(plain.discharge(taken_on).unwrap().download(), None, "{name}: a link without one");
    }
    let both = verify(&signed(&format!("{EXP}&sig-download=a&sig-max-bytes=1")));
    assert_eq!(both.obligations(), Obligations::DOWNLOAD.and(Obligations::NO_BODY));
    assert!(both.discharge(Obligations::DOWNLOAD).is_err());
}

/// Links of another system, which read a name as they like.
struct Theirs;

impl Verify for Theirs {
    fn verify(&self, head: Head<'_>) -> Result<Verified, Rejection> {
        let name = head.target().and_then(|target| target.query()).unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy();
        Ok(Verified::new(Grant::until(at(NOW + 9)).with_download(&name)).asking_for(Obligations::DOWNLOAD))
    }

    fn strip(&self, target: &str) -> Option<String> {
        target.split_once('?').map(|(path, _)| path.to_owned())
    }

    fn hide(&self, url: &str) -> Option<String> {
        self.strip(url)
    }

    fn cookies(&self) -> &[Box<str>] {
        &[]
    }

    fn now(&self) -> SystemTime {
        at(NOW)
    }
}

#[tokio::test]
async fn a_name_that_nobody_checked_is_one_value() {
    for (target, expected) in [
        ("/a?b.pdf", r#"attachment; filename="b.pdf"; filename*=UTF-8''b.pdf"#),
        ("/a?", r#"attachment; filename=""; filename*=UTF-8''"#),
        ("/a?b%0d%0aset-cookie:c", r#"attachment; filename="b__set-cookie:c"; filename*=UTF-8''b%0D%0Aset-cookie%3Ac"#),
        ("/a?%22;b=%22", r#"attachment; filename="_;b=_"; filename*=UTF-8''%22%3Bb%3D%22"#),
        ("/a?%5c%22", r#"attachment; filename="__"; filename*=UTF-8''%5C%22"#),
        ("/a?%00%7f%C2%85", r#"attachment; filename="___"; filename*=UTF-8''%00%7F%C2%85"#),
    ] {
        let answer = call(&SignedUrlLayer::custom(Theirs), get(target), 200, &["inline"]).await;
        assert_eq!((answer.headers().len(), disposition(&answer)), (4, Some(expected)), "{target}");
    }
}
