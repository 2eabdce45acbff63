//! What is served, to whom, and what is logged of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

use tower_signed_url::{Policy, Rejection, RejectionKind, Signer};

use super::support::exchange;
use super::{Folder, HOUR, KEYS, OTHER_KEYS, link, put, put_link, sign, signer, start, until};

#[test]
fn every_printed_link_serves_its_file() {
    let server = start(&[], None);
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
    let server = start(&[], None);
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
    let server = start(&["--expires", "1s"], None);
    let target = server.next_link();
    let last = until("the link expires", || Some(server.get(&target).status).filter(|status| *status != 200));
    assert_eq!(last, 410);
}

#[test]
fn the_first_key_signs_and_the_others_are_accepted() {
    let server = start(&[], Some(&format!("{OTHER_KEYS},{KEYS}")));
    let target = server.next_link();
    assert!(target.contains("&sig=other."), "{target}");
    assert_eq!(server.get(&target).status, 200);
    assert_eq!(server.get(&link("/files/hello.txt")).status, 200);
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
    assert_eq!(put(server.address, "/files/loop/a.txt", b"").status, 500);
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
    let server = start(&[], None);
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
