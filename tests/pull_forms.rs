//! The forms that an image has in a registry: lists, media types, packings, and what is no image.

use std::fs;

use serde_json::{Value, json};

use crate::harness::registry::{INDEX, LAYER, MANIFEST};
use crate::harness::{Host, Parts, Registry, Tar};

#[test]
fn lists_are_for_several_machines() {
    const TEST: &str = "lists_are_for_several_machines";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let here = rbox_images::Platform::host().architecture;
    let entry = |architecture: &str, size: usize| {
        let parts = Parts::plain(size).architecture(architecture);
        let mut entry = registry.image(&format!("m:{architecture}"), &parts);
        entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
        entry
    };
    let index = |entries: Vec<Value>| json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let all = vec![entry("s390x", 10), entry(&here, 20), entry("riscv64", 30)];
    let list = registry.manifest("m:all", INDEX, &index(all));
    let foreign = vec![entry("s390x", 10), entry("riscv64", 30)];
    registry.manifest("m:foreign", INDEX, &index(foreign));

    let shown = |name: &str| {
        let text = host.ok(&format!("image inspect {name}"));
        let shown: Value = serde_json::from_str(&text).unwrap();
        shown[0].clone()
    };
    let text = host.ok("pull localhost:5000/m:all");
    let digest = list["digest"].as_str().unwrap();
    assert!(text.contains(&format!("\nDigest: {digest}\n")), "{text}");
    let image = shown("localhost:5000/m:all");
    assert_eq!(image["Architecture"], here.as_str());
    // What the registry calls it: the list.
    assert_eq!(
        image["RepoDigests"],
        json!([format!("localhost:5000/m@{digest}")])
    );
    host.ok("pull --platform linux/s390x localhost:5000/m:all");
    assert_eq!(shown("localhost:5000/m:all")["Architecture"], "s390x");

    let said = host.fails(1, "pull localhost:5000/m:foreign");
    assert_eq!(
        said,
        format!(
            "rbox: no matching manifest for linux/{here} in the manifest list entries\n\
             hint: there is one for linux/riscv64, linux/s390x: choose with --platform"
        )
    );
    let said = host.fails(1, "pull localhost:5000/m:riscv64");
    assert_eq!(
        said,
        format!(
            "rbox: image with reference localhost:5000/m:riscv64 was found but its platform \
             (linux/riscv64) does not match the specified platform (linux/{here})\n\
             hint: 'rbox pull --platform linux/riscv64' takes it all the same"
        )
    );
    host.ok("pull --platform linux/riscv64 localhost:5000/m:riscv64");
    let said = host.fails(127, "run --rm --network none localhost:5000/m:riscv64");
    assert!(
        said.starts_with(&format!(
            "WARNING: The requested image's platform (linux/riscv64) does not match the detected \
             host platform (linux/{here}) and no specific platform was requested\n"
        )),
        "{said}"
    );
    let said = host.fails(1, "pull --platform bogus localhost:5000/m:all");
    assert!(said.contains("bogus"), "{said}");
}

#[test]
fn every_form_of_layer_and_manifest_is_read() {
    const TEST: &str = "every_form_of_layer_and_manifest_is_read";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let tars: Vec<Vec<u8>> = ["plain", "gzip", "zstd"]
        .iter()
        .map(|name| Tar::default().file(name, name.as_bytes()).finish())
        .collect();
    let mut parts = Parts::of(&tars);
    let oci = "application/vnd.oci.image.layer.v1.tar";
    parts.layers[0] = (oci.into(), tars[0].clone());
    let zstd = zstd::encode_all(&tars[2][..], 3).unwrap();
    parts.layers[2] = (format!("{oci}+zstd"), zstd);
    registry.image("forms:oci", &parts);
    host.ok("pull localhost:5000/forms:oci");

    let docker = "application/vnd.docker";
    let mut parts = Parts::of(&[Tar::default().file("docker", b"docker").finish()]);
    parts.layers[0].0 = format!("{docker}.image.rootfs.diff.tar.gzip");
    let layer = registry.blob("forms", &parts.layers[0].0, &parts.layers[0].1);
    let config = serde_json::to_vec(&parts.config).unwrap();
    let config = registry.blob(
        "forms",
        &format!("{docker}.container.image.v1+json"),
        &config,
    );
    let manifest_type = format!("{docker}.distribution.manifest.v2+json");
    let manifest = json!({ "schemaVersion": 2, "mediaType": manifest_type, "config": config,
                           "layers": [layer] });
    let mut entry = registry.manifest("forms:docker", &manifest_type, &manifest);
    host.ok("pull localhost:5000/forms:docker");
    let architecture = rbox_images::Platform::host().architecture;
    entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
    let list_type = format!("{docker}.distribution.manifest.list.v2+json");
    let list = json!({ "schemaVersion": 2, "mediaType": list_type, "manifests": [entry] });
    registry.manifest("forms:list", &list_type, &list);
    host.ok("pull localhost:5000/forms:list");

    let trees = host.root().join("images/layers");
    for name in ["plain", "gzip", "zstd", "docker"] {
        let found = fs::read_dir(&trees).unwrap().flatten().any(|layer| {
            fs::read(layer.path().join("fs").join(name)).is_ok_and(|text| text == name.as_bytes())
        });
        assert!(found, "{name}");
    }
}

#[test]
fn what_is_no_image_is_refused_by_name() {
    const TEST: &str = "what_is_no_image_is_refused_by_name";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::plain(10);
        change(&mut parts);
        parts
    };
    let helm = with(&|parts| parts.config_type = "application/vnd.cncf.helm.config.v1+json".into());
    registry.image("k:helm", &helm);
    let encrypted = with(&|parts| parts.layers[1].0 = format!("{LAYER}+encrypted"));
    registry.image("k:encrypted", &encrypted);
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    registry.image(
        "k:foreign",
        &with(&|parts| parts.layers[1].0 = foreign.into()),
    );
    for (tag, text) in [
        (
            "helm",
            "rbox: unsupported media type application/vnd.cncf.helm.config.v1+json".to_owned(),
        ),
        (
            "encrypted",
            format!("is encrypted: unsupported media type {LAYER}+encrypted"),
        ),
        (
            "foreign",
            format!("may not be distributed by registries: unsupported media type {foreign}"),
        ),
    ] {
        let said = host.fails(1, &format!("pull localhost:5000/k:{tag}"));
        assert!(said.contains(&text), "{said}");
    }
    assert_eq!(host.ok("images -q"), "");
    assert!(registry.manifest_of("k:helm").1["mediaType"] == MANIFEST);
}
