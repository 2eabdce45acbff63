use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Uri};
use tower_signed_url::{Keyring, Policy, SigningKey, Verifier, context};

use crate::{Input, KEYS, NOW};

/// How a verifier is set up, and what a request shows besides its target: what the model has to know.
#[derive(Clone, Debug)]
pub struct Setup {
    pub prefix: &'static str,
    pub tolerated: &'static [&'static str],
    pub max_lifetime: u64,
    pub leeway: u64,
    /// Nothing where there is no source; a source may not know.
    pub client: Option<Option<IpAddr>>,
    /// The sources of bound contexts, and what they give.
    pub contexts: &'static [(&'static str, Option<&'static str>)],
    pub required: Option<&'static str>,
    pub reads_cookie: bool,
    pub reads_path: bool,
    pub any_method_by_cookie: bool,
    pub method: &'static str,
    /// The `Content-Length` fields, and what they declare.
    pub length: (&'static [&'static str], Option<u64>),
    /// The `Content-Type` fields, and the type that they tell.
    pub media_type: (&'static [&'static str], Option<&'static str>),
    pub chunked: bool,
}

pub const COOKIE_NAME: &str = "signed-url";

const LENGTHS: [(&[&str], Option<u64>); 8] = [
    (&[], None),
    (&[], None),
    (&["0"], Some(0)),
    (&["3"], Some(3)),
    (&["18446744073709551615"], Some(u64::MAX)),
    (&["18446744073709551616"], None),
    (&["+3"], None),
    (&["3", "3"], None),
];

const MEDIA_TYPES: [(&[&str], Option<&str>); 8] = [
    (&[], None),
    (&["image/png"], Some("image/png")),
    (&["Image/PNG;q=\"a,b\""], Some("image/png")),
    (&["image/svg+xml ; x"], Some("image/svg+xml")),
    (&["text/plain"], Some("text/plain")),
    (&["text/plain, image/png"], None),
    (&["image/*"], None),
    (&["image/png", "image/png"], None),
];

impl Setup {
    /// By the input's choices; but for the prefix, which is there where the target uses it.
    pub fn pick(input: &mut Input<'_>) -> Self {
        let contexts: [&[_]; 4] = [
            &[],
            &[("user", Some("42")), ("host", Some("example.com"))],
            &[("user", None), ("tenant", Some("a\nb")), ("host", Some(""))],
            &[("user", Some("42")), ("password", Some("open"))],
        ];
        let contexts = input.pick(&contexts);
        Self {
            prefix: if input.target.contains("x-exp") { "x-" } else { "" },
            tolerated: input.pick(&[&["ref", "utm_source", "fbclid"], &["ref"], &[][..]]),
            contexts,
            required: input.pick(&[None, None, None, contexts.first().map(|(name, _)| *name)]),
            client: input.pick(&[
                None,
                Some(None),
                Some(Some([192, 0, 2, 7].into())),
                Some("2001:db8::1".parse().ok()),
                Some("::ffff:192.0.2.7".parse().ok()),
            ]),
            method: input.pick(&["GET", "GET", "GET", "HEAD", "PUT", "POST", "OPTIONS", "get", "M-SEARCH"]),
            length: input.pick(&LENGTHS),
            media_type: input.pick(&MEDIA_TYPES),
            chunked: input.pick(&[false, false, false, true]),
            max_lifetime: input.pick(&[7 * 24 * 60 * 60, 7 * 24 * 60 * 60, 1000, 1]),
            leeway: input.pick(&[60, 0]),
            reads_cookie: input.pick(&[false, true]),
            reads_path: input.pick(&[false, true]),
            any_method_by_cookie: input.pick(&[false, true]),
        }
    }

    pub fn verifier(&self) -> Verifier {
        let [active, accepted] = KEYS.map(|(id, secret)| {
            let key = SigningKey::from_bytes(&secret).expect("long enough");
            id.iter().fold(key, |key, id| key.with_id(id.parse().expect("an id")))
        });
        let keys = Keyring::new(active);
        keys.accept(accepted).expect("another id");

        let policy =
            Policy::new().max_lifetime(Duration::from_secs(self.max_lifetime)).leeway(Duration::from_secs(self.leeway));
        let policy = self.tolerated.iter().fold(policy, |policy, name| policy.tolerate(name));
        let policy = if self.prefix.is_empty() { policy } else { policy.prefix(self.prefix) };
        let mut builder = Verifier::builder(&keys).policy(policy).clock(now);
        for &(name, value) in self.contexts {
            builder = match name {
                "password" => builder.bind(name, context::basic_password()),
                _ => builder.bind(name, move |_| value.map(Into::into)),
            };
        }
        builder = self.required.into_iter().fold(builder, |builder, name| builder.require(name));
        if let Some(client) = self.client {
            builder = builder.client_ip(move |_| client);
        }
        if self.reads_cookie {
            builder = builder.token_cookie(COOKIE_NAME);
        }
        if self.reads_path {
            builder = builder.token_path();
        }
        if self.any_method_by_cookie {
            builder = builder.allow_any_method_by_cookie();
        }
        builder.build().expect("a sound setup")
    }
}

pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// The request, if `http` can read its target, and reads all of it.
pub fn request(setup: &Setup, target: &str, cookie: &str) -> Option<Request<()>> {
    let uri = Uri::try_from(target).ok()?;
    if uri.path_and_query().is_none_or(|read| read.as_str() != target) || !target.starts_with('/') {
        return None;
    }
    let mut request = Request::builder().method(setup.method).uri(uri).body(()).ok()?;
    let headers = request.headers_mut();
    for value in setup.length.0 {
        headers.append(CONTENT_LENGTH, HeaderValue::from_static(value));
    }
    for value in setup.media_type.0 {
        headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
    }
    if setup.chunked {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if setup.contexts.contains(&("password", Some("open"))) {
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic YTpvcGVu")); // `a:open`
    }
    if !cookie.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_str(cookie).ok()?);
    }
    Some(request)
}
