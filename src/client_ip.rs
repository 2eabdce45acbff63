//! Where a client's address comes from, for
//! [`VerifierBuilder::client_ip`](crate::VerifierBuilder::client_ip).
//!
//! A source is a function of a request's [`Head`]. One that returns `None` does not know the client, and a link that is
//! bound to addresses is then refused. IPv4-mapped IPv6 addresses are IPv4.
//!
//! # Which one
//!
//! | what clients connect to | source |
//! | --- | --- |
//! | an axum server | `connect_info` (feature `axum`) |
//! | another server | [`extension`] |
//! | proxies that you run, and nothing gets past them | [`x_forwarded_for`] or [`forwarded`] |
//! | proxies that you run, or past them the server itself | [`behind`] |
//!
//! # What may be believed
//!
//! A header is whatever the client sent, unless a proxy that you run appends to it. Each proxy appends the address that
//! it was connected from, so only the last entries are its own: as many as the proxies that a request passes. The
//! sources of this module count from the right, and take what stands further left for a client's invention. Count too
//! few, and a proxy is taken for the client; count too many, and clients choose their addresses.
//!
//! - A proxy that passes the header on as it came does not count.
//! - Every way to the server must pass as many proxies.
//! - A server that can be reached past its proxies needs [`behind`]: on that way the whole header is the client's.
//!
//! ```
//! use std::num::NonZeroU8;
//! use tower_signed_url::{Keyring, SigningKey, Verifier, client_ip};
//!
//! const ONE_HOP: NonZeroU8 = NonZeroU8::MIN;
//!
//! let keys = Keyring::new(SigningKey::generate()?);
//! let verifier = Verifier::builder(&keys).client_ip(client_ip::x_forwarded_for(ONE_HOP)).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::net::IpAddr;
#[cfg(feature = "axum")]
use std::net::SocketAddr;
use std::num::NonZeroU8;

use crate::format::read_network;
use crate::forwarded;
use crate::head::Head;
use crate::policy::{ConfigError, ConfigErrorKind};

/// The peer of the connection, as axum tells it to a service made by `into_make_service_with_connect_info::<SocketAddr>`.
///
/// ```no_run
/// use std::net::SocketAddr;
/// use tower_signed_url::{Keyring, SignedUrlLayer, SigningKey, Verifier, client_ip};
///
/// # async fn serve(app: axum::Router, listener: tokio::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys).client_ip(client_ip::connect_info()).build()?;
/// let app = app.route_layer(SignedUrlLayer::new(verifier));
/// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "axum")]
pub fn connect_info() -> impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static {
    use axum::extract::ConnectInfo;

    extension(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip())
}

/// The address in an extension of the request: where there is no axum, whatever accepts connections puts the peer's
/// there.
///
/// ```
/// use std::net::SocketAddr;
/// use tower_signed_url::{Keyring, SigningKey, Verifier, client_ip};
///
/// #[derive(Clone)]
/// struct Peer(SocketAddr); // `request.extensions_mut().insert(Peer(address))` for each request of a connection
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys).client_ip(client_ip::extension(|peer: &Peer| peer.0.ip())).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn extension<T: Send + Sync + 'static>(
    read: impl Fn(&T) -> IpAddr + Send + Sync + 'static,
) -> impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static {
    move |head: Head<'_>| head.extensions().get::<T>().map(|value| read(value).to_canonical())
}

/// The n-th entry from the right of `X-Forwarded-For`, 1 being the last; all its lines count, in their order.
///
/// `ip`, `ip:port`, `[v6]` and `[v6]:port` are read. If there are fewer entries, or if this one or one to its right is
/// something else, the client is unknown: none is skipped. [What may be believed](self#what-may-be-believed) tells how
/// many hops to trust.
pub fn x_forwarded_for(trusted_hops: NonZeroU8) -> impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static {
    move |head: Head<'_>| forwarded::x_forwarded_for(head.headers(), trusted_hops)
}

/// The `for` of the n-th element from the right of `Forwarded` (RFC 7239), 1 being the last; all its lines count, in
/// their order.
///
/// An address with or without a port is read; IPv6 stands in brackets. If the header is malformed, if there are fewer
/// elements, or if this one or one to its right has no `for`, two of them, `unknown` or an obfuscated identifier, the
/// client is unknown: none is skipped. [What may be believed](self#what-may-be-believed) tells how many hops to trust.
pub fn forwarded(trusted_hops: NonZeroU8) -> impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static {
    move |head: Head<'_>| forwarded::forwarded(head.headers(), trusted_hops)
}

/// What `forwarded` tells where the peer is in a trusted network, and the peer itself where it is in none.
///
/// If a trusted peer's header does not tell the client, the client is unknown: it is not taken to be the proxy. An
/// untrusted peer's header is not looked at. Who connects directly is thus held to the address of the connection.
///
/// Networks are addresses (`::1`) and CIDR networks (`10.0.0.0/8`), bits outside the prefix being zero. To trust every
/// peer, use `forwarded` alone.
///
/// # Errors
///
/// [`ConfigErrorKind::Network`] for a text that is no such network; a prefix of 0 is refused too.
///
/// ```
/// use std::num::NonZeroU8;
/// use tower_signed_url::{Keyring, SigningKey, Verifier, client_ip};
///
/// #[derive(Clone)]
/// struct Peer(std::net::IpAddr); // or `connect_info()` with axum
///
/// const ONE_HOP: NonZeroU8 = NonZeroU8::MIN;
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let source = client_ip::behind(
///     &["10.0.0.0/8", "::1"],
///     client_ip::extension(|peer: &Peer| peer.0),
///     client_ip::x_forwarded_for(ONE_HOP),
/// )?;
/// let verifier = Verifier::builder(&keys).client_ip(source).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn behind<P, F>(
    trusted: &[&str],
    peer: P,
    forwarded: F,
) -> Result<impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static + use<P, F>, ConfigError>
where
    P: Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    F: Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static,
{
    let read =
        |network: &&str| read_network(network).ok_or_else(|| ConfigError::new(ConfigErrorKind::Network, network));
    let trusted = trusted.iter().map(read).collect::<Result<Box<[_]>, _>>()?;
    Ok(move |head: Head<'_>| {
        let peer = peer(head)?.to_canonical();
        let is_trusted = trusted.iter().any(|network| network.contains(&peer));
        if is_trusted { forwarded(head).map(|client| client.to_canonical()) } else { Some(peer) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use http::Request;

    use crate::policy::ConfigErrorKind;

    #[derive(Clone)]
    struct Peer(IpAddr);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn request(peer: Option<&str>, x_forwarded_for: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(address(peer)));
        }
        if let Some(value) = x_forwarded_for {
            request.headers_mut().insert("x-forwarded-for", value.parse().unwrap());
        }
        request
    }

    fn peer() -> impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static {
        extension(|peer: &Peer| peer.0)
    }

    #[test]
    fn an_extension_tells_its_address() {
        for (inserted, client) in [
            (None, None),
            (Some("1.2.3.4"), Some("1.2.3.4")),
            (Some("2001:db8::1"), Some("2001:db8::1")),
            (Some("::ffff:1.2.3.4"), Some("1.2.3.4")),
        ] {
            let request = request(inserted, Some("6.6.6.6"));
            assert_eq!(peer()(Head::of(&request)), client.map(address), "{inserted:?}");
        }
    }

    #[cfg(feature = "axum")]
    #[test]
    fn axum_tells_the_peer_of_the_connection() {
        use axum::extract::ConnectInfo;

        for (socket, client) in [
            ("1.2.3.4:80", "1.2.3.4"),
            ("[::1]:80", "::1"),
            ("[fe80::1%7]:80", "fe80::1"),
            ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
        ] {
            let mut request = request(Some("6.6.6.6"), Some("6.6.6.6"));
            assert_eq!(connect_info()(Head::of(&request)), None, "{socket}");
            request.extensions_mut().insert(ConnectInfo(socket.parse::<SocketAddr>().unwrap()));
            assert_eq!(connect_info()(Head::of(&request)), Some(address(client)), "{socket}");
        }
    }

    #[test]
    fn a_header_is_read_whoever_sent_it() {
        let two = NonZeroU8::new(2).unwrap();
        let request = Request::builder()
            .header("x-forwarded-for", "6.6.6.6, 1.1.1.1")
            .header("x-forwarded-for", "2.2.2.2")
            .header("forwarded", "for=6.6.6.6, for=3.3.3.3, for=4.4.4.4")
            .body(())
            .unwrap();
        assert_eq!(x_forwarded_for(two)(Head::of(&request)), Some(address("1.1.1.1")));
        assert_eq!(forwarded(two)(Head::of(&request)), Some(address("3.3.3.3")));
    }

    #[test]
    fn only_a_trusted_peer_is_asked_for_the_client() {
        let trusted = ["10.0.0.0/8", "::1", "::ffff:192.168.0.0/112"].map(str::to_owned);
        let trusted = trusted.each_ref().map(String::as_str);
        let source = behind(&trusted, peer(), x_forwarded_for(NonZeroU8::MIN)).unwrap();
        for (peer, header, client) in [
            (Some("10.0.0.1"), Some("1.2.3.4"), Some("1.2.3.4")),
            (Some("10.255.255.255"), Some("1.2.3.4"), Some("1.2.3.4")),
            (Some("::ffff:10.0.0.1"), Some("1.2.3.4"), Some("1.2.3.4")),
            (Some("::1"), Some("::ffff:1.2.3.4"), Some("1.2.3.4")),
            (Some("192.168.0.9"), Some("1.2.3.4"), Some("1.2.3.4")),
            (Some("10.0.0.1"), Some("6.6.6.6, 1.2.3.4"), Some("1.2.3.4")),
            // A trusted peer is not the client.
            (Some("10.0.0.1"), None, None),
            (Some("10.0.0.1"), Some("unknown"), None),
            (Some("10.0.0.1"), Some(""), None),
            // Another peer is.
            (Some("11.0.0.0"), Some("1.2.3.4"), Some("11.0.0.0")),
            (Some("11.0.0.0"), Some("unknown"), Some("11.0.0.0")),
            (Some("11.0.0.0"), None, Some("11.0.0.0")),
            (Some("::ffff:11.0.0.0"), Some("1.2.3.4"), Some("11.0.0.0")),
            (Some("192.169.0.0"), Some("1.2.3.4"), Some("192.169.0.0")),
            (Some("::2"), Some("1.2.3.4"), Some("::2")),
            // Without a peer nothing is believed.
            (None, Some("1.2.3.4"), None),
            (None, None, None),
        ] {
            let request = request(peer, header);
            assert_eq!(source(Head::of(&request)), client.map(address), "{peer:?} {header:?}");
        }
    }

    #[test]
    fn with_no_trusted_network_the_peer_is_the_client() {
        let source = behind(&[], peer(), x_forwarded_for(NonZeroU8::MIN)).unwrap();
        assert_eq!(source(Head::of(&request(Some("10.0.0.1"), Some("1.2.3.4")))), Some(address("10.0.0.1")));
    }

    #[test]
    fn what_any_source_tells_is_made_ipv4_where_it_is() {
        let mapped = |_: Head<'_>| Some(address("::ffff:1.2.3.4"));
        for trusted in [&["1.2.3.4"][..], &[]] {
            let source = behind(trusted, mapped, mapped).unwrap();
            assert_eq!(source(Head::of(&request(None, None))), Some(address("1.2.3.4")), "{trusted:?}");
        }
    }

    #[test]
    fn a_source_outlives_the_list_it_was_made_of() {
        fn keep(_: impl Fn(Head<'_>) -> Option<IpAddr> + Send + Sync + 'static) {}
        let network = String::from("10.0.0.0/8");
        let source = behind(&[&network], peer(), forwarded(NonZeroU8::MIN)).unwrap();
        drop(network);
        keep(source);
    }

    #[test]
    fn what_is_not_a_network_is_named() {
        for network in ["", "10.0.0.0/", "10.0.0.1/8", "0.0.0.0/0", "10.0.0.0/33", "2001:db8::1/32", "fe80::1%1", "a"] {
            let error = behind(&["::1", network], peer(), peer()).err().unwrap();
            assert_eq!(error.kind(), ConfigErrorKind::Network, "{network}");
            assert!(error.to_string().starts_with(&format!("{network:?} is not a network: write ")), "{error}");
        }
    }
}
