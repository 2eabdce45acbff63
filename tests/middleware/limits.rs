//! `tower::limit`: outside, refusals count; inside, they do not.
