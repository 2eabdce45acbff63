use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::{SignError, SignErrorKind};
use crate::format::{Names, check_path};

/// Takes an absolute URL apart into its origin (`https://example.com`) and the rest, which is empty or begins with `/`
/// or `?`.
///
/// The origin has to be written as a WHATWG URL parser would write it, or the link would change on its way.
pub(super) fn split_origin<'u>(url: &'u str, http_hosts: &[Box<str>]) -> Result<(&'u str, &'u str), SignError> {
    let not_absolute = |why| SignError::about(SignErrorKind::AbsoluteUrl, why);
    let (is_https, after_scheme) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(not_absolute("it does not begin with https:// or http://")),
    };
    let end = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
    let (authority, rest) = after_scheme.split_at(end);
    if authority.contains('@') {
        return Err(not_absolute("it holds a user's name"));
    }
    let (host, port) = split_port(authority);
    if !is_host(host) {
        return Err(not_absolute(
            "its host is not a lower-case name or a canonical address (for an internationalised name, sign the path, and put the origin before it)",
        ));
    }
    if port.is_some_and(|port| !is_port(port, if is_https { "443" } else { "80" })) {
        return Err(not_absolute("its port is not a number, or is the scheme's own and to be left out"));
    }
    if !is_https {
        check_plain_http(host, http_hosts)?;
    }
    Ok(url.split_at(url.len() - rest.len()))
}

/// Checks that plain `http` to this host, in lower case, was allowed, or goes nowhere.
pub(super) fn check_plain_http(host: &str, http_hosts: &[Box<str>]) -> Result<(), SignError> {
    if is_loopback(host) || http_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(SignError::about(SignErrorKind::PlainHttp, host))
}

/// A base's text: an origin, and a path without a slash at its end.
pub(super) fn check_base<'b>(base: &'b str, http_hosts: &[Box<str>], names: &Names) -> Result<&'b str, SignError> {
    let (_, path) = split_origin(base, http_hosts)?;
    if path.contains('?') {
        return Err(SignError::about(SignErrorKind::AbsoluteUrl, "a base has no query"));
    }
    check_path(path, names)?;
    Ok(base.strip_suffix('/').unwrap_or(base))
}

pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // Not a colon inside of `[…]`.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_port(port: &str, default: &str) -> bool {
    port != default && port.parse::<u16>().is_ok_and(|number| number.to_string() == port)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // Rust writes embedded IPv4 addresses with dots, browsers in hexadecimal: leave those alone.
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| !address.contains('.') && parsed.to_string() == address);
    }
    // Whether a URL parser takes an internationalised label (`xn--…`) is for tables of Unicode to say.
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with("xn--")
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    host.split('.').all(is_label) && (!ends_in_number(host) || host.parse::<Ipv4Addr>().is_ok())
}

/// Whether a URL parser takes the host for an IPv4 address (WHATWG URL section 3.5).
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    last.bytes().all(|b| b.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(is_hex)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_only_as_a_browser_writes_them() {
        for (url, origin) in [
            ("https://example.com", Some("https://example.com")),
            ("https://example.com/a?b", Some("https://example.com")),
            ("https://example.com?b", Some("https://example.com")),
            ("https://a-b_c.example.com:8443/a", Some("https://a-b_c.example.com:8443")),
            ("https://1.2.3.4/a", Some("https://1.2.3.4")),
            ("https://[2001:db8::1]:8443/a", Some("https://[2001:db8::1]:8443")),
            ("http://localhost/a", Some("http://localhost")),
            ("http://cdn.localhost:3000/a", Some("http://cdn.localhost:3000")),
            ("http://127.0.0.1:3000/a", Some("http://127.0.0.1:3000")),
            ("http://127.9.9.9/a", Some("http://127.9.9.9")),
            ("http://[::1]/a", Some("http://[::1]")),
            ("http://intranet.example/a", Some("http://intranet.example")),
            ("https://", None),
            ("https:///a", None),
            ("HTTPS://example.com/", None),
            ("https://Example.com/", None),
            ("https://example.com:443/", None),
            ("http://localhost:80/", None),
            ("https://example.com:/", None),
            ("https://example.com:0443/", None),
            ("https://example.com:65536/", None),
            ("https://user@example.com/", None),
            ("https://user:pw@example.com/", None),
            ("https://example..com/", None),
            ("https://example.com./", None),
            ("https://exämple.com/", None),
            ("https://xn--exmple-cua.com/", None),
            ("https://a.xn--/", None),
            ("https://axn--/", Some("https://axn--")),
            ("https://ex%41mple.com/", None),
            ("https://127.1/", None),
            ("https://0x7f.0.0.1/", None),
            ("https://a.0x7f/", None),
            ("https://1.2.3.04/", None),
            ("https://1.2.3.4.5/", None),
            ("https://[::1/", None),
            ("https://[0:0::1]/", None),
            ("https://[::ffff:1.2.3.4]/", None),
            ("ftp://example.com/", None),
            ("//example.com/", None),
            ("https:/example.com/", None),
        ] {
            let split = split_origin(url, &["intranet.example".into()]);
            assert_eq!(split.map(|(origin, _)| origin).ok(), origin, "{url}");
        }
    }

    #[test]
    fn plain_http_has_an_error_of_its_own() {
        for url in ["http://example.com/a", "http://localhost.example.com/", "http://128.0.0.1/"] {
            assert_eq!(split_origin(url, &[]).unwrap_err().kind(), SignErrorKind::PlainHttp, "{url}");
        }
    }
}
