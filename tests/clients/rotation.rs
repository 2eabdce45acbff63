//! Keys change while requests are on their way: none fails, as long as the steps reach both ends in their order.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use http::Response;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};
use tower_signed_url::{Grant, KeyId, Keyring, SignedUrlLayer, Signer};

use super::wire::tell_kind;
use super::{Http, hyper, key, noting, serve, sign, told};

fn id(id: &str) -> KeyId {
    id.parse().unwrap()
}

/// Says which key signed.
async fn tell_key(grant: Grant) -> Response<String> {
    Response::builder().header("x-saw", grant.key_id().unwrap().as_str()).body(String::new()).unwrap()
}

/// Which task was answered, and how.
type Answer = (usize, (u16, String));

/// Requests that follow one another from four tasks for as long as this lives.
struct Traffic {
    _tasks: JoinSet<()>,
    answers: UnboundedReceiver<Answer>,
}

impl Traffic {
    const TASKS: usize = 4;

    fn start(keys: &Keyring, uri: &str) -> Self {
        let (answered, answers) = unbounded_channel();
        let mut tasks = JoinSet::new();
        for task in 0..Self::TASKS {
            let http = if task % 2 == 0 { Http::One } else { Http::Two };
            let client = sign(Signer::new(keys)).layer(hyper(http, &[]));
            let (answered, uri) = (answered.clone(), uri.to_owned());
            tasks.spawn(async move { while answered.send((task, told(&client, "POST", &uri).await)).is_ok() {} });
        }
        Self { _tasks: tasks, answers }
    }

    /// What was answered since the last time, until every task has begun and finished a request after this began.
    async fn goes_on(&mut self) -> BTreeSet<(u16, String)> {
        let mut told = BTreeSet::new();
        while let Ok((_, answer)) = self.answers.try_recv() {
            told.insert(answer);
        }
        let mut finished = [0; Self::TASKS];
        // The first one had begun before.
        while finished.iter().any(|count| *count < 2) {
            let (task, answer) = self.answers.recv().await.unwrap();
            finished[task] += 1;
            told.insert(answer);
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_keys_rotate() {
    for (row, one_ring, server_first) in
        [("one ring", true, false), ("client, then server", false, false), ("server, then client", false, true)]
    {
        let at_client = Keyring::new(key("old"));
        let at_server = if one_ring { at_client.clone() } else { Keyring::new(key("old")) };
        let app = Router::new().fallback(tell_key).layer(SignedUrlLayer::new(&at_server).on_reject(tell_kind));
        let uri = format!("http://{}/a", serve(app).await);
        let rings = match (one_ring, server_first) {
            (true, _) => vec![&at_client],
            (_, false) => vec![&at_client, &at_server],
            (_, true) => vec![&at_server, &at_client],
        };
        let old = Signer::new(&at_client).url(&uri).sign_for(super::HALF_A_MINUTE).unwrap();
        let by = |ids: &[&str]| ids.iter().map(|id| (200, (*id).to_owned())).collect::<BTreeSet<_>>();

        let mut traffic = Traffic::start(&at_client, &uri);
        assert_eq!(traffic.goes_on().await, by(&["old"]), "{row}: before");
        for ring in &rings {
            ring.accept(key("new")).unwrap();
            assert_eq!(traffic.goes_on().await, by(&["old"]), "{row}: accepted");
        }
        for ring in &rings {
            ring.activate(&id("new")).unwrap();
            let told = traffic.goes_on().await;
            assert!(told.is_subset(&by(&["old", "new"])), "{row}: {told:?}");
        }
        assert_eq!(traffic.goes_on().await, by(&["new"]), "{row}: activated");
        let plain = hyper(Http::One, &[]);
        assert_eq!(told(&plain, "GET", old.as_str()).await, (200, "old".into()), "{row}: an old link");
        for ring in &rings {
            ring.retire(&id("old")).unwrap();
            assert_eq!(traffic.goes_on().await, by(&["new"]), "{row}: retired");
        }
        assert_eq!(told(&plain, "GET", old.as_str()).await, (403, "UnknownKey".into()), "{row}: an old link");
    }
}

#[tokio::test]
async fn a_key_that_is_activated_before_the_server_accepts_it_fails_requests() {
    let (at_client, at_server) = (Keyring::new(key("old")), Keyring::new(key("old")));
    let app = Router::new().fallback(tell_key).layer(SignedUrlLayer::new(&at_server).on_reject(tell_kind));
    let uri = format!("http://{}/a", serve(app).await);
    let client = sign(Signer::new(&at_client)).layer(hyper(Http::One, &[]));
    at_client.rotate(key("new")).unwrap();
    assert_eq!(told(&client, "GET", &uri).await, (403, "UnknownKey".into()));
    at_server.accept(key("new")).unwrap();
    assert_eq!(told(&client, "GET", &uri).await, (200, "new".into()));
}

/// Where a request is held up while keys change.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    OnItsWay,
    InTheHandler,
}

#[tokio::test]
async fn a_request_on_its_way_is_let_in_until_its_key_is_retired() {
    for (row, held, retire, expected) in [
        ("on its way, rotated", Held::OnItsWay, false, (200, "old")),
        ("on its way, retired", Held::OnItsWay, true, (403, "UnknownKey")),
        ("in the handler, rotated", Held::InTheHandler, false, (200, "old")),
        ("in the handler, retired", Held::InTheHandler, true, (200, "old")),
    ] {
        let keys = Keyring::new(key("old"));
        let (arrived, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let hold = {
            let (arrived, go_on) = (arrived.clone(), go_on.clone());
            move |here| {
                let (arrived, go_on) = (arrived.clone(), go_on.clone());
                async move {
                    if here {
                        arrived.add_permits(1);
                        go_on.acquire().await.unwrap().forget();
                    }
                }
            }
        };
        let in_handler = hold.clone();
        let handler = move |grant: Grant| async move {
            in_handler(held == Held::InTheHandler).await;
            tell_key(grant).await
        };
        let app = Router::new().fallback(handler).layer(SignedUrlLayer::new(&keys).on_reject(tell_kind));
        let uri = format!("http://{}/a", serve(app).await);
        let (client, sent) = noting(hyper(Http::One, &[]));
        let on_its_way = service_fn(move |request| {
            let (client, held) = (client.clone(), hold(held == Held::OnItsWay));
            async move {
                held.await;
                client.oneshot(request).await
            }
        });
        let client = sign(Signer::new(&keys)).layer(on_its_way);
        let asked = tokio::spawn(async move { told(&client, "GET", &uri).await });
        arrived.acquire().await.unwrap().forget();

        keys.rotate(key("new")).unwrap();
        if retire {
            keys.retire(&id("old")).unwrap();
        }
        go_on.add_permits(1);
        assert_eq!(asked.await.unwrap(), (expected.0, expected.1.to_owned()), "{row}");
        assert_eq!(sent.lock().unwrap().len(), 1, "{row}");
    }
}
