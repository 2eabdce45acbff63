//! Arbitrary request targets, and texts that are none: they are taken apart, stripped and hidden as FORMAT section 6 says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_signed_url::Verify;
use tower_signed_url_fuzz::model::{is_token_segment, reserved};
use tower_signed_url_fuzz::{Input, Setup, assert_hides, assert_no_reserved, compare, is_one_cut, request};

fuzz_target!(|data: &[u8]| {
    let Some(mut input) = Input::read(data) else { return };
    let setup = Setup::pick(&mut input);
    let (verifier, target) = (setup.verifier(), input.target);

    let stripped = verifier.strip(target);
    assert_eq!(stripped, strip(&setup, target), "{target:?}");
    if let Some(stripped) = &stripped {
        assert_no_reserved(&setup, stripped);
        assert!(!is_one_run(&setup, target) || is_one_cut(target, stripped), "{stripped:?} of {target:?}");
    }
    assert_hides(&setup, &verifier, target);
    if let Some(request) = request(&setup, target, input.cookie) {
        compare(&setup, &verifier, &request, target, input.cookie);
    }
});

/// The target without the parameters that have a reserved name, and without a token that is its first segment.
fn strip(setup: &Setup, target: &str) -> Option<String> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next());
    let path = match first.filter(|first| setup.reads_path && is_token_segment(setup, first)) {
        Some(first) if path.len() == 1 + first.len() => "/",
        Some(first) => &path[1 + first.len()..],
        None => path,
    };
    let kept = query.into_iter().flat_map(|query| query.split('&'));
    let kept: Vec<_> = kept.filter(|parameter| reserved(setup, parameter).is_none()).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Some(format!("{path}{query}")).filter(|stripped| stripped != target)
}

/// Whether the reserved parameters stand together, and no token is in the path.
fn is_one_run(setup: &Setup, target: &str) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut runs = 0;
    let mut inside = false;
    for parameter in query.split('&') {
        let is_reserved = reserved(setup, parameter).is_some();
        runs += usize::from(is_reserved && !inside);
        inside = is_reserved;
    }
    runs == 1 && !path.contains('~')
}
