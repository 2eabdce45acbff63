//! Valid links of a chosen length, and the things to time with them.

use std::hint::black_box;
use std::time::Duration;

use hmac::{Hmac, Mac};
use http::{Method, Request};
use sha2::Sha256;
use tower_signed_url::{Head, Signer, Verifier, Verify};

pub const LIFETIME: Duration = Duration::from_secs(3600);

/// A valid URL with so many covered bytes.
pub struct Link {
    pub url: String,
    pub covered: Vec<u8>,
    pub mac: [u8; 32],
}

impl Link {
    /// One with a path of one long segment.
    pub fn new(signer: &Signer, mac: &Hmac<Sha256>, covered: usize) -> Self {
        Self::to(&target_for(signer, covered), signer, mac)
    }

    pub fn to(target: &str, signer: &Signer, mac: &Hmac<Sha256>) -> Self {
        let url = signer.url(target).sign_for(LIFETIME).unwrap().into_string();
        let covered = url.split_once("&sig=").unwrap().0.as_bytes().to_vec();
        let mac = mac.clone().chain_update(&covered).finalize().into_bytes().into();
        Self { url, covered, mac }
    }

    /// The MAC alone, as `Hmac` checks it.
    pub fn floor(&self, keyed: &Hmac<Sha256>) -> impl FnMut() + Send + 'static {
        let (keyed, covered, mac) = (keyed.clone(), self.covered.clone(), self.mac);
        move || {
            let mac_over = keyed.clone().chain_update(black_box(&covered));
            assert!(mac_over.verify_slice(black_box(&mac)).is_ok());
        }
    }
}

/// A path of one long segment that takes its link to so many covered bytes.
pub fn target_for(signer: &Signer, covered: usize) -> String {
    filled(signer, covered, "/", "a")
}

/// A target of `start` and repetitions of `filler` that takes its link to so many covered bytes.
pub fn filled(signer: &Signer, covered: usize, start: &str, filler: &str) -> String {
    let shortest = signer.url(start).sign_for(LIFETIME).unwrap().into_string();
    let missing = covered - shortest.find("&sig=").unwrap();
    start.chars().chain(filler.chars().cycle().take(missing)).collect()
}

pub fn mint(signer: &Signer, target: String) -> impl FnMut() + 'static {
    let signer = signer.clone();
    move || assert!(black_box(signer.url(black_box(&target)).sign_for(LIFETIME)).is_ok())
}

pub fn verify(verifier: &Verifier, url: &str, method: Method, accepted: bool) -> impl FnMut() + Send + 'static {
    verify_request(verifier, Request::builder().method(method).uri(url).body(()).unwrap(), accepted)
}

pub fn verify_request<B>(verifier: &Verifier, request: Request<B>, accepted: bool) -> impl FnMut() + Send + 'static
where
    B: Send + 'static,
{
    let verifier = verifier.clone();
    move || {
        let verified = black_box(verifier.verify(Head::of(black_box(&request))));
        assert_eq!(verified.is_ok(), accepted);
    }
}
