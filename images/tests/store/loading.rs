//! Archives of images: every form, and every way to be wrong.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use rbox_images::{Digest, Loaded};
use serde_json::json;

use crate::archive::{Layout, Tar, config, gzip};
use crate::{Bench, names};

fn lower() -> Vec<u8> {
    Tar::default()
        .file("etc/passwd", b"root")
        .file("etc/old", b"x")
        .dir("var/cache")
        .finish()
}

fn upper() -> Vec<u8> {
    Tar::default()
        .file("etc/.wh.old", b"")
        .file("var/cache/.wh..wh..opq", b"")
        .file("etc/new", b"n")
        .finish()
}

fn refused(what: &str, tar: &[u8], text: &str) {
    let Some(bench) = Bench::new(what) else {
        return;
    };
    let error = bench.store.load(tar).expect_err(what).to_string();
    assert!(error.contains(text), "{what}: {error:?} lacks {text:?}");
    bench.assert_empty();
}

fn opaque(path: &std::path::Path) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(10);
    let spare = rustix::buffer::spare_capacity(&mut value);
    rustix::fs::getxattr(path, "trusted.overlay.opaque", spare).ok()?;
    Some(value)
}

#[test]
fn an_oci_layout_loads_with_whiteouts_as_overlayfs_wants_them() {
    let Some(bench) = Bench::new("an_oci_layout_loads_with_whiteouts_as_overlayfs_wants_them")
    else {
        return;
    };
    let (lower, upper) = (lower(), upper());
    let mut layout = Layout::new();
    let image = layout.image(&config(&[&lower, &upper]), &[&gzip(&lower), &gzip(&upper)]);
    let digest = image["digest"].as_str().unwrap().to_owned();
    let tar = layout.named(image, "docker.io/library/two:1").finish();
    assert_eq!(
        bench.store.load(&tar[..]).unwrap(),
        [Loaded::Reference("two:1".to_owned())]
    );
    let image = bench.store.get("two:1").unwrap();
    assert_eq!(image.manifest_digest, digest);
    assert_eq!(image.id, Digest::of(&config(&[&lower, &upper])).as_str());
    let [low, high] = image.layers.as_slice() else {
        panic!("two layers")
    };
    assert_eq!(std::fs::read(low.join("etc/passwd")).unwrap(), b"root");
    let whiteout = high.join("etc/old").symlink_metadata().unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    assert_eq!(opaque(&high.join("var/cache")).unwrap(), b"y");
    assert_eq!(opaque(&high.join("etc")), None);
    bench.assert_clean();
}

#[test]
fn a_whiteout_beside_a_file_of_the_same_layer_hides_lower_layers_only() {
    let Some(bench) =
        Bench::new("a_whiteout_beside_a_file_of_the_same_layer_hides_lower_layers_only")
    else {
        return;
    };
    let tar = Tar::default()
        .file(".wh.first", b"")
        .dir("first")
        .file("first/new", b"1")
        .dir("last")
        .file("last/new", b"2")
        .file(".wh.last", b"")
        .file(".wh.implied", b"")
        .file("implied/new", b"3")
        .file("plain", b"4")
        .file(".wh.plain", b"")
        .finish();
    bench.import(&tar, "x");
    let tree = bench.tree("x");
    for directory in ["first", "last", "implied"] {
        assert_eq!(opaque(&tree.join(directory)).unwrap(), b"y", "{directory}");
        assert!(tree.join(directory).join("new").exists());
    }
    assert_eq!(std::fs::read(tree.join("plain")).unwrap(), b"4");
}

#[test]
fn the_old_docker_archive_loads_with_its_links() {
    let Some(bench) = Bench::new("the_old_docker_archive_loads_with_its_links") else {
        return;
    };
    let (lower, upper) = (lower(), upper());
    let two = config(&[&lower, &upper]);
    let one = config(&[&lower]);
    let manifest = json!([
        { "Config": "two.json", "RepoTags": ["two:1", "reg.test:5000/two:1"],
          "Layers": ["aaa/layer.tar", "bbb/layer.tar"] },
        { "Config": "one.json", "RepoTags": null, "Layers": ["ccc/layer.tar"] },
    ]);
    let tar = Tar::default()
        .dir("aaa/")
        .file("aaa/VERSION", b"1.0")
        .file("aaa/layer.tar", &lower)
        .file("bbb/layer.tar", &upper)
        .symlink("ccc/layer.tar", "../aaa/layer.tar")
        .file("two.json", &two)
        .file("one.json", &one)
        .file("manifest.json", manifest.to_string().as_bytes())
        .file("repositories", b"{}")
        .finish();
    let id = Digest::of(&one).to_string();
    let expected = [
        Loaded::Reference("two:1".to_owned()),
        Loaded::Reference("reg.test:5000/two:1".to_owned()),
        Loaded::Id(id.clone()),
    ];
    assert_eq!(bench.store.load(&tar[..]).unwrap(), expected);
    assert_eq!(bench.store.get("two:1").unwrap().references.len(), 2);
    let image = bench.store.get(&id).unwrap();
    assert_eq!(image.layers, bench.store.get("two:1").unwrap().layers[..1]);
    // Again: nothing new, nothing unpacked anew.
    let inode = image.layers[0].metadata().unwrap().ino();
    let blobs = names(&bench.root().join("blobs/sha256"));
    assert_eq!(bench.store.load(&tar[..]).unwrap(), expected);
    assert_eq!(
        bench.store.get(&id).unwrap().layers[0]
            .metadata()
            .unwrap()
            .ino(),
        inode
    );
    assert_eq!(names(&bench.root().join("blobs/sha256")), blobs);
    bench.assert_clean();
}

#[test]
fn a_name_in_an_archive_takes_over_from_the_image_that_had_it() {
    let Some(bench) = Bench::new("a_name_in_an_archive_takes_over_from_the_image_that_had_it")
    else {
        return;
    };
    let old = bench.import(&lower(), "two:1");
    let upper = upper();
    let mut layout = Layout::new();
    let image = layout.image(&config(&[&upper]), &[&upper]);
    let tar = layout.named(image, "docker.io/library/two:1").finish();
    bench.store.load(&tar[..]).unwrap();
    assert_ne!(bench.store.get("two:1").unwrap().id, old);
    assert!(bench.store.get(&old).unwrap().references.is_empty());
}

#[test]
fn the_image_for_this_machine_is_chosen_from_an_index() {
    let Some(bench) = Bench::new("the_image_for_this_machine_is_chosen_from_an_index") else {
        return;
    };
    let (lower, upper) = (lower(), upper());
    let host = rbox_images::Platform::host().architecture;
    let build = |with_native: bool| {
        let mut layout = Layout::new();
        let mut manifests = Vec::new();
        for (layer, architecture) in [(&lower, "s390x"), (&upper, host.as_str()), (&lower, "mips")]
        {
            if architecture == host && !with_native {
                continue;
            }
            let text = String::from_utf8(config(&[layer])).unwrap();
            let text = text.replace("amd64", architecture);
            let mut image = layout.image(text.as_bytes(), &[layer]);
            image["platform"] = json!({ "os": "linux", "architecture": architecture });
            manifests.push(image);
        }
        let mut attestation = layout.blob("application/vnd.oci.image.manifest.v1+json", b"{}");
        attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        manifests.push(attestation);
        let index = json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = layout.blob(media_type, index.as_bytes());
        layout.named(index, "docker.io/library/many:1").finish()
    };
    bench.store.load(&build(true)[..]).unwrap();
    let image = bench.store.get("many:1").unwrap();
    assert_eq!(image.platform().architecture, host);
    assert!(image.layers[0].join("etc/new").exists());
    refused(
        "foreign",
        &build(false),
        "it was built for linux/s390x, linux/mips",
    );
}

#[test]
fn a_lone_tag_in_an_oci_layout_is_no_name() {
    let Some(bench) = Bench::new("a_lone_tag_in_an_oci_layout_is_no_name") else {
        return;
    };
    let lower = lower();
    let mut layout = Layout::new();
    let mut image = layout.image(&config(&[&lower]), &[&lower]);
    image["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    let tar = layout.named(image, "").finish();
    let id = Digest::of(&config(&[&lower])).to_string();
    assert_eq!(bench.store.load(&tar[..]).unwrap(), [Loaded::Id(id)]);
}

#[test]
fn blobs_that_are_not_their_digest_are_refused() {
    let lower = lower();
    for spoilt in 0..3 {
        let mut layout = Layout::new();
        let image = layout.image(&config(&[&lower]), &[&lower]);
        let last = layout.blobs[spoilt].1.len() - 1;
        layout.blobs[spoilt].1[last] ^= 1;
        refused(
            "digest",
            &layout.named(image, "x").finish(),
            "does not match its digest",
        );
    }
}

#[test]
fn layers_that_are_not_what_the_config_says_are_refused() {
    let Some(bench) = Bench::new("layers_that_are_not_what_the_config_says_are_refused") else {
        return;
    };
    let (lower, upper) = (lower(), upper());
    let swapped = || {
        let mut layout = Layout::new();
        let image = layout.image(&config(&[&lower]), &[&upper]);
        layout.named(image, "x").finish()
    };
    refused("swapped", &swapped(), "but the image's config says");
    // Also when the layer that it claims to have is here already.
    bench.import(&lower, "real");
    let error = bench.store.load(&swapped()[..]).unwrap_err().to_string();
    assert!(error.contains("but the image's config says"), "{error}");
    assert!(bench.store.get("x").is_err());
    bench.assert_clean();

    let mut layout = Layout::new();
    let image = layout.image(&config(&[&lower, &upper]), &[&lower]);
    refused(
        "count",
        &layout.named(image, "x").finish(),
        "lists 2 layers and its manifest 1",
    );
}

#[test]
fn a_hostile_layer_in_a_good_archive_is_refused_whole() {
    let lower = lower();
    let evil = Tar::default().file("../outside/file", b"evil").finish();
    let mut layout = Layout::new();
    let good = layout.image(&config(&[&lower]), &[&lower]);
    let bad = layout.image(&config(&[&evil]), &[&evil]);
    let tar = layout.named(good, "good").named(bad, "bad").finish();
    refused("layer", &tar, "\"..\"");
}

#[test]
fn archives_without_an_image_are_refused() {
    refused("junk", b"junk\n", "unexpected EOF");
    refused("nothing", &Tar::default().finish(), "contains no image");
    refused("nothing", b"", "contains no image");
    refused("a rootfs", &lower(), "contains no image");
    refused(
        "dots",
        &Tar::default().file("../x", b"").finish(),
        "refused archive member",
    );
    refused(
        "absolute",
        &Tar::default().file("/x", b"").finish(),
        "refused archive member",
    );
    refused(
        "not json",
        &Tar::default().file("index.json", b"{").finish(),
        "invalid image index",
    );
    let manifest = json!([{ "Config": "../../etc/shadow", "RepoTags": null, "Layers": [] }]);
    let manifest = manifest.to_string();
    let tar = Tar::default()
        .file("manifest.json", manifest.as_bytes())
        .finish();
    refused("config outside", &tar, "the archive lacks ../../etc/shadow");

    let lower = lower();
    let mut layout = Layout::new();
    let image = layout.image(&config(&[&lower]), &[&lower]);
    layout.blobs.retain(|(_, bytes)| bytes != &lower);
    refused(
        "lacking",
        &layout.named(image, "x").finish(),
        "the archive lacks blobs/sha256/",
    );

    let mut layout = Layout::new();
    let image = layout.image(&config(&[&lower]), &[&lower]);
    refused(
        "name",
        &layout.named(image, "Bad").finish(),
        "invalid image name \"Bad\"",
    );

    let mut layout = Layout::new();
    let image = layout.image(b"[]", &[]);
    refused(
        "config",
        &layout.named(image, "x").finish(),
        "invalid image config",
    );
}

#[test]
fn links_in_a_circle_are_missing_members() {
    let manifest = json!([{ "Config": "a", "RepoTags": null, "Layers": [] }]).to_string();
    let tar = Tar::default()
        .symlink("a", "b")
        .symlink("b", "a")
        .file("manifest.json", manifest.as_bytes())
        .finish();
    refused("circle", &tar, "the archive lacks a");
}
