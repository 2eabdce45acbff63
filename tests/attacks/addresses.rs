//! Addresses that a client says are its own, and a proxy's word written so that two readers take it for two addresses.

use std::num::NonZeroU8;

use tower_signed_url::RejectionKind::Client;
use tower_signed_url::{Verifier, client_ip};

use super::door::{Case, Door, get};
use super::support::by_hand::signed;
use super::support::{NOW, at, figure_keys};

fn for_networks(networks: &str) -> String {
    signed(&format!("/a?exp=1790000000&sig-ip={networks}"))
}

/// Fields by which a client says that it comes from 192.0.2.7.
const CLAIMS: [(&str, &str); 14] = [
    ("x-forwarded-for", "192.0.2.7"),
    ("forwarded", "for=192.0.2.7"),
    ("x-real-ip", "192.0.2.7"),
    ("x-client-ip", "192.0.2.7"),
    ("x-forwarded", "for=192.0.2.7"),
    ("forwarded-for", "192.0.2.7"),
    ("x-cluster-client-ip", "192.0.2.7"),
    ("true-client-ip", "192.0.2.7"),
    ("cf-connecting-ip", "192.0.2.7"),
    ("fastly-client-ip", "192.0.2.7"),
    ("x-originating-ip", "192.0.2.7"),
    ("x-remote-addr", "192.0.2.7"),
    ("client-ip", "192.0.2.7"),
    ("via", "1.1 192.0.2.7"),
];

#[test]
fn the_connection_is_believed_and_no_field() {
    let own = for_networks("127.0.0.0/8");
    let another = for_networks("192.0.2.7");
    let with_every_field = CLAIMS
        .into_iter()
        .fold(get("another's, with every field", &*another), |case, (name, value)| case.field(name, value));
    let mut cases = vec![
        get("its own", &*own).served("/a"),
        get("another's", &*another).refused(Client),
        with_every_field.refused(Client),
    ];
    for (name, value) in CLAIMS {
        cases.push(get(format!("another's, {name}"), &*another).field(name, value).refused(Client));
        cases.push(get(format!("its own, {name}"), &*own).field(name, value).served("/a"));
    }
    let by_connection = client_ip::connect_info();
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).client_ip(by_connection).build().unwrap();
    Door::new(&verifier).check(&cases);
    // Nor where a proxy's word would be believed, which this client is not.
    let stranger =
        client_ip::behind(&["10.0.0.0/8"], client_ip::connect_info(), client_ip::x_forwarded_for(NonZeroU8::MIN));
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).client_ip(stranger.unwrap()).build().unwrap();
    Door::new(&verifier).check(&cases);
}

#[test]
fn of_a_trusted_proxy_the_last_word_counts() {
    let link = for_networks("192.0.2.7");
    let lines = |name: &str, lines: &[&[u8]]| -> Case {
        lines.iter().fold(get(name, &*link), |case, line| case.field("x-forwarded-for", *line))
    };
    let mut cases = vec![
        lines("the proxy's word", &[b"192.0.2.7"]).served("/a"),
        lines("behind an invention", &[b"10.1.1.1, 192.0.2.7"]).served("/a"),
        lines("mapped", &[b"::ffff:192.0.2.7"]).served("/a"),
        lines("mapped, in hexadecimal", &[b"::ffff:c000:207"]).served("/a"),
        lines("with a port", &[b"192.0.2.7:80"]).served("/a"),
        get("no word", &*link).refused(Client),
        get("no word but in other fields", &*link)
            .field("forwarded", "for=192.0.2.7")
            .field("x-real-ip", "192.0.2.7")
            .refused(Client),
    ];
    let rows: [(&str, &[&[u8]]); 26] = [
        ("an invention before the proxy's word", &[b"192.0.2.7, 10.1.1.1"]),
        ("an invention in a line before", &[b"192.0.2.7", b"10.1.1.1"]),
        ("an invention twice before", &[b"192.0.2.7, 192.0.2.7, 10.1.1.1"]),
        ("an invention behind a semicolon", &[b"10.1.1.1; 192.0.2.7"]),
        ("an invention behind a space", &[b"10.1.1.1 192.0.2.7"]),
        ("in quotes", &[b"\"192.0.2.7\""]),
        ("nothing behind", &[b"192.0.2.7,"]),
        ("an empty line behind", &[b"192.0.2.7", b""]),
        ("unknown behind", &[b"192.0.2.7, unknown"]),
        ("bytes that are not text behind", &[b"192.0.2.7, \xff"]),
        ("octal", &[b"0300.0.02.07"]),
        ("leading zeros", &[b"192.000.002.007"]),
        ("hexadecimal", &[b"0xc0.0x0.0x2.0x7"]),
        ("one number", &[b"3221225991"]),
        ("one number, hexadecimal", &[b"0xc0000207"]),
        ("three numbers", &[b"192.0.519"]),
        ("a dot last", &[b"192.0.2.7."]),
        ("a zone", &[b"::ffff:192.0.2.7%eth0"]),
        ("compatible, not mapped", &[b"::192.0.2.7"]),
        ("translated by NAT64", &[b"64:ff9b::192.0.2.7"]),
        ("6to4", &[b"2002:c000:207::1"]),
        ("a port that is none", &[b"192.0.2.7:99999"]),
        ("an empty port", &[b"192.0.2.7:"]),
        ("a network", &[b"192.0.2.7/32"]),
        ("full-width digits", &["\u{ff11}92.0.2.7".as_bytes()]),
        ("a name", &[b"localhost"]),
    ];
    cases.extend(rows.map(|(name, values)| lines(name, values).refused(Client)));
    let proxy =
        client_ip::behind(&["127.0.0.0/8"], client_ip::connect_info(), client_ip::x_forwarded_for(NonZeroU8::MIN));
    let verifier = Verifier::builder(&figure_keys()).clock(|| at(NOW)).client_ip(proxy.unwrap()).build().unwrap();
    Door::new(&verifier).check(&cases);
}
