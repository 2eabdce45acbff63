//! What is logged of attacks: mangled, doubled and misplaced credentials are some client's real ones.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower::{Layer, service_fn};
use tower_signed_url::{ConcealLayer, ConcealSpan, SignedUrlLayer, Verifier, context};
use tracing::Level;

use super::carriers::{builder, cookie, encoded, token};
use super::log::{Boxed, answer, boxed, plain_trace, record, trace};
use super::whole::ask;
use super::wire::{Server, signed, signed_with};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrangement {
    LayerOutside,
    ConcealLayer,
    ConcealSpan,
    /// The mistake: it shows that the log is looked at in the right place.
    TraceOutside,
}

use Arrangement::{ConcealLayer as Concealed, ConcealSpan as Span, LayerOutside, TraceOutside};

fn verifier() -> Verifier {
    builder().bind("password", context::basic_password()).build().unwrap()
}

fn arranged(arrangement: Arrangement) -> Boxed {
    let layer = SignedUrlLayer::new(verifier());
    let inner = || service_fn(answer);
    match arrangement {
        LayerOutside => boxed(layer.layer(plain_trace().layer(inner()))),
        Concealed => boxed(ConcealLayer::new(verifier()).layer(plain_trace().layer(layer.layer(inner())))),
        Span => {
            let span = ConcealSpan::new(verifier()).include_headers(true).level(Level::INFO);
            boxed(trace(span).layer(layer.layer(inner())))
        }
        TraceOutside => boxed(plain_trace().layer(layer.layer(inner()))),
    }
}

struct Row {
    name: &'static str,
    target: String,
    fields: Vec<(&'static str, String)>,
    status: u16,
}

fn row(name: &'static str, target: impl Into<String>, status: u16) -> Row {
    Row { name, target: target.into(), fields: vec![], status }
}

fn rows() -> Vec<Row> {
    let exact = signed("/v/a?exp=1790000000");
    let mac = exact.rsplit_once('=').unwrap().1.to_owned();
    let v = token("/v/");
    let (in_path, in_cookie) = (format!("/~{}/v/a", encoded(&v)), cookie(&v));
    let password = signed_with("/v/a?exp=1790000000&sig-bind=password", "\npassword:correct horse battery");
    let with = |row: Row, name: &'static str, value: String| Row { fields: vec![(name, value)], ..row };
    vec![
        row("exact", &*exact, 200),
        row("query", format!("/v/a?{v}"), 200),
        row("path", &*in_path, 200),
        with(row("cookie", "/v/a", 200), "cookie", in_cookie.clone()),
        with(
            row("password", &*password, 200),
            "authorization",
            format!("Basic {}", STANDARD.encode(":correct horse battery")),
        ),
        row("name encoded", exact.replace("sig=", "%73ig="), 403),
        row("name upper", exact.replace("sig=", "SIG="), 403),
        row("equals encoded", exact.replace("sig=", "sig%3D"), 403),
        row("ampersand encoded", exact.replace("&sig=", "%26sig="), 403),
        row("ampersand html", exact.replace("&sig=", "&amp;sig="), 403),
        row("semicolon", exact.replace("&sig=", ";sig="), 403),
        row("array", exact.replace("sig=", "sig[]="), 403),
        row("space", exact.replace("&sig=", "&+sig="), 403),
        row("doubled", format!("{exact}&sig={mac}"), 403),
        row("doubled before", exact.replace("?exp", &format!("?sig={mac}&exp")), 403),
        row("question encoded", exact.replace('?', "%3F"), 403),
        row("two question", exact.replace('?', "??"), 403),
        row("question twice", exact.replace("&sig", "?sig"), 403),
        row("key id", exact.replace("sig=", "sig=k."), 403),
        row("no key id", exact.replace("sig=", "sig=."), 403),
        row("unknown name", exact.replace("&sig=", &format!("&sig-mac={mac}&sig=")), 403),
        row("mac as value", format!("/v/a?x={mac}&exp=1790000000"), 403),
        row("mac as path", format!("/v/sig={mac}?exp=1790000000"), 403),
        row("in another's parameter", format!("/v/a?next={}", exact.replace('&', "%26")), 403),
        row("token twice", format!("/v/a?{v}&{v}"), 403),
        row("token in path twice", format!("/~{}{in_path}", encoded(&v)), 403),
        row("token deep", format!("/v{in_path}"), 403),
        row("token encoded tilde", in_path.replace('~', "%7e"), 403),
        row("token encoded letter", in_path.replace("~c", "~%63"), 403),
        row("token padded", in_path.replace("/v/a", "=/v/a"), 403),
        row("token parameter", in_path.replace("/v/a", ";x/v/a"), 403),
        row("token in path and query", format!("{in_path}?{v}"), 403),
        row("token as parameter", format!("/v/a?token={}", encoded(&v)), 403),
        row("token as plain segment", format!("/{v}/v/a"), 403),
        with(row("cookie twice", "/v/a", 200), "cookie", format!("{in_cookie}; {in_cookie}")),
        with(row("cookie quoted", "/v/a", 403), "cookie", in_cookie.replace("=c", "=\"c") + "\""),
        with(row("cookie padded", "/v/a", 403), "cookie", format!("{in_cookie}=")),
        with(row("cookie comma", "/v/a", 403), "cookie", format!("a=b, {in_cookie}")),
        with(row("cookie and link", &*exact, 200), "cookie", in_cookie.clone()),
        with(row("referer", &*exact, 200), "referer", format!("http://h{exact}")),
        with(row("referer path", &*exact, 200), "referer", format!("http://h{in_path}")),
        with(
            row("referer encoded", &*exact, 200),
            "referer",
            format!("http://h/?next={}", exact.replace('&', "%26").replace('=', "%3D")),
        ),
        with(
            row("referer encoded twice", &*exact, 200),
            "referer",
            format!("http://h/?next={}", exact.replace('&', "%2526").replace('=', "%253D")),
        ),
        with(row("referer list", &*exact, 200), "referer", format!("http://h/, http://h{exact}")),
        with(row("referer bytes", &*exact, 200), "referer", format!("http://h/\u{e9}{exact}")),
        with(row("referer tilde", &*exact, 200), "referer", format!("http://h{}", in_path.replace('~', "%7E"))),
        with(row("x-original-uri", &*exact, 200), "x-original-uri", exact.clone()),
        with(row("x-original-uri path", &*exact, 200), "x-original-uri", in_path.clone()),
        with(row("x-forwarded-uri", &*exact, 200), "x-forwarded-uri", format!("/v/a?{v}")),
        with(row("x-rewrite-url", &*exact, 200), "x-rewrite-url", exact.clone()),
        with(row("forwarded", &*exact, 200), "forwarded", format!("for=1.2.3.4;path=\"{exact}\"")),
        with(row("x-forwarded-path", &*exact, 200), "x-forwarded-path", exact.clone()),
        with(row("authorization bearer", &*exact, 200), "authorization", format!("Bearer {}", encoded(&v))),
    ]
}

#[test]
fn probe() {
    let secrets: Vec<(&str, String)> = vec![
        ("mac", signed("/v/a?exp=1790000000").rsplit_once('=').unwrap().1.to_owned()),
        ("token mac", token("/v/").rsplit_once('=').unwrap().1.to_owned()),
        ("token", encoded(&token("/v/"))),
        ("password", STANDARD.encode(":correct horse battery")),
    ];
    for arrangement in [LayerOutside, Concealed, Span, TraceOutside] {
        for row in rows() {
            let (statuses, log) = record(|| {
                let service = arranged(arrangement);
                let server = Server::start(Router::new().fallback_service(service));
                let fields: Vec<_> = row.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                ask(server.address, &row.target, &fields).map(|(_, answer)| answer.status)
            });
            if statuses != [row.status; 2] {
                println!("STATUS {arrangement:?} {}: {statuses:?}", row.name);
            }
            let found: Vec<_> = secrets.iter().filter_map(|(n, s)| log.signature(s).map(|l| (n, l))).collect();
            if arrangement != TraceOutside {
                for (n, l) in found {
                    println!("LEAK {arrangement:?} {}: {n}: {}", row.name, &l[..l.len().min(300)]);
                }
            } else if found.is_empty() {
                println!("NOT SHOWN {}", row.name);
            }
        }
    }
}
