//! What a signer writes, and what it refuses: nobody would enforce it, or no client could be in it.

use tower_signed_url::{ConfigErrorKind, Keyring, Policy, SignErrorKind, Signer, Verifier};

use super::support::{NOW, at, figure_key};
use super::{OTHERS, check, get, link, peer, sign, verifier, without_source};

#[test]
fn minting_writes_lists_that_are_enforced_and_refuses_others() {
    let signer = verifier(peer()).signer();
    for (name, entries, written) in [
        ("an address", &["192.0.2.7"][..], "192.0.2.7"),
        ("a network", &["192.0.2.0/24"], "192.0.2.0/24"),
        ("IPv6", &["2001:db8::/32"], "2001:db8::/32"),
        ("several, in their order", &["2001:db8::7", "192.0.2.0/24", "10.0.0.1"], "2001:db8::7,192.0.2.0/24,10.0.0.1"),
        ("one in another", &["10.0.0.0/8", "10.0.0.1"], "10.0.0.0/8,10.0.0.1"),
        ("mapped", &["::ffff:192.0.2.7"], "::ffff:192.0.2.7"),
        ("a list at once", &["192.0.2.7,10.0.0.1"], "192.0.2.7,10.0.0.1"),
    ] {
        let mint = entries.iter().fold(signer.url("/a"), |mint, entry| mint.client_ip(entry));
        let url = mint.sign_until(at(1_790_000_000)).expect(name);
        assert_eq!(url.as_str(), link(written), "{name}");
        let mint = entries.iter().fold(signer.scope("/b/"), |mint, entry| mint.client_ip(entry));
        let token = mint.sign_until(at(1_790_000_000)).expect(name);
        let by_hand = sign(&format!("sig-scope=/b/&exp=1790000000&sig-ip={written}"));
        assert_eq!(token.to_string(), by_hand, "{name}, a token");
    }
    for (name, entries, told) in [
        ("empty", &[""][..], ""),
        ("a name", &["localhost"], "localhost"),
        ("host bits", &["192.0.2.7/24"], "192.0.2.7/24"),
        ("everyone", &["0.0.0.0/0"], "0.0.0.0/0"),
        ("one twice", &["192.0.2.7", "192.0.2.7"], "192.0.2.7,192.0.2.7"),
        ("one twice, written otherwise", &["192.0.2.7", "::ffff:192.0.2.7"], "192.0.2.7,::ffff:192.0.2.7"),
        ("a port", &["192.0.2.7:80"], "192.0.2.7:80"),
        ("a space", &["192.0.2.7, 10.0.0.1"], "192.0.2.7, 10.0.0.1"),
        ("a zone", &["fe80::1%1"], "fe80::1%1"),
        ("another parameter", &["192.0.2.7&sig-id=a"], "192.0.2.7&sig-id=a"),
        ("a line break", &["192.0.2.7\n"], "192.0.2.7\\n"),
        ("one of several", &["192.0.2.7", "10.0.0"], "192.0.2.7,10.0.0"),
    ] {
        let mint = entries.iter().fold(signer.url("/a"), |mint, entry| mint.client_ip(entry));
        let error = mint.sign_until(at(1_790_000_000)).expect_err(name);
        assert_eq!(error.kind(), SignErrorKind::ClientIp, "{name}");
        let message = format!(
            "\"{told}\" is not a list of addresses and networks, each once: write 192.0.2.7, or 192.0.2.0/24 without host bits"
        );
        assert_eq!(error.to_string(), message, "{name}");
    }
}

#[test]
fn nobody_mints_what_nobody_enforces() {
    let keys = Keyring::new(figure_key());
    let signer = || Signer::new(&keys).with_clock(|| at(NOW));
    let mint = |signer: Signer| signer.url("/a").client_ip("192.0.2.7").sign_until(at(1_790_000_000));
    let allowed = signer().with_policy(Policy::new().allow_client_ip()).unwrap();
    for (name, signer, expected) in [
        ("a signer by itself", signer(), None),
        ("the signer of a verifier without a source", without_source().signer(), None),
        ("one whose policy allows it", allowed.clone(), Some(link("192.0.2.7"))),
        ("the signer of a verifier with a source", verifier(peer()).signer(), Some(link("192.0.2.7"))),
        (
            "one that shares that verifier's policy",
            signer().with_policy(verifier(peer()).policy().clone()).unwrap(),
            Some(link("192.0.2.7")),
        ),
        ("allowed before, and not any more", allowed.with_policy(Policy::new()).unwrap(), None),
    ] {
        match (mint(signer), expected) {
            (Ok(url), Some(expected)) => assert_eq!(url.as_str(), expected, "{name}"),
            (Err(error), None) => {
                assert_eq!(error.kind(), SignErrorKind::Unenforceable, "{name}");
                let message = "nobody would enforce \"sig-ip\": mint with the signer of a verifier that has a source \
                 for it, or with a policy that allows it (`allow_context`, `allow_client_ip`)";
                assert_eq!(error.to_string(), message, "{name}");
            }
            (minted, _) => panic!("{name}: {minted:?}"),
        }
    }

    let policy = || Policy::new().allow_client_ip();
    let error = Verifier::builder(&keys).policy(policy()).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::ClientIpWithoutSource);
    let message =
        "links may be limited to client addresses, which the verifier has no source for: give one with `client_ip`";
    assert_eq!(error.to_string(), message);
    let with_source = Verifier::builder(&keys).client_ip(peer()).policy(policy()).clock(|| at(NOW)).build().unwrap();
    check(&with_source, "the policy after the source", &get(&link("192.0.2.7"), Some("192.0.2.7")), Ok(()));
    check(&with_source, "the policy after the source", &get(&link("192.0.2.7"), Some("192.0.2.8")), OTHERS);
}
