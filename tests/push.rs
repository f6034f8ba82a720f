//! Images to a real registry: docker-registry on the test's own host.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rbox_images::{Platform, Reference, Store};
use serde_json::{Value, json};

use crate::harness::{Host, Parts, Registry};

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// First 12 digits of the diff-ids of an image of the host.
fn layers(host: &Host, image: &str) -> Vec<String> {
    let text = host.ok(&format!("image inspect {image}"));
    let found: Value = serde_json::from_str(&text).unwrap();
    let layers = found[0]["RootFS"]["Layers"].as_array().unwrap();
    layers
        .iter()
        .map(|layer| layer.as_str().unwrap()[7..19].to_owned())
        .collect()
}

fn states(text: &str, layer: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix(&format!("{layer}: ")))
        .map(str::to_owned)
        .collect()
}

/// An image of one layer that was made here, so that the store has no blob of it.
fn made_here(host: &Host, name: &str, text: &str) {
    let store = Store::open(&host.root().join("images")).unwrap();
    let workspace = store.workspace().unwrap();
    let tree = workspace.directory("upper").unwrap();
    fs::write(tree.join("hello"), text).unwrap();
    let layer = store.commit_tree(&tree, Some(0)).unwrap();
    let config = json!({ "architecture": Platform::host().architecture, "os": "linux",
        "config": { "Cmd": ["/hello"] },
        "rootfs": { "type": "layers", "diff_ids": [layer.diff_id.as_str()] } });
    let names: [Reference; 1] = [name.parse().unwrap()];
    store
        .add_image(config.to_string().as_bytes(), &[layer.diff_id], &names)
        .unwrap();
}

#[test]
fn a_push_is_told_as_docker_tells_it() {
    const TEST: &str = "a_push_is_told_as_docker_tells_it";
    let host = Host::with_own_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    host.ok("tag alpine localhost:5000/a/x");
    let text = host.ok("push localhost:5000/a/x");
    let (digest, manifest) = registry.manifest_of("a/x:latest");
    let size = manifest_size(&registry, "a/x:latest");
    let [layer] = &layers(&host, "alpine")[..] else {
        panic!("alpine has several layers");
    };
    assert_eq!(
        text,
        format!(
            "Using default tag: latest\n\
             The push refers to repository [localhost:5000/a/x]\n\
             {layer}: Preparing\n{layer}: Pushed\n\
             latest: digest: {digest} size: {size}"
        )
    );
    assert_eq!(manifest["layers"][0]["mediaType"], GZIP);
    // It is there, under this name and under others.
    let again = host.ok("image push localhost:5000/a/x:latest");
    assert_eq!(states(&again, layer), ["Preparing", "Layer already exists"]);
    host.ok("tag alpine localhost:5000/b:1");
    let beside = host.ok("push localhost:5000/b:1");
    assert_eq!(states(&beside, layer), ["Preparing", "Mounted from a/x"]);
    assert_eq!(registry.manifest_of("b:1").0, digest);
    assert_eq!(host.ok("push -q localhost:5000/b:1"), "localhost:5000/b:1");
    let digests = host
        .rbox(&["inspect", "-f", "{{json .RepoDigests}}", "alpine"])
        .ok();
    assert_eq!(
        digests,
        format!(r#"["localhost:5000/a/x@{digest}","localhost:5000/b@{digest}"]"#)
    );
}

fn manifest_size(registry: &Registry, name: &str) -> usize {
    registry.manifest_bytes(name).len()
}

#[test]
fn what_was_pulled_goes_out_with_the_digest_that_it_came_with() {
    const TEST: &str = "what_was_pulled_goes_out_with_the_digest_that_it_came_with";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("from:1", &Parts::plain(200_000));
    let (digest, _) = registry.manifest_of("from:1");
    host.ok("pull localhost:5000/from:1");
    host.ok("tag localhost:5000/from:1 localhost:5000/deep/to:2");
    let text = host.ok("push localhost:5000/deep/to:2");
    for layer in layers(&host, "localhost:5000/from:1") {
        assert_eq!(states(&text, &layer), ["Preparing", "Mounted from from"]);
    }
    assert_eq!(registry.manifest_of("deep/to:2").0, digest);
    // By another name the registry is another one, from which nothing can be mounted.
    host.ok("tag localhost:5000/from:1 127.0.0.1:5000/other:3");
    host.ok("push 127.0.0.1:5000/other:3");
    assert_eq!(registry.manifest_of("other:3").0, digest);
}

#[test]
fn a_layer_made_here_is_packed_on_its_way_and_only_once() {
    const TEST: &str = "a_layer_made_here_is_packed_on_its_way_and_only_once";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    made_here(&host, "localhost:5000/made:1", "hello");
    host.ok("push localhost:5000/made:1");
    let (digest, manifest) = registry.manifest_of("made:1");
    assert_eq!(manifest["layers"][0]["mediaType"], GZIP);
    let [layer] = &layers(&host, "localhost:5000/made:1")[..] else {
        panic!("it has several layers");
    };
    let again = host.ok("push localhost:5000/made:1");
    assert_eq!(states(&again, layer), ["Preparing", "Layer already exists"]);
    host.ok("tag localhost:5000/made:1 localhost:5000/beside:1");
    let beside = host.ok("push localhost:5000/beside:1");
    assert_eq!(states(&beside, layer), ["Preparing", "Mounted from made"]);
    assert_eq!(registry.manifest_of("beside:1").0, digest);

    // Another machine gets what was made here.
    let id = host.ok("images -q --no-trunc localhost:5000/made:1");
    host.ok("rmi localhost:5000/made:1 localhost:5000/beside:1");
    host.ok("pull localhost:5000/made:1");
    assert_eq!(host.ok("images -q --no-trunc localhost:5000/made:1"), id);
    assert_eq!(hello(&host), b"hello");
}

/// The file `hello` of the only layer of the host's store.
fn hello(host: &Host) -> Vec<u8> {
    let layers = host.root().join("images/layers");
    let layer = fs::read_dir(layers).unwrap().next().unwrap().unwrap();
    fs::read(layer.path().join("fs/hello")).unwrap()
}

#[test]
fn all_tags_of_a_repository_go_out_together() {
    const TEST: &str = "all_tags_of_a_repository_go_out_together";
    let host = Host::with_own_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    host.ok("tag alpine localhost:5000/a:1");
    host.ok("tag flask:3.1 localhost:5000/a:2");
    let text = host.ok("push --all-tags localhost:5000/a");
    assert_eq!(text.matches("The push refers to").count(), 1);
    for tag in ["1", "2"] {
        let (digest, _) = registry.manifest_of(&format!("a:{tag}"));
        assert!(
            text.contains(&format!("{tag}: digest: {digest} size: ")),
            "{text}"
        );
    }
    assert_eq!(
        host.fails(1, "push -a localhost:5000/a:1"),
        "rbox: tag can't be used with --all-tags/-a"
    );
}

#[test]
fn what_cannot_be_pushed_is_told_as_docker_tells_it() {
    const TEST: &str = "what_cannot_be_pushed_is_told_as_docker_tells_it";
    let host = Host::with_own_images();
    let message = |line: &str| {
        let text = host.fails(1, line);
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(
        message("push localhost:5000/nosuch"),
        "rbox: An image does not exist locally with the tag: localhost:5000/nosuch"
    );
    assert_eq!(
        message("push -a localhost:5000/nosuch"),
        "rbox: An image does not exist locally with the tag: localhost:5000/nosuch"
    );
    assert_eq!(
        message("push alpine:9"),
        "rbox: tag does not exist: alpine:9"
    );
    assert_eq!(
        message(&format!("push alpine@sha256:{}", "0".repeat(64))),
        "rbox: cannot push a digest reference"
    );
    assert_eq!(
        message("push --platform linux/s390x alpine"),
        format!(
            "rbox: image with reference alpine:latest was found but does not match the specified \
             platform: wanted linux/s390x, actual: {}",
            Platform::host()
        )
    );
    assert!(
        host.fails(125, "push --disable-content-trust=false alpine")
            .starts_with("rbox: unsupported flag: --disable-content-trust=false\n")
    );
    let Some(_registry) = Registry::start(&host, TEST) else {
        return;
    };
    host.ok("tag alpine localhost:5000/x");
    host.ok("push --disable-content-trust localhost:5000/x");
}

#[test]
fn a_damaged_layer_never_becomes_an_image() {
    const TEST: &str = "a_damaged_layer_never_becomes_an_image";
    let host = Host::without_images();
    let Some(_registry) = Registry::start(&host, TEST) else {
        return;
    };
    made_here(&host, "localhost:5000/made:1", "hello");
    let layers = host.root().join("images/layers");
    let layer = fs::read_dir(layers).unwrap().next().unwrap().unwrap();
    fs::write(layer.path().join("fs/hello"), "jello").unwrap();
    let text = host.fails(1, "push localhost:5000/made:1");
    assert!(text.contains("of the image store is damaged"), "{text}");
    assert!(
        host.fails(1, "pull localhost:5000/made:1")
            .contains("not found: manifest unknown")
    );
}

/// Passes connections on to a registry, and breaks as many as `times` in the middle of an upload.
fn breaking(upstream: &str, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (upstream, left) = (upstream.to_owned(), Arc::new(AtomicUsize::new(times)));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&upstream).unwrap();
            let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || pass(from, to, None));
            let left = Arc::clone(&left);
            std::thread::spawn(move || pass(client, server, Some(&left)));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: Option<&AtomicUsize>) {
    let (mut buffer, mut sent) = ([0; 4096], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if buffer.starts_with(b"PATCH ") {
            sent = 1;
        }
        if sent > 0 {
            sent += count;
        }
        let take = |n: usize| n.checked_sub(1);
        let breaks = sent > 20_000
            && left.is_some_and(|left| {
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                    .is_ok()
            });
        if breaks || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn an_upload_that_breaks_is_sent_again() {
    const TEST: &str = "an_upload_that_breaks_is_sent_again";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("from:1", &Parts::plain(200_000));
    host.ok("pull localhost:5000/from:1");
    let proxy = breaking(registry.address(), 1);
    host.ok(&format!("tag localhost:5000/from:1 {proxy}/to:1"));
    let text = host.ok(&format!("push {proxy}/to:1"));
    assert!(text.contains(": Retrying in 1 second\n"), "{text}");
    assert_eq!(registry.manifest_of("to:1"), registry.manifest_of("from:1"));
}
