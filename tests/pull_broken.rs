//! Pulls over a network, and from registries, that do everything wrong: nothing bad is stored.

use std::fs;

use rbox_images::Digest;
use serde_json::json;

use crate::harness::registry::{CONFIG, LAYER, MANIFEST, gzip};
use crate::harness::{Fault, Faulty, Host, Parts, Registry, Tar};

/// A registry with `a/x:1`, and a proxy before it.
fn behind_a_proxy(host: &Host, test: &str, image: &Parts) -> Option<(Registry, Faulty)> {
    let registry = Registry::start(host, test)?;
    registry.image("a/x:1", image);
    let proxy = Faulty::before(registry.address());
    Some((registry, proxy))
}

/// `sha256:…` of the packed layer at this place.
fn layer(image: &Parts, at: usize) -> String {
    Digest::of(&image.layers[at].1).to_string()
}

/// The store has no image, no blob, no layer and nothing in the making.
#[track_caller]
fn nothing_is_stored(host: &Host) {
    assert_eq!(host.ok("images -aq"), "");
    for part in ["blobs/sha256", "layers", "tmp"] {
        let left: Vec<_> = fs::read_dir(host.root().join("images").join(part))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The file of the second layer is what it was made as.
fn is_whole(host: &Host, image: &Parts) {
    let diff_id = image.config["rootfs"]["diff_ids"][1].as_str().unwrap();
    let tree = host.root().join("images/layers").join(&diff_id[7..]);
    let file = fs::read(tree.join("fs/two")).unwrap();
    assert!(file == crate::harness::registry::noise(file.len()));
}

#[test]
fn broken_connections_go_on_where_they_broke() {
    const TEST: &str = "broken_connections_go_on_where_they_broke";
    let host = Host::without_images();
    let image = Parts::plain(3_000_000);
    let Some((_registry, proxy)) = behind_a_proxy(&host, TEST, &image) else {
        return;
    };
    let digest = layer(&image, 1);
    proxy
        .fault(&digest, 1, Fault::Cut(100_000))
        .fault(&digest, 1, Fault::Cut(1_200_000))
        .fault(&digest, 1, Fault::NoRangeCut(2_000_000));
    let text = host.ok(&format!("pull {}/a/x:1", proxy.address()));
    assert!(
        text.contains(&format!("{}: Retrying in 1 second\n", &digest[7..19])),
        "{text}"
    );
    is_whole(&host, &image);
    let ranges: Vec<_> = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.request.contains(&digest))
        .map(|seen| seen.range)
        .collect();
    let from = |at: u64| Some(format!("bytes={at}-"));
    assert_eq!(
        ranges,
        [None, from(100_000), from(1_300_000), from(2_000_000)]
    );
}

#[test]
fn a_connection_that_always_breaks_is_given_up() {
    const TEST: &str = "a_connection_that_always_breaks_is_given_up";
    let host = Host::without_images();
    let image = Parts::plain(100_000);
    let Some((_registry, proxy)) = behind_a_proxy(&host, TEST, &image) else {
        return;
    };
    proxy.fault(&layer(&image, 1), 99, Fault::Cut(10));
    let said = host.fails(1, &format!("pull {}/a/x:1", proxy.address()));
    let start = format!(
        "rbox: cannot download {}: the connection broke 5 times: ",
        layer(&image, 1)
    );
    assert!(said.starts_with(&start), "{said}");
    nothing_is_stored(&host);
}

#[test]
fn bytes_that_changed_on_the_way_are_refused() {
    const TEST: &str = "bytes_that_changed_on_the_way_are_refused";
    let host = Host::without_images();
    let image = Parts::plain(100_000);
    let Some((registry, proxy)) = behind_a_proxy(&host, TEST, &image) else {
        return;
    };
    let (manifest, content) = registry.manifest_of("a/x:1");
    let config = content["config"]["digest"].as_str().unwrap();
    let fails = |path: &str, fault: Fault, text: &str| {
        proxy.fault(path, 1, fault);
        let said = host.fails(1, &format!("pull {}/a/x:1", proxy.address()));
        assert!(said.starts_with(&format!("rbox: {text}")), "{said}");
        nothing_is_stored(&host);
    };
    for layer in [layer(&image, 0), layer(&image, 1)] {
        let text = format!("filesystem layer verification failed for digest {layer}");
        // In the gzip header, in the middle, in the last bytes.
        for at in [0, 50, 90] {
            fails(&layer, Fault::Flipped(at), &text);
        }
        fails(&layer, Fault::Instead(Vec::new()), &text);
        fails(&layer, Fault::Instead(b"other".to_vec()), &text);
        let longer = vec![0; 1_000_000];
        fails(&layer, Fault::Instead(longer), &text);
    }
    let text = format!("image config verification failed for digest {config}");
    fails(config, Fault::Flipped(20), &text);
    fails("/manifests/1", Fault::Flipped(20), "manifest for ");
    // And then all is well.
    host.ok(&format!("pull {}/a/x:1", proxy.address()));
    assert_eq!(
        host.ok(&format!("pull {}/a/x:1", proxy.address()))
            .lines()
            .nth(1),
        Some(format!("Digest: {manifest}").as_str())
    );
}

#[test]
fn a_registry_that_is_busy_or_ill_is_asked_again() {
    const TEST: &str = "a_registry_that_is_busy_or_ill_is_asked_again";
    let host = Host::without_images();
    let image = Parts::plain(10_000);
    let Some((_registry, proxy)) = behind_a_proxy(&host, TEST, &image) else {
        return;
    };
    let busy = Fault::Status("429 Too Many Requests\r\nRetry-After: 1");
    let ill = Fault::Status("500 Internal Server Error");
    proxy
        .fault("/manifests/", 1, busy.clone())
        .fault("/manifests/", 1, ill.clone())
        .fault(&layer(&image, 0), 1, busy)
        .fault(&layer(&image, 1), 2, ill.clone());
    host.ok(&format!("pull {}/a/x:1", proxy.address()));
    is_whole(&host, &image);
    host.ok("rmi -f 127.0.0.1:9/none");
    let id = host.ok("images -q");
    host.ok(&format!("rmi {id}"));
    nothing_is_stored(&host);

    proxy.fault(&layer(&image, 1), 99, ill);
    let said = host.fails(1, &format!("pull {}/a/x:1", proxy.address()));
    assert!(said.contains("500 Internal Server Error"), "{said}");
    nothing_is_stored(&host);
}

#[test]
fn a_slow_registry_is_waited_for() {
    const TEST: &str = "a_slow_registry_is_waited_for";
    let host = Host::without_images();
    let image = Parts::plain(200_000);
    let Some((_registry, proxy)) = behind_a_proxy(&host, TEST, &image) else {
        return;
    };
    proxy.fault("/v2/a/x/", 99, Fault::Slow(500));
    host.ok(&format!("pull {}/a/x:1", proxy.address()));
    is_whole(&host, &image);
}

#[test]
fn images_that_contradict_themselves_are_refused() {
    const TEST: &str = "images_that_contradict_themselves_are_refused";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let fails = |tag: &str, text: &str| {
        let said = host.fails(1, &format!("pull localhost:5000/bad:{tag}"));
        assert!(said.contains(text), "{tag}: {said}");
        nothing_is_stored(&host);
    };
    // A layer that is not what the config says.
    let mut image = Parts::plain(10);
    let other = Tar::default().file("other", b"other").finish();
    image.layers[1].1 = gzip(&other);
    registry.image("bad:diff-id", &image);
    fails(
        "diff-id",
        &format!("unpacks to {}, but", Digest::of(&other)),
    );
    // One more, one fewer.
    let mut image = Parts::plain(10);
    image.layers.pop();
    registry.image("bad:fewer", &image);
    fails(
        "fewer",
        "the image's config lists 2 layers and its manifest 1",
    );
    // The same layer for two places.
    let mut image = Parts::plain(10);
    image.layers[1] = image.layers[0].clone();
    registry.image("bad:twice", &image);
    fails("twice", "but the image's config says");
    // No archive, no compression that is known, and a path that leads out.
    let mut image = Parts::plain(10);
    image.layers[1].1 = b"no tar at all".repeat(100);
    registry.image("bad:tar", &image);
    fails("tar", "error processing tar file");
    let mut image = Parts::plain(10);
    image.layers[1].1 = b"BZh91AY&SY".to_vec();
    registry.image("bad:bzip2", &image);
    fails("bzip2", "only gzip, zstd and plain tar are read");
    let escape = Tar::default().file("../../escape", b"x").finish();
    registry.image("bad:escape", &Parts::of(&[escape]));
    fails("escape", "refused tar member");
    // Configs that are none.
    let layer = gzip(&Tar::default().finish());
    let layer = registry.blob("bad", LAYER, &layer);
    for (tag, config, text) in [
        ("json", b"{".to_vec(), "invalid image config"),
        ("empty", b"{}".to_vec(), "invalid image config"),
        (
            "algorithm",
            br#"{"architecture":"amd64","os":"linux",
                "rootfs":{"type":"layers","diff_ids":["md5:1"]}}"#
                .to_vec(),
            "unsupported digest algorithm",
        ),
        (
            "large",
            vec![b' '; (8 << 20) + 1],
            "more than the 8388608 that are read",
        ),
    ] {
        let config = registry.blob("bad", CONFIG, &config);
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                               "layers": [layer.clone()] });
        registry.manifest(&format!("bad:{tag}"), MANIFEST, &manifest);
        fails(tag, text);
    }
}
