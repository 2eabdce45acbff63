//! Whole answers, as they are on the wire.

use std::net::SocketAddr;

use super::http2;
use super::support::exchange;

/// An answer but for its `Date`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Over HTTP/2, whether its fields were all of it.
    pub fields_alone: bool,
}

impl Whole {
    fn new(status: u16, fields: impl IntoIterator<Item = (String, String)>, body: Option<Vec<u8>>) -> Self {
        let fields = fields.into_iter().filter(|(name, _)| name != "date").collect();
        Self { status, fields, fields_alone: body.is_none(), body: body.unwrap_or_default() }
    }

    /// The values of a field, in their order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// A field of a request.
pub type Field<'f> = (&'f str, &'f str);

pub fn over_http1(server: SocketAddr, method: &str, target: &str, fields: &[Field<'_>]) -> Whole {
    let reply = exchange(server, method, target, fields, b"");
    Whole::new(reply.status, reply.headers, Some(reply.body))
}

pub fn over_http2(server: SocketAddr, method: &str, target: &str, fields: &[Field<'_>]) -> Whole {
    let authority = server.to_string();
    let pseudo = [(":method", method), (":scheme", "http"), (":authority", &authority), (":path", target)];
    let fields: Vec<_> = pseudo.iter().chain(fields).map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let mut answer = http2::exchange_whole(server, &fields, None).expect("an answer");
    let (name, status) = answer.fields.remove(0);
    assert_eq!(name, ":status");
    Whole::new(status.parse().unwrap(), answer.fields, answer.body)
}

/// Over HTTP/1.1 and over HTTP/2.
pub fn ask(server: SocketAddr, target: &str, fields: &[Field<'_>]) -> [(&'static str, Whole); 2] {
    [("HTTP/1.1", over_http1(server, "GET", target, fields)), ("HTTP/2", over_http2(server, "GET", target, fields))]
}
