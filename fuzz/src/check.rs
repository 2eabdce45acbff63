use http::Request;
use tower_signed_url::{Head, Obligations, Rejection, RejectionKind as Kind, Verifier, Verify};

use crate::model::{self, Step, is_token_segment, reserved};
use crate::{Setup, where_it_leads};

/// That of 32 bytes in unpadded base64.
const MAC_LENGTH: usize = 43;

/// Has the verifier judge a request, and the model; both have to say the same, and what is accepted has to be clean.
pub fn compare(setup: &Setup, verifier: &Verifier, request: &Request<()>, target: &str, cookie: &str) -> bool {
    let expected = model::judge(setup, target, cookie);
    let verified = match (verifier.verify(Head::of(request)), expected) {
        (Ok(verified), Ok(())) => verified,
        (Err(rejection), Err((status, step))) => {
            assert_eq!(rejection.status(), status, "{rejection}, and {step:?}");
            assert!(is_of(&rejection, step), "{rejection}, and {step:?}");
            assert_tells_no_mac(&rejection, target, cookie);
            return false;
        }
        (found, _) => panic!("{:?} instead of {expected:?}", found.map(drop)),
    };
    let all = Obligations::DOWNLOAD.and(Obligations::NO_BODY);
    let grant = verified.discharge(all).expect("nothing else is asked for");
    let stripped = verifier.strip(target).unwrap_or_else(|| target.to_owned());
    assert!(stripped == target || is_one_cut(target, &stripped), "{stripped} of {target}");
    assert_no_reserved(setup, &stripped);
    assert_hides(setup, verifier, target);
    if let Some(scope) = grant.scope() {
        let path = stripped.split('?').next().unwrap_or_default();
        for (path, scope) in where_it_leads(path).zip(where_it_leads(scope)) {
            assert!(path.starts_with(&scope), "{path} out of {scope}");
        }
    }
    true
}

/// Nothing of a request that is as long as a MAC stands in what is logged of its refusal.
fn assert_tells_no_mac(rejection: &Rejection, target: &str, cookie: &str) {
    let told = format!("{rejection} {rejection:?}");
    let is_of_no_mac = |c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c);
    for text in [target, cookie].into_iter().flat_map(|text| text.split(is_of_no_mac)) {
        assert!(text.len() < MAC_LENGTH || !told.contains(text), "{text} in {told}");
    }
}

fn is_of(rejection: &Rejection, step: Step) -> bool {
    use Step::*;
    let steps: &[Step] = match (rejection.kind(), rejection.is_authentic()) {
        (Kind::Missing, false) => &[Missing],
        (Kind::Malformed, false) => &[Structure],
        (Kind::Unenforceable, false) => &[Structure, Bound],
        (Kind::UnknownKey, false) => &[Key],
        (Kind::Context, false) => &[Bound],
        (Kind::NotAuthentic, false) => &[Mac, Password],
        (Kind::WrongPassword | Kind::PasswordRequired, false) => &[Password],
        (Kind::Malformed | Kind::Unenforceable | Kind::Context, true) => &[Terms],
        (Kind::NotYetValid, true) => &[NotYetValid],
        (Kind::Expired, true) => &[Expired],
        (Kind::LifetimeTooLong, true) => &[Lifetime],
        (Kind::Method, true) => &[Method],
        (Kind::Client, true) => &[Client],
        (Kind::Scope, true) => &[Scope],
        (Kind::LengthRequired, true) => &[LengthRequired],
        (Kind::TooLarge, true) => &[TooLarge],
        (Kind::MediaType, true) => &[MediaType],
        _ => &[],
    };
    steps.contains(&step)
}

/// Whether `rest` is `text` without one piece of it.
pub fn is_one_cut(text: &str, rest: &str) -> bool {
    let (text, rest) = (text.as_bytes(), rest.as_bytes());
    let before = text.iter().zip(rest).take_while(|(a, b)| a == b).count();
    rest.len() < text.len() && text.ends_with(&rest[before..])
}

pub fn assert_no_reserved(setup: &Setup, target: &str) {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    assert!(query.split('&').all(|parameter| reserved(setup, parameter).is_none()), "{target:?}");
}

/// What [`Verify::hide`] leaves holds nothing that is read as a credential, and nothing that `strip` takes.
pub fn assert_hides(setup: &Setup, verifier: &Verifier, target: &str) {
    let hidden = verifier.hide(target).unwrap_or_else(|| target.to_owned());
    assert_no_reserved(setup, &hidden);
    let path = hidden.split('?').next().unwrap_or_default();
    assert!(!path.split('/').any(|segment| is_token_segment(setup, segment)), "{hidden:?} of {target:?}");
    assert_eq!(verifier.hide(&hidden), None, "{hidden:?} of {target:?}");
    let stripped = verifier.strip(target).unwrap_or_else(|| target.to_owned());
    let mut rest = stripped.chars();
    assert!(hidden.chars().all(|kept| rest.any(|c| c == kept)), "{hidden:?}, and {stripped:?} of {target:?}");
}
