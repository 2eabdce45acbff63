//! Forward authentication: the service that says for a proxy whether it may serve a file. It is asked in raw requests as
//! the proxies ask, Traefik among them, and by a real nginx and a real Caddy, which then serve the file themselves.
#![cfg(all(unix, feature = "axum"))]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::unwrap_used)]

#[path = "forward_auth/answers.rs"]
mod answers;
#[path = "forward_auth/behind_caddy.rs"]
mod behind_caddy;
#[path = "forward_auth/behind_nginx.rs"]
mod behind_nginx;
#[path = "forward_auth/bound.rs"]
mod bound;
#[path = "support/caddy.rs"]
mod caddy;
#[path = "forward_auth/carriers.rs"]
mod carriers;
#[path = "forward_auth/example.rs"]
mod example;
#[path = "support/log.rs"]
mod log;
#[path = "forward_auth/logs.rs"]
mod logs;
#[path = "support/nginx.rs"]
mod nginx;
#[path = "forward_auth/places.rs"]
mod places;
#[path = "support/program.rs"]
mod program;
#[path = "forward_auth/site.rs"]
mod site;
mod support;
#[path = "forward_auth/told.rs"]
mod told;
#[path = "forward_auth/traefik.rs"]
mod traefik;
#[path = "support/wire.rs"]
mod wire;

use axum::Router;
use tower_signed_url::{ForwardAuth, SignedUrlLayer, Verifier, Verify};

use self::support::{NOW, Reply, at, cookie, exchange, figure_keys, fixed_verifier, free_port, link};
use self::wire::{Server, tell_kind};

const FILE: &str = "/files/a.txt";

/// How a proxy asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Proxy {
    Nginx,
    XForwarded,
}

use Proxy::{Nginx, XForwarded};

impl Proxy {
    fn service<V: Verify, A>(self, layer: SignedUrlLayer<V, A>) -> ForwardAuth<V, A> {
        match self {
            Nginx => ForwardAuth::nginx(layer),
            XForwarded => ForwardAuth::x_forwarded(layer),
        }
    }

    /// Serves at `/auth`.
    fn serve(self, layer: SignedUrlLayer) -> Server {
        Server::start(Router::new().route_service("/auth", self.service(layer)))
    }

    /// The fields that tell target and method.
    fn fields(self) -> [&'static str; 2] {
        match self {
            Nginx => ["x-original-uri", "x-original-method"],
            XForwarded => ["x-forwarded-uri", "x-forwarded-method"],
        }
    }

    /// The status that it is to be told, where the layer itself would answer with this one.
    fn told(self, status: u16) -> u16 {
        if self == Nginx && status != 401 { 403 } else { status }
    }

    /// Asks whether a request may pass.
    fn ask(self, server: &Server, method: &str, target: &str, more: &[(&str, &str)]) -> Reply {
        let [uri_field, method_field] = self.fields();
        let fields = [&[(uri_field, target), (method_field, method)], more].concat();
        exchange(server.address, "GET", "/auth", &fields, b"")
    }
}

/// A layer that tells the kind of refusal in `x-kind`.
fn layer(verifier: impl Into<Verifier>) -> SignedUrlLayer {
    SignedUrlLayer::new(verifier.into()).on_reject(tell_kind)
}

fn fixed_layer() -> SignedUrlLayer {
    layer(fixed_verifier())
}

/// Status, `X-Signed-Url-Status` and kind: of what passes, a status alone.
fn outcome(reply: &Reply) -> (u16, Option<u16>, Option<&str>) {
    let own = reply.header("x-signed-url-status").map(|status| status.parse().unwrap());
    (reply.status, own, reply.header("x-kind"))
}

const PASSED: (u16, Option<u16>, Option<&str>) = (204, None, None);

/// What a refusal by this kind is to this proxy.
fn refused(proxy: Proxy, kind: &'static str, status: u16) -> (u16, Option<u16>, Option<&'static str>) {
    (proxy.told(status), Some(status), Some(kind))
}
