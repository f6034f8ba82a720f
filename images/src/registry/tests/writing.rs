//! Uploads, mounts and manifests.

use std::io::Read;

use super::server::{Reply, Seen, Server};
use super::{client, name};
use crate::digest::Digest;
use crate::registry::RegistryError;

/// Takes blobs and manifests of `/v2/a`.
fn taking() -> Server {
    Server::new(
        |seen: &Seen| match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", "/v2/") => Reply::new(200),
            ("POST", "/v2/a/blobs/uploads/") => {
                Reply::new(202).header("Location", "/v2/a/blobs/uploads/7?_state=1")
            }
            ("PATCH", "/v2/a/blobs/uploads/7?_state=1") => {
                Reply::new(202).header("Location", "/v2/a/blobs/uploads/7?_state=2")
            }
            ("PUT", path) if path.starts_with("/v2/a/blobs/uploads/7?_state=2&digest=") => {
                Reply::new(201)
            }
            ("PUT", "/v2/a/manifests/1") => Reply::new(201),
            ("POST", path) if path.contains("from=have") => Reply::new(201),
            ("POST", path) if path.contains("from=other") => {
                Reply::new(202).header("Location", "/v2/a/blobs/uploads/8")
            }
            ("DELETE", "/v2/a/blobs/uploads/8") => Reply::new(204),
            _ => Reply::new(404),
        },
    )
}

#[test]
fn a_blob_is_sent_in_one_stream_and_closed_with_its_digest() {
    let server = taking();
    let blob: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let (digest, size) = client()
        .upload(&name(&server, "a"), &mut &blob[..])
        .unwrap();
    assert_eq!((digest.clone(), size), (Digest::of(&blob), 1_200_000));
    let seen = server.seen();
    assert_eq!(seen[2].body, blob);
    assert_eq!(
        seen[3].path,
        format!(
            "/v2/a/blobs/uploads/7?_state=2&digest=sha256%3A{}",
            digest.hex()
        )
    );
}

#[test]
fn what_cannot_be_read_is_not_the_registrys_fault() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is on fire"))
        }
    }
    let server = taking();
    let error = client()
        .upload(&name(&server, "a"), &mut Broken)
        .unwrap_err();
    assert!(matches!(&error, RegistryError::Source(_)), "{error}");
    assert!(error.to_string().contains("on fire"));
}

#[test]
fn a_mount_that_is_refused_is_an_upload_that_is_ended() {
    let server = taking();
    let (client, digest) = (client(), Digest::of(b"x"));
    assert!(client.mount(&name(&server, "a"), &digest, "have").unwrap());
    assert!(!client.mount(&name(&server, "a"), &digest, "other").unwrap());
    assert_eq!(
        server.lines().last().unwrap(),
        "DELETE /v2/a/blobs/uploads/8"
    );
}

#[test]
fn a_manifest_goes_to_its_tag_as_it_is() {
    let server = taking();
    let digest = client()
        .put_manifest(&name(&server, "a:1"), "application/x", b"{}")
        .unwrap();
    assert_eq!(digest, Digest::of(b"{}"));
    let seen = server.seen();
    assert_eq!(seen[1].header("Content-Type"), Some("application/x"));
    assert_eq!(seen[1].body, b"{}");
}

#[test]
fn who_may_not_write_is_told_so() {
    let server = Server::new(|seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        _ => Reply::new(403),
    });
    let error = client()
        .upload(&name(&server, "a"), &mut &b"x"[..])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "denied: requested access to the resource is denied"
    );
    assert!(error.hint().unwrap().contains("rbox login 127.0.0.1:"));
}
