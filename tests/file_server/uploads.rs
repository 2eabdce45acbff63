//! What becomes of an upload.

use std::fs;

use axum::http::Method;

use super::support::exchange;
use super::{FIVE_MINUTES, Folder, link, names, put, signer, until};

#[test]
fn an_upload_is_stored_then_replaced() {
    let folder = Folder::new();
    let server = folder.serve();
    // More than axum's extractors would take.
    let large = vec![b'x'; 3 << 20];
    for target in ["/files/new.txt", "/files/folder/%C3%BC%20%25.txt", "/files/also/inside.txt"] {
        assert_eq!(put(server.address, target, b"first").status, 201, "{target}");
        assert_eq!(server.get(&link(target)).body, b"first");
        assert_eq!(put(server.address, target, &large).status, 204, "{target}");
        assert_eq!(server.get(&link(target)).body, large);
        assert_eq!(put(server.address, target, b"").status, 204, "{target}");
        assert_eq!(server.get(&link(target)).body, b"");
    }
    assert_eq!(folder.names(), [".hidden", "also", "folder", "link.txt", "new.txt", "out"]);
    assert_eq!(names(&folder.root().join("folder")), ["inside.txt", "ü %.txt"]);
}

#[test]
fn of_several_uploads_at_once_one_is_new() {
    let folder = Folder::new();
    let server = folder.serve();
    let address = server.address;
    let mut statuses: Vec<_> = std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..8).map(|_| scope.spawn(|| put(address, "/files/new.txt", b"x").status)).collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    statuses.sort();
    assert_eq!(statuses, [201, 204, 204, 204, 204, 204, 204, 204]);
}

#[test]
fn nothing_is_written_where_it_does_not_belong() {
    let folder = Folder::new();
    let server = folder.serve();
    let before = folder.everything();
    for target in [
        "/files/..%2fnew.txt",
        "/files/..%2f..%2f..%2fnew.txt",
        "/files/folder/..%2f..%2fnew.txt",
        "/files/folder%2fnew.txt",
        "/files/%2fnew.txt",
        "/files/..%5cnew.txt",
        "/files/a%00b",
        "/files/%FF",
        "/files//new.txt",
        "/files/folder//new.txt",
        "/files/folder/",
        "/files/folder",
        "/files/out",
        "/files/out/new.txt",
        "/files/out/secret.txt",
        "/files/missing/new.txt",
        "/files/link.txt/new.txt",
        "/files/.hidden",
        "/files/%2Ehidden",
        "/files/.new",
        "/files/.new/new.txt",
        &format!("/files/{}", "x".repeat(300)),
    ] {
        // Without a body: an answer that comes before the body was read may be lost with the connection.
        assert_eq!(put(server.address, target, b"").status, 404, "{target}");
    }
    // Dot segments cannot even be signed.
    for target in ["/files/../new.txt", "/files/%2e%2e/new.txt", "/files/folder/../../new.txt"] {
        assert!(signer().url(target).method(Method::PUT).sign_for(FIVE_MINUTES).is_err());
        let unsigned = exchange(server.address, "PUT", target, &[], b"");
        assert_eq!(unsigned.status, 403, "{target}");
    }
    assert_eq!(folder.everything(), before);
}

#[test]
fn an_upload_replaces_a_symbolic_link_and_not_what_it_leads_to() {
    let folder = Folder::new();
    let server = folder.serve();
    assert_eq!(server.get(&link("/files/link.txt")).body, b"secret");
    assert_eq!(put(server.address, "/files/link.txt", b"new").status, 204);
    assert_eq!(server.get(&link("/files/link.txt")).body, b"new");
    assert_eq!(fs::read(folder.0.path().join("outside/secret.txt")).unwrap(), b"secret");
}

#[test]
fn an_upload_that_is_broken_off_leaves_nothing() {
    let folder = Folder::new();
    let server = folder.serve();
    assert_eq!(put(server.address, "/files/old.txt", b"old").status, 201);
    let before = folder.everything();
    for target in ["/files/new.txt", "/files/old.txt"] {
        let upload = folder.half_an_upload(&server, target);
        assert_eq!(server.get(&link("/files/old.txt")).body, b"old");
        drop(upload);
        until("the temporary file is removed", || (folder.everything() == before).then_some(()));
    }
}
