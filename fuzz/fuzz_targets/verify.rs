//! Arbitrary covered bytes under the right MAC, so that everything behind it is reached: the verifier and the model of
//! FORMAT sections 1 to 5 say the same of every request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_signed_url_fuzz::{Input, Setup, compare, request, sign};

fuzz_target!(|data: &[u8]| {
    let Some(mut input) = Input::read(data) else { return };
    let key_id = input.pick(&[None, None, None, Some("k"), Some("gone")]);
    let setup = Setup::pick(&mut input);
    let target = match input.pick(&["signed", "signed", "signed", "signed", "signed", "signed", "spoilt", "as is"]) {
        "signed" => sign(&setup, input.target, key_id),
        "spoilt" => {
            // Its last byte gone, or doubled where that is a digit.
            let mut target = sign(&setup, input.target, key_id);
            let last = target.pop();
            target.extend(last.filter(|last| last.is_ascii_digit()).into_iter().flat_map(|last| [last, last]));
            target
        }
        _ => input.target.to_owned(),
    };
    if let Some(request) = request(&setup, &target, "") {
        compare(&setup, &setup.verifier(), &request, &target, "");
    }
});
