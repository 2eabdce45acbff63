//! An axum server on one thread, with one of five things in front of its handler: `load <variant>`.
//!
//! It prints its address, a link that works for an hour, and one that expired an hour ago.

mod by_hand;
mod naive;
mod nothing;

use std::error::Error;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_signed_url::{Keyring, SignedUrlLayer, Signer, SigningKey};

const SECRET: [u8; 32] = [7; 32];
const KEY_ID: &str = "2026-11";
const PATH: &str = "/files/report.pdf";
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = Keyring::new(SigningKey::from_bytes(&SECRET)?.with_id(KEY_ID.parse()?));
    let app = Router::new().route(PATH, get(async || "ok"));
    let app = match std::env::args().nth(1).as_deref() {
        Some("without") => app,
        Some("nothing") => app.route_layer(nothing::NothingLayer),
        Some("layer") => app.route_layer(SignedUrlLayer::new(&keys)),
        Some("by-hand") => app.route_layer(by_hand::CheckLayer::new()?),
        Some("naive") => app.route_layer(from_fn(naive::check)),
        other => return Err(format!("no such variant: {other:?}").into()),
    };

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let signer = Signer::new(&keys);
    println!("{}", listener.local_addr()?);
    println!("{}", signer.url(PATH).sign_for(HOUR)?);
    println!("{}", signer.with_clock(|| SystemTime::now() - 2 * HOUR).url(PATH).sign_for(HOUR)?);
    axum::serve(listener, app).await?;
    Ok(())
}
