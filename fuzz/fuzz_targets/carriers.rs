//! Scope tokens built from arbitrary parts, under the right MAC, in the query, in a cookie and in the path, among arbitrary
//! neighbours: as the model says, and no path that is accepted leads out of the scope, however it is decoded.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use tower_signed_url_fuzz::{COOKIE_NAME, Input, Setup, compare, request, sign};

fuzz_target!(|data: &[u8]| {
    let Some(mut input) = Input::read(data) else { return };
    let carrier = input.pick(&["query", "path", "cookie", "as it came"]);
    let key_id = input.pick(&[None, None, None, Some("k")]);
    let mut setup = Setup::pick(&mut input);
    if carrier != "as it came" && input.pick(&[true, true, true, false]) {
        (setup.reads_cookie, setup.reads_path) = (true, true);
    }
    let (target, token) = take_token(&setup, &input);
    let token = sign(&setup, &token, key_id);
    let text = URL_SAFE_NO_PAD.encode(&token);
    let (target, cookie) = match carrier {
        "query" => {
            let separator = if target.contains('?') { "&" } else { "?" };
            (
                format!("{target}{separator}{token}{}", input.pick(&["", "", "&a", "&exp=1", "&utm_source=m"])),
                String::new(),
            )
        }
        "path" => (format!("/~{text}{target}"), String::new()),
        "cookie" => {
            let pair = format!("{COOKIE_NAME}={text}");
            (
                target,
                input.pick(&[pair.clone(), format!("{pair}; {}", input.cookie), format!("{}; {pair}", input.cookie)]),
            )
        }
        _ => (input.target.to_owned(), input.cookie.to_owned()),
    };
    if let Some(request) = request(&setup, &target, &cookie) {
        compare(&setup, &setup.verifier(), &request, &target, &cookie);
    }
});

/// The token that the input holds, wherever it is, and the target without it. An input that holds none is given one for the
/// first folder of its path.
fn take_token(setup: &Setup, input: &Input<'_>) -> (String, String) {
    let name = format!("{}sig-scope=", setup.prefix);
    let decode = |text: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let is_token = |text: &String| text.starts_with(&name);
    let target = input.target;
    if let Some(rest) = target.strip_prefix("/~") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        if let Some(token) = decode(&rest[..end]).filter(is_token) {
            return (rest[end..].to_owned(), token);
        }
    }
    if let Some((before, token)) = target.split_once(&name) {
        let sig = format!("&{}sig=", setup.prefix);
        let sig = token.find(&sig).map_or(0, |at| at + 1);
        let end = token[sig..].find('&').map_or(token.len(), |at| sig + at);
        let before = before.strip_suffix(['?', '&']).unwrap_or(before);
        return (format!("{before}{}", &token[end..]), format!("{name}{}", &token[..end]));
    }
    let mut values = input.cookie.split(';').filter_map(|pair| pair.split_once('='));
    if let Some(token) = values.find_map(|(_, value)| decode(value.trim())).filter(is_token) {
        return (target.to_owned(), token);
    }
    if input.cookie.starts_with(&name) {
        return (target.to_owned(), input.cookie.to_owned());
    }
    let path = target.split('?').next().unwrap_or_default();
    let scope = path.get(1..).and_then(|path| path.find('/')).map_or("/", |end| &path[..end + 2]);
    (target.to_owned(), format!("{name}{scope}&{}exp=1790000000", setup.prefix))
}
