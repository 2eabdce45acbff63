//! `FORMAT.md`, sections 1 to 3 and 5, read again: plain and slow, with copies of everything, and nothing of the crate. Three
//! things are not from there: a second token in the path, what is trimmed besides spaces, and escapes in tolerated names.

mod values;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;

use self::values::{distinct, holds, is_sound, is_unambiguous, network, time};
use crate::setup::COOKIE_NAME;
use crate::{NOW, Setup, mac};

/// Where in the order of checks a request fails, and what is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Missing,
    Structure,
    /// The link's key is not known.
    Key,
    /// A bound value is not there.
    Bound,
    /// The MAC is another.
    Mac,
    /// Any of these three, of a link that binds a password.
    Password,
    Terms,
    NotYetValid,
    Expired,
    Lifetime,
    Method,
    Client,
    Scope,
    LengthRequired,
    TooLarge,
    MediaType,
}

pub type Refused = (u16, Step);

const KNOWN: [&str; 12] = [
    "exp",
    "sig",
    "sig-start",
    "sig-methods",
    "sig-ip",
    "sig-bind",
    "sig-scope",
    "sig-id",
    "sig-uses",
    "sig-max-bytes",
    "sig-type",
    "sig-download",
];

/// The reserved name of a parameter, without the prefix, and its value.
pub fn reserved(setup: &Setup, parameter: &str) -> Option<(String, Option<String>)> {
    let (name, value) = match parameter.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (parameter, None),
    };
    let name = name.strip_prefix(setup.prefix)?;
    (name == "exp" || name == "sig" || name.starts_with("sig-")).then(|| (name.to_owned(), value))
}

/// Whether a segment begins like a path token.
pub fn is_token_segment(setup: &Setup, segment: &str) -> bool {
    let start = format!("{}sig-scope=/", setup.prefix);
    let fixed = &URL_SAFE_NO_PAD.encode(&start)[..8 * start.len() / 6];
    segment.strip_prefix('~').is_some_and(|text| text.starts_with(fixed))
}

/// The credential's terms, once it is believed.
struct Credential {
    covered: String,
    sig: String,
    /// Name and value of all but `sig`, in their order.
    terms: Vec<(String, String)>,
    scope: Option<String>,
}

/// Whether the request is accepted.
pub fn judge(setup: &Setup, target: &str, cookie: &str) -> Result<(), Refused> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let parameters: Vec<&str> = query.map_or(Vec::new(), |query| query.split('&').collect());
    let in_query = parameters.iter().any(|parameter| reserved(setup, parameter).is_some());

    let segment = path[1..].split('/').next().unwrap_or_default();
    if is_token_segment(setup, segment) {
        let path = &path[1 + segment.len()..];
        // Under the scope `/` a second one would be a path like any other, and be handed on: the format does not speak
        // of it.
        let another = path.split('/').nth(1).is_some_and(|next| is_token_segment(setup, next));
        if !setup.reads_path || in_query || path.is_empty() || another {
            return Err((403, Step::Structure));
        }
        let credential = decode(&segment[1..]).and_then(|token| split_token(setup, &token));
        return check(setup, credential.ok_or((403, Step::Structure))?, path, false);
    }
    if in_query {
        let credential = split(setup, target, &parameters).ok_or((403, Step::Structure))?;
        return check(setup, credential, path, false);
    }
    let mut longest: Option<(String, String)> = None;
    for pair in cookie.split(';').filter(|_| setup.reads_cookie) {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let Some(token) = decode(value.trim()).filter(|_| name.trim() == COOKIE_NAME) else { continue };
        let first = token.split('&').next().unwrap_or_default().to_owned();
        let Some((name, Some(scope))) = reserved(setup, &first) else { continue };
        let is_longer = longest.as_ref().is_none_or(|(longest, _)| scope.len() > longest.len());
        if name == "sig-scope" && path.starts_with(&scope) && is_longer {
            longest = Some((scope, token));
        }
    }
    let (_, token) = longest.ok_or((403, Step::Missing))?;
    check(setup, split_token(setup, &token).ok_or((403, Step::Structure))?, path, true)
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Takes a target with reserved names apart: step 1.
fn split(setup: &Setup, target: &str, parameters: &[&str]) -> Option<Credential> {
    let places: Vec<usize> = (0..parameters.len()).filter(|&at| reserved(setup, parameters[at]).is_some()).collect();
    let (first, last) = (*places.first()?, *places.last()?);
    let run = &parameters[first..=last];
    if places.len() != run.len() {
        return None;
    }
    let credential = split_run(setup, run)?;
    if credential.scope.is_some() {
        return Some(credential);
    }
    let name = |parameter: &&str| parameter.split('=').next().unwrap_or_default().to_owned();
    let decoded = |parameter: &&str| percent_decode_str(&name(parameter)).decode_utf8_lossy().into_owned();
    let is_tolerated = |name: &String| setup.tolerated.contains(&name.as_str());
    let after: Vec<String> = parameters[last + 1..].iter().map(name).collect();
    let others = parameters[..first].iter().chain(&parameters[last + 1..]);
    // What reads the parameters later decodes their names.
    let tolerated: Vec<String> = others.map(decoded).filter(is_tolerated).collect();
    if !after.iter().all(is_tolerated) || tolerated.iter().collect::<BTreeSet<_>>().len() != tolerated.len() {
        return None;
    }
    let start = target.split_once('?')?.0.len() + 1;
    let before: usize = parameters[..last].iter().map(|parameter| parameter.len() + 1).sum();
    Some(Credential { covered: target[..start + before - 1].to_owned(), ..credential })
}

fn split_token(setup: &Setup, token: &str) -> Option<Credential> {
    let run: Vec<&str> = token.split('&').collect();
    split_run(setup, &run).filter(|credential| credential.scope.is_some())
}

/// One run: `exp` first, or `sig-scope` and then `exp`, and `sig` last.
fn split_run(setup: &Setup, run: &[&str]) -> Option<Credential> {
    let named: Vec<_> = run.iter().map(|parameter| reserved(setup, parameter)).collect::<Option<_>>()?;
    let twice = |name: &&str| named.iter().filter(|(known, _)| known == name).count() > 1;
    if KNOWN.iter().any(|name| twice(&name)) {
        return None;
    }
    let (sig, rest) = named.split_last().filter(|((name, _), _)| name == "sig")?;
    let terms: Vec<(String, String)> =
        rest.iter().map(|(name, value)| (name.clone(), value.clone().unwrap_or_default())).collect();
    let scope = terms.first().filter(|(name, _)| name == "sig-scope").map(|(_, scope)| scope.clone());
    let exp_at = usize::from(scope.is_some());
    if terms.iter().position(|(name, _)| name == "exp") != Some(exp_at)
        || terms.iter().skip(1).any(|(name, _)| name == "sig-scope")
    {
        return None;
    }
    if scope.is_some() && !run.iter().all(|parameter| parameter.bytes().all(|byte| (0x21..=0x7e).contains(&byte))) {
        return None;
    }
    if let Some((_, names)) = terms.iter().find(|(name, _)| name == "sig-bind") {
        let is_name = |name: &str| {
            (1..=32).contains(&name.len()) && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
        };
        let all: Vec<&str> = names.split(',').collect();
        // The rest of a longer list is compared once it is believed.
        let first = all[..all.len().min(16)].join(",");
        distinct(&first).filter(|_| all.iter().all(|name| is_name(name)))?;
    }
    let covered = run[..run.len() - 1].join("&");
    Some(Credential { covered, sig: sig.1.clone()?, terms, scope })
}

/// Steps 2 to 12.
fn check(setup: &Setup, credential: Credential, path: &str, by_cookie: bool) -> Result<(), Refused> {
    let term = |name: &str| credential.terms.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let exp = time(term("exp").unwrap_or_default());
    let bind = term("sig-bind").map_or(Vec::new(), |names| names.split(',').collect());
    let by_password = bind.contains(&"password");
    let now = i128::from(NOW) * 1000;
    let dead = exp.is_none_or(|exp| now >= exp);

    let authentic = authenticate(setup, &credential, &bind);
    match authentic {
        Err(Step::Bound) => return Err((403, Step::Bound)),
        Err(_) if by_password => return Err((if dead { 403 } else { 401 }, Step::Password)),
        Err(step) => return Err((403, step)),
        Ok(()) => {}
    }
    let sound = credential.terms.iter().all(|(name, value)| is_sound(setup, name, value));
    let is_bound = setup.required.is_none_or(|required| bind.contains(&required));
    let exp = exp.filter(|_| sound && is_bound).ok_or((403, Step::Terms))?;
    let start = term("sig-start").and_then(time);
    if start.is_some_and(|start| start >= exp) {
        return Err((403, Step::Terms));
    }
    let (max, leeway) = (i128::from(setup.max_lifetime) * 1000, i128::from(setup.leeway) * 1000);
    if start.is_some_and(|start| now + leeway < start) {
        return Err((403, Step::NotYetValid));
    }
    if now >= exp {
        return Err((if by_password { 403 } else { 410 }, Step::Expired));
    }
    if exp - now > max + leeway || start.is_some_and(|start| exp - start > max) {
        return Err((403, Step::Lifetime));
    }
    let methods: Vec<&str> = term("sig-methods").unwrap_or("GET").split(',').collect();
    let by_method = methods.contains(&setup.method) || setup.method == "HEAD" && methods.contains(&"GET");
    if !by_method || by_cookie && !setup.any_method_by_cookie && !["GET", "HEAD"].contains(&setup.method) {
        return Err((403, Step::Method));
    }
    if let Some(list) = term("sig-ip") {
        let client = setup.client.flatten().ok_or((403, Step::Client))?;
        if !list.split(',').filter_map(network).any(|network| holds(network, client)) {
            return Err((403, Step::Client));
        }
    }
    if let Some(scope) = &credential.scope
        && !(path.starts_with(scope) && is_unambiguous(&path[scope.len() - 1..]))
    {
        return Err((403, Step::Scope));
    }
    check_body(setup, term("sig-max-bytes"), term("sig-type"))
}

fn authenticate(setup: &Setup, credential: &Credential, bind: &[&str]) -> Result<(), Step> {
    let (key_id, text) = match credential.sig.split_once('.') {
        Some((id, text)) => (Some(id), text),
        None => (None, credential.sig.as_str()),
    };
    let mut lines = String::new();
    let (mut other_missing, mut password_missing) = (false, false);
    for name in bind {
        let value = setup.contexts.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value);
        match value.filter(|value| !value.is_empty() && !value.contains('\n')) {
            Some(value) => lines.push_str(&format!("\n{name}:{value}")),
            None if *name == "password" && setup.contexts.iter().any(|(known, _)| known == name) => {
                password_missing = true;
            }
            None => other_missing = true,
        }
    }
    let prefix = if setup.prefix.is_empty() { String::new() } else { format!("{}\n", setup.prefix) };
    let expected = mac(key_id, &[&prefix, &credential.covered, &lines]);
    // Of a link that binds a password, what is missing besides comes before the key.
    if other_missing && (expected.is_some() || bind.contains(&"password")) {
        return Err(Step::Bound);
    }
    let expected = expected.ok_or(Step::Key)?;
    if password_missing || expected != text { Err(Step::Mac) } else { Ok(()) }
}

fn check_body(setup: &Setup, max: Option<&str>, media_type: Option<&str>) -> Result<(), Refused> {
    let may_have_none = ["GET", "HEAD", "OPTIONS"].contains(&setup.method);
    if may_have_none && setup.length.0.is_empty() && !setup.chunked {
        return Ok(());
    }
    let length = setup.length.1.filter(|_| !setup.chunked);
    if let Some(max) = max.and_then(|max| max.parse::<u64>().ok()) {
        match length {
            None => return Err((411, Step::LengthRequired)),
            Some(length) if length > max => return Err((413, Step::TooLarge)),
            Some(_) => {}
        }
    }
    if let Some((main, sub)) = media_type.and_then(|media_type| media_type.split_once('/'))
        && !(may_have_none && length == Some(0))
    {
        let sent = setup.media_type.1.and_then(|sent| sent.split_once('/'));
        let is_sent = |(sent_main, sent_sub): (&str, &str)| {
            main.eq_ignore_ascii_case(sent_main) && (sub == "*" || sub.eq_ignore_ascii_case(sent_sub))
        };
        if !sent.is_some_and(is_sent) {
            return Err((415, Step::MediaType));
        }
    }
    Ok(())
}
