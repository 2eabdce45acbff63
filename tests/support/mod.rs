//! What several test files share. Each uses a part of it.
#![allow(dead_code, missing_docs, clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

pub mod by_hand;

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use http_body::Body;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpSocket;
use tower_signed_url::{DEFAULT_COOKIE, Keyring, ScopeToken, Signer, SigningKey, Verifier};

/// The time that fixed links are checked at.
pub const NOW: u64 = 1_789_999_000;

/// What whoever is refused reads by default.
pub const INVALID: &str = "This link is not valid here.";
pub const ENDED: &str = "This link has ended. A fresh one may work.";

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The key of the specification's figures, `00 01 … 1f`, without an id.
pub fn figure_key() -> SigningKey {
    SigningKey::from_bytes(&by_hand::secret()).unwrap()
}

pub fn figure_keys() -> Keyring {
    Keyring::new(figure_key())
}

/// A verifier with the figures' key, at [`NOW`].
pub fn fixed_verifier() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).build().unwrap()
}

/// A link that has 1000 seconds left at [`NOW`].
pub fn link(target: &str) -> String {
    fixed_verifier().signer().url(target).sign_until(at(NOW + 1000)).unwrap().into_string()
}

/// What mints links that have ended at [`NOW`].
pub fn earlier() -> Signer {
    fixed_verifier().signer().with_clock(|| at(NOW - 9))
}

/// `Cookie` with this token.
pub fn cookie(token: &ScopeToken) -> String {
    let field = token.set_cookie(DEFAULT_COOKIE).unwrap();
    field.to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// Where programs are. Servers are in a folder that is not everyone's.
pub static PATH: LazyLock<String> = LazyLock::new(|| std::env::var("PATH").unwrap_or_default() + ":/usr/sbin");

/// Whether the program is there. On a machine that runs every test it has to be.
pub fn is_installed(program: &str) -> bool {
    let look = format!("command -v {program}");
    let installed =
        Command::new("sh").args(["-c", &look]).env("PATH", PATH.as_str()).output().unwrap().status.success();
    assert!(installed || std::env::var_os("CI").is_none(), "{program} is not installed");
    if !installed {
        // Past the harness, which keeps to itself what a test that passes prints.
        let _ = writeln!(std::io::stderr(), "left out: {program} is not installed");
    }
    installed
}

/// A response as it came over the wire.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// The header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The one value of a header; panics if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values: Vec<_> = self.headers.iter().filter(|(n, _)| n == name).collect();
        assert!(values.len() < 2, "{values:?}");
        values.first().map(|(_, value)| value.as_str())
    }
}

/// Sends one HTTP/1.1 request as it is written (method, target, header lines, body) and reads the answer to its end.
pub fn exchange(server: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    read_reply(&answer)
}

/// A connection that speaks HTTP/2.
pub async fn connect_http2<B>(server: SocketAddr) -> http2::SendRequest<B>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let stream = TokioIo::new(tokio::net::TcpStream::connect(server).await.unwrap());
    let (client, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A port that is nobody's for as long as the socket lives, which does not listen: whoever connects is refused.
pub fn free_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    // Caddy can have it all the same, for it shares ports.
    #[cfg(unix)]
    socket.set_reuseport(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn read_reply(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
    let head = str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
            (name.to_lowercase(), value.to_owned())
        })
        .collect();
    let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked");
    let body = &answer[end + 4..];
    let body = if chunked { unchunk(body) } else { body.to_vec() };
    Reply { status, headers, body }
}

fn unchunk(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|w| w == b"\r\n").expect("a chunk's size");
        let size = usize::from_str_radix(str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 2 + size + 2..];
    }
}
