//! What the proxies on a request's way say of where it came from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;

use http::header::{FORWARDED, HeaderMap, HeaderName};

use crate::quoted;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that the outermost of so many proxies gives in `X-Forwarded-For`.
pub(crate) fn x_forwarded_for(headers: &HeaderMap, hops: NonZeroU8) -> Option<IpAddr> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
    nth(entries.map(read_entry), hops)
}

/// The same for `Forwarded` (RFC 7239).
pub(crate) fn forwarded(headers: &HeaderMap, hops: NonZeroU8) -> Option<IpAddr> {
    let mut addresses = Vec::new();
    for line in headers.get_all(FORWARDED) {
        // Each line is split by itself: a quote that a client left open must not swallow what a proxy wrote.
        for element in quoted::split(line.to_str().ok()?, ',')? {
            addresses.push(match &*read_element(element)? {
                [node] => read_node(node),
                _ => None,
            });
        }
    }
    nth(addresses.into_iter().rev(), hops)
}

/// The n-th of the addresses, if all up to it were read: a hop that is skipped would make a client's word a proxy's.
fn nth(mut addresses: impl Iterator<Item = Option<IpAddr>>, n: NonZeroU8) -> Option<IpAddr> {
    for _ in 1..n.get() {
        addresses.next()??;
    }
    addresses.next()?
}

/// An entry of `X-Forwarded-For`, which has no standard: an IPv6 address needs no brackets.
fn read_entry(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry.trim_ascii()).ok()?;
    match entry.parse::<Ipv6Addr>() {
        Ok(address) => Some(IpAddr::V6(address).to_canonical()),
        Err(_) => read_node(entry),
    }
}

/// What an element of `Forwarded` says in each `for`; none if it is not by the grammar (RFC 7239 section 4), but for space
/// around a semicolon, which some proxies write.
fn read_element(element: &str) -> Option<Vec<String>> {
    let mut nodes = Vec::new();
    // A pair may be empty.
    for pair in quoted::split(element, ';')?.into_iter().filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').filter(|(name, _)| quoted::is_token(name))?;
        let value = quoted::read(value)?;
        if name.eq_ignore_ascii_case("for") {
            nodes.push(value);
        }
    }
    Some(nodes)
}

/// The address of a node with or without a port (RFC 7239 section 6). Neither `unknown` nor a name in its stead is one.
fn read_node(node: &str) -> Option<IpAddr> {
    // `SocketAddr` would read zone ids, and ports with signs or leading zeros.
    let (address, rest) = match node.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']')?;
            (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), rest)
        }
        None => {
            let (address, rest) = node.split_at(node.find(':').unwrap_or(node.len()));
            (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), rest)
        }
    };
    let is_sound = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    is_sound.then(|| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text == "0" || (!text.starts_with(['0', '+']) && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "2001:db8:1111:2222:3333:4444:5555:6666";

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn hops(n: u8) -> NonZeroU8 {
        NonZeroU8::new(n).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_entry_of_x_forwarded_for_is_an_address_with_or_without_a_port() {
        for (entry, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            (" \t1.2.3.4\t ", Some("1.2.3.4")),
            ("0.0.0.0", Some("0.0.0.0")),
            ("255.255.255.255:65535", Some("255.255.255.255")),
            ("1.2.3.4:0", Some("1.2.3.4")),
            ("1.2.3.4:80", Some("1.2.3.4")),
            ("::1", Some("::1")),
            ("2001:DB8::1", Some("2001:db8::1")),
            (LONG, Some(LONG)),
            // An address, not one and a port.
            ("2001:db8::1:443", Some("2001:db8::1:443")),
            ("[::1]", Some("::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("::FFFF:102:304", Some("1.2.3.4")),
            ("[::ffff:1.2.3.4]:80", Some("1.2.3.4")),
            ("", None),
            (" ", None),
            ("unknown", None),
            ("_hidden", None),
            ("localhost", None),
            ("\"1.2.3.4\"", None),
            ("1.2.3", None),
            ("1.2.3.4.5", None),
            ("1.2.3.256", None),
            ("01.2.3.4", None),
            ("1.2.3.04", None),
            ("16909060", None),
            ("1.2.3.4/32", None),
            ("1.2.3.4 :80", None),
            ("1.2.3.4: 80", None),
            ("1.2.3.4 5.6.7.8", None),
            ("1.2.3.4:", None),
            ("1.2.3.4:65536", None),
            ("1.2.3.4:080", None),
            ("1.2.3.4:00", None),
            ("1.2.3.4:+80", None),
            ("1.2.3.4:-1", None),
            ("1.2.3.4:80:80", None),
            ("1.2.3.4:http", None),
            ("1.2.3.4:_http", None),
            ("[1.2.3.4]", None),
            ("[1.2.3.4]:80", None),
            ("[]", None),
            ("[", None),
            ("[::1", None),
            ("::1]", None),
            ("[[::1]]", None),
            ("[::1]80", None),
            ("[::1]:", None),
            ("[::1]:65536", None),
            ("[::1]:0x50", None),
            ("[ ::1]", None),
            ("fe80::1%1", None),
            ("fe80::1%eth0", None),
            ("[fe80::1%1]:80", None),
            ("[fe80::1%25eth0]", None),
            (":80", None),
            (":", None),
            ("1.2.3.4\u{a0}", None),
        ] {
            let read = x_forwarded_for(&headers(&X_FORWARDED_FOR, &[entry]), hops(1));
            assert_eq!(read, expected.map(address), "{entry}");
        }
    }

    #[test]
    fn the_entry_of_x_forwarded_for_is_counted_from_the_right() {
        for (lines, n, expected) in [
            (&[][..], 1, None),
            (&["1.1.1.1"], 1, Some("1.1.1.1")),
            (&["1.1.1.1"], 2, None),
            (&["1.1.1.1"], 255, None),
            (&["1.1.1.1, 2.2.2.2"], 1, Some("2.2.2.2")),
            (&["1.1.1.1, 2.2.2.2"], 2, Some("1.1.1.1")),
            (&["1.1.1.1,2.2.2.2,3.3.3.3"], 2, Some("2.2.2.2")),
            (&["1.1.1.1,2.2.2.2,3.3.3.3"], 3, Some("1.1.1.1")),
            (&["1.1.1.1,2.2.2.2,3.3.3.3"], 4, None),
            (&["1.1.1.1", "2.2.2.2"], 1, Some("2.2.2.2")),
            (&["1.1.1.1", "2.2.2.2"], 2, Some("1.1.1.1")),
            (&["1.1.1.1", "2.2.2.2"], 3, None),
            (&["1.1.1.1, 2.2.2.2", "3.3.3.3, 4.4.4.4"], 3, Some("2.2.2.2")),
            (&["1.1.1.1", "2.2.2.2", "3.3.3.3"], 2, Some("2.2.2.2")),
            (&["1.1.1.1", "2.2.2.2", "3.3.3.3"], 3, Some("1.1.1.1")),
            // What stands left of the entry is a stranger's word.
            (&["6.6.6.6, 6.6.6.6, 1.1.1.1"], 1, Some("1.1.1.1")),
            (&["nonsense, 1.1.1.1"], 1, Some("1.1.1.1")),
            (&["\u{e9}\", 1.1.1.1"], 1, Some("1.1.1.1")),
            (&["\u{e9}", "1.1.1.1"], 1, Some("1.1.1.1")),
            (&[", 1.1.1.1"], 1, Some("1.1.1.1")),
            (&["nonsense, 1.1.1.1, 2.2.2.2"], 2, Some("1.1.1.1")),
            // What does not parse is not skipped.
            (&["nonsense, 1.1.1.1"], 2, None),
            (&["1.1.1.1, unknown"], 1, None),
            (&["1.1.1.1, unknown"], 2, None),
            (&["1.1.1.1, unknown, 2.2.2.2"], 3, None),
            (&["1.1.1.1,"], 1, None),
            (&["1.1.1.1,"], 2, None),
            (&["1.1.1.1,,2.2.2.2"], 2, None),
            (&["1.1.1.1,,2.2.2.2"], 3, None),
            (&["1.1.1.1", ""], 1, None),
            (&["1.1.1.1", ""], 2, None),
            (&["", "1.1.1.1"], 1, Some("1.1.1.1")),
            (&["", "1.1.1.1"], 2, None),
        ] {
            let read = x_forwarded_for(&headers(&X_FORWARDED_FOR, lines), hops(n));
            assert_eq!(read, expected.map(address), "{n} of {lines:?}");
        }
    }

    #[test]
    fn an_element_of_forwarded_has_one_address_in_for() {
        for (element, expected) in [
            ("for=1.2.3.4", Some("1.2.3.4")),
            ("For=1.2.3.4", Some("1.2.3.4")),
            ("FOR=1.2.3.4", Some("1.2.3.4")),
            (" for=1.2.3.4 ", Some("1.2.3.4")),
            (r#"for="1.2.3.4""#, Some("1.2.3.4")),
            (r#"for="1.2.3.4:80""#, Some("1.2.3.4")),
            (r#"for="1.2.3.4:0""#, Some("1.2.3.4")),
            (r#"for="[2001:db8:cafe::17]""#, Some("2001:db8:cafe::17")),
            (r#"for="[2001:db8:cafe::17]:4711""#, Some("2001:db8:cafe::17")),
            (r#"for="\1.2\.3.4""#, Some("1.2.3.4")),
            (r#"for="[::ffff:1.2.3.4]""#, Some("1.2.3.4")),
            ("for=1.2.3.4;proto=http;by=203.0.113.43", Some("1.2.3.4")),
            ("proto=http;by=203.0.113.43;for=1.2.3.4", Some("1.2.3.4")),
            ("proto=http; for=1.2.3.4 ;\thost=a", Some("1.2.3.4")),
            ("for=1.2.3.4;", Some("1.2.3.4")),
            (";;for=1.2.3.4", Some("1.2.3.4")),
            ("for=1.2.3.4;by=unknown;by=_x", Some("1.2.3.4")),
            ("for=1.2.3.4;secret=_y;for-real=6.6.6.6", Some("1.2.3.4")),
            (r#"for=1.2.3.4;host="a;for=6.6.6.6, for=6.6.6.6""#, Some("1.2.3.4")),
            (r#"host="\";for=6.6.6.6";for=1.2.3.4"#, Some("1.2.3.4")),
            (r#"for=1.2.3.4;host="""#, Some("1.2.3.4")),
            // No `for`, two of them, or not an address.
            ("", None),
            (";", None),
            ("proto=http", None),
            ("by=1.2.3.4", None),
            ("for=1.2.3.4;for=1.2.3.4", None),
            ("for=1.2.3.4;For=5.6.7.8", None),
            ("for=unknown", None),
            ("for=_hidden", None),
            ("for=_1.2.3.4", None),
            (r#"for="_hidden:80""#, None),
            (r#"for="unknown:80""#, None),
            (r#"for="1.2.3.4:_http""#, None),
            (r#"for="1.2.3.4:65536""#, None),
            (r#"for="1.2.3.4:080""#, None),
            (r#"for="1.2.3.4:""#, None),
            (r#"for=" 1.2.3.4""#, None),
            (r#"for="""#, None),
            (r#"for="2001:db8::1""#, None),
            (r#"for="[fe80::1%1]""#, None),
            (r#"for="[1.2.3.4]""#, None),
            ("for=01.2.3.4", None),
            ("for=localhost", None),
            // Not by the grammar.
            ("1.2.3.4", None),
            ("for", None),
            ("for=", None),
            ("=1.2.3.4", None),
            ("for =1.2.3.4", None),
            ("for= 1.2.3.4", None),
            ("for=1.2.3.4:80", None),
            ("for=[::1]", None),
            ("for=::1", None),
            ("for='1.2.3.4'", None),
            ("for=1.2.3.4 proto=http", None),
            ("for=1.2.3.4;proto", None),
            ("for=1.2.3.4;host=a:80", None),
            ("for=1.2.3.4;a b=c", None),
            ("for=1.2.3.4;host=\u{e9}", None),
            (r#"for="1.2.3.4"#, None),
            (r#"for=1.2.3.4""#, None),
            (r#"for="1.2.3.4"x"#, None),
            (r#"for=""1.2.3.4""#, None),
            (r#"for="1.2.3.4\""#, None),
            (r#""for"=1.2.3.4"#, None),
        ] {
            let read = forwarded(&headers(&FORWARDED, &[element]), hops(1));
            assert_eq!(read, expected.map(address), "{element}");
        }
    }

    #[test]
    fn the_element_of_forwarded_is_counted_from_the_right() {
        for (lines, n, expected) in [
            (&[][..], 1, None),
            (&["for=1.1.1.1"], 2, None),
            (&["for=1.1.1.1, for=2.2.2.2"], 1, Some("2.2.2.2")),
            (&["for=1.1.1.1, for=2.2.2.2"], 2, Some("1.1.1.1")),
            (&["for=1.1.1.1, for=2.2.2.2"], 3, None),
            (&["for=1.1.1.1;proto=http,for=2.2.2.2;by=3.3.3.3"], 2, Some("1.1.1.1")),
            (&["for=1.1.1.1", "for=2.2.2.2"], 1, Some("2.2.2.2")),
            (&["for=1.1.1.1", "for=2.2.2.2"], 2, Some("1.1.1.1")),
            (&["for=1.1.1.1, for=2.2.2.2", "for=3.3.3.3"], 3, Some("1.1.1.1")),
            // What stands left of the element is a stranger's word, as long as the header can be taken apart.
            (&["for=unknown, for=1.1.1.1"], 1, Some("1.1.1.1")),
            (&["proto=http, for=6.6.6.6;for=6.6.6.6, , for=1.1.1.1"], 1, Some("1.1.1.1")),
            (&["for=\"a, for=6.6.6.6\", for=1.1.1.1"], 1, Some("1.1.1.1")),
            (&["nonsense, for=1.1.1.1"], 1, None),
            (&["nonsense", "for=1.1.1.1"], 1, None),
            (&["\u{e9}", "for=1.1.1.1"], 1, None),
            (&["for=\", for=1.1.1.1"], 1, None),
            (&["for=6.6.6.6;by=\"\\, for=\"1.1.1.1\""], 1, None),
            (&["for=6.6.6.6;by=\"", "for=1.1.1.1;by=\"\""], 1, None),
            // What has no address is not skipped.
            (&["for=unknown, for=1.1.1.1"], 2, None),
            (&["for=1.1.1.1, for=unknown"], 1, None),
            (&["for=1.1.1.1, for=unknown"], 2, None),
            (&["for=1.1.1.1, proto=http"], 2, None),
            (&["for=1.1.1.1,"], 1, None),
            (&["for=1.1.1.1,"], 2, None),
            (&["for=1.1.1.1", ""], 2, None),
            (&["", "for=1.1.1.1"], 1, Some("1.1.1.1")),
        ] {
            let read = forwarded(&headers(&FORWARDED, lines), hops(n));
            assert_eq!(read, expected.map(address), "{n} of {lines:?}");
        }
    }

    #[test]
    fn each_header_is_read_by_its_own_source() {
        let forwarded_only = headers(&FORWARDED, &["for=1.1.1.1"]);
        assert_eq!(x_forwarded_for(&forwarded_only, hops(1)), None);
        let x_forwarded_for_only = headers(&X_FORWARDED_FOR, &["1.1.1.1"]);
        assert_eq!(forwarded(&x_forwarded_for_only, hops(1)), None);
    }
}
