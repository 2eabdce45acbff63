//! Where a request shows what a link may be bound to.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::context::PASSWORD_CONTEXT;
use crate::format::{Fault, Name};
use crate::head::Head;
use crate::rejection::{Rejection, RejectionKind};

/// Where a client's address comes from.
pub(super) type ClientIp = dyn Fn(Head<'_>) -> Option<IpAddr> + Send + Sync;

/// Where a bound context's value comes from.
pub(super) type Source = dyn for<'a> Fn(Head<'a>) -> Option<Cow<'a, str>> + Send + Sync;

/// The sources of bound contexts, by name.
#[derive(Clone, Default)]
pub(super) struct Sources(Vec<(Box<str>, Arc<Source>)>);

impl Sources {
    /// Whether there was none of this name.
    pub(super) fn add(&mut self, name: &str, source: Arc<Source>) -> bool {
        let is_new = self.find(name).is_none();
        self.0.push((name.into(), source));
        is_new
    }

    pub(super) fn find(&self, name: &str) -> Option<&Source> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, source)| &**source)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// What the MAC of a link covers that binds these contexts: a line for each.
    pub(super) fn lines<'b>(&self, bind: &'b str, head: Head<'_>) -> Result<Zeroizing<String>, NotShown<'b>> {
        let mut lines = Zeroizing::new(String::new());
        let mut password_missing = false;
        // One of so many has no source, or stands twice. No source is asked to find that out.
        if bind.split(',').nth(self.0.len()).is_some() {
            return Err(NotShown::NoSource);
        }
        for name in bind.split(',') {
            let source = self.find(name).ok_or(NotShown::NoSource)?;
            match source(head).filter(|value| !value.is_empty() && !value.contains('\n')) {
                Some(value) => ["\n", name, ":", &value].into_iter().for_each(|piece| lines.push_str(piece)),
                None if name == PASSWORD_CONTEXT => password_missing = true,
                None => return Err(NotShown::Value(name)),
            }
        }
        if password_missing { Err(NotShown::NoPassword) } else { Ok(lines) }
    }
}

/// Why what a link binds has no value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NotShown<'b> {
    NoSource,
    /// Of the context of this name.
    Value(&'b str),
    /// All the others are there.
    NoPassword,
}

impl From<NotShown<'_>> for Rejection {
    #[cold]
    fn from(not_shown: NotShown<'_>) -> Self {
        match not_shown {
            NotShown::NoSource => Fault::unenforceable(
                Name::Bind.as_str(),
                "names a context that the verifier has no source for: register one with `bind`",
            )
            .into(),
            NotShown::Value(name) => Self::context_not_shown(name),
            NotShown::NoPassword => RejectionKind::PasswordRequired.into(),
        }
    }
}
