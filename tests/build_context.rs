//! What a build may copy from: directories, archives from a pipe, and what is ignored in them.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::harness::{Host, Output, Tar};

/// Runs rbox with bytes as its stdin.
fn fed(host: &Host, bytes: &[u8], line: &[&str]) -> Output {
    let mut command = host.command(line);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A build that fails early does not read all of it.
        scope.spawn(move || stdin.write_all(bytes));
        Output::new(line.join(" "), child.wait_with_output().unwrap())
    })
}

fn context(host: &Host, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        host.write(&format!("context/{name}"), text);
    }
    host.scratch().join("context").to_str().unwrap().to_owned()
}

/// Every file below /c of the image `made`.
fn copied(host: &Host) -> String {
    let script = "cd /c && find . -type f | sort | tr '\\n' ' '";
    let line = ["run", "--rm", "--network=none", "made", "sh", "-c", script];
    host.rbox(&line).ok().trim().replace("./", "")
}

const ALL: &str = "FROM alpine\nCOPY . /c/\n";

#[test]
fn ignored_files_are_not_there() {
    let host = Host::with_own_images();
    let directory = context(
        &host,
        &[
            ("Dockerfile", ALL),
            (
                ".dockerignore",
                "# comment\n*.log\nsecret\nDockerfile\n.dockerignore\n!kept.log\nd/*\n!d/in\n",
            ),
            ("a.log", ""),
            ("kept.log", ""),
            ("sub/b.log", ""),
            ("secret/key", ""),
            ("d/in/x", ""),
            ("d/out", ""),
        ],
    );
    host.ok(&format!("build -q -t made {directory}"));
    assert_eq!(copied(&host), "d/in/x kept.log sub/b.log");
    host.write("context/Dockerfile", "FROM alpine\nCOPY secret/key /c/\n");
    let error = host.fails(1, &format!("build -q -t made {directory}"));
    assert!(error.contains("excluded by .dockerignore"), "{error}");
    // One Dockerfile's own file goes before.
    host.write("context/Dockerfile", ALL);
    host.write("context/Dockerfile.dockerignore", "*\n!sub\n");
    host.ok(&format!("build -q -t made {directory}"));
    assert_eq!(copied(&host), "sub/b.log");
}

#[test]
fn what_is_ignored_does_not_spoil_the_cache() {
    let host = Host::with_own_images();
    let directory = context(
        &host,
        &[
            ("Dockerfile", ALL),
            (".dockerignore", "*.log\n"),
            ("a", "a"),
        ],
    );
    let first = host.ok(&format!("build -q -t made {directory}"));
    host.write("context/new.log", "");
    assert_eq!(host.ok(&format!("build -q -t made {directory}")), first);
    host.write("context/a", "A");
    assert_ne!(host.ok(&format!("build -q -t made {directory}")), first);
}

#[test]
fn a_tar_from_a_pipe_is_a_context() {
    let host = Host::with_own_images();
    let tar = Tar::default()
        .file("./Dockerfile", ALL.as_bytes())
        .file("other", b"FROM alpine\nCOPY d/f /c/\n")
        .file(".dockerignore", b"Dockerfile\nother\n.dockerignore\n")
        .directory("d/")
        .file("d/f", b"x")
        .symlink("link", "d/f")
        .finish();
    fed(&host, &tar, &["build", "-q", "-t", "made", "-"]).ok();
    assert_eq!(copied(&host), "d/f");
    fed(
        &host,
        &tar,
        &["build", "-q", "-t", "made", "-f", "other", "-"],
    )
    .ok();
    assert_eq!(copied(&host), "f");
    let error = fed(&host, &tar[..600], &["build", "-q", "-"]).fails(1);
    assert!(error.contains("unexpected EOF"), "{error}");
    let error = fed(&host, b"\xfd7zXZ\0", &["build", "-q", "-"]).fails(1);
    assert!(error.contains("xz"), "{error}");
}

#[test]
fn a_dockerfile_from_a_pipe_has_no_context_or_the_one_that_is_named() {
    let host = Host::with_own_images();
    let directory = context(&host, &[("a", "a"), ("Dockerfile", "FROM nosuch\n")]);
    let text = b"FROM alpine\nRUN mkdir /c && touch /c/made\n";
    fed(&host, text, &["build", "-q", "-t", "made", "-"]).ok();
    assert_eq!(copied(&host), "made");
    fed(&host, b"FROM alpine\nCOPY a /c/\n", &["build", "-q", "-"]).fails(1);
    let line = ["build", "-q", "-t", "made", "-f", "-", &directory];
    fed(&host, b"FROM alpine\nCOPY a /c/\n", &line).ok();
    assert_eq!(copied(&host), "a");
}

#[test]
fn contexts_and_dockerfiles_may_be_elsewhere() {
    let host = Host::with_own_images();
    let directory = context(&host, &[("a", "a")]);
    let dockerfile = host.write("elsewhere/My.Dockerfile", "FROM alpine\nCOPY a /c/\n");
    let link = host.scratch().join("link");
    std::os::unix::fs::symlink(&directory, &link).unwrap();
    let link = link.to_str().unwrap();
    host.ok(&format!("build -q -t made -f {dockerfile} {link}"));
    assert_eq!(copied(&host), "a");
    let error = host.fails(1, "build /no/such/context");
    assert!(error.contains("unable to prepare context"), "{error}");
    let error = host.fails(1, &format!("build {dockerfile}"));
    assert!(error.contains("context must be a directory"), "{error}");
    let error = host.fails(1, &format!("build {directory}"));
    assert!(error.contains("failed to read dockerfile"), "{error}");
}

#[test]
fn nothing_of_a_context_is_left_after_a_build() {
    let host = Host::with_own_images();
    let tar = Tar::default().file("Dockerfile", ALL.as_bytes()).finish();
    fed(&host, &tar, &["build", "-q", "-t", "made", "-"]).ok();
    let broken = Tar::default()
        .file("Dockerfile", b"FROM alpine\nRUN false\n")
        .finish();
    fed(&host, &broken, &["build", "-q", "-"]).fails(1);
    let left: Vec<_> = fs::read_dir(host.root().join("images/tmp"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(host.root().to_str().unwrap()), "{mounts}");
}
