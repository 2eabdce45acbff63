//! A server behind the layer, and the requests that are tried on it.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::Service;
use tower_signed_url::{Grant, RejectionKind, SignedUrlLayer, Verifier};

use super::http2;
use super::wire::{Server, read_raw, tell_kind};

/// What a server has to make of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The service behind the layer got this target, by a grant.
    Served(String),
    /// It got this target without one.
    Anonymous(String),
    /// The layer answered with this status, and said that it was for this kind of reason.
    Refused(u16, String),
    /// The server took it for no request, or for too long a one: 400, 414, 431, or a broken stream.
    Unread,
}

impl Answer {
    pub fn refused(status: u16, kind: RejectionKind) -> Self {
        Self::Refused(status, format!("{kind:?}"))
    }
}

/// A named request, and what has to become of it.
#[derive(Clone)]
pub struct Case {
    name: String,
    method: &'static str,
    target: Vec<u8>,
    /// The first one is the authority of HTTP/2.
    hosts: Vec<&'static str>,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Option<&'static [u8]>,
    /// `None` until it is said.
    over_http1: Option<Answer>,
    /// `None` where it cannot be said there.
    over_http2: Option<Answer>,
}

/// A `GET` of this target, in raw bytes.
pub fn get(name: impl Into<String>, target: impl Into<Vec<u8>>) -> Case {
    Case {
        name: name.into(),
        method: "GET",
        target: target.into(),
        hosts: vec!["h"],
        fields: Vec::new(),
        body: None,
        over_http1: None,
        over_http2: None,
    }
}

impl Case {
    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub fn hosts(self, hosts: &[&'static str]) -> Self {
        Self { hosts: hosts.to_vec(), ..self }
    }

    pub fn field(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub fn body(self, body: &'static [u8]) -> Self {
        Self { body: Some(body), ..self }
    }

    /// It is a request like any other, and the service sees this target.
    pub fn served(self, target: impl Into<String>) -> Self {
        self.answered(Answer::Served(target.into()))
    }

    /// As `served`, but without a grant: the layer lets in whoever has no link.
    pub fn anonymous(self, target: impl Into<String>) -> Self {
        self.answered(Answer::Anonymous(target.into()))
    }

    /// Refused with the status that its kind has.
    pub fn refused(self, kind: RejectionKind) -> Self {
        self.refused_with(kind.status().as_u16(), kind)
    }

    pub fn refused_with(self, status: u16, kind: RejectionKind) -> Self {
        self.answered(Answer::refused(status, kind))
    }

    pub fn unread(self) -> Self {
        self.answered(Answer::Unread)
    }

    fn answered(self, answer: Answer) -> Self {
        Self { over_http1: Some(answer.clone()), over_http2: Some(answer), ..self }
    }

    /// Where HTTP/2 differs. Comes last.
    pub fn but_over_http2(self, answer: Answer) -> Self {
        Self { over_http2: Some(answer), ..self }
    }

    /// What HTTP/2 has no words for. Comes last.
    pub fn not_over_http2(self) -> Self {
        Self { over_http2: None, ..self }
    }

    /// A seed for the fuzzer: the target, and a line with the cookie, if there is one.
    fn seed(&self) -> Vec<u8> {
        let mut seed = self.target.clone();
        for (_, value) in self.fields.iter().filter(|(name, _)| *name == "cookie") {
            seed.push(b'\n');
            seed.extend_from_slice(value);
        }
        seed
    }
}

/// A server that lets in by link alone, over HTTP/1.1 and HTTP/2.
pub struct Door(Server);

impl Door {
    pub fn new(verifier: &Verifier) -> Self {
        Self::with_layer(SignedUrlLayer::new(verifier))
    }

    pub fn with_layer(layer: SignedUrlLayer) -> Self {
        Self::around(Router::new().fallback(show_target).layer(layer.on_reject(tell_kind)))
    }

    /// With the layer somewhere in this router, and [`show_target`] behind it.
    pub fn around(app: Router) -> Self {
        Self(Server::start(app))
    }

    /// With a service that is no router, as what is around one.
    pub fn around_service<S>(app: S) -> Self
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        Self(Server::start_service(|| app))
    }

    /// Tries them all, and panics with a list of those that were answered in another way.
    pub fn check(&self, cases: &[Case]) {
        let served = |case: &Case| matches!(case.over_http1, Some(Answer::Served(_)));
        assert!(cases.iter().any(served), "a door that nobody gets through proves nothing");
        let mut wrong = Vec::new();
        for case in cases {
            assert!(case.over_http1.is_some(), "{}: what has to become of it?", case.name);
            leave_seed(case);
            for (protocol, answer, expected) in [
                ("HTTP/1.1", Some(self.over_http1(case)), case.over_http1.as_ref()),
                ("HTTP/2", case.over_http2.as_ref().map(|_| self.over_http2(case)), case.over_http2.as_ref()),
            ] {
                if answer.as_ref() != expected {
                    wrong.push(format!("{protocol}: {}: {answer:?}, not {expected:?}", case.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn over_http1(&self, case: &Case) -> Answer {
        let mut request = format!("{} ", case.method).into_bytes();
        request.extend_from_slice(&case.target);
        request.extend_from_slice(b" HTTP/1.1\r\nconnection: close\r\n");
        for host in &case.hosts {
            request.extend_from_slice(format!("host: {host}\r\n").as_bytes());
        }
        for (name, value) in &case.fields {
            request.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if let Some(body) = case.body {
            request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(case.body.unwrap_or_default());

        let answer = self.0.raw(&request);
        let (status, _) = read_raw(&answer, &[]);
        read_answer(status, |name| read_raw(&answer, &[name]).1)
    }

    fn over_http2(&self, case: &Case) -> Answer {
        let (authority, hosts) = case.hosts.split_first().expect("an authority");
        let length = case.body.map(|body| body.len().to_string());
        let mut fields: Vec<(&[u8], &[u8])> = vec![
            (b":method", case.method.as_bytes()),
            (b":scheme", b"http"),
            (b":authority", authority.as_bytes()),
            (b":path", &case.target),
        ];
        fields.extend(hosts.iter().map(|host| (b"host".as_slice(), host.as_bytes())));
        fields.extend(case.fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())));
        fields.extend(length.iter().map(|length| (b"content-length".as_slice(), length.as_bytes())));
        match http2::exchange(self.0.address, &fields, case.body) {
            Some(answer) => read_answer(answer[0].1.parse().unwrap(), |name| {
                answer.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
            }),
            None => Answer::Unread,
        }
    }
}

/// What the service saw, if it was asked.
pub async fn show_target(request: Request<Body>) -> Response {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let name = if request.extensions().get::<Grant>().is_some() { "x-target" } else { "x-anonymous" };
    Response::builder().header(name, target.as_bytes()).body(target.to_owned().into()).unwrap()
}

/// By the fields of an answer, which are empty where there are none.
fn read_answer<'a>(status: u16, field: impl Fn(&str) -> &'a str) -> Answer {
    match [field("x-target"), field("x-anonymous"), field("x-kind")] {
        ["", "", ""] => {
            assert!(matches!(status, 400 | 414 | 431), "{status}, an answer of neither the layer nor the service");
            Answer::Unread
        }
        [target, "", ""] => Answer::Served(target.to_owned()),
        ["", target, ""] => Answer::Anonymous(target.to_owned()),
        ["", "", kind] => Answer::Refused(status, kind.to_owned()),
        several => panic!("{status}, several answers in one: {several:?}"),
    }
}

/// With `SEEDS` set to a folder, the fuzzer begins with these requests.
fn leave_seed(case: &Case) {
    if let Some(folder) = std::env::var_os("SEEDS") {
        let seed = case.seed();
        let name: String = case.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        // A name may come again in another table.
        let name = format!("{name}-{:08x}", seed.iter().fold(0_u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte)));
        std::fs::write(std::path::Path::new(&folder).join(name), seed).unwrap();
    }
}
