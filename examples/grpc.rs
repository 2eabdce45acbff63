//! One service calls another over gRPC, and both have the same keys: no session, no token to fetch first. Run it:
//!
//! ```text
//! cargo run --example grpc [LISTEN]
//! ```
//!
//! - The server is tonic's health service behind a `SignedUrlLayer`. Yours goes in its place, or several do.
//! - The client is the one that tonic generates, over a channel in a `SignRequestLayer`: every call, of one message or a
//!   stream, is signed for its path and for half a minute, with the key that is active when it is made.
//! - A call that is not signed is answered `PERMISSION_DENIED`, before a message of it is read.
//! - The log has a line for each call, the refused one included, and no signature.
//!
//! It serves on when its own calls are made. For a client on another machine, set `SIGNED_URL_KEYS` for both, and put TLS
//! between them: a channel gives its signatures to whatever answers at its address.

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceBuilder;
use tower_http::trace::TraceLayer;
use tower_signed_url::{ConcealLayer, Keyring, SignRequestLayer, SignedUrlLayer, Signer, SigningKey};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// From the call to its arrival, with the time to connect and clocks that disagree.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let incoming = TcpIncoming::bind(listen.parse()?)?;
    let address = incoming.local_addr()?;
    // Not HTTP/2's own, which is long.
    let targets = Targets::new().with_target("tower_http", Level::DEBUG).with_target("tower_signed_url", Level::DEBUG);
    tracing_subscriber::registry().with(fmt::layer().with_writer(io::stderr)).with(targets).init();

    println!("listening on http://{address}");
    let keys = keys()?;
    let server = tokio::spawn(serve(keys.clone(), incoming));
    call(&keys, address).await?;
    server.await??;
    Ok(())
}

async fn serve(keys: Keyring, incoming: TcpIncoming) -> Result<(), tonic::transport::Error> {
    let (_, health) = tonic_health::server::health_reporter();
    Server::builder()
        .layer(ConcealLayer::new(&keys))
        .layer(TraceLayer::new_for_grpc())
        .layer(SignedUrlLayer::new(&keys))
        .add_service(health)
        .serve_with_incoming(incoming)
        .await
}

async fn call(keys: &Keyring, server: SocketAddr) -> Result<(), Box<dyn Error>> {
    let channel: Channel = Endpoint::from_shared(format!("http://{server}"))?.connect_lazy();
    let sign = SignRequestLayer::new(Signer::new(keys), HALF_A_MINUTE);
    let mut signing = HealthClient::new(ServiceBuilder::new().layer(sign).service(channel.clone()));

    let answer = signing.check(HealthCheckRequest::default()).await?;
    println!("signed: {:?}", answer.get_ref().status());
    let mut stream = signing.watch(HealthCheckRequest::default()).await?.into_inner();
    println!("signed, a stream: {:?}", stream.message().await?.map(|message| message.status()));

    match HealthClient::new(channel).check(HealthCheckRequest::default()).await {
        Err(status) => println!("not signed: {:?}, {:?}", status.code(), status.message()),
        Ok(answer) => return Err(format!("let in without a signature: {answer:?}").into()),
    }
    Ok(())
}

fn keys() -> Result<Keyring, Box<dyn Error>> {
    if env::var_os("SIGNED_URL_KEYS").is_some() {
        return Ok(Keyring::from_env("SIGNED_URL_KEYS")?);
    }
    println!("SIGNED_URL_KEYS is not set, so a key was generated: no other program can sign for this one");
    Ok(Keyring::new(SigningKey::generate()?))
}
