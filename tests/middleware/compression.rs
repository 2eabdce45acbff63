//! `CompressionLayer`: outside it compresses refusals too, and may give them another status.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use axum::Router;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_signed_url::{DEFAULT_COOKIE, SignedUrlLayer, Verifier};

use crate::support::{ENDED, INVALID, NOW, Reply, at, exchange, figure_keys};
use crate::{FRESH, NO_STORE, STALE, check, expired, link, tampered_with, told};

const FILE: &str = "/files/report.txt";

/// Its tokens may come in a cookie, so that every answer says `Vary: Cookie`.
fn signed() -> SignedUrlLayer {
    let builder = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE);
    SignedUrlLayer::new(builder.build().unwrap())
}

fn text() -> String {
    "A line of the report.\n".repeat(200)
}

fn read(reply: &Reply) -> Vec<u8> {
    if reply.header("content-encoding").is_none() {
        return reply.body.clone();
    }
    let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gzip.stdin.take().unwrap().write_all(&reply.body).unwrap();
    gzip.wait_with_output().unwrap().stdout
}

/// Status, `Cache-Control`, `Content-Encoding` and `Vary`, whose lines are in the alphabet's order.
type Answer = (u16, Option<&'static str>, Option<&'static str>, &'static str);

#[test]
fn either_order_compresses_and_only_outside_it_changes_refusals() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("report.txt"), text()).unwrap();
    let routes = || Router::new().nest_service("/files", ServeDir::new(folder.path()));
    const GZIP: (&str, &str) = ("accept-encoding", "gzip");
    const NOTHING: (&str, &str) = ("accept-encoding", "identity;q=0");
    let as_is = |status, cache| (status, cache, None, "cookie");
    let could_be = |status, cache| (status, cache, None, "accept-encoding, cookie");
    let zipped = |status, cache| (status, cache, Some("gzip"), "accept-encoding, cookie");
    let both = |answer: Answer| [answer; 2];

    let stacks = [
        ("outside", stacks!(routes(), CompressionLayer::new(), signed())),
        ("inside", stacks!(routes(), signed(), CompressionLayer::new())),
    ];
    for (order, servers) in stacks {
        for (stack, server) in &servers {
            check(stack, server, FILE);
            let etag = server.get(&link(FILE)).header("etag").unwrap().to_owned();
            let changed = [GZIP, ("if-none-match", "\"another\"")];
            let not_changed = [GZIP, ("if-none-match", &*etag)];
            for (row, target, headers, expected, body) in [
                ("as it is", link(FILE), &[][..], both(could_be(200, FRESH)), &*text()),
                ("compressed", link(FILE), &[GZIP], both(zipped(200, FRESH)), &text()),
                ("a range", link(FILE), &[GZIP, ("range", "bytes=0-5")], both(as_is(206, FRESH)), "A line"),
                ("changed", link(FILE), &changed, both(zipped(200, FRESH)), &text()),
                ("not changed", link(FILE), &not_changed, both(as_is(304, FRESH)), ""),
                ("no such file", link("/files/no"), &[GZIP], both(as_is(404, STALE)), ""),
                ("expired", expired(FILE), &[GZIP], [zipped(410, NO_STORE), as_is(410, NO_STORE)], ENDED),
                ("too short to be compressed", tampered_with(FILE), &[GZIP], both(as_is(403, NO_STORE)), INVALID),
                (
                    "no acceptable encoding",
                    link(FILE),
                    &[NOTHING],
                    [could_be(406, FRESH), could_be(406, STALE)],
                    &text(),
                ),
                (
                    "expired, no acceptable encoding",
                    expired(FILE),
                    &[NOTHING],
                    [could_be(406, NO_STORE), as_is(410, NO_STORE)],
                    ENDED,
                ),
            ] {
                let row = format!("{order}, {stack}: {row}");
                let reply = exchange(server.address, "GET", &target, headers, b"");
                let (status, cache_control) = told(&reply);
                let answer = (status, cache_control, reply.header("content-encoding"), &*vary(&reply));
                assert_eq!(answer, expected[usize::from(order == "inside")], "{row}");
                assert_eq!(String::from_utf8(read(&reply)).unwrap(), body, "{row}");
                if reply.status < 400 {
                    assert_eq!(reply.header("etag"), Some(&*etag), "{row}");
                }
            }
        }
    }
}

fn vary(reply: &Reply) -> String {
    let mut lines: Vec<_> = reply.headers.iter().filter(|(name, _)| name == "vary").map(|(_, line)| &**line).collect();
    lines.sort_unstable();
    lines.join(", ")
}
