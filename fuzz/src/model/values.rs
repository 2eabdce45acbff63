//! What values and paths may be: sections 2 and 3.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::Setup;

/// Whether a name is known and enforceable, and its value is as section 2 has it.
pub fn is_sound(setup: &Setup, name: &str, value: &str) -> bool {
    match name {
        "exp" | "sig-start" => time(value).is_some(),
        "sig-methods" => distinct(value).is_some_and(|methods| {
            methods.iter().all(|m| !m.is_empty() && m.chars().all(|c| matches!(c, 'A'..='Z' | '-')))
        }),
        "sig-ip" => {
            let networks: Vec<_> = value.split(',').map(network).collect();
            setup.client.is_some()
                && networks.iter().all(Option::is_some)
                && networks.iter().collect::<BTreeSet<_>>().len() == networks.len()
        }
        "sig-bind" => distinct(value).is_some(),
        "sig-scope" => {
            value.ends_with('/') && !value.contains(['&', ';', ',', '?', '#', '\'']) && is_unambiguous(value)
        }
        "sig-id" => {
            (1..=64).contains(&value.len()) && value.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        }
        "sig-max-bytes" => value == "0" || number(value, 20).is_some_and(|number| number <= u128::from(u64::MAX)),
        "sig-type" => value.split_once('/').is_some_and(|(main, sub)| is_token(main) && (sub == "*" || is_token(sub))),
        "sig-download" => unescape(value).is_some_and(|name| {
            let forbidden = |c: char| {
                let code = u32::from(c);
                "/\\".contains(c)
                    || [0..=0x1f, 0x7f..=0x9f, 0x202a..=0x202e, 0x2066..=0x2069].iter().any(|r| r.contains(&code))
            };
            !name.is_empty() && !name.chars().any(forbidden)
        }),
        _ => false,
    }
}

/// The entries of a list, unless two are equal.
pub fn distinct(list: &str) -> Option<Vec<&str>> {
    let entries: Vec<&str> = list.split(',').collect();
    (entries.iter().collect::<BTreeSet<_>>().len() == entries.len()).then_some(entries)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'+-.^_`|~".contains(c))
}

/// A number over 0.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_decimal = (1..=digits).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| is_decimal && !text.starts_with('0'))
}

/// In milliseconds.
pub fn time(text: &str) -> Option<i128> {
    let number = i128::try_from(number(text, 13)?).ok()?;
    Some(if number < 100_000_000_000 { number * 1000 } else { number })
}

/// Whether it is IPv4, the address's bits, and how many of them are the network's. IPv4-mapped IPv6 is IPv4.
pub fn network(text: &str) -> Option<(bool, u128, u32)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(u32::try_from(number(length, 3)?).ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width: u32 = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(width);
    let (is_v4, bits, bits_in_all, length) = match address.to_canonical() {
        IpAddr::V4(v4) => (true, u128::from(v4.to_bits()), 32, length.checked_sub(width - 32)?),
        IpAddr::V6(v6) => (false, v6.to_bits(), 128, length),
    };
    let host_bits = u32::checked_sub(bits_in_all, length).filter(|_| length > 0)?;
    (bits & ((1_u128 << host_bits) - 1) == 0).then_some((is_v4, bits, length))
}

pub fn holds((is_v4, bits, length): (bool, u128, u32), client: IpAddr) -> bool {
    match client.to_canonical() {
        IpAddr::V4(client) => is_v4 && (u128::from(client.to_bits()) ^ bits) >> (32 - length) == 0,
        IpAddr::V6(client) => !is_v4 && (client.to_bits() ^ bits) >> (128 - length) == 0,
    }
}

/// Printable ASCII with its escapes decoded.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?),
            0x21..=0x7e => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// Section 3's path rules.
pub fn is_unambiguous(path: &str) -> bool {
    let lower = path.to_lowercase();
    let escaped = |byte: u8| lower.contains(&format!("%{byte:02x}"));
    let forbidden = (0..=0x1f).chain([0x7f, b'%', b'/', b'\\']).any(escaped);
    let Some(path) = path.strip_prefix('/').filter(|path| !forbidden && !path.contains('\\')) else {
        return false;
    };
    let segments: Vec<&str> = path.split('/').collect();
    segments.iter().enumerate().all(|(at, segment)| {
        let is_end = at + 1 == segments.len() && segment.is_empty();
        let name = unescape(segment);
        let name = name.as_ref().map(|name| {
            name.split(';').next().unwrap_or_default().trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
        });
        is_end || name.is_some_and(|name| !["", ".", ".."].contains(&name))
    })
}
