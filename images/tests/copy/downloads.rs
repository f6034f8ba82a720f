//! `ADD` of a URL, from a server of the test's own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use crate::{Bench, options};
use rbox_images::context::Context;
use rbox_images::copy::{apply, download};
use rbox_images::{Client, ClientOptions, Digest, NoCredentials};

/// Answers one request after the other, each with the next of these.
fn serve(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

fn answer(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn client() -> Client {
    Client::new(ClientOptions {
        credentials: Arc::new(NoCredentials),
        insecure: Vec::new(),
        certificate_directories: Vec::new(),
        agent: "test".to_owned(),
    })
    .unwrap()
}

#[test]
fn a_download_is_copied_under_its_name_with_the_servers_time() {
    let Some(bench) = Bench::new("a_download_is_copied_under_its_name") else {
        return;
    };
    let time = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let server = serve(vec![answer(time, "hello"), answer("", "hello")]);
    bench.directory("first");
    bench.directory("second");
    let url = format!("{server}/dir/a*b.txt?x=/y");
    let digest = Digest::of(b"hello");
    let found = download(&client(), &url, Some(&digest), &bench.path("first")).unwrap();
    assert_eq!(
        (found.name.as_str(), found.modified),
        ("a*b.txt", 784_111_777)
    );
    assert_eq!(found.digest, digest);
    let context = Context::directory(&bench.path("first")).unwrap();
    let selection = context.tree().select_file(&found.name).unwrap();
    apply(&selection, &bench.view(), &options("/to/")).unwrap();
    assert_eq!(bench.text("to/a*b.txt"), "hello");
    assert_eq!(bench.owner_and_mode("to/a*b.txt"), (0, 0, 0o600));
    assert_eq!(bench.stat("to/a*b.txt").mtime(), 784_111_777);
    let again = download(&client(), &server, None, &bench.path("second")).unwrap();
    assert_eq!((again.name.as_str(), again.modified), ("__unnamed__", 0));
}

#[test]
fn what_is_not_what_was_asked_for_is_refused() {
    let Some(bench) = Bench::new("what_is_not_what_was_asked_for_is_refused") else {
        return;
    };
    let short =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nshort".to_owned();
    let missing =
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned();
    let server = serve(vec![answer("", "other"), missing, short]);
    bench.directory("into");
    let error = |path: &str, digest: Option<&Digest>| {
        let url = format!("{server}/{path}");
        let result = download(&client(), &url, digest, &bench.path("into"));
        result.unwrap_err().to_string()
    };
    let wanted = Digest::of(b"hello");
    let text = format!("digest mismatch {}: {wanted}", Digest::of(b"other"));
    assert_eq!(error("a", Some(&wanted)), text);
    assert!(error("b", None).contains("404"));
    assert!(error("c", None).starts_with("failed to download"));
}
