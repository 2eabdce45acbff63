//! Shows a website that is not public yet to whoever has the one link to it. Run it, and open the link that it prints:
//!
//! ```text
//! cargo run --example preview [LISTEN]
//! ```
//!
//! - The link holds a token for everything under `/preview/`. A browser that opens it is given the token as a cookie and
//!   sent to the same page without it: look at the address bar, and go back and forth.
//! - The pages know nothing of this: style, picture and the other page load by the cookie. A browser that did not have
//!   the link is refused, also at the address that the first one shows.
//! - "Another site" tells which `Referer` it was sent: none.
//! - The log has a line for each request, the refused ones included, and no token.
//!
//! `curl` and others that do not say that they navigate are answered by the link as it is, without the detour.

use std::env;
use std::error::Error;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::REFERER;
use axum::routing::get;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;
use tower_signed_url::{ConcealLayer, DEFAULT_COOKIE, Keyring, SignedUrlLayer, SigningKey, Verifier};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

const SITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/site");
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    log_to_stderr();

    println!("listening on http://{address}");
    let verifier = Verifier::builder(&keys()?).token_cookie(DEFAULT_COOKIE).build()?;
    let token = verifier.signer().scope("/preview/").sign_for(A_DAY)?;
    println!("open http://{address}{}", token.in_query("/preview/")?);

    axum::serve(listener, app(&verifier)?).await?;
    Ok(())
}

fn app(verifier: &Verifier) -> Result<Router, Box<dyn Error>> {
    Ok(Router::new()
        .nest_service("/preview", ServeDir::new(SITE))
        .route_layer(SignedUrlLayer::new(verifier).exchange()?)
        // Refused requests are to be logged as well, so the trace is outside of `SignedUrlLayer`, and `ConcealLayer`
        // outside of the trace takes the token out of its sight: from the URL, from the cookie, from the `Referer`.
        .layer(ServiceBuilder::new().layer(ConcealLayer::new(verifier)).layer(TraceLayer::new_for_http()))
        // Outside of all layers: it sees what a browser really sends.
        .route("/outside", get(outside)))
}

/// Another site, as far as the preview is concerned.
async fn outside(headers: HeaderMap) -> String {
    match headers.get(REFERER) {
        Some(referer) => format!("You come from {referer:?}."),
        None => "You did not say where you come from.".into(),
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
