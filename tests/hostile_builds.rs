//! Contexts, images and Dockerfiles that are out for more than a build.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Host, Output, Tar};

fn build(host: &Host, dockerfile: &str) -> Output {
    host.write("context/Dockerfile", dockerfile);
    let context = host.scratch().join("context");
    host.rbox(&["build", "-q", "-t", "made", context.to_str().unwrap()])
}

#[track_caller]
fn inside(host: &Host, script: &str) -> String {
    host.rbox(&["run", "--rm", "--network=none", "made", "sh", "-c", script])
        .ok()
}

fn link(host: &Host, target: &str, name: &str) {
    let path = host.scratch().join("context").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

#[test]
fn no_source_leads_out_of_the_context() {
    let host = Host::with_own_images();
    let secret = host.write("secret", "of the host");
    link(&host, &secret, "absolute");
    link(&host, "../secret", "up");
    link(&host, "/", "root");
    link(&host, "/proc/self/root", "magic");
    link(&host, "..", "parent");
    for source in [
        "../secret",
        "/../../secret",
        "absolute",
        "up",
        &format!("root{secret}"),
        &format!("magic{secret}"),
        "parent/secret",
        "p*/secret",
    ] {
        let output = build(&host, &format!("FROM alpine\nCOPY {source} /x/\n"));
        // A pattern does not go through links: it matches nothing.
        match source.contains('*') {
            true => {
                output.ok();
                assert_eq!(inside(&host, "cat /x/secret 2>/dev/null; true"), "");
            }
            false => {
                let error = output.fails(1);
                assert!(error.contains("not found"), "{source}: {error}");
            }
        }
    }
    // Links in a directory are copied as links.
    link(&host, &secret, "dir/link");
    build(&host, "FROM alpine\nCOPY dir /x/\n").ok();
    assert_eq!(
        inside(
            &host,
            "readlink /x/link; cat /x/link 2>&1 | grep -c host; true"
        ),
        format!("{secret}\n0")
    );
}

#[test]
fn no_destination_leads_out_of_the_image() {
    let host = Host::with_own_images();
    let outside = host.scratch().join("outside");
    fs::create_dir(&outside).unwrap();
    host.write("context/f", "evil");
    host.write("context/tree/outside/f", "evil");
    let up = "../".repeat(30);
    let absolute = outside.display();
    let dockerfile = format!(
        "FROM alpine\nRUN ln -s {absolute} /absolute && ln -s {up}{absolute} /up && \
         ln -s /proc/self/root{absolute} /magic\n\
         COPY f /absolute/\nCOPY f /up/g\nCOPY f /magic/h\nCOPY f {up}{absolute}/i\n\
         WORKDIR /absolute/made\nADD f .\n"
    );
    build(&host, &dockerfile).ok();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let found = inside(&host, &format!("ls {absolute} | tr '\\n' ' '"));
    assert_eq!(found, "f g i made ");
}

#[test]
fn an_archive_of_the_context_stays_in_its_destination() {
    let host = Host::with_own_images();
    let context = host.scratch().join("context");
    fs::create_dir_all(&context).unwrap();
    let outside = host.write("outside", "of the host");
    for (tar, text) in [
        (Tar::default().file("../../x", b"evil"), "\"..\""),
        (
            Tar::default().symlink("l", "../../..").file("l/x", b"evil"),
            "leads out",
        ),
        (Tar::default().hardlink("l", "../../outside"), "leads out"),
        (Tar::default().file("a/.wh.b", b""), "deleted file"),
    ] {
        let tar = tar.finish();
        fs::write(context.join("evil.tar"), &tar).unwrap();
        let error = build(&host, "FROM alpine\nADD evil.tar /to/\n").fails(1);
        assert!(error.contains(text), "{error}");
        let error = piped(&host, &tar).fails(1);
        assert!(error.contains(text), "{error}");
    }
    assert_eq!(fs::read_to_string(outside).unwrap(), "of the host");
    let left: Vec<_> = fs::read_dir(host.root().join("images/tmp"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn piped(host: &Host, bytes: &[u8]) -> Output {
    let mut command = host.command(&["build", "-q", "-"]);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes));
        Output::new("build -".to_owned(), child.wait_with_output().unwrap())
    })
}

#[test]
fn what_means_a_deletion_in_a_layer_is_not_copied() {
    let host = Host::with_own_images();
    host.write("context/tree/.wh.passwd", "");
    host.write("context/f", "");
    for line in [
        "COPY tree /etc/",
        "COPY f /etc/.wh.passwd",
        "COPY f /.wh.etc/x",
    ] {
        let error = build(&host, &format!("FROM alpine\n{line}\n")).fails(1);
        assert!(error.contains("mean deleted files"), "{line}: {error}");
    }
}

#[test]
fn special_files_of_a_context_keep_nobody_waiting() {
    let host = Host::with_own_images();
    let context = host.scratch().join("context");
    fs::create_dir_all(context.join("d")).unwrap();
    let pipe = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RUSR;
    for name in ["d/pipe", "Pipefile", "ignore"] {
        rustix::fs::mknodat(rustix::fs::CWD, context.join(name), pipe, mode, 0).unwrap();
    }
    let _socket = std::os::unix::net::UnixListener::bind(context.join("d/socket")).unwrap();
    let begin = Instant::now();
    build(&host, "FROM alpine\nCOPY d /d\n").ok();
    assert_eq!(
        inside(&host, "ls /d; test -p /d/pipe && echo pipe"),
        "pipe\npipe"
    );
    let path = context.to_str().unwrap();
    host.fails(1, &format!("build -q -f {path}/Pipefile {path}"));
    fs::rename(context.join("ignore"), context.join(".dockerignore")).unwrap();
    host.fails(1, &format!("build -q {path}"));
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn the_images_own_user_files_are_read_with_care() {
    let host = Host::with_own_images();
    host.write("context/f", "");
    for prepare in [
        "rm /etc/passwd && mkfifo /etc/passwd",
        "rm /etc/passwd && ln -s /dev/zero /etc/passwd",
        "rm /etc/passwd && ln -s /proc/self/root/etc/passwd /etc/passwd",
        "dd if=/dev/zero of=/etc/passwd bs=1M count=3",
        "rm /etc/passwd && mkdir /etc/passwd",
        "rm /etc/passwd && ln -s passwd /etc/passwd",
        "echo x:x:4294967295:1:: > /etc/passwd",
    ] {
        let dockerfile = format!("FROM alpine\nRUN {prepare}\nCOPY --chown=x f /f\n");
        build(&host, &dockerfile).fails(1);
        // Ids need no files.
        build(&host, &dockerfile.replace("--chown=x", "--chown=5")).ok();
    }
}

#[test]
fn tricks_with_ignored_files_show_nothing() {
    let host = Host::with_own_images();
    let secret = host.write("secret", "of the host");
    host.write("context/hidden/key", "key");
    link(&host, "hidden/key", "shown");
    link(&host, "hidden", "door");
    link(&host, &secret, ".dockerignore");
    // A file that is not there in the context ignores nothing, and is not read on the host.
    build(&host, "FROM alpine\nCOPY hidden/key /x\n").ok();
    fs::remove_file(host.scratch().join("context/.dockerignore")).unwrap();
    host.write(
        "context/.dockerignore",
        "hidden\n../../etc\n**/../x\n!../secret\n",
    );
    for source in [
        "hidden",
        "hidden/key",
        "shown",
        "door/key",
        "./a/../hidden/key",
        "door",
    ] {
        let error = build(&host, &format!("FROM alpine\nCOPY {source} /x/\n")).fails(1);
        assert!(error.contains("not found"), "{source}: {error}");
    }
    build(&host, "FROM alpine\nCOPY h* d* /x/\n").ok();
    assert_eq!(inside(&host, "find /x -type f 2>/dev/null | wc -l"), "0");
    host.write("context/.dockerignore", "[\n");
    let error = build(&host, "FROM alpine\n").fails(1);
    assert!(error.contains("syntax error in pattern"), "{error}");
    host.write("context/.dockerignore", &"a\n".repeat(100_000));
    build(&host, "FROM alpine\n").fails(1);
}

#[test]
fn odd_names_and_deep_trees_are_copied() {
    let host = Host::with_own_images();
    let names = ["new\nline", "esc\u{1b}[31m", "quote\"'", "-rf", "*", "[a"];
    for name in names {
        host.write(&format!("context/odd/{name}"), "");
    }
    let deep = format!("context/deep/{}", "d/".repeat(1000));
    host.write(&format!("{deep}file"), "deep");
    build(
        &host,
        "FROM alpine\nCOPY odd /odd/\nCOPY deep /deep/\nCOPY odd/[*] /star/\n",
    )
    .ok();
    let found = inside(
        &host,
        "ls /odd | wc -l; ls /star; find /deep -type f | wc -l",
    );
    assert_eq!(found, "6\n*\n1");
    let owner = fs::metadata(host.scratch().join("context/odd")).unwrap();
    assert_eq!(owner.uid(), 0);
}
