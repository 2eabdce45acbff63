//! The example, run as the program that it is, behind a real nginx.

use std::fs;

use super::behind_nginx::{SNIPPET, start_in};
use super::program::{Server, example};
use super::site::{ask, folder, served};

const PUBLIC: &str = "http://127.0.0.1:8080";
const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const NOTE: &str = "SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart";

fn start(keys: Option<&str>) -> Server {
    Server::of(&mut example("forward_auth", &[PUBLIC, "--listen", "127.0.0.1:0"], keys))
}

#[test]
fn its_link_opens_the_file_that_nginx_serves() {
    for keys in [None, Some(KEYS)] {
        let program = start(keys);
        if keys.is_none() {
            assert_eq!(program.next_line(), NOTE);
        }
        let printed = program.next_line();
        let link = printed.strip_prefix(PUBLIC).expect(&printed);
        assert!(link.starts_with("/files/hello.txt?exp="), "{link}");

        let hello_txt = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/files/hello.txt");
        let folder = folder();
        fs::copy(hello_txt, folder.path().join("var/www/files/hello.txt")).unwrap();
        let Some(nginx) = start_in(folder, SNIPPET, program.address) else {
            return;
        };
        let hello = fs::read_to_string(hello_txt).unwrap();
        let get = |target: &str| ask(nginx.address, "GET", target, &[]);
        assert_eq!(served(&get(link)), Some(&*hello));
        for (name, target) in [
            ("tampered with", link.replace("hello", "guide")),
            ("no link", "/files/hello.txt".into()),
            ("the service's own path", "/auth".into()),
        ] {
            assert_eq!(get(&target).status, if target == "/auth" { 404 } else { 403 }, "{name}");
        }
        drop(program);
        assert_eq!(get(link).status, 500);
    }
}

#[test]
fn a_mistake_is_told() {
    for (args, message) in [
        (&[][..], "usage: forward_auth PUBLIC_URL"),
        (&[PUBLIC, "--listen"], "usage: forward_auth PUBLIC_URL"),
        (&[PUBLIC, "127.0.0.1:0"], "usage: forward_auth PUBLIC_URL"),
        (&["http://example.com"], "use https"),
        (&["/files"], "does not begin with https://"),
    ] {
        let output = example("forward_auth", args, Some(KEYS)).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{args:?}");
        assert!(said.contains(message), "{args:?}: {said}");
    }
}
