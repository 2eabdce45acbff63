//! By the real clock: nothing is served from a cache after its link has expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use axum::middleware::{Next, from_fn};
use http::StatusCode;
use tower_signed_url::{Cache, SignedUrl, SignedUrlLayer, Signer};

use super::*;
use crate::program::until;
use crate::support::figure_keys;

/// What copies of the snippet in the wild have: nginx then serves what it has while the application does not answer.
const USE_STALE: &str = "proxy_cache_use_stale error timeout http_503;";

fn second(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Holds an answer to `/late` back until the clock shows another second than when the request came. Whatever has to be
/// said by the second is wrong by one then.
async fn late(request: Request, next: Next) -> Response {
    let is_late = request.uri().path().starts_with("/late");
    let came = second(SystemTime::now());
    let mut answer = next.run(request).await;
    while is_late && second(SystemTime::now()) == came {
        tokio::task::yield_now().await;
    }
    answer.headers_mut().insert("x-came", came.into());
    answer
}

/// A link that is in the cache: its first answer reached the client in the second after the request at the latest, and
/// was repeated. On a machine that was too slow for that, another one.
fn cached_link(cached: &Cached, path: &str) -> SignedUrl {
    let mut count = 0;
    until("a link is cached in time", || {
        count += 1;
        let signer = Signer::new(&figure_keys());
        let link = signer.url(&format!("{path}/{count}")).sign_for(Duration::from_secs(2)).unwrap();
        let reply = cached.ask("GET", link.as_str(), &[]);
        let came: u64 = reply.header("x-came").unwrap().parse().unwrap();
        let in_time = reply.status == 200 && second(SystemTime::now()) <= came + 1;
        (in_time && cached.status("GET", link.as_str(), &[]) == (200, "HIT".into())).then_some(link)
    })
}

/// Asks for it again and again, until it is 410.
fn ask_until_it_ends(cached: &Cached, link: &SignedUrl) {
    let expires_at = link.expires_at();
    loop {
        let asked_at = SystemTime::now();
        let (status, from) = cached.status("GET", link.as_str(), &[]);
        if status == 410 {
            assert!(SystemTime::now() >= expires_at, "{link:?}");
            return;
        }
        assert_eq!(status, 200, "{link:?}");
        assert!(asked_at < expires_at, "{link:?}: {from}, {:?} too late", asked_at.duration_since(expires_at));
        while SystemTime::now() < asked_at + Duration::from_millis(5) {
            thread::yield_now();
        }
    }
}

#[test]
fn no_answer_outlives_its_link() {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let outage = from_fn(move |request: Request, next: Next| {
        let is_down = is_down.load(Ordering::Relaxed);
        async move { if is_down { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { next.run(request).await } }
    });
    let signed = SignedUrlLayer::new(&figure_keys()).cache(Cache::Shared);
    let app = Router::new().fallback(tell).layer(signed).layer(from_fn(late)).layer(outage);
    let Some(cached) = Cached::start(SHARED_CACHE, app.clone()) else { return };
    let mistaken = SHARED_CACHE.replace("proxy_cache links;", &format!("proxy_cache links; {USE_STALE}"));
    let mistaken = Cached::start(&mistaken, app).unwrap();

    let [at_once, _late, stale] = thread::scope(|scope| {
        [("/at-once", &cached), ("/late", &cached), ("/at-once", &mistaken)]
            .map(|(path, cached)| {
                scope.spawn(move || {
                    let link = cached_link(cached, path);
                    ask_until_it_ends(cached, &link);
                    link
                })
            })
            .map(|thread| thread.join().unwrap())
    });
    down.store(true, Ordering::Relaxed);
    assert_eq!(cached.status("GET", at_once.as_str(), &[]), (503, "EXPIRED".into()));
    // The mistake: it shows that the answer would still be there.
    assert_eq!(mistaken.status("GET", stale.as_str(), &[]), (200, "STALE".into()));
}
