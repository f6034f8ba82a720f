//! Images from a real registry: docker-registry on the test's own host.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Fault, Faulty, Host, Parts, Registry, Tar, Terminal, eventually, wait_until};

/// First 12 digits of a layer's digest, as lines show it.
fn short(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap()[7..19].to_owned()
}

fn layers(registry: &Registry, name: &str) -> Vec<String> {
    let (_, manifest) = registry.manifest_of(name);
    let layers = manifest["layers"].as_array().unwrap();
    layers.iter().map(short).collect()
}

#[test]
fn a_pull_is_told_as_docker_tells_it() {
    const TEST: &str = "a_pull_is_told_as_docker_tells_it";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("a/x:latest", &Parts::plain(10_000));
    registry.image("a/x:1", &Parts::plain(10_000));
    let (digest, _) = registry.manifest_of("a/x:latest");
    let output = host.rbox(&["pull", "localhost:5000/a/x"]);
    let text = output.ok();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2],
        ["Using default tag: latest", "latest: Pulling from a/x"]
    );
    assert_eq!(
        lines.split_off(lines.len() - 3),
        [
            format!("Digest: {digest}"),
            "Status: Downloaded newer image for localhost:5000/a/x:latest".into(),
            "localhost:5000/a/x:latest".into()
        ]
    );
    for layer in layers(&registry, "a/x:latest") {
        let of_layer: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix(&format!("{layer}: ")))
            .collect();
        assert_eq!(
            of_layer,
            [
                "Pulling fs layer",
                "Verifying Checksum",
                "Download complete",
                "Pull complete"
            ]
        );
    }

    assert_eq!(
        host.ok("pull localhost:5000/a/x"),
        format!(
            "Using default tag: latest\nlatest: Pulling from a/x\nDigest: {digest}\n\
             Status: Image is up to date for localhost:5000/a/x:latest\nlocalhost:5000/a/x:latest"
        )
    );
    assert_eq!(
        host.ok("image pull localhost:5000/a/x:1"),
        format!(
            "1: Pulling from a/x\nDigest: {digest}\n\
             Status: Downloaded newer image for localhost:5000/a/x:1\nlocalhost:5000/a/x:1"
        )
    );
    assert_eq!(
        host.ok("pull -q localhost:5000/a/x:1"),
        "localhost:5000/a/x:1"
    );
    let id = host.ok("images -q --no-trunc localhost:5000/a/x:1");
    assert_eq!(
        host.ok("images -q --no-trunc localhost:5000/a/x:latest"),
        id
    );
}

#[test]
fn an_image_is_pulled_by_its_digest_and_found_by_it() {
    const TEST: &str = "an_image_is_pulled_by_its_digest_and_found_by_it";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("a/x:1", &Parts::plain(100));
    let (digest, _) = registry.manifest_of("a/x:1");
    let name = format!("localhost:5000/a/x@{digest}");
    let text = host.ok(&format!("pull {name}"));
    assert!(text.starts_with(&format!("{name}: Pulling from a/x\n")));
    assert!(text.ends_with(&format!(
        "Digest: {digest}\nStatus: Downloaded newer image for {name}\n{name}"
    )));
    let inspected = |name: &str| {
        let text = host.ok(&format!("image inspect {name}"));
        let shown: Value = serde_json::from_str(&text).unwrap();
        (
            shown[0]["RepoTags"].clone(),
            shown[0]["RepoDigests"].clone(),
        )
    };
    assert_eq!(inspected(&name), (json!([]), json!([name])));
    host.ok(&format!("pull localhost:5000/a/x:1@{digest}"));
    assert_eq!(inspected(&name), (json!([]), json!([name])));
    host.ok("pull localhost:5000/a/x:1");
    let tagged = "localhost:5000/a/x:1";
    assert_eq!(inspected(&name), (json!([tagged]), json!([name])));
    assert_eq!(inspected(tagged), (json!([tagged]), json!([name])));
    assert_eq!(
        host.fails(
            1,
            &format!("pull localhost:5000/a/x@sha256:{}", "0".repeat(64))
        ),
        format!(
            "rbox: manifest for localhost:5000/a/x@sha256:{} not found: manifest unknown: \
             manifest unknown",
            "0".repeat(64)
        )
    );
}

#[test]
fn a_missing_image_is_pulled_by_run_and_create() {
    const TEST: &str = "a_missing_image_is_pulled_by_run_and_create";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("alpine:latest", &Parts::alpine());
    let (digest, _) = registry.manifest_of("alpine:latest");
    let run = |flags: &[&str]| {
        let mut words = vec!["run", "--rm", "--network", "none"];
        words.extend(flags);
        words.extend(["localhost:5000/alpine", "echo", "hello"]);
        let output = host.rbox(&words);
        (output.code, output.stdout, output.stderr)
    };
    let (code, _, said) = run(&["--pull", "never"]);
    assert_eq!(code, 125);
    assert!(said.starts_with("rbox: No such image: localhost:5000/alpine:latest\n"));

    let (code, printed, said) = run(&[]);
    assert_eq!((code, printed.as_str()), (0, "hello\n"), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "Unable to find image 'localhost:5000/alpine:latest' locally",
            "latest: Pulling from alpine"
        ]
    );
    assert_eq!(
        lines[lines.len() - 2..],
        [
            format!("Digest: {digest}"),
            "Status: Downloaded newer image for localhost:5000/alpine:latest".into()
        ]
    );
    // Now it is here.
    assert_eq!(run(&[]), (0, "hello\n".into(), String::new()));
    let (code, printed, said) = run(&["--pull", "always"]);
    assert_eq!((code, printed.as_str()), (0, "hello\n"));
    assert_eq!(
        said,
        format!(
            "latest: Pulling from alpine\nDigest: {digest}\n\
             Status: Image is up to date for localhost:5000/alpine:latest\n"
        )
    );
    host.ok("rmi localhost:5000/alpine");
    assert_eq!(run(&["-q"]), (0, "hello\n".into(), String::new()));

    host.ok("rmi localhost:5000/alpine");
    let created = host.rbox(&["create", "--name", "made", "localhost:5000/alpine"]);
    assert!(
        created.stderr.starts_with("Unable to find image"),
        "{created:?}"
    );
    assert_eq!(created.ok().len(), 64);

    for (command, code) in [("run", 125), ("create", 1)] {
        let said = host.fails(code, &format!("{command} localhost:5000/nosuch"));
        assert!(
            said.starts_with(
                "Unable to find image 'localhost:5000/nosuch:latest' locally\n\
                 rbox: manifest for localhost:5000/nosuch:latest not found: manifest unknown: \
                 manifest unknown"
            ),
            "{said}"
        );
    }
    // What is wrong otherwise is told before anything is downloaded.
    let said = host.fails(125, "run --name /bad/name localhost:5000/nosuch");
    assert!(!said.contains("Unable to find"), "{said}");
}

#[test]
fn layers_that_are_here_are_not_downloaded() {
    const TEST: &str = "layers_that_are_here_are_not_downloaded";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let base = Tar::default().file("base", b"base").finish();
    let top = Tar::default().file("top", b"top").finish();
    registry.image("base:1", &Parts::of(std::slice::from_ref(&base)));
    registry.image("app:1", &Parts::of(&[base, top]));
    host.ok("pull localhost:5000/base:1");
    let text = host.ok("pull localhost:5000/app:1");
    let layers = layers(&registry, "app:1");
    assert!(
        text.contains(&format!("\n{}: Already exists\n", layers[0])),
        "{text}"
    );
    assert!(
        text.contains(&format!("\n{}: Pull complete\n", layers[1])),
        "{text}"
    );
    let kept = fs::read_dir(host.root().join("images/layers")).unwrap();
    assert_eq!(kept.count(), 2);
}

#[test]
fn all_tags_of_a_repository_are_pulled() {
    const TEST: &str = "all_tags_of_a_repository_are_pulled";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    for (tag, size) in [("one", 10), ("two", 20), ("three", 30)] {
        registry.image(&format!("a/x:{tag}"), &Parts::plain(size));
    }
    let text = host.ok("pull -a localhost:5000/a/x");
    for tag in ["one", "two", "three"] {
        assert!(
            text.contains(&format!("{tag}: Pulling from a/x\n")),
            "{text}"
        );
        host.ok(&format!("image inspect localhost:5000/a/x:{tag}"));
    }
    assert!(
        text.ends_with("Status: Downloaded newer image for localhost:5000/a/x\nlocalhost:5000/a/x"),
        "{text}"
    );
    assert!(!text.contains("Using default tag"));
    assert_eq!(
        host.fails(1, "pull -a localhost:5000/a/x:one"),
        "rbox: tag can't be used with --all-tags/-a"
    );
}

#[test]
fn names_that_cannot_be_pulled_are_told() {
    let host = Host::without_images();
    for (line, text) in [
        (
            "pull Bad",
            "invalid reference format: repository name (library/Bad) must be lowercase",
        ),
        ("pull a:b:c", "invalid reference format"),
    ] {
        assert_eq!(host.fails(1, line), format!("rbox: {text}"));
    }
    let said = host.fails(1, "pull localhost:5001/x");
    assert!(said.contains("connection refused"), "{said}");
    let said = host.fails(125, "pull --disable-content-trust x");
    assert!(
        said.starts_with("rbox: unsupported flag: --disable-content-trust"),
        "{said}"
    );
}

#[test]
fn a_killed_pull_leaves_nothing_that_counts() {
    const TEST: &str = "a_killed_pull_leaves_nothing_that_counts";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("a/x:1", &Parts::plain(2_000_000));
    let proxy = Faulty::before(registry.address());
    proxy.fault("/blobs/", 3, Fault::Slow(1000));
    let name = format!("{}/a/x:1", proxy.address());
    let mut pull = host.spawn(&format!("pull {name}"));
    let tmp = host.root().join("images/tmp");
    let size = |path: &std::path::Path| fs::metadata(path).map_or(0, |file| file.len());
    eventually("the first bytes of a layer", || {
        let session = fs::read_dir(&tmp).ok()?.flatten().next()?;
        let files = fs::read_dir(session.path()).ok()?.flatten();
        files
            .map(|file| size(&file.path()))
            .find(|size| *size > 10_000)
    });
    pull.kill().unwrap();
    pull.wait().unwrap();
    assert_eq!(host.ok("images -q"), "");
    host.ok(&format!("pull {name}"));
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    assert!(wait_until(1, || host.ok("images -q").len() == 12));
}

#[test]
fn on_a_terminal_every_layer_has_its_line() {
    const TEST: &str = "on_a_terminal_every_layer_has_its_line";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("a/x:1", &Parts::plain(400_000));
    let large = &layers(&registry, "a/x:1")[1];
    let proxy = Faulty::before(registry.address());
    proxy.fault("/blobs/", 3, Fault::Slow(500));
    let name = format!("{}/a/x:1", proxy.address());
    let mut terminal = Terminal::start(&host.command(&["pull", &name]));
    terminal.expect(&format!("{large}: Pulling fs layer\r\n"));
    terminal.expect(&format!("\x1b[1A\r\x1b[2K{large}: Downloading "));
    terminal.expect("kB/4");
    terminal.expect(&format!("\x1b[1A\r\x1b[2K{large}: Pull complete\r\x1b[1B"));
    terminal.expect(&format!("Status: Downloaded newer image for {name}\r\n"));
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn pulls_of_the_same_image_at_once_do_not_disturb_each_other() {
    const TEST: &str = "pulls_of_the_same_image_at_once_do_not_disturb_each_other";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("a/x:1", &Parts::plain(1_000_000));
    let pulls: Vec<_> = (0..4)
        .map(|_| host.spawn("pull -q localhost:5000/a/x:1"))
        .collect();
    for pull in pulls {
        let output = pull.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(host.ok("images -q").lines().count(), 1);
    let tmp = host.root().join("images/tmp");
    assert_eq!(fs::read_dir(tmp).unwrap().count(), 0);
}

#[test]
fn what_a_pull_found_here_stays_until_it_is_done() {
    const TEST: &str = "what_a_pull_found_here_stays_until_it_is_done";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    let base = Tar::default().file("base", b"base").finish();
    let top = Tar::default()
        .file("top", &crate::harness::registry::noise(300_000))
        .finish();
    let app = Parts::of(&[base.clone(), top]);
    registry.image("base:1", &Parts::of(&[base]));
    registry.image("app:1", &app);
    host.ok("pull localhost:5000/base:1");
    let proxy = Faulty::before(registry.address());
    let slow = rbox_images::Digest::of(&app.layers[1].1).to_string();
    proxy.fault(&slow, 1, Fault::Slow(500));
    let name = format!("{}/app:1", proxy.address());
    let pull = host.spawn(&format!("pull {name}"));
    eventually("the request for the second layer", || {
        proxy
            .seen()
            .iter()
            .any(|seen| seen.request.contains(&slow))
            .then_some(())
    });
    host.ok("rmi localhost:5000/base:1");
    let output = pull.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for diff_id in app.config["rootfs"]["diff_ids"].as_array().unwrap() {
        let hex = &diff_id.as_str().unwrap()[7..];
        assert!(
            host.root()
                .join("images/layers")
                .join(hex)
                .join("fs")
                .exists()
        );
    }
    host.ok(&format!("image inspect {name}"));
}

#[test]
fn a_build_pulls_what_it_stands_on() {
    const TEST: &str = "a_build_pulls_what_it_stands_on";
    let host = Host::without_images();
    let Some(registry) = Registry::start(&host, TEST) else {
        return;
    };
    registry.image("base:1", &Parts::plain(100));
    let (digest, _) = registry.manifest_of("base:1");
    host.write(
        "context/Dockerfile",
        "FROM localhost:5000/base:1\nLABEL a=b\n",
    );
    let context = host.scratch().join("context");
    let context = context.to_str().unwrap();
    let built = host.rbox(&["build", "-t", "app", context]);
    assert_eq!(built.code, 0, "{built:?}");
    for layer in layers(&registry, "base:1") {
        assert!(
            built.stderr.contains(&format!("{layer}: Pull complete")),
            "{built:?}"
        );
    }
    let text = host.ok("image inspect localhost:5000/base:1");
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        shown[0]["RepoDigests"],
        json!([format!("localhost:5000/base@{digest}")])
    );
    // Its layers go out as they came in.
    host.ok("tag app localhost:5000/app:1");
    host.ok("push localhost:5000/app:1");
    assert_eq!(layers(&registry, "app:1"), layers(&registry, "base:1"));
}
