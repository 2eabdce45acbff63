//! The credential as it is written: the run of reserved parameters, from the first to `sig`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{SignError, SignErrorKind};
use super::mint::{Id, Mint};
use super::times::Times;
use crate::context;
use crate::format::{MAC_TEXT, MediaType, Name, Networks, is_id, is_in_file_name, is_method, is_stable_value};
use crate::key::random;
use crate::keyring::Keys;

/// Length of 128 bits as unpadded base64url.
const UNIQUE_TEXT: usize = 22;

/// What a file name is escaped by: all but RFC 3986's unreserved characters.
const FILE_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl<O> Mint<'_, O> {
    /// As many bytes as a credential takes at least; as many as it takes, if it has no other restriction than a time and an
    /// id.
    pub(super) fn room(&self, keys: &Keys) -> usize {
        const DIGITS: usize = 11;
        let name = |name: Name| 1 + self.signer.names().prefix().len() + name.as_str().len() + 1;
        let start = self.not_before.map_or(0, |_| name(Name::Start) + DIGITS);
        let id = match self.id {
            Id::None => 0,
            Id::Given(id) => name(Name::Id) + id.len(),
            Id::Unique => name(Name::Id) + UNIQUE_TEXT,
        };
        name(Name::Exp) + DIGITS + start + id + name(Name::Sig) + keys.active().mark().len() + MAC_TEXT
    }

    /// Appends the reserved parameters from `exp` on, and signs what stands from `covered_from` on.
    pub(super) fn push_credential(
        &self,
        text: &mut String,
        covered_from: usize,
        times: &Times,
        keys: &Keys,
    ) -> Result<(), SignError> {
        let bound = self.bound_lines()?;
        self.push_name(text, "", Name::Exp);
        push_number(text, times.expires_at);
        if let Some(not_before) = times.not_before {
            self.push_name(text, "&", Name::Start);
            push_number(text, not_before);
        }
        self.push_methods(text)?;
        self.push_networks(text)?;
        if !self.bound.is_empty() {
            let names = self.bound.iter().map(|(name, _)| *name);
            self.push_list(text, Name::Bind, names);
        }
        self.push_id(text)?;
        self.push_body_limits(text)?;
        self.push_download(text)?;

        let key = keys.active();
        let covered = text.get(covered_from..).unwrap_or_default();
        let mac = key.sign(self.signer.names().mac_prefix(), covered, &bound);
        self.push_name(text, "&", Name::Sig);
        text.push_str(key.mark());
        push_base64url(text, &mac);
        Ok(())
    }

    /// What the MAC covers besides: a line for each bound context.
    fn bound_lines(&self) -> Result<String, SignError> {
        let policy = &self.signer.rules().policy;
        let is_bound = |required: &str| self.bound.iter().any(|(name, _)| *name == required);
        if let Some(required) = policy.required.iter().find(|required| !is_bound(required)) {
            return Err(SignError::about(SignErrorKind::ContextRequired, required));
        }
        let mut lines = String::new();
        for (at, (name, value)) in self.bound.iter().enumerate() {
            let known = policy.contexts.iter().any(|known| **known == **name);
            if !known {
                return Err(SignError::about(SignErrorKind::Unenforceable, name));
            }
            let earlier = self.bound.get(..at).unwrap_or_default();
            let is_host = *name == context::HOST_CONTEXT;
            if value.is_empty()
                || value.contains('\n')
                || earlier.iter().any(|(earlier, _)| earlier == name)
                || (is_host && context::normalise_host(value).as_deref() != Some(value))
            {
                return Err(SignError::about(SignErrorKind::Context, name));
            }
            ["\n", name, ":", value].into_iter().for_each(|piece| lines.push_str(piece));
        }
        Ok(lines)
    }

    fn push_methods(&self, text: &mut String) -> Result<(), SignError> {
        if matches!(&*self.methods, [] | [Method::GET]) {
            return Ok(());
        }
        if let Some(method) = self.methods.iter().find(|method| !is_method(method.as_str())) {
            return Err(SignError::about(SignErrorKind::Method, method.as_str()));
        }
        self.push_list(text, Name::Methods, self.methods.iter().map(Method::as_str));
        Ok(())
    }

    fn push_networks(&self, text: &mut String) -> Result<(), SignError> {
        if self.networks.is_empty() {
            return Ok(());
        }
        if !self.signer.rules().policy.client_ip {
            return Err(SignError::about(SignErrorKind::Unenforceable, Name::Ip.as_str()));
        }
        let list = self.networks.join(",");
        if Networks::read(&list).is_none() {
            return Err(SignError::about(SignErrorKind::ClientIp, &list));
        }
        self.push_list(text, Name::Ip, [&*list]);
        Ok(())
    }

    fn push_id(&self, text: &mut String) -> Result<(), SignError> {
        match self.id {
            Id::None => {}
            Id::Given(id) if is_id(id) => {
                self.push_name(text, "&", Name::Id);
                text.push_str(id);
            }
            Id::Given(_) => return Err(SignErrorKind::Id.into()),
            Id::Unique => {
                let mut bytes = [0; 16];
                random(&mut bytes).map_err(|_| SignErrorKind::Random)?;
                self.push_name(text, "&", Name::Id);
                push_base64url(text, &bytes);
            }
        }
        Ok(())
    }

    fn push_body_limits(&self, text: &mut String) -> Result<(), SignError> {
        if let Some(max) = self.max_bytes {
            self.push_name(text, "&", Name::MaxBytes);
            push_number(text, max);
        }
        if let Some(media_type) = self.media_type {
            if MediaType::read(media_type).is_none() || !is_stable_value(media_type) {
                return Err(SignError::about(SignErrorKind::MediaType, media_type));
            }
            self.push_name(text, "&", Name::Type);
            text.push_str(media_type);
        }
        Ok(())
    }

    fn push_download(&self, text: &mut String) -> Result<(), SignError> {
        if let Some(name) = self.download {
            if name.is_empty() || !name.chars().all(is_in_file_name) {
                return Err(SignErrorKind::Download.into());
            }
            self.push_name(text, "&", Name::Download);
            text.extend(utf8_percent_encode(name, FILE_NAME));
        }
        Ok(())
    }

    fn push_list<'v>(&self, text: &mut String, name: Name, values: impl IntoIterator<Item = &'v str>) {
        self.push_name(text, "&", name);
        for (at, value) in values.into_iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "," });
            text.push_str(value);
        }
    }

    pub(super) fn push_name(&self, text: &mut String, separator: &str, name: Name) {
        text.push_str(separator);
        text.push_str(self.signer.names().prefix());
        text.push_str(name.as_str());
        text.push('=');
    }
}

fn push_number(text: &mut String, number: u64) {
    text.push_str(itoa::Buffer::new().format(number));
}

fn push_base64url(text: &mut String, bytes: &[u8]) {
    let mut encoded = [0; MAC_TEXT];
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut encoded).unwrap_or(0);
    let encoded = encoded.get(..length).unwrap_or_default();
    text.push_str(str::from_utf8(encoded).unwrap_or_default());
}
