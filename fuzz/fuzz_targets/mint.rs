//! Arbitrary targets and restrictions: what is minted comes back from a browser and from `http::Uri` byte for byte, is
//! accepted, and is stripped to its target; what is not comes with a reason.
#![no_main]

use std::time::Duration;

use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;
use tower_signed_url::{Head, Mint, Minted, RejectionKind as Kind, SignError, Verifier, Verify};
use tower_signed_url_fuzz::{COOKIE_NAME, Input, Setup, compare, now, request};
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Some(mut input) = Input::read(data) else { return };
    let setup = Setup {
        contexts: &[("user", Some("42")), ("host", Some("example.com"))],
        required: input.pick(&[None, None, Some("user")]),
        length: (&["3"], Some(3)),
        media_type: (&["image/png"], Some("image/png")),
        chunked: false,
        reads_cookie: true,
        reads_path: true,
        any_method_by_cookie: true,
        ..Setup::pick(&mut input)
    };
    let verifier = setup.verifier();
    let signer = verifier.signer();
    let target = input.target;
    let (path, _) = target.split_once('?').unwrap_or((target, ""));
    let scope = &path[..path.rfind('/').map_or(0, |end| end + 1)];
    let text = input.cookie.to_owned();
    if input.pick(&[true, true, false]) {
        if let Some(link) = told(finish(&mut input, signer.url(target), &text)) {
            assert_comes_back(link.as_str());
            // Of an absolute URL the origin is not signed, and does not reach a server.
            let sent: Uri = link.as_str().parse().expect("it came back");
            let sent = sent.path_and_query().expect("it has a path").as_str();
            assert_is_for(&setup, &verifier, sent, Some(target).filter(|target| target.starts_with('/')));
        }
    } else if let Some(token) = told(finish(&mut input, signer.scope(scope), &text)) {
        if let Some(link) = told(token.in_query(target)) {
            assert_comes_back(link.as_str());
            assert_is_for(&setup, &verifier, link.as_str(), Some(target));
        }
        if let Some(link) = told(token.in_path(target)) {
            assert_comes_back(link.as_str());
            assert_is_for(&setup, &verifier, link.as_str(), Some(target));
        }
        if let Some(cookie) = told(token.set_cookie(COOKIE_NAME)) {
            let cookie = cookie.to_str().expect("ASCII").split(';').next().unwrap_or_default();
            if let Some(request) = request(&setup, scope, cookie) {
                compare(&setup, &verifier, &request, scope, cookie);
            }
        }
    }
});

/// Restricts a link as the input chooses, and signs it. One of the texts is the input's own.
fn finish<O: Minted>(input: &mut Input<'_>, mint: Mint<'_, O>, text: &str) -> Result<O, SignError> {
    let (mut mint, own) = (mint, input.pick(&["", "id", "ip", "type", "download", "value", "name", "method"]));
    let or = |what: &str, sound: &'static str| if own == what { text.to_owned() } else { sound.to_owned() };
    let (id, ip, media_type, file) =
        (or("id", "a-1"), or("ip", "192.0.2.0/24"), or("type", "image/*"), or("download", "ä.txt"));
    let (name, value, method) = (or("name", "user"), or("value", "42"), or("method", "PUT"));
    let some = [false, false, true];
    if own == "id" || input.pick(&some) {
        mint = mint.id(&id);
    }
    if own == "ip" || input.pick(&some) {
        mint = mint.client_ip(&ip).client_ip("2001:db8::/32");
    }
    if own == "type" || input.pick(&some) {
        mint = mint.media_type(&media_type);
    }
    if own == "download" || input.pick(&some) {
        mint = mint.download(&file);
    }
    if own == "name" || own == "value" || input.pick(&some) {
        mint = mint.bind(&name, &value);
    }
    if let Some(method) = Method::from_bytes(method.as_bytes()).ok().filter(|_| own == "method" || input.pick(&some)) {
        mint = mint.method(method);
    }
    if input.pick(&some) {
        mint = mint.max_bytes(input.pick(&[0, 3, u64::MAX]));
    }
    if input.pick(&some) {
        mint = mint.not_before(now() + Duration::from_secs(30));
    }
    if input.pick(&some) {
        mint = mint.round_expiry_up_to(Duration::from_millis(input.pick(&[0, 1, 60_000, u64::MAX])));
    }
    let span = Duration::from_millis(input.pick(&[1, 999_999, 0, 604_800_000, u64::MAX]));
    if input.pick(&[true, false]) {
        mint.sign_for(span)
    } else {
        mint.sign_until(now() + span.min(Duration::from_secs(1 << 40)))
    }
}

/// What there is; a reason that can be read where there is nothing.
fn told<T>(result: Result<T, SignError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(error.to_string().len() > 10, "{error:?}");
            None
        }
    }
}

fn assert_comes_back(link: &str) {
    let page = Url::parse("https://example.com/deep/down/page?x#y").expect("a URL");
    let read = page.join(link).map(String::from);
    let whole = if link.starts_with('/') { format!("https://example.com{link}") } else { link.to_owned() };
    assert_eq!(read, Ok(whole));
    assert_eq!(link.parse::<Uri>().map(|uri| uri.to_string()).ok().as_deref(), Some(link));
}

/// Accepted but for what the request does not show; and stripped to the target.
fn assert_is_for(setup: &Setup, verifier: &Verifier, link: &str, target: Option<&str>) {
    let request = request(setup, link, "").expect("it is a URI");
    if compare(setup, verifier, &request, link, "") {
        assert!(target.is_none_or(|target| verifier.strip(link).as_deref() == Some(target)), "{link}");
        return;
    }
    let refusal = verifier.verify(Head::of(&request)).map(drop).expect_err("it was refused");
    let by_request = matches!(
        refusal.kind(),
        Kind::Method
            | Kind::Client
            | Kind::TooLarge
            | Kind::MediaType
            | Kind::Context
            | Kind::NotAuthentic
            | Kind::NotYetValid
    );
    assert!(by_request, "{link}: {refusal}");
}
