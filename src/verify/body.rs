use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};

use crate::format::{MediaType, Terms};
use crate::head::Head;
use crate::rejection::RejectionKind;

/// Checks what a link says of the request's body against what the request declares. Gives why the request is refused if it
/// has a body after all: over HTTP/2 the head alone does not say that there is none.
#[inline(always)] // for bare links: see `Inner`
pub(super) fn check(terms: &Terms<'_>, head: Head<'_>) -> Result<Option<RejectionKind>, RejectionKind> {
    if terms.max_bytes.is_none() && terms.media_type.is_none() { Ok(None) } else { check_limits(terms, head) }
}

#[inline(never)]
fn check_limits(terms: &Terms<'_>, head: Head<'_>) -> Result<Option<RejectionKind>, RejectionKind> {
    let headers = head.headers();
    let may_have_none = matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let has_length = headers.contains_key(CONTENT_LENGTH);
    let is_of_type = || {
        let includes =
            |media_type: MediaType<'_>| head.only_field(&CONTENT_TYPE).is_some_and(|sent| media_type.includes(sent));
        terms.media_type.is_none_or(includes)
    };
    if may_have_none && !has_length && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(match terms.max_bytes {
            Some(_) => Some(RejectionKind::LengthRequired),
            None if is_of_type() => None,
            None => Some(RejectionKind::MediaType),
        });
    }

    let length = declared_length(head);
    if let Some(max) = terms.max_bytes {
        match length {
            None => return Err(RejectionKind::LengthRequired),
            Some(length) if length > max => return Err(RejectionKind::TooLarge),
            Some(_) => {}
        }
    }
    let is_empty = may_have_none && length == Some(0);
    if !is_empty && !is_of_type() {
        return Err(RejectionKind::MediaType);
    }
    Ok(None)
}

/// The length that the request states, if nothing contradicts it.
fn declared_length(head: Head<'_>) -> Option<u64> {
    let text = head.only_field(&CONTENT_LENGTH).filter(|_| !head.headers().contains_key(TRANSFER_ENCODING))?;
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}
