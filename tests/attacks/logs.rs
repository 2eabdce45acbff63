//! What is logged of attacks. A credential that is mangled, doubled or out of place may be some client's good one.

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower::{Layer, service_fn};
use tower_signed_url::{ConcealLayer, ConcealSpan, SignedUrlLayer, Verifier, context};
use tracing::Level;

use super::carriers::{builder, encoded};
use super::log::{Boxed, answer, boxed, plain_trace, record, trace};
use super::support::by_hand::{signed, signed_with};
use super::whole::ask;
use super::wire::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrangement {
    LayerOutside,
    Concealed,
    Span,
    /// The mistake: it shows that the log is looked at in the right place.
    TraceOutside,
}

use Arrangement::{Concealed, LayerOutside, Span, TraceOutside};

/// Which arrangements show a credential that is no longer one by its look (README, "Nothing in the log").
type Shown = &'static [Arrangement];

const NEVER: Shown = &[];
/// Its separators are escaped, or it is a part of something else.
const BY_CONCEAL_LAYER: Shown = &[Concealed];
/// Its names are changed.
const BY_BOTH: Shown = &[Concealed, Span];

/// What is tried, the target, a field of the request, the status of the answer, and who shows it. `{path}?{run}&sig={mac}`
/// is a link, `{token}` a token for `/in/`, `{base64}` that as a cookie has it, `{bound}` a link for the password in
/// `{basic}`.
type Row = (&'static str, &'static str, Option<(&'static str, &'static str)>, u16, Shown);

const ROWS: [Row; 63] = [
    ("a link", "{path}?{run}&sig={mac}", None, 200, NEVER),
    ("a token in the query", "{path}?{token}", None, 200, NEVER),
    ("a token in the path", "/~{base64}{path}", None, 200, NEVER),
    ("a token in a cookie", "{path}", Some(("cookie", "a=b; signed-url={base64}")), 200, NEVER),
    ("a link and a cookie", "{path}?{run}&sig={mac}", Some(("cookie", "signed-url={base64}")), 200, NEVER),
    ("a password", "{bound}", Some(("authorization", "Basic {basic}")), 200, NEVER),
    ("a password for a forged link", "{bound}A", Some(("authorization", "Basic {basic}")), 401, NEVER),
    ("a password twice", "{bound}", Some(("authorization", "Basic {basic}, Basic {basic}")), 401, NEVER),
    ("two cookies", "{path}", Some(("cookie", "signed-url={base64}; signed-url={base64}")), 200, NEVER),
    ("the MAC twice", "{path}?{run}&sig={mac}&sig={mac}", None, 403, NEVER),
    ("the MAC first", "{path}?sig={mac}&{run}", None, 403, NEVER),
    ("the MAC before and behind", "{path}?sig={mac}&{run}&sig={mac}", None, 403, NEVER),
    ("the MAC in another's place", "{path}?{run}&sig-id={mac}&sig=x", None, 403, NEVER),
    ("the MAC in an unknown name", "{path}?{run}&sig-mac={mac}&sig=x", None, 403, NEVER),
    ("a key id before it", "{path}?{run}&sig=k.{mac}", None, 403, NEVER),
    ("a dot before it", "{path}?{run}&sig=.{mac}", None, 403, NEVER),
    ("an equals sign before it", "{path}?{run}&sig=={mac}", None, 403, NEVER),
    ("two `?`", "{path}??{run}&sig={mac}", None, 403, NEVER),
    ("`?` for `&`", "{path}?{run}?sig={mac}", None, 403, NEVER),
    ("`;` for `&`", "{path}?{run};sig={mac}", None, 403, NEVER),
    ("`;` for all", "{path};{run};sig={mac}", None, 403, BY_CONCEAL_LAYER),
    ("`;` for all but `?`", "{path}?w=1;{run};sig={mac}", None, 403, BY_CONCEAL_LAYER),
    ("`,` for `&`", "{path}?w=1,{run},sig={mac}", None, 403, BY_CONCEAL_LAYER),
    ("`&` as JSON has it, escaped", "{path}?w=1%5Cu0026{run}%5Cu0026sig={mac}", None, 403, BY_CONCEAL_LAYER),
    (
        "a field of Azure's",
        "{path}?{run}&sig={mac}",
        Some(("x-waws-unencoded-url", "{path}?{run}&sig={mac}")),
        200,
        NEVER,
    ),
    ("`&amp;` for `&`", "{path}?{run}&amp;sig={mac}", None, 403, BY_CONCEAL_LAYER),
    ("an escaped `&`", "{path}?{run}%26sig={mac}", None, 403, NEVER),
    ("an escaped `=`", "{path}?{run}&sig%3D{mac}", None, 403, BY_CONCEAL_LAYER),
    ("an `=` escaped twice", "{path}?{run}&sig%253D{mac}", None, 403, BY_CONCEAL_LAYER),
    ("an escaped `?`", "{path}%3F{run}&sig={mac}", None, 403, BY_CONCEAL_LAYER),
    ("all escaped", "{path}%3F{run}%26sig%3D{mac}", None, 403, BY_CONCEAL_LAYER),
    ("all escaped twice", "{path}%253F{run}%2526sig%253D{mac}", None, 403, BY_CONCEAL_LAYER),
    ("another's parameter", "/in/?next={path}%3F{run}%26sig%3D{mac}", None, 403, BY_CONCEAL_LAYER),
    ("another's parameter, not escaped", "/in/?next={path}?{run}&sig={mac}", None, 403, NEVER),
    ("an escaped name", "{path}?{run}&%73ig={mac}", None, 403, BY_BOTH),
    ("a name in upper case", "{path}?{run}&SIG={mac}", None, 403, BY_BOTH),
    ("an array", "{path}?{run}&sig[]={mac}", None, 403, BY_BOTH),
    ("two tokens", "{path}?{token}&{token}", None, 403, NEVER),
    ("a token and a link", "{path}?{token}&{run}&sig={mac}", None, 403, NEVER),
    ("in path and query", "/~{base64}{path}?{token}", None, 403, NEVER),
    ("in the path, and a link", "/~{base64}{path}?{run}&sig={mac}", None, 403, NEVER),
    ("in the path twice", "/~{base64}/~{base64}{path}", None, 403, BY_CONCEAL_LAYER),
    ("deeper in the path", "/in/~{base64}{path}", None, 403, BY_CONCEAL_LAYER),
    ("an escaped `~`", "/%7e{base64}{path}", None, 403, BY_CONCEAL_LAYER),
    ("an escaped slash behind it", "/~{base64}%2f{path}", None, 403, NEVER),
    ("a parameter of it", "/~{base64};x=1{path}", None, 403, NEVER),
    ("padded", "/~{base64}={path}", None, 403, NEVER),
    ("a parameter's value", "{path}?token={base64}", None, 403, BY_CONCEAL_LAYER),
    ("as it is, for a segment", "/{token}{path}", None, 403, BY_CONCEAL_LAYER),
    ("in quotes, in a cookie", "{path}", Some(("cookie", "signed-url=\"{base64}\"")), 403, NEVER),
    ("padded, in a cookie", "{path}", Some(("cookie", "signed-url={base64}%3D")), 403, NEVER),
    ("behind a comma, in a cookie", "{path}", Some(("cookie", "a=b, signed-url={base64}")), 403, NEVER),
    ("in another cookie", "{path}", Some(("cookie", "token={base64}")), 403, NEVER),
    ("as a bearer's", "{path}", Some(("authorization", "Bearer {base64}")), 403, NEVER),
    ("`Referer`", "{path}", Some(("referer", "http://h{path}?{run}&sig={mac}")), 403, NEVER),
    ("`Referer`, in the path", "{path}", Some(("referer", "http://h/~{base64}/?{token}")), 403, NEVER),
    ("`Referer`, escaped", "{path}", Some(("referer", "http://h/?n=%2F%3F{run}%26sig%3D{mac}")), 403, NEVER),
    ("`Referer`, twice", "{path}", Some(("referer", "http://h/?n=%3Fm%3D%253F{run}%2526sig%253D{mac}")), 403, NEVER),
    ("`Referer`, a list", "{path}", Some(("referer", "http://h/, http://h{path}?{run}&sig={mac}")), 403, NEVER),
    ("`X-Original-URI`", "{path}?x", Some(("x-original-uri", "{path}?{run}&sig={mac}")), 403, NEVER),
    ("`X-Forwarded-Uri`", "{path}?x", Some(("x-forwarded-uri", "/~{base64}{path}?{token}")), 403, NEVER),
    ("`X-Rewrite-URL`", "{path}?{run}&sig={mac}", Some(("x-rewrite-url", "{path}?{run}&sig={mac}")), 200, NEVER),
    ("`X-Forwarded-Path`", "{path}?{run}&sig={mac}", Some(("x-forwarded-path", "/~{base64}{path}")), 200, NEVER),
];

/// A row's credentials, which no other row has.
struct Credentials {
    path: String,
    mac: String,
    token: String,
    bound: String,
    basic: String,
}

impl Credentials {
    fn new(number: usize) -> Self {
        let path = format!("/in/{number}");
        let mac = signed(&format!("{path}?exp=1790000000")).rsplit_once('=').unwrap().1.into();
        let token = signed(&format!("sig-scope=/in/&exp=1790000000&sig-id={number}"));
        let password = format!("correct horse battery staple {number}");
        let bound = signed_with(&format!("{path}?exp=1790000000&sig-bind=password"), &format!("\npassword:{password}"));
        Self { path, mac, token, bound, basic: STANDARD.encode(format!("{number}:{password}")) }
    }

    fn fill(&self, text: &str) -> String {
        let Self { path, mac, token, bound, basic } = self;
        let text = text.replace("{path}", path).replace("{run}", "exp=1790000000").replace("{mac}", mac);
        let text = text.replace("{token}", token).replace("{base64}", &encoded(token));
        text.replace("{bound}", bound).replace("{basic}", basic)
    }

    /// What a log must not hold a piece of.
    fn secrets(&self) -> [String; 5] {
        let encoded = encoded(&self.token);
        // The others' tokens begin as this one does, and the 43 characters of a MAC are 56 and more here.
        let end = encoded[encoded.len() - 56..].to_owned();
        let mac_of = |link: &str| link.rsplit_once('=').unwrap().1.to_owned();
        let password = self.basic.trim_end_matches('=').to_owned();
        [self.mac.clone(), mac_of(&self.token), end, mac_of(&self.bound), password]
    }
}

fn verifier() -> Verifier {
    builder().bind("password", context::basic_password()).build().unwrap()
}

fn arranged(arrangement: Arrangement) -> Boxed {
    let layer = SignedUrlLayer::new(verifier());
    let inner = service_fn(answer);
    match arrangement {
        LayerOutside => boxed(layer.layer(plain_trace().layer(inner))),
        Concealed => boxed(ConcealLayer::new(verifier()).layer(plain_trace().layer(layer.layer(inner)))),
        Span => {
            let span = ConcealSpan::new(verifier()).include_headers(true).level(Level::INFO);
            boxed(trace(span).layer(layer.layer(inner)))
        }
        TraceOutside => boxed(plain_trace().layer(layer.layer(inner))),
    }
}

/// Tries a row over HTTP/1.1 and HTTP/2.
fn try_on(server: &Server, number: usize, (name, target, field, status, _): Row) {
    let credentials = Credentials::new(number);
    let field = field.map(|(name, value)| (name, credentials.fill(value)));
    let fields: Vec<_> = field.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (protocol, answer) in ask(server.address, &credentials.fill(target), &fields) {
        assert_eq!(answer.status, status, "{name}, {protocol}");
    }
}

#[test]
fn no_attack_leaves_a_credential_in_a_log() {
    for arrangement in [LayerOutside, Concealed, Span, TraceOutside] {
        let ((), log) = record(|| {
            let server = Server::start(Router::new().fallback_service(arranged(arrangement)));
            ROWS.into_iter().enumerate().for_each(|(number, row)| try_on(&server, number, row));
        });
        for key in ["AAECAwQF", "00010203", "correct horse"] {
            assert!(!log.text.contains(key), "{arrangement:?}: {key}");
        }
        let mut wrong = Vec::new();
        for (number, (name, .., shown)) in ROWS.into_iter().enumerate() {
            let secrets = Credentials::new(number).secrets();
            let found = secrets.iter().find_map(|secret| log.signature(secret));
            if found.is_some() != (arrangement == TraceOutside || shown.contains(&arrangement)) {
                wrong.push(format!("{name}: {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{arrangement:?}\n{}", wrong.join("\n"));
    }
}
