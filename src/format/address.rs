use std::net::IpAddr;

use ipnet::IpNet;

use super::list::has_repeats;

/// What a mapped address has before the bits of the IPv4 one (RFC 4291 section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// The value of `sig-ip`, checked: addresses and networks of which no two are equal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Networks<'t> {
    list: &'t str,
}

impl<'t> Networks<'t> {
    pub(crate) fn read(list: &'t str) -> Option<Self> {
        let mut networks = list.split(',').map(read_network);
        let repeats = has_repeats(list.split(',').filter_map(read_network));
        (networks.all(|network| network.is_some()) && !repeats).then_some(Self { list })
    }

    pub(crate) fn contain(self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.list.split(',').filter_map(read_network).any(|network| network.contains(&client))
    }
}

/// Reads an address or a network, of which every bit outside its prefix is zero. IPv4-mapped IPv6 is IPv4.
pub(crate) fn read_network(text: &str) -> Option<IpNet> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(read_length(length)?)),
        None => (text, None),
    };
    // ipnet's own parser takes leading zeros.
    let address: IpAddr = address.parse().ok()?;
    let length = length.unwrap_or(if address.is_ipv4() { 32 } else { 128 });
    let network = match address.to_canonical() {
        canonical if canonical.is_ipv4() == address.is_ipv4() => IpNet::new(canonical, length),
        // A shorter prefix would leave one bits outside it.
        mapped => IpNet::new(mapped, length.checked_sub(MAPPED_PREFIX)?),
    };
    // One of all addresses restricts nothing, however it is written.
    network.ok().filter(|network| network.addr() == network.network() && network.prefix_len() > 0)
}

/// A number of the format: decimal, without sign or leading zero, not 0.
fn read_length(text: &str) -> Option<u8> {
    if text.starts_with(['0', '+']) { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_network_of_one() {
        for (text, network) in [
            ("1.2.3.4", "1.2.3.4/32"),
            ("1.2.3.4/32", "1.2.3.4/32"),
            ("0.0.0.0", "0.0.0.0/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/1", "0.0.0.0/1"),
            ("::", "::/128"),
            ("::1", "::1/128"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:0db8:0:0::/32", "2001:db8::/32"),
            ("8000::/1", "8000::/1"),
            ("::ffff:1.2.3.4", "1.2.3.4/32"),
            ("::ffff:102:304", "1.2.3.4/32"),
            ("::ffff:1.2.3.4/128", "1.2.3.4/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::1.2.3.4", "::102:304/128"),
        ] {
            assert_eq!(read_network(text), Some(network.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_network() {
        for text in [
            "",
            "/",
            "/8",
            " 1.2.3.4",
            "1.2.3.4 ",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "0x1.2.3.4",
            "16909060",
            "1.2.3.4:80",
            "[::1]",
            "fe80::1%1",
            "fe80::1%eth0",
            ":::",
            "1::2::3",
            "12345::",
            "localhost",
            "\u{661}.2.3.4",
            "10.0.0.0/",
            "10.0.0.0/0",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/-8",
            "10.0.0.0/ 8",
            "10.0.0.0/8/8",
            "10.0.0.0/33",
            "10.0.0.0/256",
            "10.0.0.0/264",
            "10.0.0.0/255.0.0.0",
            "0.0.0.0/0",
            "10.0.0.1/8",
            "1.2.3.5/31",
            "::/0",
            "::/129",
            "::1/127",
            "2001:db8::/32/",
            "2001:db8::/28",
            "::ffff:1.2.3.5/127",
            "::ffff:1.2.3.4/32",
            "::ffff:1.2.3.4/129",
            "::ffff:0:0/95",
            "::ffff:0:0/96",
        ] {
            assert_eq!(read_network(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_has_entries_and_no_two_are_equal() {
        let numbered = |count: usize| (0..count).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>().join(",");
        for (list, valid) in [
            ("1.2.3.4", true),
            ("1.2.3.4,1.2.3.5", true),
            ("1.2.3.4,::1", true),
            // Equal is not the same as contained.
            ("10.0.0.0/8,10.0.0.0/9,10.0.0.0", true),
            ("::1.2.3.4,1.2.3.4", true),
            (&numbered(16), true),
            (&numbered(17), true),
            ("", false),
            (",", false),
            ("1.2.3.4,", false),
            (",1.2.3.4", false),
            ("1.2.3.4,,::1", false),
            ("1.2.3.4, ::1", false),
            ("1.2.3.4;::1", false),
            ("1.2.3.4,nobody", false),
            ("1.2.3.4,1.2.3.4", false),
            ("1.2.3.4,1.2.3.4/32", false),
            ("::1,0:0::1", false),
            ("::1/128,::1", false),
            ("2001:db8::/32,2001:DB8::/32", false),
            ("::ffff:1.2.3.4,1.2.3.4", false),
            ("10.0.0.0/8,::1,::ffff:10.0.0.0/104", false),
            (&format!("{},10.0.0.0", numbered(15)), false),
            (&format!("{},10.0.0.0/32", numbered(16)), false),
            (&format!("{},10.0.0.9", numbered(40)), false),
            (&format!("{},10.0.0", numbered(40)), false),
        ] {
            assert_eq!(Networks::read(list).is_some(), valid, "{list}");
        }
    }

    #[test]
    fn a_list_contains_what_its_networks_do() {
        for (list, client, contained) in [
            ("1.2.3.4", "1.2.3.4", true),
            ("1.2.3.4", "::ffff:1.2.3.4", true),
            ("::ffff:1.2.3.4", "1.2.3.4", true),
            ("1.2.3.4", "1.2.3.5", false),
            ("1.2.3.4", "::1.2.3.4", false),
            ("10.0.0.0/8", "10.0.0.0", true),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "9.255.255.255", false),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("1.2.3.4/31", "1.2.3.5", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            // An IPv4 client is in no IPv6 network, however wide.
            ("::/1", "::ffff:1.2.3.4", false),
            ("::1,10.0.0.0/8,1.2.3.4", "1.2.3.4", true),
            ("::1,10.0.0.0/8,1.2.3.4", "::1", true),
            ("::1,10.0.0.0/8,1.2.3.4", "::2", false),
        ] {
            let networks = Networks::read(list).unwrap();
            assert_eq!(networks.contain(client.parse().unwrap()), contained, "{list} {client}");
        }
    }

    #[test]
    fn a_list_that_a_person_would_write_is_read_without_allocating() {
        let list = (0..16).map(|n| format!("2001:db8:{n}::/48")).collect::<Vec<_>>().join(",");
        let client = "2001:db8:15::1".parse().unwrap();
        let allocations = allocation_counter::measure(|| {
            assert!(Networks::read(&list).is_some_and(|networks| networks.contain(client)));
        });
        assert_eq!(allocations.count_total, 0);
    }
}
