//! Manifests, blobs, tags, downloads.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Reply, Server};
use super::{client, name};
use crate::digest::Digest;

const MANIFEST: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Answers `/v2/` and leaves the rest.
fn registry(answer: impl Fn(&super::server::Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::new(move |seen| match seen.path.as_str() {
        "/v2/" => Reply::new(200),
        _ => answer(seen),
    })
}

#[test]
fn a_manifest_is_fetched_over_plain_http_from_loopback_and_never_encoded() {
    let server = registry(|_| {
        Reply::new(200)
            .header("Content-Type", format!("{TYPE}; charset=utf-8"))
            .body(MANIFEST)
    });
    let fetched = client().manifest(&name(&server, "a/b:1")).unwrap();
    assert_eq!(fetched.media_type, TYPE);
    assert_eq!(fetched.digest, Digest::of(MANIFEST));
    assert_eq!(fetched.bytes, MANIFEST);
    let seen = server.seen();
    assert_eq!(server.lines(), ["GET /v2/", "GET /v2/a/b/manifests/1"]);
    assert_eq!(seen[1].header("Accept-Encoding"), Some("identity"));
    assert_eq!(seen[1].header("User-Agent"), Some("rbox/test"));
    assert!(
        seen[1]
            .header("Accept")
            .unwrap()
            .contains("manifest.list.v2")
    );
}

#[test]
fn bytes_of_another_digest_are_refused_whoever_told_it() {
    let server = registry(|_| Reply::new(200).header("Content-Type", TYPE).body("{ }"));
    let wrong = name(&server, &format!("a@{}", Digest::of(MANIFEST)));
    let error = client().manifest(&wrong).unwrap_err().to_string();
    assert!(
        error.contains("its digest is") && error.contains("damaged"),
        "{error}"
    );
    let server = registry(|_| {
        Reply::new(200)
            .header("Docker-Content-Digest", Digest::of(MANIFEST))
            .body("{ }")
    });
    assert!(client().manifest(&name(&server, "a")).is_err());
}

#[test]
fn a_manifest_of_more_than_four_mebibytes_is_refused() {
    let server = registry(|_| Reply::new(200).body(vec![b' '; 5 << 20]));
    let error = client()
        .manifest(&name(&server, "a"))
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("is larger than 4194304 bytes"), "{error}");
}

#[test]
fn what_is_missing_reads_as_docker_says_it() {
    let server = registry(|seen| {
        let code = match seen.path.contains("nosuch") {
            true => "NAME_UNKNOWN",
            false => "MANIFEST_UNKNOWN",
        };
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"x unknown"}}]}}"#);
        Reply::new(404).body(body)
    });
    let client = client();
    let error = |rest| {
        client
            .manifest(&name(&server, rest))
            .unwrap_err()
            .to_string()
    };
    let host = server.host();
    assert_eq!(
        error("a:9"),
        format!("manifest for {host}/a:9 not found: manifest unknown: x unknown")
    );
    assert_eq!(
        error("nosuch"),
        format!("repository {host}/nosuch not found: name unknown: x unknown")
    );
    let digest = Digest::of(b"x");
    let missing = client.blob(&name(&server, "a"), &digest, 0).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains(&format!("has no blob {digest}"))
    );
    assert_eq!(
        client.blob_size(&name(&server, "a"), &digest).unwrap(),
        None
    );
    assert_eq!(client.manifest_digest(&name(&server, "a")).unwrap(), None);
}

#[test]
fn errors_of_the_moment_are_tried_again_and_lasting_ones_are_told() {
    let count = AtomicUsize::new(0);
    let server = registry(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::new(500),
        1 => Reply::new(429).header("Retry-After", 0),
        2 => Reply::new(200)
            .header("Content-Length", 10)
            .body("x")
            .cut(0),
        _ => Reply::new(200).header("Content-Type", TYPE).body(MANIFEST),
    });
    // The third answer breaks in its body, which is for the caller to judge.
    let client = client();
    let error = client.manifest(&name(&server, "a")).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(
        client.manifest(&name(&server, "a")).unwrap().bytes,
        MANIFEST
    );

    let server = registry(|_| Reply::new(503));
    let error = super::client().manifest(&name(&server, "a")).unwrap_err();
    assert!(
        error.to_string().contains("unexpected HTTP status: 503"),
        "{error}"
    );
    assert!(error.is_transient());
    assert_eq!(server.lines().len(), 6);
}

#[test]
fn a_blob_begins_where_it_is_asked_to_or_at_its_beginning() {
    let server = registry(|seen| {
        let all = b"0123456789";
        match seen.header("Range") {
            Some("bytes=4-") => Reply::new(206)
                .header("Content-Range", "bytes 4-9/10")
                .body(&all[4..]),
            _ => Reply::new(200).body(all),
        }
    });
    let (client, reference) = (client(), name(&server, "a"));
    let digest = Digest::of(b"0123456789");
    for (asked, offset, text) in [(0, 0, "0123456789"), (4, 4, "456789"), (5, 0, "0123456789")] {
        let mut blob = client.blob(&reference, &digest, asked).unwrap();
        assert_eq!((blob.offset, blob.total), (offset, Some(10)));
        let mut read = String::new();
        blob.reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
    }
    assert_eq!(client.blob_size(&reference, &digest).unwrap(), Some(10));
}

#[test]
fn a_part_beyond_what_was_asked_for_is_refused() {
    let server = registry(|_| {
        Reply::new(206)
            .header("Content-Range", "bytes 6-9/10")
            .body("6789")
    });
    let error = client()
        .blob(&name(&server, "a"), &Digest::of(b"x"), 4)
        .unwrap_err();
    assert!(error.to_string().contains("does not say which"), "{error}");
}

#[test]
fn a_body_that_ends_early_is_an_error_and_never_an_end() {
    let server = registry(|_| Reply::new(200).body("0123456789").cut(5));
    let mut blob = client()
        .blob(&name(&server, "a"), &Digest::of(b"x"), 0)
        .unwrap();
    let mut read = Vec::new();
    assert!(blob.reader.read_to_end(&mut read).is_err());
}

#[test]
fn content_encoding_changes_no_byte() {
    let server = registry(|_| {
        Reply::new(200)
            .header("Content-Encoding", "gzip")
            .body("not gzip at all")
    });
    let digest = Digest::of(b"not gzip at all");
    let mut blob = client().blob(&name(&server, "a"), &digest, 0).unwrap();
    let mut read = Vec::new();
    blob.reader.read_to_end(&mut read).unwrap();
    assert_eq!(Digest::of(&read), digest);
}

#[test]
fn redirects_are_followed_to_an_end() {
    let other = Server::new(|_| Reply::new(200).body("blob"));
    let to = format!("http://{}/cdn?signature=x", other.host());
    let server = registry(move |seen| match seen.path.contains("loop") {
        true => Reply::new(302).header("Location", &seen.path),
        false => Reply::new(307).header("Location", &to),
    });
    let client = client();
    let mut blob = client
        .blob(&name(&server, "a"), &Digest::of(b"blob"), 0)
        .unwrap();
    let mut read = String::new();
    blob.reader.read_to_string(&mut read).unwrap();
    assert_eq!(read, "blob");
    assert_eq!(other.lines(), ["GET /cdn?signature=x"]);
    let error = client.manifest(&name(&server, "loop")).unwrap_err();
    assert!(
        error.to_string().contains("stopped after 10 redirects"),
        "{error}"
    );
}

#[test]
fn tags_come_page_by_page() {
    let server = registry(|seen| match seen.path.as_str() {
        "/v2/a/tags/list" => Reply::new(200)
            .header("Link", "</v2/a/tags/list?last=2&n=2>; rel=\"next\"")
            .body(r#"{"name":"a","tags":["1","2"]}"#),
        _ => Reply::new(200).body(r#"{"name":"a","tags":["3"]}"#),
    });
    assert_eq!(client().tags(&name(&server, "a")).unwrap(), ["1", "2", "3"]);
}

#[test]
fn nobody_listening_is_said_at_once() {
    let host = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let reference = format!("{host}/a").parse().unwrap();
    let error = client().manifest(&reference).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Get \"http://{host}/v2/\": connect: connection refused")
    );
}

#[test]
fn downloads_are_bounded_and_only_by_http() {
    let server = Server::new(|seen| match seen.path.as_str() {
        "/file" => Reply::new(200)
            .header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            .body("0123456789"),
        _ => Reply::new(404),
    });
    let url = |path: &str| format!("http://{}{path}", server.host());
    let client = client();
    let mut file = client.download(&url("/file"), 10).unwrap();
    let mut read = Vec::new();
    file.reader.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"0123456789");
    assert!(file.last_modified.unwrap().starts_with("Mon"));
    let error = |path: &str, limit| client.download(&url(path), limit).unwrap_err().to_string();
    assert!(error("/file", 9).ends_with("is larger than 9 bytes"));
    assert!(error("/gone", 9).ends_with("invalid response status 404 Not Found"));
    assert!(client.download("file:///etc/passwd", 9).is_err());
}
