//! A real nginx that serves files, and asks the service about each request first.

use std::net::SocketAddr;
use std::{fs, io};

use axum::Router;
use tower_signed_url::SignedUrlLayer;

use super::caddy::free_port;
use super::nginx::Nginx as Server;
use super::program::until;
use super::site::{Auth, ask, check_claims, check_links, check_tricks, cookie, folder, link, served, token, verifier};
use super::support::{Reply, at};
use super::wire::{self, read_raw, signed};
use super::{NOW, Nginx};

/// The files below `/files/` need a link.
const SNIPPET: &str = r#"
# Neither queries nor what `Referer` says: links are in both.
log_format links '$remote_addr [$time_local] "$request_method $uri" $status $body_bytes_sent';

server {
    listen 80;
    access_log /var/log/nginx/access.log links;
    error_log /var/log/nginx/error.log crit; # what is less severe is logged with the whole request line

    location /files/ {
        auth_request /auth;
        root /var/www;

        # What caches and search engines are told.
        auth_request_set $link_cache_control $upstream_http_cache_control;
        add_header Cache-Control $link_cache_control always;
        add_header Referrer-Policy no-referrer always;
        add_header X-Robots-Tag noindex always;

        # A link that has ended is answered 410, which `auth_request` itself cannot.
        auth_request_set $link_status $upstream_http_x_signed_url_status;
        error_page 403 = @refused;
    }

    location @refused {
        add_header Cache-Control no-store always;
        add_header Referrer-Policy no-referrer always;
        if ($link_status = 410) { return 410; }
        return 403;
    }

    location = /auth {
        internal;
        proxy_pass http://127.0.0.1:9000;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        # The service believes these, so set them all: what is not set here, a client may set.
        proxy_set_header X-Original-URI $request_uri; # as it came: `$uri` is not
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Forwarded-For $remote_addr; # for links that bind client addresses
        proxy_set_header Host $http_host;              # for links that bind `host`
    }
}
"#;

/// Beside the other locations, for tokens in the path: off it goes, before a file is looked for.
const TOKENS_IN_PATHS: &str = r#"
    location ~ ^/~[^/]+/files/ {
        auth_request /auth;
        rewrite ^/~[^/]+(/files/.*)$ $1 break;
        root /var/www;
    }
"#;

fn start_with(snippet: &str, service: SocketAddr) -> Option<Server> {
    Server::start_in(folder(), &snippet.replace("127.0.0.1:9000", &service.to_string()), service)
}

fn start() -> Option<(Server, Auth)> {
    let auth = Auth::start(Nginx);
    start_with(SNIPPET, auth.server.address).map(|nginx| (nginx, auth))
}

#[test]
fn nginx_serves_what_the_link_is_for() {
    let Some((nginx, auth)) = start() else {
        return;
    };
    check_links(Nginx, nginx.address);
    check_claims(Nginx, nginx.address);
    check_tricks(Nginx, nginx.address);
    auth.assert_asked_by("/auth");
    // Nobody else can ask the service.
    let good = link("/files/a.txt");
    let fields = [("x-original-uri", &*good), ("x-original-method", "GET")];
    assert_eq!(ask(nginx.address, "GET", "/auth", &fields).status, 404);
    // What nginx itself forbids stays a 403.
    assert_eq!(ask(nginx.address, "GET", &link("/files/open/"), &[]).status, 403);
    assert_eq!(ask(nginx.address, "GET", &link("/outside.txt"), &[]).status, 404);
}
