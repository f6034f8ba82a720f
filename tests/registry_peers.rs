//! Images that other tools put into a registry, and those that rbox puts there: both are read by
//! the other side, and their digests are the same.

use serde_json::Value;

use crate::harness::{Dockerd, Host, Output, Parts, Podman, Registry, installed};

/// Runs skopeo, which checks no signatures here.
fn skopeo(host: &Host, words: &str) -> Output {
    host.sh(&format!("skopeo --insecure-policy {words}"))
}

/// What skopeo calls an image of the registry.
fn digest_by_skopeo(host: &Host, name: &str) -> String {
    let words = format!("inspect --tls-verify=false --format '{{{{.Digest}}}}' docker://{name}");
    skopeo(host, &words).ok()
}

/// What rbox was told that the registry calls an image.
fn pulled(host: &Host, name: &str) -> String {
    let text = host.ok(&format!("pull {name}"));
    let line = text.lines().find_map(|line| line.strip_prefix("Digest: "));
    line.unwrap().to_owned()
}

/// The image runs.
#[track_caller]
fn runs(host: &Host, name: &str) {
    let words = ["run", "--rm", "--network", "none", name, "echo", "hello"];
    assert_eq!(host.rbox(&words).ok(), "hello");
}

#[test]
fn skopeo_and_rbox_read_what_the_other_wrote() {
    const TEST: &str = "skopeo_and_rbox_read_what_the_other_wrote";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    if !installed(&["skopeo"], TEST) {
        return;
    }
    registry.image("alpine:1", &Parts::alpine());
    let here = "127.0.0.1:5000";
    // By way of files of each kind, and of other packings.
    let dir = host.scratch().to_str().unwrap().to_owned();
    for (place, name) in [
        (format!("oci:{dir}/oci:a"), "oci"),
        (format!("docker-archive:{dir}/archive.tar:x/y:z"), "archive"),
    ] {
        skopeo(
            &host,
            &format!("copy --src-tls-verify=false docker://{here}/alpine:1 {place}"),
        )
        .ok();
        skopeo(
            &host,
            &format!("copy --dest-tls-verify=false {place} docker://{here}/by/skopeo:{name}"),
        )
        .ok();
    }
    for (flags, name) in [
        ("--dest-compress-format zstd --format oci", "zstd"),
        ("--format v2s2", "docker"),
    ] {
        let copied = skopeo(
            &host,
            &format!(
                "copy {flags} --dest-tls-verify=false oci:{dir}/oci:a \
                 docker://{here}/by/skopeo:{name}"
            ),
        );
        copied.ok();
    }
    for name in ["oci", "archive", "zstd", "docker"] {
        let name = format!("{here}/by/skopeo:{name}");
        assert_eq!(pulled(&host, &name), digest_by_skopeo(&host, &name));
        runs(&host, &name);
    }

    host.ok(&format!("tag {here}/by/skopeo:oci {here}/by/rbox:1"));
    let told = host.ok(&format!("push {here}/by/rbox:1"));
    let digest = digest_by_skopeo(&host, &format!("{here}/by/rbox:1"));
    assert!(told.contains(&format!("digest: {digest} ")), "{told}");
    skopeo(
        &host,
        &format!("copy --src-tls-verify=false docker://{here}/by/rbox:1 oci:{dir}/back:b"),
    )
    .ok();
    let shown = skopeo(&host, &format!("inspect oci:{dir}/back:b")).ok();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["Os"], "linux");
}

#[test]
fn docker_and_rbox_run_what_the_other_pushed() {
    const TEST: &str = "docker_and_rbox_run_what_the_other_pushed";
    let host = Host::without_images();
    let Some(_registry) = Registry::start(&host, TEST) else {
        return;
    };
    let Some(docker) = Dockerd::start(&host, TEST) else {
        return;
    };
    let theirs = "127.0.0.1:5000/by/docker:1";
    docker.ok(&["tag", "alpine", theirs]);
    let told = docker.ok(&["push", theirs]);
    let digest = pulled(&host, theirs);
    assert!(told.contains(&format!("digest: {digest} ")), "{told}");
    runs(&host, theirs);

    let ours = "127.0.0.1:5000/by/rbox:1";
    host.ok(&format!("tag {theirs} {ours}"));
    host.ok(&format!("push {ours}"));
    let text = docker.ok(&["pull", ours]);
    let line = text.lines().find_map(|line| line.strip_prefix("Digest: "));
    // The manifest that came is the manifest that goes.
    assert_eq!(line, Some(digest.as_str()));
    let words = ["run", "--rm", "--network", "none", ours, "echo", "hello"];
    assert_eq!(docker.ok(&words), "hello");
}

#[test]
fn podman_and_rbox_run_what_the_other_pushed() {
    const TEST: &str = "podman_and_rbox_run_what_the_other_pushed";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let Some(podman) = Podman::start(&host, TEST) else {
        return;
    };
    let theirs = "127.0.0.1:5000/by/podman:1";
    podman.ok(&format!("push --tls-verify=false alpine {theirs}"));
    let (digest, _) = registry.manifest_of("by/podman:1");
    assert_eq!(pulled(&host, theirs), digest.to_string());
    // Its import leaves no PATH: the program is named by its whole name.
    let words = [
        "run",
        "--rm",
        "--network",
        "none",
        theirs,
        "/bin/echo",
        "hello",
    ];
    assert_eq!(host.rbox(&words).ok(), "hello");

    let ours = "127.0.0.1:5000/by/rbox:1";
    host.ok(&format!("tag {theirs} {ours}"));
    host.ok(&format!("push {ours}"));
    assert_eq!(registry.manifest_of("by/rbox:1").0, digest);
    podman.ok(&format!("pull -q --tls-verify=false {ours}"));
    assert_eq!(
        podman.ok(&format!("run --rm --network none {ours} echo hello")),
        "hello"
    );
}
