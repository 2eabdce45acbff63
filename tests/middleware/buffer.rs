//! `tower::buffer`: in either order, with axum's `HandleErrorLayer` for its errors or on hyper, which takes them as they are.
