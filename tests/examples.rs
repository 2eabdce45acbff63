//! The examples, run as the programs that they are. (Some have files of their own, `browser.rs` clicks.)
#![cfg(all(unix, feature = "axum"))]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;
mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Layer;
use tower_signed_url::{Keyring, SignRequestLayer, Signer, SigningKey};

use self::program::{Server, example};
use self::support::{Reply, exchange};

const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const HOUR: Duration = Duration::from_secs(3600);
/// What a browser says when it opens a page.
const NAVIGATES: (&str, &str) = ("sec-fetch-mode", "navigate");

/// The examples, and where each is run.
const RUN_IN: [(&str, &str); 8] = [
    ("authorize", "examples.rs"),
    ("bound_user", "examples.rs"),
    ("file_server", "file_server.rs"),
    ("forward_auth", "forward_auth/example.rs"),
    ("grpc", "examples.rs"),
    ("playlist", "examples.rs"),
    ("preview", "examples.rs"),
    ("proxy", "hyper/proxy.rs"),
];

#[test]
fn none_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let programs =
        entries.filter(|path| path.extension().is_some_and(|it| it == "rs") || path.join("main.rs").exists());
    let mut names: Vec<_> = programs.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, RUN_IN.map(|(name, _)| name));

    for (name, file) in RUN_IN {
        let test = fs::read_to_string(root.join("tests").join(file)).unwrap();
        let runs = ["example", "start_with_keys"].map(|function| format!("{function}({name:?}"));
        assert!(runs.iter().any(|run| test.contains(run)), "{file} does not run {name}");
    }
}

#[test]
fn keys_are_generated_or_from_the_environment() {
    for name in ["authorize", "bound_user", "playlist", "preview"] {
        let generated = start(name);
        let note = "SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart";
        assert_eq!(generated.next_line(), note, "{name}");
        assert!(generated.told_to("open").starts_with('/'), "{name}");
        assert!(start_with_keys(name).told_to("open").starts_with('/'), "{name}");
    }
}

#[test]
fn a_preview_opens_by_one_link_and_goes_on_by_a_cookie() {
    let server = start_with_keys("preview");
    let link = server.told_to("open");
    let (page, token) = link.split_once('?').unwrap();
    assert_eq!(page, "/preview/");
    assert!(token.starts_with("sig-scope=/preview/&exp="), "{token}");

    // A browser is sent to where the link leads, with the cookie in place of the token.
    let sent = get(&server, &link, &[NAVIGATES]);
    assert_eq!((sent.status, sent.header("location")), (303, Some("/preview/")));
    let (cookie, attributes) = sent.header("set-cookie").unwrap().split_once("; ").unwrap();
    assert!(cookie.starts_with("signed-url="), "{cookie}");
    assert!(attributes.starts_with("Path=/preview/; Max-Age="), "{attributes}");
    assert!(attributes.ends_with("; Secure; HttpOnly; SameSite=Lax"), "{attributes}");

    for (target, content_type) in [
        ("/preview/", "text/html"),
        ("/preview/about/", "text/html"),
        ("/preview/style.css", "text/css"),
        ("/preview/picture.svg", "image/svg+xml"),
    ] {
        let by_cookie = get(&server, target, &[NAVIGATES, ("cookie", cookie)]);
        assert_eq!((by_cookie.status, by_cookie.header("content-type")), (200, Some(content_type)), "{target}");
        assert_eq!(by_cookie.header("referrer-policy"), Some("no-referrer"));
        // Who does not navigate may as well use the link as it is.
        assert_eq!(server.get(&format!("{target}?{token}")).status, 200, "{target}");
        assert_eq!(get(&server, target, &[NAVIGATES]).status, 403, "{target}");
    }
    assert_eq!(get(&server, &link.replace("exp=1", "exp=2"), &[NAVIGATES]).status, 403);
    assert_eq!(get(&server, "/preview/", &[("cookie", &cookie.replace("=c2ln", "=c2lm"))]).status, 403);
    assert_eq!(exchange(server.address, "POST", "/preview/", &[("cookie", cookie)], b"").status, 403);

    // The page outside sees whatever it is sent.
    let outside = |headers: &[_]| text(get(&server, "/outside", headers));
    assert_eq!(outside(&[]), "You did not say where you come from.");
    let referer = format!("http://{}{link}", server.address);
    assert_eq!(outside(&[("referer", &referer)]), format!("You come from {referer:?}."));

    let log = server.log();
    for line in ["uri=/preview/ ", "uri=/preview/about/ ", "status=200", "status=303", "status=403"] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    assert_holds_none_of(&log, &["sig-scope", "sig=", "exp=", "test.", "c2ln"]);
}

#[test]
fn a_playlist_brings_its_segments_along() {
    let server = start_with_keys("playlist");
    let page = server.told_to("open");
    let playlist = server.told_to("play");
    let token = page.strip_suffix("/videos/42/index.html").unwrap();
    assert!(token.starts_with("/~c2lnLXNjb3BlPS"), "{token}");
    assert_eq!(playlist, format!("{token}/videos/42/index.m3u8"));
    assert!(text(server.get(&page)).contains(r#"src="index.m3u8""#));

    let playlist = text(server.get(&playlist));
    let segments: Vec<_> = playlist.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(segments, ["0.ts", "1.ts", "2.ts"]);
    for segment in segments {
        assert_eq!(server.get(&format!("{token}/videos/42/{segment}")).status, 200, "{segment}");
        assert_eq!(server.get(&format!("/videos/42/{segment}")).status, 403, "{segment}");
        assert_eq!(server.get(&format!("{token}x/videos/42/{segment}")).status, 403, "{segment}");
    }

    // The public page makes links, too.
    let home = text(server.get("/"));
    let links = links(&home);
    assert_eq!(links.len(), 1, "{home}");
    assert!(links[0].starts_with("/~"));
    assert_eq!(server.get(&links[0]).status, 200);

    let log = server.log();
    for line in ["uri=/videos/42/0.ts ", "uri=/videos/42/index.m3u8 ", "status=200", "status=403"] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    assert_holds_none_of(&log, &["~", "sig-", "sig=", "c2ln"]);
}

#[test]
fn a_report_opens_for_the_user_it_was_linked_for() {
    let server = start_with_keys("bound_user");
    assert_eq!(server.told_to("open"), "/");
    let post = |target: &str, cookie: &str| exchange(server.address, "POST", target, &[("cookie", cookie)], b"");
    let sign_in = |user: &str| {
        let reply = post(&format!("/login/{user}"), "");
        assert_eq!((reply.status, reply.header("location")), (303, Some("/")));
        let (cookie, attributes) = reply.header("set-cookie").unwrap().split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
        cookie.to_owned()
    };
    let home = |cookie: &str| links(&text(get(&server, "/", &[("cookie", cookie)])));
    let open = |link: &str, cookie: &str| get(&server, link, &[("cookie", cookie)]);

    assert_eq!(home(""), [""; 0]);
    assert_eq!(post("/login/mallory", "").status, 404);
    let [alice, bob] = ["alice", "bob"].map(sign_in);
    assert_ne!(alice, sign_in("alice"));
    for (cookie, other, user) in [(&alice, &bob, "alice"), (&bob, &alice, "bob")] {
        let links = home(cookie);
        assert_eq!(links.len(), 2);
        for (link, name) in links.iter().zip(["spring", "autumn"]) {
            let own = open(link, cookie);
            assert_eq!((own.status, own.header("cache-control")), (200, Some("private, max-age=0")));
            assert_eq!(text(own), format!("The {name} report, for {user} alone."));
            assert!(!link.contains(user), "{link}");
            for stranger in [other, "", "session=made-up"] {
                assert_eq!(open(link, stranger).status, 403);
            }
        }
    }
    // A link that binds nobody is nobody's, not everybody's.
    assert_eq!(open(&sign("/reports/spring"), &alice).status, 403);

    let link = home(&alice).remove(0);
    let signed_out = post("/logout", &alice);
    assert_eq!((signed_out.status, signed_out.header("set-cookie")), (303, Some("session=; Path=/; Max-Age=0")));
    assert_eq!((home(&alice).len(), home(&bob).len()), (0, 2));
    assert_eq!(open(&link, &alice).status, 403);
    assert_eq!(open(&link, &sign_in("alice")).status, 200);
}

#[test]
fn every_link_to_a_hidden_photo_dies() {
    let server = start_with_keys("authorize");
    assert_eq!(server.told_to("open"), "/");
    let page = text(server.get("/"));
    let on_page = links(&page);
    let paths: Vec<_> = on_page.iter().map(|link| link.split('?').next().unwrap()).collect();
    assert_eq!(paths, ["/photos/cat", "/photos/house"]);

    let all = [&on_page[..], &[sign("/photos/cat"), sign("/photos/house")]].concat();
    let statuses = |method| {
        let status = |link: &String| exchange(server.address, method, link, &[], b"").status;
        all.iter().map(status).collect::<Vec<_>>()
    };
    let toggle = |name| exchange(server.address, "POST", &format!("/toggle/photos/{name}"), &[], b"").status;
    for (toggled, now) in [("cat", [410, 200]), ("house", [410, 410]), ("cat", [200, 410]), ("house", [200, 200])] {
        assert_eq!(toggle(toggled), 303);
        for method in ["GET", "HEAD"] {
            assert_eq!(statuses(method), now.repeat(2), "{method} after {toggled}");
        }
        let is_hidden = page_says_show(&text(server.get("/")));
        assert_eq!(is_hidden, now.map(|status| status == 410));
    }
    assert_eq!(toggle("dog"), 404);

    // Whoever has no good link does not learn what is hidden.
    assert_eq!(toggle("cat"), 303);
    for photo in paths {
        assert_eq!(server.get(photo).status, 403);
        assert_eq!(server.get(&format!("{photo}?exp=1790000000&sig=x")).status, 403);
    }
    let kept = server.get(&on_page[1]);
    assert_eq!((kept.status, kept.header("content-type")), (200, Some("image/svg+xml")));
    assert_eq!(kept.header("cache-control"), Some("private, max-age=0"));
    let expired = signer().with_clock(|| SystemTime::now() - 2 * HOUR);
    assert_eq!(server.get(expired.url("/photos/house").sign_for(HOUR).unwrap().as_str()).status, 410);
}

#[test]
fn a_grpc_call_passes_by_its_signature() {
    let server = start_with_keys("grpc");
    assert_eq!(server.next_line(), "signed: Serving");
    assert_eq!(server.next_line(), "signed, a stream: Some(Serving)");
    assert_eq!(server.next_line(), r#"not signed: PermissionDenied, "This link is not valid here.""#);

    // It serves on, for whoever has the keys.
    let stranger = Signer::new(&Keyring::new(SigningKey::generate().unwrap()));
    let channel = format!("http://{}", server.address);
    Runtime::new().unwrap().block_on(async {
        let channel = Endpoint::from_shared(channel).unwrap().connect_lazy();
        for (row, signer, expected) in
            [("the keys", signer(), None), ("others", stranger, Some(Code::PermissionDenied))]
        {
            let mut client = HealthClient::new(SignRequestLayer::new(signer, HOUR).layer(channel.clone()));
            let answer = client.check(HealthCheckRequest::default()).await;
            assert_eq!(answer.err().map(|status| status.code()), expected, "{row}");
        }
    });
    let log = server.log();
    for line in ["uri=http", "/grpc.health.v1.Health/Check ", "/grpc.health.v1.Health/Watch "] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    assert_holds_none_of(&log, &["sig=", "sig-", "exp=", "test."]);

    let generated = start("grpc");
    let note = "SIGNED_URL_KEYS is not set, so a key was generated: no other program can sign for this one";
    assert_eq!(generated.next_line(), note);
    assert_eq!(generated.next_line(), "signed: Serving");
}

fn page_says_show(page: &str) -> [bool; 2] {
    ["/photos/cat", "/photos/house"].map(|photo| page.contains(&format!("<button>Show {photo}</button>")))
}

fn start(name: &'static str) -> Server {
    Server::of(&mut example(name, &["127.0.0.1:0"], None))
}

fn start_with_keys(name: &'static str) -> Server {
    Server::of(&mut example(name, &["127.0.0.1:0"], Some(KEYS)))
}

fn signer() -> Signer {
    Signer::new(&KEYS.parse::<Keyring>().unwrap())
}

/// A link from another process that has the same keys.
fn sign(target: &str) -> String {
    signer().url(target).sign_for(HOUR).unwrap().into_string()
}

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Reply {
    exchange(server.address, "GET", target, headers, b"")
}

fn text(reply: Reply) -> String {
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body).unwrap()
}

/// Where the links of a page lead to.
fn links(page: &str) -> Vec<String> {
    let links = page.split("<a href=\"").skip(1);
    links.map(|link| link.split('"').next().unwrap().replace("&amp;", "&")).collect()
}

#[track_caller]
fn assert_holds_none_of(log: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
