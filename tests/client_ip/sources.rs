//! Who tells the address: which word is believed, and which is a client's invention.

use std::net::IpAddr;
use std::num::NonZeroU8;

use http::{HeaderValue, Request};
use tower_signed_url::{Head, Verifier, client_ip};

use super::{OTHERS, Outcome, Peer, address, check, link, peer, verifier};

/// Each row: the peer, header lines, and whether a link for 192.0.2.7 passes.
type Row<'r> = (&'r str, Option<&'r str>, &'r [(&'r str, &'r [u8])], Outcome<'static>);

fn check_all(source: &str, verifier: &Verifier, rows: &[Row<'_>]) {
    for (name, peer, lines, expected) in rows {
        let mut request = Request::get(link("192.0.2.7")).body(()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(address(peer)));
        }
        for (header, value) in *lines {
            let header: http::HeaderName = header.parse().unwrap();
            request.headers_mut().append(header, HeaderValue::from_bytes(value).unwrap());
        }
        check(verifier, &format!("{source}: {name}"), &request, *expected);
    }
}

fn hops(n: u8) -> NonZeroU8 {
    NonZeroU8::new(n).unwrap()
}

#[test]
fn an_extension_is_believed_and_no_header() {
    let spoofed: &[(&str, &[u8])] = &[
        ("x-forwarded-for", b"192.0.2.7"),
        ("forwarded", b"for=192.0.2.7"),
        ("x-real-ip", b"192.0.2.7"),
        ("true-client-ip", b"192.0.2.7"),
        ("cf-connecting-ip", b"192.0.2.7"),
        ("x-client-ip", b"192.0.2.7"),
    ];
    check_all(
        "extension",
        &verifier(peer()),
        &[
            ("the client", Some("192.0.2.7"), &[], Ok(())),
            ("another", Some("10.0.0.1"), &[], OTHERS),
            ("another that says it is the client", Some("10.0.0.1"), spoofed, OTHERS),
            ("the client that says it is another", Some("192.0.2.7"), &[("x-forwarded-for", b"10.0.0.1")], Ok(())),
            ("no extension", None, &[], OTHERS),
            ("no extension, every header", None, spoofed, OTHERS),
        ],
    );
    let unknown = verifier(|_: Head<'_>| None::<IpAddr>);
    check_all("nobody", &unknown, &[("knows", Some("192.0.2.7"), spoofed, OTHERS)]);
    let mapped = verifier(|_: Head<'_>| Some(address("::ffff:192.0.2.7")));
    check_all("one of its own", &mapped, &[("tells a mapped address", None, &[], Ok(()))]);
}

#[test]
fn only_what_trusted_proxies_appended_to_x_forwarded_for_is_believed() {
    const NAME: &str = "x-forwarded-for";
    let one = verifier(client_ip::x_forwarded_for(hops(1)));
    let rows: &[Row<'_>] = &[
        ("the last entry", None, &[(NAME, b"192.0.2.7")], Ok(())),
        ("with a port", None, &[(NAME, b"192.0.2.7:4711")], Ok(())),
        ("mapped", None, &[(NAME, b"::ffff:192.0.2.7")], Ok(())),
        ("mapped, with a port", None, &[(NAME, b"[::ffff:192.0.2.7]:4711")], Ok(())),
        ("behind an invention", None, &[(NAME, b"10.6.6.6, 192.0.2.7")], Ok(())),
        ("behind nonsense", None, &[(NAME, b"\"\xff, 192.0.2.7")], Ok(())),
        ("an invention, the proxy's word last", None, &[(NAME, b"192.0.2.7, 10.0.0.1")], OTHERS),
        ("an invention in a line of its own", None, &[(NAME, b"192.0.2.7"), (NAME, b"10.0.0.1")], OTHERS),
        ("the proxy's word in a line of its own", None, &[(NAME, b"10.6.6.6"), (NAME, b"192.0.2.7")], Ok(())),
        ("every entry an invention but the last", None, &[(NAME, b"192.0.2.7,192.0.2.7,192.0.2.7,10.0.0.1")], OTHERS),
        ("absent", None, &[], OTHERS),
        ("empty", None, &[(NAME, b"")], OTHERS),
        ("a comma last", None, &[(NAME, b"192.0.2.7,")], OTHERS),
        ("an empty line last", None, &[(NAME, b"192.0.2.7"), (NAME, b"")], OTHERS),
        ("unknown is not skipped", None, &[(NAME, b"192.0.2.7, unknown")], OTHERS),
        ("nonsense is not skipped", None, &[(NAME, b"192.0.2.7, \xff")], OTHERS),
        ("a network", None, &[(NAME, b"192.0.2.7/32")], OTHERS),
        ("a zone", None, &[(NAME, b"192.0.2.7%1")], OTHERS),
        ("a bad port", None, &[(NAME, b"192.0.2.7:http")], OTHERS),
        ("in quotes", None, &[(NAME, b"\"192.0.2.7\"")], OTHERS),
        ("the peer is not asked", Some("192.0.2.7"), &[(NAME, b"10.0.0.1")], OTHERS),
        ("nor where the header is absent", Some("192.0.2.7"), &[], OTHERS),
        ("the other header is not asked", None, &[("forwarded", b"for=192.0.2.7")], OTHERS),
    ];
    check_all("one hop", &one, rows);

    let two = verifier(client_ip::x_forwarded_for(hops(2)));
    let rows: &[Row<'_>] = &[
        ("the last but one", None, &[(NAME, b"192.0.2.7, 10.0.0.1")], Ok(())),
        ("in two lines", None, &[(NAME, b"192.0.2.7"), (NAME, b"10.0.0.1")], Ok(())),
        ("behind an invention", None, &[(NAME, b"10.6.6.6, 192.0.2.7, 10.0.0.1")], Ok(())),
        ("too few entries", None, &[(NAME, b"192.0.2.7")], OTHERS),
        ("an invention too far left", None, &[(NAME, b"192.0.2.7, 10.6.6.6, 10.0.0.1")], OTHERS),
        ("the last is a client's only with one hop", None, &[(NAME, b"10.0.0.1, 192.0.2.7")], OTHERS),
        ("a proxy's own entry that does not parse", None, &[(NAME, b"192.0.2.7, unknown")], OTHERS),
    ];
    check_all("two hops", &two, rows);
}

#[test]
fn only_what_trusted_proxies_appended_to_forwarded_is_believed() {
    const NAME: &str = "forwarded";
    let one = verifier(client_ip::forwarded(hops(1)));
    let rows: &[Row<'_>] = &[
        ("the last element", None, &[(NAME, b"for=192.0.2.7")], Ok(())),
        ("among other pairs", None, &[(NAME, b"by=10.0.0.9;for=192.0.2.7;proto=https;host=h")], Ok(())),
        ("the name in another case", None, &[(NAME, b"FOR=192.0.2.7")], Ok(())),
        ("with a port, in quotes", None, &[(NAME, b"for=\"192.0.2.7:4711\"")], Ok(())),
        ("mapped", None, &[(NAME, b"for=\"[::ffff:192.0.2.7]\"")], Ok(())),
        ("behind an invention", None, &[(NAME, b"for=10.6.6.6, for=192.0.2.7")], Ok(())),
        ("an invention", None, &[(NAME, b"for=192.0.2.7, for=10.0.0.1")], OTHERS),
        ("an invention in a line of its own", None, &[(NAME, b"for=192.0.2.7"), (NAME, b"for=10.0.0.1")], OTHERS),
        (
            "a quote left open before the proxy's line",
            None,
            &[(NAME, b"for=\"192.0.2.7"), (NAME, b"for=10.0.0.1")],
            OTHERS,
        ),
        ("a quote that would swallow the proxy's", None, &[(NAME, b"for=192.0.2.7;x=\", for=10.0.0.1")], OTHERS),
        ("two `for` in one element", None, &[(NAME, b"for=10.0.0.1;for=192.0.2.7")], OTHERS),
        ("no `for`", None, &[(NAME, b"for=192.0.2.7, by=10.0.0.1")], OTHERS),
        ("unknown", None, &[(NAME, b"for=192.0.2.7, for=unknown")], OTHERS),
        ("obfuscated", None, &[(NAME, b"for=192.0.2.7, for=_hidden")], OTHERS),
        ("IPv6 without brackets", None, &[(NAME, b"for=\"::ffff:192.0.2.7\"")], OTHERS),
        ("absent", None, &[], OTHERS),
        ("empty", None, &[(NAME, b"")], OTHERS),
        ("not text", None, &[(NAME, b"for=\xff"), (NAME, b"for=192.0.2.7")], OTHERS),
        ("the other header is not asked", None, &[("x-forwarded-for", b"192.0.2.7")], OTHERS),
    ];
    check_all("one hop", &one, rows);

    let two = verifier(client_ip::forwarded(hops(2)));
    let rows: &[Row<'_>] = &[
        ("the last but one", None, &[(NAME, b"for=192.0.2.7, for=10.0.0.1")], Ok(())),
        ("too few elements", None, &[(NAME, b"for=192.0.2.7")], OTHERS),
        ("a proxy that does not tell", None, &[(NAME, b"for=192.0.2.7, for=unknown")], OTHERS),
    ];
    check_all("two hops", &two, rows);
}

#[test]
fn a_header_is_believed_only_behind_a_trusted_peer() {
    const NAME: &str = "x-forwarded-for";
    let source = client_ip::behind(&["10.0.0.0/8", "::1"], peer(), client_ip::x_forwarded_for(hops(1))).unwrap();
    let rows: &[Row<'_>] = &[
        ("a trusted peer", Some("10.1.2.3"), &[(NAME, b"192.0.2.7")], Ok(())),
        ("a trusted peer, IPv6", Some("::1"), &[(NAME, b"192.0.2.7")], Ok(())),
        ("a trusted peer, mapped", Some("::ffff:10.1.2.3"), &[(NAME, b"192.0.2.7")], Ok(())),
        ("a trusted peer, an invention on the left", Some("10.1.2.3"), &[(NAME, b"192.0.2.7, 10.0.0.1")], OTHERS),
        ("a trusted peer that does not tell", Some("10.1.2.3"), &[], OTHERS),
        ("a trusted peer that tells nonsense", Some("10.1.2.3"), &[(NAME, b"192.0.2.7, unknown")], OTHERS),
        ("the client itself", Some("192.0.2.7"), &[], Ok(())),
        ("the client itself, whatever it says", Some("192.0.2.7"), &[(NAME, b"10.6.6.6")], Ok(())),
        ("a stranger", Some("11.0.0.0"), &[], OTHERS),
        ("a stranger that says it is the client", Some("11.0.0.0"), &[(NAME, b"192.0.2.7")], OTHERS),
        ("a stranger that says it was a proxy", Some("11.0.0.0"), &[(NAME, b"192.0.2.7, 10.0.0.1")], OTHERS),
        ("no peer", None, &[(NAME, b"192.0.2.7")], OTHERS),
    ];
    check_all("behind", &verifier(source), rows);

    let nobody = client_ip::behind(&[], peer(), client_ip::x_forwarded_for(hops(1))).unwrap();
    let rows: &[Row<'_>] = &[
        ("the client", Some("192.0.2.7"), &[], Ok(())),
        ("anyone who says so", Some("10.1.2.3"), &[(NAME, b"192.0.2.7")], OTHERS),
    ];
    check_all("behind nobody", &verifier(nobody), rows);

    // A proxy is not taken for the client, even if the link is for it.
    let source = client_ip::behind(&["192.0.2.7"], peer(), client_ip::forwarded(hops(1))).unwrap();
    let rows: &[Row<'_>] = &[
        ("tells nothing", Some("192.0.2.7"), &[], OTHERS),
        ("tells another", Some("192.0.2.7"), &[("forwarded", b"for=10.0.0.1")], OTHERS),
        ("tells itself", Some("192.0.2.7"), &[("forwarded", b"for=192.0.2.7")], Ok(())),
    ];
    check_all("the proxy", &verifier(source), rows);
}
