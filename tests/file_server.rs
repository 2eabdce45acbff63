//! The file server of the examples, run as the program that it is. Unix alone: signals and symbolic links.
#![cfg(all(unix, feature = "axum"))]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;
use tower_signed_url::{Keyring, Policy, Rejection, RejectionKind, SignedUrl, Signer};

use self::program::{Server, example, until};
use self::support::{Reply, at, exchange};

const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER_KEYS: &str = "other:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn every_printed_link_serves_its_file() {
    let server = Server::start(&[], None);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/files");
    for (name, content_type) in
        [("cat.jpg", "image/jpeg"), ("guide.pdf", "application/pdf"), ("hello.txt", "text/plain")]
    {
        let target = server.next_link();
        assert!(target.starts_with(&format!("/files/{name}?exp=")), "{target}");
        let bytes = fs::read(files.join(name)).unwrap();
        let length = bytes.len().to_string();

        let got = server.get(&target);
        assert_eq!((got.status, got.header("content-type")), (200, Some(content_type)));
        assert_eq!(got.body, bytes, "{name}");

        let head = exchange(server.address, "HEAD", &target, &[], b"");
        assert_eq!((head.status, head.header("content-length")), (200, Some(&*length)));
        assert_eq!(head.body, b"");

        let part = exchange(server.address, "GET", &target, &[("range", "bytes=2-5")], b"");
        assert_eq!((part.status, part.header("content-range")), (206, Some(&*format!("bytes 2-5/{length}"))));
        assert_eq!(part.body, bytes[2..=5]);

        let since = [("if-modified-since", got.header("last-modified").unwrap())];
        let unchanged = exchange(server.address, "GET", &target, &since, b"");
        assert_eq!((unchanged.status, unchanged.body), (304, vec![]));
    }
    assert_eq!(server.stop().printed, [""; 0]);
}

#[test]
fn one_changed_character_is_refused_wherever_it_is() {
    let server = Server::start(&[], None);
    let target = server.next_link();
    // Another first character would not be HTTP.
    for changed in 1..target.len() {
        let mut bytes = target.clone().into_bytes();
        bytes[changed] = if bytes[changed] == b'a' { b'b' } else { b'a' };
        let tampered = String::from_utf8(bytes).unwrap();
        // Outside of `/files/` there is nothing to be let in to.
        let expected = if changed < "/files/".len() { 404 } else { 403 };
        assert_eq!(server.get(&tampered).status, expected, "{tampered}");
    }
    assert_eq!(server.get(&target).status, 200);
}

#[test]
fn what_carries_no_good_link_is_refused() {
    let folder = Folder::new();
    fs::write(folder.root().join("a.txt"), "a").unwrap();
    let server = folder.serve();
    let an_hour_ago = || SystemTime::now() - HOUR;
    let target = "/files/a.txt";
    for (target, status) in [
        (link(target), 200),
        (target.into(), 403),
        (format!("{target}?exp=1"), 403),
        (format!("{}&utm_source=mail", link(target)), 403),
        (sign(&signer().with_clock(an_hour_ago), target), 410),
        (sign(&Signer::new(&OTHER_KEYS.parse().unwrap()), target), 403),
        (put_link(target), 403),
        (link("/files/b.txt"), 404),
        (link("/files/"), 404),
        (link("/a.txt"), 404),
        ("/".into(), 404),
    ] {
        assert_eq!(server.get(&target).status, status, "{target}");
    }
    for method in ["PUT", "POST", "DELETE"] {
        assert_eq!(exchange(server.address, method, &link(target), &[], b"").status, 403, "{method}");
    }
    assert_eq!(fs::read(folder.root().join("a.txt")).unwrap(), b"a");
}

#[test]
fn a_link_expires_when_it_was_told_to() {
    let server = Server::start(&["--expires", "1s"], None);
    let target = server.next_link();
    let last = until("the link expires", || Some(server.get(&target).status).filter(|status| *status != 200));
    assert_eq!(last, 410);
}

#[test]
fn the_first_key_signs_and_the_others_are_accepted() {
    let server = Server::start(&[], Some(&format!("{OTHER_KEYS},{KEYS}")));
    let target = server.next_link();
    assert!(target.contains("&sig=other."), "{target}");
    assert_eq!(server.get(&target).status, 200);
    assert_eq!(server.get(&link("/files/hello.txt")).status, 200);
}

#[test]
fn an_upload_is_stored_then_replaced() {
    let folder = Folder::new();
    let server = folder.serve();
    // More than axum's extractors would take.
    let large = vec![b'x'; 3 << 20];
    for target in ["/files/new.txt", "/files/folder/%C3%BC%20%25.txt", "/files/also/inside.txt"] {
        assert_eq!(server.put(target, b"first").status, 201, "{target}");
        assert_eq!(server.get(&link(target)).body, b"first");
        assert_eq!(server.put(target, &large).status, 204, "{target}");
        assert_eq!(server.get(&link(target)).body, large);
        assert_eq!(server.put(target, b"").status, 204, "{target}");
        assert_eq!(server.get(&link(target)).body, b"");
    }
    assert_eq!(folder.names(), [".hidden", "also", "folder", "link.txt", "new.txt", "out"]);
    assert_eq!(names(&folder.root().join("folder")), ["inside.txt", "ü %.txt"]);
}

#[test]
fn of_several_uploads_at_once_one_is_new() {
    let folder = Folder::new();
    let server = folder.serve();
    let address = server.address;
    let mut statuses: Vec<_> = std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..8).map(|_| scope.spawn(|| put(address, "/files/new.txt", b"x").status)).collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    statuses.sort();
    assert_eq!(statuses, [201, 204, 204, 204, 204, 204, 204, 204]);
}

#[test]
fn nothing_is_written_where_it_does_not_belong() {
    let folder = Folder::new();
    let server = folder.serve();
    let before = folder.everything();
    for target in [
        "/files/..%2fnew.txt",
        "/files/..%2f..%2f..%2fnew.txt",
        "/files/folder/..%2f..%2fnew.txt",
        "/files/folder%2fnew.txt",
        "/files/%2fnew.txt",
        "/files/..%5cnew.txt",
        "/files/a%00b",
        "/files/%FF",
        "/files//new.txt",
        "/files/folder//new.txt",
        "/files/folder/",
        "/files/folder",
        "/files/out",
        "/files/out/new.txt",
        "/files/out/secret.txt",
        "/files/missing/new.txt",
        "/files/link.txt/new.txt",
        "/files/.hidden",
        "/files/%2Ehidden",
        "/files/.new",
        "/files/.new/new.txt",
        &format!("/files/{}", "x".repeat(300)),
    ] {
        // Without a body: an answer that comes before the body was read may be lost with the connection.
        assert_eq!(server.put(target, b"").status, 404, "{target}");
    }
    // Dot segments cannot even be signed.
    for target in ["/files/../new.txt", "/files/%2e%2e/new.txt", "/files/folder/../../new.txt"] {
        assert!(signer().url(target).method(Method::PUT).sign_for(FIVE_MINUTES).is_err());
        let unsigned = exchange(server.address, "PUT", target, &[], b"");
        assert_eq!(unsigned.status, 403, "{target}");
    }
    assert_eq!(folder.everything(), before);
}

#[test]
fn an_upload_replaces_a_symbolic_link_and_not_what_it_leads_to() {
    let folder = Folder::new();
    let server = folder.serve();
    assert_eq!(server.get(&link("/files/link.txt")).body, b"secret");
    assert_eq!(server.put("/files/link.txt", b"new").status, 204);
    assert_eq!(server.get(&link("/files/link.txt")).body, b"new");
    assert_eq!(fs::read(folder.0.path().join("outside/secret.txt")).unwrap(), b"secret");
}

#[test]
fn hidden_files_and_folders_are_not_served() {
    let folder = Folder::new();
    let server = folder.serve();
    for target in ["/files/.hidden", "/files/%2ehidden", "/files/folder", "/files/folder/", "/files/folder%2f"] {
        assert_eq!(server.get(&link(target)).status, 404, "{target}");
    }
}

#[test]
fn an_upload_that_is_broken_off_leaves_nothing() {
    let folder = Folder::new();
    let server = folder.serve();
    assert_eq!(server.put("/files/old.txt", b"old").status, 201);
    let before = folder.everything();
    for target in ["/files/new.txt", "/files/old.txt"] {
        let upload = folder.half_an_upload(&server, target);
        assert_eq!(server.get(&link("/files/old.txt")).body, b"old");
        drop(upload);
        until("the temporary file is removed", || (folder.everything() == before).then_some(()));
    }
}

#[test]
fn strange_names_are_listed_and_served() {
    let folder = Folder::new();
    let strange = ["%41", "-dash", "100%", "a b", "a#b?c", "exp=1&sig=2;3,4+5", "it's", "line\nbreak", "q\"<>{}|^`"];
    let strange = [&strange[..], &["~c2lnLXNjb3BlPSx", "über", "日本"]].concat();
    for name in &strange {
        fs::write(folder.root().join(name), name).unwrap();
    }
    // Nothing leads to this one.
    fs::write(folder.root().join("back\\slash"), "").unwrap();
    fs::remove_file(folder.root().join("link.txt")).unwrap();

    let server = folder.serve();
    for name in strange {
        let target = server.next_link();
        let absolute = format!("http://{}{target}", server.address);
        assert_eq!(url::Url::parse(&absolute).unwrap().as_str(), absolute, "a browser changes it");
        let got = server.get(&target);
        assert_eq!((got.status, &*got.body), (200, name.as_bytes()), "{target}");
    }
    assert_eq!(server.stop().printed, [""; 0]);
}

#[test]
fn the_first_20_files_are_listed() {
    let folder = Folder::new();
    for number in 0..25 {
        fs::write(folder.root().join(format!("{number:02}.txt")), "").unwrap();
    }
    let server = folder.serve();
    for number in 0..20 {
        let target = server.next_link();
        assert!(target.starts_with(&format!("/files/{number:02}.txt?exp=")), "{target}");
    }
    assert_eq!(server.get("/").status, 404);
    assert_eq!(server.stop().printed, [""; 0]);
}

#[test]
fn keygen_prints_keys_that_serve_and_sign() {
    let keygen = || printed(&run(&["keygen"], None));
    let keys = keygen();
    assert_ne!(keys, keygen());
    let (_, secret) = keys.split_once(':').unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 32);

    let server = Server::start(&[], Some(&keys));
    let target = printed(&run(&["sign", "/files/hello.txt"], Some(&keys)));
    assert_eq!(server.get(&target).status, 200);
    assert!(!server.stop().log.contains("restart"));
}

#[test]
fn sign_prints_the_link_that_a_signer_makes() {
    let absolute = "http://127.0.0.1:3000/files/a.txt";
    for (target, options, lifetime, method) in [
        ("/files/a.txt", &[][..], FIVE_MINUTES, Method::GET),
        ("/files/a%20b.txt?c=d", &["--expires", "2h"], 2 * HOUR, Method::GET),
        ("/files/a.txt", &["--method", "PUT", "--expires", "90s"], Duration::from_secs(90), Method::PUT),
        (absolute, &["--expires", "1m"], Duration::from_secs(60), Method::GET),
    ] {
        let earliest = SystemTime::now() + lifetime;
        let signed = printed(&run(&[&["sign", target], options].concat(), Some(KEYS)));
        let latest = SystemTime::now() + lifetime + Duration::from_secs(1);

        let exp = signed.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("exp=")).unwrap();
        let expires_at = at(exp.parse().unwrap());
        assert!((earliest..=latest).contains(&expires_at), "{signed}");
        assert_eq!(signed, signer().url(target).method(method).sign_until(expires_at).unwrap().as_str());
    }
}

#[test]
fn wrong_usage_is_told_in_a_line() {
    let server_takes = "a server takes one folder, --listen and --expires";
    let sign_takes = "sign takes one target, --expires and --method";
    for (args, message) in [
        (&["--nonsense"][..], "unknown option --nonsense"),
        (&["--listen"], "--listen needs a value"),
        (&["--expires"], "--expires needs a value"),
        (&["--method", "P T"], "--method needs an HTTP method"),
        (&["--method", "PUT"], server_takes),
        (&["one", "two"], server_takes),
        (&["keygen", "more"], "keygen takes nothing else"),
        (&["keygen", "--expires", "5m"], "keygen takes nothing else"),
        (&["sign"], sign_takes),
        (&["sign", "/a", "/b"], sign_takes),
        (&["sign", "/a", "--listen", "127.0.0.1:0"], sign_takes),
    ] {
        assert_eq!(mistake(args, Some(KEYS)), (2, format!("{message} (--help tells more)")), "{args:?}");
    }
    for text in ["", "s", "5", "5d", "-5m", "1.5h", "5ü", "0s", "0h", "99999999999999999h"] {
        let message = format!("{text:?} is not a duration: write 1s, 5m or 2h (--help tells more)");
        assert_eq!(mistake(&["--expires", text], Some(KEYS)), (2, message));
    }

    let help = run(&["sign", "--help"], None);
    assert_eq!((help.status.code(), &*help.stderr), (Some(0), &b""[..]));
    assert!(help.stdout.starts_with(b"Serves a folder through links that expire.\n"));
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    let sign = &["sign", "/files/a"][..];
    let unset = "the environment variable is not set, or not UTF-8: set it to id:base64url";
    let untidy = "a key is written id:base64url, several are separated by commas";
    let short = "the key is too short: use 32 random bytes, 16 at the least";
    for (args, keys, message) in [
        (sign, None, format!("SIGNED_URL_KEYS: {unset}")),
        (sign, Some(""), format!("SIGNED_URL_KEYS: {untidy}")),
        (sign, Some("a:AAECAwQF"), format!("SIGNED_URL_KEYS: {short}")),
        (&[], Some("a:AAECAwQF"), format!("SIGNED_URL_KEYS: {short}")),
        (&["sign", "/a b"], Some(KEYS), error_for("/a b", FIVE_MINUTES)),
        (&["sign", "/a", "--expires", "200h"], Some(KEYS), error_for("/a", 200 * HOUR)),
        (&["--listen", "127.0.0.1:0", "--expires", "200h"], Some(KEYS), error_for("/a", 200 * HOUR)),
        (&["--listen", "nowhere"], Some(KEYS), "cannot listen on nowhere: invalid socket address".into()),
        (&["/no/such/folder"], Some(KEYS), "/no/such/folder: No such file or directory (os error 2)".into()),
    ] {
        assert_eq!(mistake(args, keys), (1, message), "{args:?}");
    }
}

#[test]
fn the_log_has_a_line_for_each_request_and_no_signature() {
    let folder = Folder::new();
    fs::write(folder.root().join("a.txt"), "a").unwrap();
    symlink("loop", folder.root().join("loop")).unwrap();
    let server = folder.serve();

    let because = |kind| Rejection::new(kind).to_string();
    let target = "/files/a.txt";
    let expired = sign(&signer().with_clock(|| SystemTime::now() - HOUR), target);
    let year = 365 * 24 * HOUR;
    let long = signer().with_policy(Policy::new().max_lifetime(year)).unwrap().url(target).sign_for(year).unwrap();
    let foreign = sign(&Signer::new(&OTHER_KEYS.parse().unwrap()), target);
    let mut tampered = link(target);
    tampered.insert(7, 'x');

    let mut expected = Vec::new();
    for (method, target, path, outcome) in [
        ("GET", link(target), target, "200".into()),
        ("HEAD", link(target), target, "200".into()),
        ("PUT", put_link("/files/b.txt"), "/files/b.txt", "201".into()),
        ("PUT", put_link("/files/b.txt"), "/files/b.txt", "204".into()),
        ("GET", link("/files/c.txt"), "/files/c.txt", "404".into()),
        ("GET", "/".into(), "/", "404".into()),
        ("GET", link("/elsewhere"), "/elsewhere", "404".into()),
        ("GET", target.into(), target, format!("403, {}", because(RejectionKind::Missing))),
        ("GET", tampered, "/files/xa.txt", format!("403, {}", because(RejectionKind::NotAuthentic))),
        ("GET", foreign, target, format!("403, {}", because(RejectionKind::UnknownKey))),
        ("GET", expired, target, format!("410, {}", because(RejectionKind::Expired))),
        ("GET", long.into_string(), target, format!("403, {}", because(RejectionKind::LifetimeTooLong))),
        ("PUT", link(target), target, format!("403, {}", because(RejectionKind::Method))),
        ("GET", link("/files/loop"), "/files/loop", "500".into()),
    ] {
        let reply = exchange(server.address, method, &target, &[("referer", &link("/files/a.txt"))], b"");
        assert_eq!(reply.status.to_string(), outcome[..3], "{method} {target}");
        expected.push(format!(r#"INFO request{{method={method} path="{path}"}}: {outcome}"#));
    }

    // What a terminal would obey is escaped.
    let escapes = "/files/\u{9b}31m";
    assert_eq!(server.get(escapes).status, 403);
    expected.push(format!(
        r#"INFO request{{method=GET path="/files/\u{{9b}}31m"}}: 403, {}"#,
        because(RejectionKind::Missing)
    ));

    // Why an upload failed stands in its line.
    assert_eq!(server.put("/files/loop/a.txt", b"").status, 500);
    let before = folder.everything();
    drop(folder.half_an_upload(&server, "/files/d.txt"));
    until("the temporary file is removed", || (folder.everything() == before).then_some(()));

    let log = server.stop().log;
    let mut lines = log.lines().map(|line| line.split_once("  ").unwrap().1);
    for line in expected {
        assert_eq!(lines.next(), Some(&*line));
    }
    for (path, status) in [("/files/loop/a.txt", 500), ("/files/d.txt", 400)] {
        let line = lines.next().unwrap();
        assert!(line.starts_with(&format!(r#"INFO request{{method=PUT path="{path}" error="#)), "{line}");
        assert!(line.ends_with(&format!("}}: {status}")), "{line}");
    }
    assert_eq!(lines.next(), None);
    for secret in ["sig=", "exp=", "test.", "other."] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn generated_keys_come_with_a_warning() {
    let server = Server::start(&[], None);
    assert_eq!(server.get("/").status, 404);
    let log = server.stop().log;
    let note = "SIGNED_URL_KEYS is not set, so keys were generated: links will not survive a restart";
    assert_eq!(log.lines().next(), Some(note));
    assert_eq!(log.matches("restart").count(), 1);
}

#[test]
fn ctrl_c_lets_requests_finish() {
    let folder = Folder::new();
    let mut server = folder.serve();
    let mut upload = folder.half_an_upload(&server, "/files/new.txt");
    server.interrupt();
    until("new connections are refused", || TcpStream::connect(server.address).err());
    upload.write_all(b"56789").unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(fs::read(folder.root().join("new.txt")).unwrap(), b"0123456789");
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let folder = Folder::new();
    let mut server = folder.serve();
    let before = folder.everything();
    let _upload = folder.half_an_upload(&server, "/files/new.txt");
    server.interrupt();
    until("new connections are refused", || TcpStream::connect(server.address).err());
    server.interrupt();
    assert_eq!(server.exit_code(), Some(1));
    assert_eq!(folder.everything(), before);
}

fn signer() -> Signer {
    Signer::new(&KEYS.parse::<Keyring>().unwrap())
}

fn sign(signer: &Signer, target: &str) -> String {
    signer.url(target).sign_for(FIVE_MINUTES).map(SignedUrl::into_string).unwrap()
}

fn link(target: &str) -> String {
    sign(&signer(), target)
}

fn put_link(target: &str) -> String {
    signer().url(target).method(Method::PUT).sign_for(FIVE_MINUTES).unwrap().into_string()
}

fn error_for(target: &str, lifetime: Duration) -> String {
    signer().url(target).sign_for(lifetime).unwrap_err().to_string()
}

/// Uploads with a link made for it.
fn put(server: SocketAddr, target: &str, body: &[u8]) -> Reply {
    exchange(server, "PUT", &put_link(target), &[], body)
}

/// A folder to serve, in one that is not to be touched.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let (root, outside) = (folder.root(), folder.0.path().join("outside"));
        fs::create_dir_all(root.join("folder")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret.txt"), "secret").unwrap();
        fs::write(root.join(".hidden"), "hidden").unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("../outside/secret.txt", root.join("link.txt")).unwrap();
        symlink("folder", root.join("also")).unwrap();
        folder
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn serve(&self) -> Server {
        Server::start(&[self.root().to_str().unwrap()], Some(KEYS))
    }

    fn names(&self) -> Vec<String> {
        names(&self.root())
    }

    /// All paths, inside and out, with what the files hold.
    fn everything(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for name in names(&folder) {
                let path = folder.join(name);
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                found.insert(path.clone(), fs::read(path).ok());
            }
        }
        found
    }

    /// Half of `0123456789` on its way: the server has begun to write.
    fn half_an_upload(&self, server: &Server, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!("PUT {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n", put_link(target));
        write!(stream, "{head}content-length: 10\r\n\r\n01234").unwrap();
        let is_temporary = |name: &String| name.starts_with(".upload-");
        until("the upload has begun", || self.names().iter().any(is_temporary).then_some(stream.try_clone().unwrap()))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What this program's server has besides.
trait FileServer {
    fn start(args: &[&str], keys: Option<&str>) -> Self;
    fn put(&self, target: &str, body: &[u8]) -> Reply;
}

impl FileServer for Server {
    fn start(args: &[&str], keys: Option<&str>) -> Self {
        Self::of(program(args, keys).args(["--listen", "127.0.0.1:0"]))
    }

    fn put(&self, target: &str, body: &[u8]) -> Reply {
        put(self.address, target, body)
    }
}

fn run(args: &[&str], keys: Option<&str>) -> Output {
    program(args, keys).stdin(Stdio::null()).output().unwrap()
}

/// The one line that a successful run printed.
fn printed(output: &Output) -> String {
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    let text = str::from_utf8(&output.stdout).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{line}");
    line.to_owned()
}

/// The exit code of a run that failed, and the one line that it said.
fn mistake(args: &[&str], keys: Option<&str>) -> (i32, String) {
    let output = run(args, keys);
    assert_eq!(output.stdout, b"", "{args:?}");
    let message = str::from_utf8(&output.stderr).unwrap();
    let message = message.strip_prefix("file_server: ").and_then(|line| line.strip_suffix('\n')).unwrap();
    (output.status.code().unwrap(), message.to_owned())
}

fn program(args: &[&str], keys: Option<&str>) -> Command {
    example("file_server", args, keys)
}
