//! Images: brought in, listed, named, saved, loaded and removed.

use std::fs;
use std::process::Stdio;

use crate::harness::{Host, Output, Tar, archive};

/// A host whose own store holds a tiny image `tiny:1`.
fn with_tiny() -> Host {
    let host = Host::without_images();
    let tar = tiny(&host, b"one\n");
    host.ok(&format!("import {tar} tiny:1"));
    host
}

/// An archive with one file.
fn tiny(host: &Host, data: &[u8]) -> String {
    let path = host.scratch().join(format!("tiny-{}.tar", data.len()));
    fs::write(
        &path,
        Tar::default()
            .directory("etc/")
            .file("etc/one", data)
            .finish(),
    )
    .unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs rbox with a file as its stdin.
fn fed(host: &Host, file: &str, line: &[&str]) -> Output {
    let mut command = host.command(line);
    command.stdin(Stdio::from(fs::File::open(file).unwrap()));
    Output::new(line.join(" "), command.output().unwrap())
}

#[test]
fn an_archive_becomes_an_image_that_runs() {
    let host = Host::without_images();
    let file = archive("alpine-3.23.tar.gz").to_str().unwrap().to_owned();
    assert_eq!(
        host.ok("images"),
        "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE"
    );
    let id = host.ok(&format!("import {file} mine:1"));
    assert!(id.len() == 71 && id.starts_with("sha256:"), "{id}");
    let second = fed(
        &host,
        &file,
        &[
            "import",
            "-c",
            "CMD [\"echo\",\"imported\"]",
            "-m",
            "msg",
            "-",
            "mine:2",
        ],
    );
    assert_ne!(second.ok(), id);
    assert_eq!(host.ok("run --rm mine:2"), "imported");
    let error = host.fails(125, "run --rm mine:1");
    assert!(error.starts_with("rbox: no command specified\n"), "{error}");
    assert_eq!(host.ok("image inspect -f {{.Comment}} mine:2"), "msg");
    assert_eq!(
        host.ok("image inspect -f {{.Comment}} mine:1"),
        format!("Imported from {file}")
    );
    let rows = host.ok("images");
    let mut rows = rows.lines();
    assert_eq!(
        rows.next()
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        "REPOSITORY TAG IMAGE ID CREATED SIZE"
    );
    let first: Vec<&str> = rows.next().unwrap().split_whitespace().collect();
    assert_eq!(first[..2], ["mine", "2"], "newest first");
    assert!(first.last().unwrap().ends_with("MB"));
}

#[test]
fn every_kind_of_change_is_applied() {
    let host = Host::without_images();
    let tar = tiny(&host, b"one\n");
    let changes = [
        "ENTRYPOINT echo hi",
        "CMD [\"a\", \"b c\"]",
        "ENV A=1 B=\"two words\"",
        "ENV OLD style value",
        "WORKDIR /srv",
        "USER nobody",
        "EXPOSE 80 53/udp",
        "LABEL k=v x=\"y z\"",
        "VOLUME /data",
        "STOPSIGNAL QUIT",
    ];
    let mut line = vec!["import"];
    line.extend(changes.iter().flat_map(|change| ["-c", change]));
    line.extend([tar.as_str(), "full"]);
    host.rbox(&line).ok();
    for (key, expected) in [
        ("Entrypoint", r#"["/bin/sh","-c","echo hi"]"#),
        ("Cmd", r#"["a","b c"]"#),
        ("Env", r#"["A=1","B=two words","OLD=style value"]"#),
        ("WorkingDir", "\"/srv\""),
        ("User", "\"nobody\""),
        ("ExposedPorts", r#"{"53/udp":{},"80/tcp":{}}"#),
        ("Labels", r#"{"k":"v","x":"y z"}"#),
        ("Volumes", r#"{"/data":{}}"#),
        ("StopSignal", "\"QUIT\""),
    ] {
        let format = format!("{{{{json .Config.{key}}}}}");
        assert_eq!(
            host.rbox(&["image", "inspect", "-f", &format, "full"]).ok(),
            expected,
            "{key}"
        );
    }
    let error = host.rbox(&["import", "-c", "BOGUS x", &tar, "y"]).fails(1);
    assert_eq!(error, "rbox: BOGUS is not a valid change command");
    assert_eq!(host.ok("images -q").lines().count(), 1);
}

#[test]
fn the_list_is_filtered_and_formatted() {
    let host = with_tiny();
    let id = host.ok("images -q --no-trunc tiny:1");
    let short = &id[7..19];
    host.ok("tag tiny:1 tiny:2");
    host.ok("tag tiny:1 reg.test:5000/a/b:c");
    fed(&host, &tiny(&host, b"other\n"), &["import", "-"]).ok();
    assert_eq!(host.ok("images -q tiny"), format!("{short}\n{short}"));
    let format = [
        "images",
        "--format",
        "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}",
        "tiny:2",
    ];
    assert_eq!(host.rbox(&format).ok(), format!("tiny:2 {short} 4B"));
    assert_eq!(
        host.ok("images nosuch"),
        "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE"
    );
    let names = |filter: &str| {
        host.rbox(&[
            "images",
            "--filter",
            filter,
            "--format",
            "{{.Repository}}:{{.Tag}}",
        ])
        .ok()
    };
    assert_eq!(names("dangling=true"), "<none>:<none>");
    assert_eq!(names("reference=*:2"), "tiny:2");
    assert_eq!(names("reference=reg.test:5000/*/b"), "reg.test:5000/a/b:c");
    let line = host.ok("image ls --format json tiny:1");
    assert!(
        line.starts_with("{\"Containers\":\"N/A\",\"CreatedAt\":\""),
        "{line}"
    );
}

#[test]
fn names_that_are_none_are_refused() {
    let host = with_tiny();
    assert_eq!(
        host.fails(1, "tag nosuch x"),
        "rbox: No such image: nosuch:latest"
    );
    assert_eq!(
        host.fails(1, "tag tiny:1 Bad"),
        "rbox: Error parsing reference: \"Bad\" is not a valid repository/tag: invalid reference \
         format: repository name (library/Bad) must be lowercase"
    );
    let tar = tiny(&host, b"one\n");
    assert_eq!(
        host.fails(1, &format!("import {tar} Bad")),
        "rbox: invalid reference format: repository name (library/Bad) must be lowercase"
    );
    for (line, text) in [
        (
            "import /nosuch.tar",
            "open /nosuch.tar: no such file or directory",
        ),
        ("load -i /nosuch", "open /nosuch: no such file or directory"),
        ("save nosuch", "No such image: nosuch"),
        ("rmi nosuch", "No such image: nosuch:latest"),
        ("run --pull never nosuch", "No such image: nosuch:latest"),
    ] {
        let output = host.rbox(&line.split(' ').collect::<Vec<_>>());
        let first = output.stderr.lines().next().unwrap_or_default().to_owned();
        assert_eq!(first, format!("rbox: {text}"), "{line}");
        assert_eq!(
            output.code,
            if line.starts_with("run") { 125 } else { 1 },
            "{line}"
        );
    }
    assert_eq!(
        host.fails(1, "rmi"),
        "rbox: 'rbox rmi' requires at least 1 argument\n\nUsage:  rbox rmi [OPTIONS] IMAGE \
         [IMAGE...]\n\nSee 'rbox rmi --help' for more information"
    );
    assert_eq!(
        host.fails(1, "save -o /nosuch/dir/x tiny:1"),
        "rbox: failed to save image: invalid output path: directory \"/nosuch/dir\" does not exist"
    );
}

#[test]
fn an_archive_is_not_put_in_the_place_of_a_device() {
    let host = Host::new();
    host.ok("create --name web alpine true");
    let device = host.scratch().join("null");
    host.sh(&format!("mknod {} c 1 3", device.display())).ok();
    let link = host.scratch().join("link");
    std::os::unix::fs::symlink(&device, &link).unwrap();
    for path in [&device, &link] {
        let path = path.display();
        for (line, what) in [
            (format!("save -o {path} alpine"), "save image"),
            (format!("export -o {path} web"), "export container"),
        ] {
            assert_eq!(
                host.fails(1, &line),
                format!(
                    "rbox: failed to {what}: invalid output path: \"{path}\" must be a directory \
                     or a regular file"
                )
            );
        }
    }
    let kind = std::fs::metadata(&device).unwrap().file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_char_device(&kind));
    assert!(link.is_symlink());
}

#[test]
fn what_is_saved_can_be_loaded_whichever_layout_is_read() {
    let host = with_tiny();
    let id = host.ok("images -q --no-trunc tiny:1");
    host.ok("tag tiny:1 tiny:2");
    let file = host.scratch().join("save.tar").display().to_string();
    host.ok(&format!("save -o {file} tiny:1 tiny:2"));
    let names = host.sh(&format!("tar tf {file}")).ok();
    for name in ["oci-layout", "index.json", "manifest.json", "repositories"] {
        assert!(
            names.lines().any(|line| line == name),
            "{name} is missing in {names}"
        );
    }
    for (layout, others) in [
        ("OCI", "manifest.json repositories"),
        ("docker", "index.json oci-layout"),
    ] {
        host.ok("rmi tiny:1 tiny:2");
        assert_eq!(host.ok("images -q"), "");
        host.sh(&format!(
            "cp {file} {file}.one && tar --delete -f {file}.one {others}"
        ))
        .ok();
        assert_eq!(
            host.ok(&format!("load -i {file}.one")),
            "Loaded image: tiny:1\nLoaded image: tiny:2",
            "{layout}"
        );
        assert_eq!(host.ok("images -q --no-trunc tiny:1"), id, "{layout}");
    }
    // By stdin, compressed, over what is there already.
    host.sh(&format!("gzip -k {file}")).ok();
    let again = fed(&host, &format!("{file}.gz"), &["load"]).ok();
    assert_eq!(again, "Loaded image: tiny:1\nLoaded image: tiny:2");
    let mut save = host.command(&["save", "tiny:1"]);
    let bytes = save.output().unwrap().stdout;
    assert!(bytes.len() > 1024 && bytes.len().is_multiple_of(512));
}

#[test]
fn removal_untags_first_and_spares_what_is_in_use() {
    let host = Host::without_images();
    let file = archive("alpine-3.23.tar.gz").to_str().unwrap().to_owned();
    let id = host.ok(&format!("import {file} mine:1"));
    let short = &id[7..19];
    let format = "{{index .RootFS.Layers 0}}";
    let layer = host
        .rbox(&["image", "inspect", "-f", format, "mine:1"])
        .ok();
    host.ok("tag mine:1 mine:2");
    assert_eq!(host.ok("rmi mine:2"), "Untagged: mine:2");
    host.ok("run -d --name box mine:1 sleep 1000");
    let container = &host.id("box")[..12];
    assert_eq!(
        host.fails(1, "rmi mine:1"),
        format!(
            "rbox: conflict: unable to remove repository reference \"mine:1\" (must force) - \
             container {container} is using its referenced image {short}"
        )
    );
    assert_eq!(host.ok("rmi -f mine:1"), "Untagged: mine:1");
    assert_eq!(host.ok("ps --format {{.Image}}"), short);
    let running = format!(
        "rbox: conflict: unable to delete {short} (cannot be forced) - image is being used by \
         running container {container}"
    );
    assert_eq!(host.fails(1, &format!("rmi {short}")), running);
    assert_eq!(host.fails(1, &format!("rmi -f {id}")), running);
    host.ok("stop -t 0 box");
    assert_eq!(
        host.fails(1, &format!("rmi {id}")),
        format!(
            "rbox: conflict: unable to delete {short} (must be forced) - image is being used by \
             stopped container {container}"
        )
    );
    host.ok("rm box");
    assert_eq!(
        host.ok(&format!("rmi {short}")),
        format!("Deleted: {id}\nDeleted: {layer}")
    );
    for part in ["blobs/sha256", "layers"] {
        let left = fs::read_dir(host.root().join("images").join(part))
            .unwrap()
            .count();
        assert_eq!(left, 0, "{part} still has something");
    }
}

#[test]
fn images_go_on_being_removed_after_one_that_is_missing() {
    let host = with_tiny();
    let id = host.ok("images -q --no-trunc");
    let format = "{{index .RootFS.Layers 0}}";
    let layer = host
        .rbox(&["image", "inspect", "-f", format, "tiny:1"])
        .ok();
    let output = host.rbox(&["rmi", "nosuch", "tiny:1"]);
    assert_eq!(
        output.stdout,
        format!("Untagged: tiny:1\nDeleted: {id}\nDeleted: {layer}\n")
    );
    assert_eq!(output.fails(1), "rbox: No such image: nosuch:latest");
}
