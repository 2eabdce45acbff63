//! A real Caddy that serves files, and asks the service about each request first.

use super::caddy::Caddy;
use super::program::until;
use super::site::{Auth, ask, check_claims, check_links, check_tricks, folder, link, served, token};
use super::support::{ENDED, INVALID};
use super::wire::signed;
use super::{NOW, XForwarded, cookie, free_port};

/// The files below `/files/` need a link.
const CADDYFILE: &str = r#"{
	# Caddy's log, its errors' included, without signatures: no queries, no tokens in paths, no `Referer`.
	log {
		format filter {
			wrap json
			fields {
				request>uri regexp "(?i)(/|%2f)(~|%7e)[^/]*|([?&]|%(25)*(3f|26)).*" ""
				request>headers delete
				resp_headers>Location delete
			}
		}
	}
}

files.example.com {
	log
	# In a `route` all is done in this order, so that no file is served before the service was asked.
	route /files/* {
		forward_auth 127.0.0.1:9000 {
			uri /auth? # without the `?` the link would be in this URI, too, for others to log
		}
		# What caches and search engines are told.
		header Cache-Control {http.reverse_proxy.header.Cache-Control}
		header Referrer-Policy {http.reverse_proxy.header.Referrer-Policy}
		header X-Robots-Tag {http.reverse_proxy.header.X-Robots-Tag}
		root * /var/www
		file_server
	}
}
"#;

#[test]
fn the_readme_shows_what_is_tested() {
    assert!(include_str!("../../README.md").contains(&format!("```caddyfile\n{CADDYFILE}```")));
}

fn start() -> Option<(Caddy, Auth)> {
    let auth = Auth::start(XForwarded);
    Caddy::start_in(folder(), CADDYFILE, auth.server.address).map(|caddy| (caddy, auth))
}

#[test]
fn caddy_serves_what_the_link_is_for() {
    let Some((caddy, auth)) = start() else {
        return;
    };
    check_links(XForwarded, caddy.address);
    check_claims(XForwarded, caddy.address);
    check_tricks(XForwarded, caddy.address);
    auth.assert_asked_by("/auth");
    // Outside of what the service is asked about nothing is served.
    assert_eq!(served(&ask(caddy.address, "GET", &link("/outside.txt"), &[])), Some(""));
}

/// Caddy gives the client the answer of the service.
#[test]
fn a_client_is_told_why() {
    let Some((caddy, _auth)) = start() else {
        return;
    };
    for (target, status, text) in
        [("/files/a.txt", 403, INVALID), (&signed(&format!("/files/a.txt?exp={NOW}")), 410, ENDED)]
    {
        let reply = ask(caddy.address, "GET", target, &[]);
        assert_eq!((reply.status, str::from_utf8(&reply.body).unwrap()), (status, text));
        assert_eq!(reply.header("x-signed-url-status"), Some(&*status.to_string()));
    }
}

/// `handle_path` and `uri strip_prefix` take a prefix off what `{uri}` is from then on.
#[test]
fn under_a_prefix_that_caddy_takes_off_links_are_for_the_whole_path_if_it_is_told() {
    let caddyfile = |told: &str| {
        let handle = |prefix: &str| {
            format!(
                "	handle_path {prefix}/* {{
		forward_auth 127.0.0.1:9000 {{
			uri /auth?
{told}		}}
		root * /var/www
		file_server
	}}
"
            )
        };
        format!("{{\n}}\n\nfiles.example.com {{\n{}{}}}\n", handle("/public"), handle("/secret"))
    };
    let auth = Auth::start(XForwarded);
    let start = |told: &str| Caddy::start_in(folder(), &caddyfile(told), auth.server.address);
    let (Some(whole), Some(shortened)) =
        (start("\t\t\theader_up X-Forwarded-Uri {http.request.orig_uri}\n"), start(""))
    else {
        return;
    };
    let (public, inner) = (link("/public/files/a.txt"), link("/files/a.txt"));
    for (name, target, by_whole, by_shortened) in [
        ("a link for the whole path", public.clone(), 200, 403),
        ("the same, for another mount", public.replace("/public", "/secret"), 403, 403),
        // The trap: such a link opens what has that name under any mount.
        ("a link for the rest, public", format!("/public{inner}"), 403, 200),
        ("a link for the rest, secret", format!("/secret{inner}"), 403, 200),
    ] {
        let statuses = [&whole, &shortened].map(|caddy| ask(caddy.address, "GET", &target, &[]).status);
        assert_eq!(statuses, [by_whole, by_shortened], "{name}");
    }
}

#[test]
fn caddys_log_holds_no_signature_and_without_the_service_nothing_is_served() {
    let Some((caddy, _auth)) = start() else {
        return;
    };
    let (_nobody, nobody) = free_port();
    let down = Caddy::start_in(folder(), CADDYFILE, nobody).unwrap();
    let (good, tampered, nothing) =
        (link("/files/a.txt"), link("/files/a.txt").replace("a.txt", "b.txt"), link("/files/no"));
    let token = token("/files/");
    let in_path = token.in_path("/files/a.txt").unwrap().into_string();
    let by_cookie = cookie(&token);
    let fields = [("cookie", &*by_cookie), ("referer", &good), ("x-forwarded-uri", &good)];
    for (caddy, targets) in [
        (&caddy, [(&good, 200), (&tampered, 403), (&nothing, 404), (&in_path, 200)]),
        (&down, [(&good, 502), (&tampered, 502), (&nothing, 502), (&in_path, 200)]),
    ] {
        for (target, status) in targets {
            let reply = ask(caddy.address, "GET", target, &fields);
            assert_eq!(reply.status, status, "{target}");
            // Where no route is there is an empty 200.
            let file = if status == 502 || *target != good { None } else { Some("/files/a.txt") };
            assert_eq!(served(&reply).filter(|file| !file.is_empty()), file, "{target}");
        }
        let log = until("all is logged", || {
            let log = caddy.log();
            (log.matches("handled request").count() == targets.len()).then_some(log)
        });
        for path in ["/files/a.txt", "/files/b.txt", "/files/no"] {
            assert!(log.contains(&format!("\"uri\":\"{path}\"")), "{path}: {log}");
        }
        for secret in ["sig=", "exp=", "sig-scope", "c2ln", good.rsplit('=').next().unwrap()] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}

/// What was mangled on its way is refused, and could be put right by who reads the log.
#[test]
fn caddys_log_holds_no_signature_of_a_mangled_link_either() {
    let Some((caddy, _auth)) = start() else {
        return;
    };
    let good = link("/files/a.txt");
    let encoded = good.replace('?', "%3F").replace('&', "%26").replace('=', "%3D");
    let in_path = token("/files/").in_path("/files/a.txt").unwrap().into_string();
    let rows = [
        ("its ? lost", good.replace('?', "&"), "/files/a.txt"),
        ("its ? encoded", good.replace('?', "%3F"), "/files/a.txt"),
        ("all of it encoded", encoded.clone(), "/files/a.txt"),
        ("in lower case", encoded.replace("%3F", "%3f"), "/files/a.txt"),
        ("twice", encoded.replace('%', "%25"), "/files/a.txt"),
        ("a token, its ~ encoded", in_path.replace('~', "%7E"), "/files/a.txt"),
        ("a token later in the path", format!("/files{in_path}"), "/files/files/a.txt"),
        ("a token after two slashes", format!("/{in_path}"), "//files/a.txt"),
        ("a token and an encoded link", format!("{in_path}{encoded}"), "/files/a.txt/files/a.txt"),
    ];
    for (_, target, _) in &rows {
        ask(caddy.address, "GET", target, &[]);
    }
    let log = until("all is logged", || {
        let log = caddy.log();
        (log.matches("handled request").count() == rows.len()).then_some(log)
    });
    let lines = log.lines().filter(|line| line.contains("handled request"));
    for (line, (row, _, path)) in lines.zip(&rows) {
        let uri = line.split("\"uri\":\"").nth(1).unwrap().split('"').next();
        assert_eq!(uri, Some(path).copied(), "{row}");
    }
    let mac = good.rsplit('=').next().unwrap();
    assert!(!log.contains(mac) && !log.contains("c2ln"), "{log}");
}
