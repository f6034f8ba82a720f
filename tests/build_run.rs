//! `RUN`: a process in a container, and what it wrote becomes a layer.

use crate::harness::{Host, Output, eventually};

/// Builds `dockerfile` with an empty context and names the image `web`.
fn build(host: &Host, options: &str, dockerfile: &str) -> Output {
    let context = host.scratch().join("context");
    std::fs::create_dir_all(&context).unwrap();
    let file = host.write("Dockerfile", dockerfile);
    let context = context.display().to_string();
    let mut words = vec!["build", "--progress", "plain", "-t", "web", "-f", &file];
    words.extend(options.split_whitespace());
    words.push(&context);
    host.rbox(&words)
}

/// Files and directories of the image's topmost layer, sorted.
fn top_layer(host: &Host) -> String {
    let id = host.rbox(&["image", "inspect", "-f", "{{json .RootFS.Layers}}", "web"]);
    let layers: Vec<String> = serde_json::from_str(&id.ok()).unwrap();
    let hex = layers
        .last()
        .unwrap()
        .trim_start_matches("sha256:")
        .to_owned();
    let tree = host.root().join("images/layers").join(hex).join("fs");
    let line = format!(
        "cd {} && find . -mindepth 1 | sort | tr '\\n' ' '",
        tree.display()
    );
    host.sh(&line).ok().trim().to_owned()
}

#[test]
fn what_a_process_writes_is_in_the_image_and_nothing_else() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nENV A=1\nWORKDIR /srv\nRUN echo $A > file && rm /etc/motd\n";
    build(&host, "", text).ok();
    assert_eq!(host.ok("run --rm web cat /srv/file"), "1");
    assert_eq!(top_layer(&host), "./etc ./etc/motd ./srv ./srv/file");
    assert_eq!(host.ok("ps -aq"), "");
    build(&host, "--no-cache", "FROM alpine\nRUN true\n").ok();
    assert_eq!(top_layer(&host), "");
}

#[test]
fn mount_points_that_the_runtime_makes_are_in_no_layer() {
    let host = Host::with_own_images();
    let text = "FROM alpine\nRUN rm -r /etc/hosts /etc/hostname /etc/resolv.conf /run 2>&1 || true\n\
                RUN --mount=type=tmpfs,target=/run/a/b --mount=type=cache,target=/var/new/x true\n\
                RUN --mount=type=tmpfs,target=/srv/a touch /srv/mine\n";
    build(&host, "", text).ok();
    assert_eq!(top_layer(&host), "./srv ./srv/mine");
}

#[test]
fn its_network_is_the_one_that_is_asked_for() {
    let host = Host::with_own_images();
    build(
        &host,
        "",
        "FROM alpine\nRUN --network=none test $(ls /sys/class/net) = lo\n",
    )
    .ok();
    let text = "FROM alpine\nRUN ip addr show eth0\nRUN --network=host ! ip addr show eth0\n";
    build(&host, "", text).ok();
    host.ok("network create lan");
    host.ok("run -d --name db --network lan alpine sleep 1000");
    let text = "FROM alpine\nRUN ping -c 1 db && ping -c 1 box\n";
    build(&host, "--network lan --add-host box:127.0.0.1", text).ok();
}

#[test]
fn it_fails_with_the_code_of_its_process_and_leaves_nothing() {
    let host = Host::with_own_images();
    let failed = build(&host, "", "FROM alpine\nRUN echo written >&2; exit 7\n");
    assert_eq!(failed.code, 7, "{failed:?}");
    assert!(failed.stderr.contains("written"), "{failed:?}");
    assert_eq!(host.ok("ps -aq"), "");
    host.nothing_is_left();
}

#[test]
fn its_container_is_recognised_while_it_runs() {
    let host = Host::with_own_images();
    let file = host.write("Dockerfile", "FROM alpine\nRUN sleep 1000\n");
    let mut client = host.spawn(&format!("build -f {file} {}", host.scratch().display()));
    let names = || host.ok("ps --filter label=rbox.build --format {{.Names}}");
    let name = eventually("the container", || {
        Some(names()).filter(|name| !name.is_empty())
    });
    assert!(name.starts_with("build-"), "{name}");
    host.ok(&format!("rm -f {name}"));
    assert!(!client.wait().unwrap().success());
    host.nothing_is_left();
}
