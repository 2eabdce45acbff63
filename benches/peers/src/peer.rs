//! What is compared.

use std::hint::black_box;

use crate::support::link::Link;

/// The lengths of the covered bytes.
pub const LENGTHS: [usize; 2] = [55, 119];

/// One line of a table: something to time with either length.
pub struct Peer {
    pub what: &'static str,
    /// The package whose version is shown.
    pub package: &'static str,
    pub notes: &'static str,
    pub calls: [Box<dyn FnMut()>; 2],
}

/// The URLs of one length.
pub struct Links {
    pub valid: Link,
    pub expired: Link,
}

impl Links {
    /// The path that any credential of this length is for.
    pub fn path(&self) -> &str {
        self.valid.url.split_once('?').unwrap().0
    }

    /// When the valid one ends.
    pub fn exp(&self) -> &str {
        std::str::from_utf8(&self.valid.covered).unwrap().rsplit_once("exp=").unwrap().1
    }
}

/// The same URL with another path.
pub fn forge(url: &str) -> String {
    url.replacen("/a", "/b", 1)
}

/// A check that has been seen to refuse what it has to.
pub fn check<T: 'static>(
    mut valid: T,
    refused: impl IntoIterator<Item = T>,
    mut accepts: impl FnMut(&mut T) -> bool + 'static,
) -> Box<dyn FnMut()> {
    assert!(!refused.into_iter().any(|mut refused| accepts(&mut refused)));
    Box::new(move || assert!(accepts(black_box(&mut valid))))
}

pub fn mint<T>(mut make: impl FnMut() -> T + 'static) -> Box<dyn FnMut()> {
    Box::new(move || drop(black_box(make())))
}
