//! Puts links in front of a server that knows nothing of them, without a framework: hyper on both sides. Run it in front
//! of a server of yours, and open what it prints:
//!
//! ```text
//! cargo run --example proxy -- http://127.0.0.1:8080 [LISTEN]
//! ```
//!
//! - Whatever has no link is refused here. What has one goes on without it, bodies and all as they come, over HTTP/1.1.
//! - Links for other paths, and for uploads, come from another process with the same keys, here the other example:
//!
//!   ```text
//!   export SIGNED_URL_KEYS=$(cargo run --example file_server -- keygen)
//!   cargo run --example proxy -- http://127.0.0.1:8080
//!   cargo run --example file_server -- sign /inbox/cat.png --method PUT --type image/png
//!   cargo run --example file_server -- sign /docs/ --scope
//!   ```
//!
//! - The server is told the host that the client asked for, and the client's address in `X-Forwarded-For`. Let nobody
//!   else reach it. Upgrades, TLS and time limits are left out.

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, COOKIE, HOST};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::{conn::auto, graceful::GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use tokio::{net::TcpListener, signal::ctrl_c};
use tower::{BoxError, ServiceBuilder};
use tower_http::trace::TraceLayer;
use tower_signed_url::{
    ConcealLayer, ConfigError, DEFAULT_COOKIE, Keyring, SignedUrlLayer, SigningKey, Verifier, client_ip, context,
};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

const USAGE: &str = "say in front of which server: proxy http://127.0.0.1:8080 [LISTEN]";
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream: Uri = env::args().nth(1).ok_or(USAGE)?.parse()?;
    if upstream.scheme() != Some(&Scheme::HTTP) || upstream.path() != "/" || upstream.query().is_some() {
        return Err(USAGE.into());
    }
    let listen = env::args().nth(2).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    log_to_stderr();

    println!("listening on http://{address}");
    let verifier = verifier(&keys()?)?;
    println!("open http://{address}{}", verifier.signer().url("/").sign_for(AN_HOUR)?);

    let client = Client::builder(TokioExecutor::new()).build_http();
    let app = ServiceBuilder::new()
        .layer(ConcealLayer::new(&verifier))
        .map_result(or_bad_gateway)
        .layer(TraceLayer::new_for_http())
        .layer(SignedUrlLayer::new(&verifier))
        .service_fn(move |request| forward(client.clone(), upstream.clone(), request));

    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    let mut interrupted = pin!(ctrl_c());
    loop {
        let accepted = tokio::select! {
            // The signal is watched before the first connection is accepted.
            biased;
            result = &mut interrupted => break result?,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Too many open files, say. Some may be closed meanwhile.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        let tell_peer = move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request
        };
        let service = TowerToHyperService::new(ServiceBuilder::new().map_request(tell_peer).service(app.clone()));
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => Ok(()),
        _ = ctrl_c() => Err("stopped before all was answered".into()),
    }
}

/// What `file_server sign` makes is enforced here, too.
fn verifier(keys: &Keyring) -> Result<Verifier, ConfigError> {
    Verifier::builder(keys)
        .bind("host", context::host())
        .bind("password", context::basic_password())
        .client_ip(client_ip::extension(SocketAddr::ip))
        .token_cookie(DEFAULT_COOKIE)
        .token_path()
        .build()
}

async fn forward(
    client: Client<HttpConnector, Incoming>,
    upstream: Uri,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, BoxError> {
    let peer: SocketAddr = *request.extensions().get().ok_or("whose request is it?")?;
    let asked = request.uri().clone();
    let mut to = upstream.into_parts();
    to.path_and_query = asked.path_and_query().cloned();
    *request.uri_mut() = Uri::from_parts(to)?;
    // Each side speaks its own, whatever the other does.
    *request.version_mut() = Version::HTTP_11;

    let headers = request.headers_mut();
    // Links may be limited to these, whatever a client says is for this hop alone.
    let checked = [HOST, CONTENT_TYPE].map(|name| headers.get(&name).cloned().map(|value| (name, value)));
    remove_hop_by_hop(headers);
    for (name, value) in checked.into_iter().flatten() {
        headers.insert(name, value);
    }
    // What a client says of the way that it came is not to be believed.
    remove(headers, |name| name == "forwarded" || name.replace('_', "-").starts_with("x-forwarded-"));
    headers.insert("x-forwarded-for", peer.ip().to_string().parse()?);
    // Over HTTP/2 the host is no field, and a client may have cut its cookies into many.
    if let Some(authority) = asked.authority() {
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        headers.insert(HOST, host.parse()?);
    }
    let cookies: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1 {
        let one = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))?;
        headers.insert(COOKIE, one);
    }

    let mut response = client.request(request).await?;
    remove_hop_by_hop(response.headers_mut());
    *response.version_mut() = Version::HTTP_11;
    Ok(response)
}

/// Removes what was meant for this hop alone (RFC 9110 section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let fields: Vec<_> = headers.get_all(CONNECTION).iter().filter_map(|field| field.to_str().ok()).collect();
    let named = fields.join(",").to_ascii_lowercase();
    let named: Vec<_> = named.split(',').map(str::trim).collect();
    let known = ["connection", "keep-alive", "te", "transfer-encoding", "upgrade"];
    remove(headers, |name| known.contains(&name) || named.contains(&name) || name.starts_with("proxy-"));
}

fn remove(headers: &mut HeaderMap, is_unwanted: impl Fn(&str) -> bool) {
    let unwanted: Vec<_> = headers.keys().filter(|name| is_unwanted(name.as_str())).cloned().collect();
    unwanted.iter().for_each(|name| drop(headers.remove(name)));
}

/// Answers for a server that does not.
fn or_bad_gateway<B>(result: Result<Response<B>, BoxError>) -> Result<Response<Either<B, Full<Bytes>>>, BoxError> {
    match result {
        Ok(response) => Ok(response.map(Either::Left)),
        Err(_) => Ok(Response::builder().status(502).body(Either::Right("The server does not answer.".into()))?),
    }
}

fn log_to_stderr() {
    // Not all that there is: at this level h2 tells of targets that it cannot read, and so of the links in them.
    let shown = Targets::new().with_targets([("tower_http", Level::DEBUG), ("tower_signed_url", Level::DEBUG)]);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(shown).init();
}

fn keys() -> Result<Keyring, Box<dyn Error>> {
    if env::var_os("SIGNED_URL_KEYS").is_some() {
        return Ok(Keyring::from_env("SIGNED_URL_KEYS")?);
    }
    println!("SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart");
    Ok(Keyring::new(SigningKey::generate()?))
}
