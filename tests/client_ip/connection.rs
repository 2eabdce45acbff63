//! The peer of a real connection to a real axum server.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;

use axum::Router;
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tower_signed_url::{Head, Rejected, SignedUrlLayer, client_ip};

use super::{link, verifier};

type Source = Box<dyn Fn(Head<'_>) -> Option<IpAddr> + Send + Sync>;

fn app(source: Source) -> Router {
    let tell_kind = |rejected: Rejected<'_>| {
        let kind = format!("{:?}", rejected.rejection().kind());
        Response::builder().status(rejected.status()).body(kind).unwrap()
    };
    let layer = SignedUrlLayer::new(verifier(source)).on_reject(tell_kind);
    Router::new().fallback(async || "passed").layer(layer)
}

/// Status and body of the answer to a `GET`, sent from this address of the machine.
async fn answer(server: SocketAddr, from: &str, target: &str, lines: &str) -> (u16, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], server.port()))).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_link_is_for_the_peer_of_the_connection() {
    let connect_info = || -> Source { Box::new(client_ip::connect_info()) };
    let behind = || -> Source {
        let header = client_ip::x_forwarded_for(NonZeroU8::MIN);
        Box::new(client_ip::behind(&["127.0.0.2"], client_ip::connect_info(), header).unwrap())
    };
    // A socket for IPv6 tells IPv4 clients by mapped addresses.
    for listen in ["127.0.0.1:0", "[::]:0"] {
        for (name, source, told, from, list, lines, expected) in [
            ("the peer", connect_info(), true, "127.0.0.1", "127.0.0.1", "", (200, "passed")),
            ("the peer, in a network", connect_info(), true, "127.0.0.2", "127.0.0.0/8", "", (200, "passed")),
            ("another peer", connect_info(), true, "127.0.0.2", "127.0.0.1", "", (403, "Client")),
            (
                "another peer's invention",
                connect_info(),
                true,
                "127.0.0.2",
                "127.0.0.1",
                "x-forwarded-for: 127.0.0.1\r\nforwarded: for=127.0.0.1\r\nx-real-ip: 127.0.0.1\r\n",
                (403, "Client"),
            ),
            ("a server that does not tell", connect_info(), false, "127.0.0.1", "127.0.0.1", "", (403, "Client")),
            ("by a proxy", behind(), true, "127.0.0.2", "10.0.0.1", "x-forwarded-for: 10.0.0.1\r\n", (200, "passed")),
            (
                "by a proxy, an invention",
                behind(),
                true,
                "127.0.0.2",
                "10.0.0.1",
                "x-forwarded-for: 10.0.0.1\r\nx-forwarded-for: 10.6.6.6\r\n",
                (403, "Client"),
            ),
            ("past the proxy", behind(), true, "127.0.0.1", "127.0.0.1", "", (200, "passed")),
            (
                "past the proxy, an invention",
                behind(),
                true,
                "127.0.0.1",
                "10.0.0.1",
                "x-forwarded-for: 10.0.0.1\r\n",
                (403, "Client"),
            ),
            ("the proxy itself", behind(), true, "127.0.0.2", "127.0.0.2", "", (403, "Client")),
        ] {
            let Ok(listener) = TcpListener::bind(listen).await else {
                assert_ne!(listen, "127.0.0.1:0");
                continue; // a machine without IPv6
            };
            let server = listener.local_addr().unwrap();
            let serving = if told {
                let app = app(source).into_make_service_with_connect_info::<SocketAddr>();
                tokio::spawn(axum::serve(listener, app).into_future())
            } else {
                tokio::spawn(axum::serve(listener, app(source).into_make_service()).into_future())
            };
            let answer = answer(server, from, &link(list), lines).await;
            assert_eq!((answer.0, &*answer.1), expected, "{listen}: {name}");
            serving.abort();
        }
    }
}
