//! A token in a cookie that fails when its signature and all that it says were believed: where no credential is needed,
//! it counts as absent then, too.

use super::*;

#[test]
fn a_cookie_that_is_not_authorized_counts_as_absent() {
    let send = |optional: bool, decision: Result<Decision, &'static str>, carrier: Carrier| {
        let layer = SignedUrlLayer::new(verifier()).authorize(move |_, _| ready(decision.map_err(Into::into)));
        let layer = if optional { layer.optional() } else { layer };
        result(&respond(layer.layer(service_fn(tell)), carrier.get("/v/a", &token(COVERED))))
    };
    for (name, decision, kind) in [
        ("gone", Ok(Decision::Gone), RejectionKind::Gone),
        ("forbidden", Ok(Decision::Forbidden), RejectionKind::Forbidden),
        ("nobody answers", Err("no database"), RejectionKind::Unavailable),
    ] {
        for carrier in CARRIERS {
            assert_eq!(send(false, decision, carrier), refused(kind), "{name}, {carrier:?}");
            let expected = if carrier == InCookie { anonymous("/v/a") } else { refused(kind) };
            assert_eq!(send(true, decision, carrier), expected, "{name}, {carrier:?}, optional");
        }
    }
    for carrier in CARRIERS {
        assert_eq!(send(true, Ok(Decision::Allow), carrier), granted("/v/a"), "{carrier:?}");
    }
}

/// A body that was not declared is found after everything else.
#[test]
fn a_cookie_whose_link_wants_no_body_counts_as_absent_where_there_is_one() {
    let limited = token("sig-scope=/v/&exp=1790000000&sig-max-bytes=10");
    let send = |layer: &SignedUrlLayer, carrier: Carrier| {
        let request = carrier.get("/v/a", &limited).map(|()| Full::from("a body"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        result(&runtime.block_on(layer.layer(service_fn(tell)).oneshot(request)).unwrap())
    };
    for carrier in CARRIERS {
        let required = SignedUrlLayer::new(verifier());
        assert_eq!(send(&required, carrier), refused(RejectionKind::LengthRequired), "{carrier:?}");
        let expected = if carrier == InCookie { anonymous("/v/a") } else { refused(RejectionKind::LengthRequired) };
        assert_eq!(send(&required.optional(), carrier), expected, "{carrier:?}, optional");
    }
}
