//! `proxy_cache` and what is not for a shared cache: nothing is kept.

use axum::response::AppendHeaders;
use axum::routing::get;
use tower_signed_url::{Cache, SignedUrlLayer};

use super::*;
use crate::nginx::files;

#[test]
fn nothing_is_cached_unless_it_is_asked_for() {
    let eager = || async {
        AppendHeaders([
            // First, it would count for more than what comes after it.
            ("x-accel-expires", "86400"),
            ("cache-control", "public, max-age=86400, s-maxage=86400"),
            ("expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ])
    };
    let routes = |folder: &TempDir| app(folder).route("/eager", get(eager));
    let folder = folder();
    let signed = || SignedUrlLayer::new(fixed_verifier());
    for (row, layer, again) in [
        ("unless said otherwise", signed(), "MISS"),
        ("private", signed().cache(Cache::Private), "MISS"),
        ("no store", signed().cache(Cache::NoStore), "MISS"),
        // The mistake: it shows that there is something to be cached.
        ("left alone", signed().without_cache_control(), "HIT"),
    ] {
        let Some(mut cached) = Cached::start(SHARED_CACHE, routes(&folder).layer(layer)) else { return };
        for (path, again) in [("/eager", again), ("/files/a.txt", "MISS"), ("/say", "MISS")] {
            let target = link(path);
            for expected in ["MISS", again, again] {
                let asked = cached.asked();
                let reply = cached.ask("GET", &target, &[]);
                assert_eq!((reply.status, reply.header("x-cache-status")), (200, Some(expected)), "{row}: {path}");
                assert_eq!(cached.asked() - asked, usize::from(expected == "MISS"), "{row}: {path}");
            }
        }
        cached.nginx.stop();
        let kept = files(&cached.nginx.file("/var/cache/nginx/links"));
        assert_eq!(kept.len(), usize::from(again == "HIT"), "{row}: {kept:?}");
        // What is kept has its link beside it: who can read the cache has the links.
        for path in kept {
            let content = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
            assert!(content.contains(&link("/eager")), "{content}");
        }
    }
}
