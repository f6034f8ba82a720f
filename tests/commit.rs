//! `commit`: a container becomes an image.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;

use crate::harness::{Host, kill, wait_until};

#[test]
fn what_a_container_changed_is_in_the_image() {
    let host = Host::with_own_images();
    host.ok("create --name box -e A=1 -w /srv -p 80 alpine sh -c true");
    let setup = "echo new > /etc/new; rm /etc/motd; rm -r /media; mkdir /media; \
                 ln /etc/new /srv/hard; ln -s new /etc/soft; chown 12:34 /etc/soft -h; \
                 mkfifo /srv/pipe; chmod 4755 /etc/new; touch -d '2001-02-03 04:05:06' /etc/new; \
                 dd if=/dev/zero of=/srv/sparse bs=1 count=0 seek=5M 2>/dev/null";
    host.ok("run --name changed -e A=1 -w /srv --expose 80 --label k=v alpine true");
    host.rbox(&[
        "run", "--name", "box2", "-e", "A=1", "-w", "/srv", "alpine", "sh", "-c", setup,
    ])
    .ok();
    let id = host.ok("commit box2 mine:1");
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    let look = "cat /etc/new; ls /etc/motd /media/usb 2>&1; \
                stat -c '%a %h %Y' /etc/new; stat -c %i /etc/new /srv/hard | uniq | wc -l; \
                readlink /etc/soft; stat -c %u:%g /etc/soft; stat -c '%F %s' /srv/pipe /srv/sparse; \
                echo $A; pwd";
    let seen = host.rbox(&["run", "--rm", "mine:1", "sh", "-c", look]).ok();
    let expected = "new\nls: /etc/motd: No such file or directory\n\
                    ls: /media/usb: No such file or directory\n4755 2 981173106\n1\nnew\n12:34\n\
                    fifo 0\nregular file 5242880\n1\n/srv";
    assert_eq!(seen, expected);
    // The container's own settings, and what Docker's history says.
    let config = |key: &str| {
        let format = format!("{{{{json .Config.{key}}}}}");
        host.rbox(&["image", "inspect", "-f", &format, "mine:1"])
            .ok()
    };
    assert!(config("Env").contains("\"A=1\""));
    assert_eq!(config("WorkingDir"), "\"/srv\"");
    // A container that changed nothing makes an image without a layer of its own.
    host.ok("commit changed same");
    let layers = |image: &str| {
        let line = ["image", "inspect", "-f", "{{json .RootFS.Layers}}", image];
        host.rbox(&line).ok()
    };
    assert_eq!(layers("same"), layers("alpine"));
    let of_same = |key: &str| {
        let format = format!("{{{{json .Config.{key}}}}}");
        host.rbox(&["image", "inspect", "-f", &format, "same"]).ok()
    };
    assert_eq!(of_same("Labels"), r#"{"k":"v"}"#);
    assert_eq!(of_same("ExposedPorts"), r#"{"80/tcp":{}}"#);
}

#[test]
fn author_message_and_changes_are_told() {
    let host = Host::with_own_images();
    host.ok("run --name box alpine true");
    let line = [
        "commit",
        "-a",
        "Me",
        "-m",
        "a message",
        "-c",
        "CMD [\"echo\",\"done\"]",
        "-c",
        "ENV X=1",
        "box",
        "mine",
    ];
    host.rbox(&line).ok();
    assert_eq!(host.ok("run --rm mine"), "done");
    assert_eq!(host.ok("image inspect -f {{.Author}} mine"), "Me");
    assert_eq!(host.ok("image inspect -f {{.Comment}} mine"), "a message");
    // Without a name it is an image without a name.
    let id = host.ok("container commit box");
    assert_eq!(
        host.ok("images -q --no-trunc")
            .lines()
            .filter(|known| *known == id)
            .count(),
        1
    );
    // A new entry point drops the command that was meant for the old one.
    host.rbox(&[
        "commit",
        "-c",
        "ENTRYPOINT [\"echo\",\"only\"]",
        "box",
        "entry",
    ])
    .ok();
    assert_eq!(host.ok("run --rm entry"), "only");
}

#[test]
fn an_image_made_by_commit_is_saved_and_loaded_elsewhere() {
    let host = Host::with_own_images();
    host.rbox(&[
        "run",
        "--name",
        "box",
        "alpine",
        "sh",
        "-c",
        "echo kept > /kept",
    ])
    .ok();
    let id = host.ok("commit box mine:1");
    let tar = host.scratch().join("mine.tar");
    host.ok(&format!("save -o {} mine:1", tar.display()));
    host.ok("rm box");
    host.ok("rmi mine:1");
    host.ok(&format!("load -i {}", tar.display()));
    assert_eq!(host.ok("image inspect -f {{.Id}} mine:1"), id);
    assert_eq!(host.ok("run --rm mine:1 cat /kept"), "kept");
}

#[test]
fn a_container_of_a_range_of_its_own_becomes_an_image_of_roots_files() {
    let host = Host::with_own_images();
    let script = "echo x > /f; chown 7:8 /f; mkdir /d";
    host.rbox(&[
        "run", "--name", "box", "--userns", "auto", "alpine", "sh", "-c", script,
    ])
    .ok();
    host.ok("commit box mine");
    let owners = host.ok("run --rm mine stat -c %u:%g /f /d /");
    assert_eq!(owners, "7:8\n0:0\n0:0");
}

#[test]
fn a_running_container_stands_still_while_it_is_committed() {
    let host = Host::with_own_images();
    // Two files that always say the same, unless they are read between two writes.
    let script =
        "i=0; while :; do i=$((i+1)); echo $i > /t; mv /t /a; echo $i > /t; mv /t /b; done";
    host.rbox(&["run", "-d", "--name", "box", "alpine", "sh", "-c", script])
        .ok();
    assert!(wait_until(10, || host
        .rbox(&["exec", "box", "test", "-s", "/b"])
        .code
        == 0));
    for _ in 0..3 {
        host.ok("commit box mine");
        let numbers = host.ok("run --rm mine cat /a /b");
        let numbers: Vec<i64> = numbers.lines().map(|n| n.parse().unwrap()).collect();
        assert!(numbers[0] - numbers[1] <= 1, "{numbers:?}");
    }
    // It goes on afterwards.
    let now = || host.ok("exec box cat /a");
    let before = now();
    assert!(wait_until(10, || now() != before));
    for unpaused in ["--pause=false", "--no-pause", "-p=false"] {
        host.ok(&format!("commit {unpaused} box mine"));
    }
}

#[test]
fn a_container_runs_on_when_the_commit_is_killed() {
    let host = Host::with_own_images();
    let script = "dd if=/dev/zero of=/big bs=1M count=300 2>/dev/null; \
                  while :; do date +%s%N > /now; done";
    host.rbox(&["run", "-d", "--name", "box", "alpine", "sh", "-c", script])
        .ok();
    let now = || host.rbox(&["exec", "box", "cat", "/now"]).stdout;
    assert!(wait_until(60, || !now().is_empty()));
    let mut commit = host.command(&["commit", "box", "mine"]).spawn().unwrap();
    let frozen = || {
        let stat = fs::read_to_string(format!("/proc/{}/wchan", host.pid("box")));
        stat.is_ok_and(|text| text.contains("freez") || text.contains("refrigerator"))
    };
    // Where the kernel does not tell, it is killed at some moment.
    wait_until(3, frozen);
    kill(commit.id().try_into().unwrap());
    commit.wait().unwrap();
    let before = now();
    assert!(wait_until(10, || now() != before));
    assert!(!host.ok("images").contains("mine"));
    // What it left is deleted by whoever writes next.
    host.ok("commit --pause=false box other");
    let left = fs::read_dir(host.root().join("images/tmp"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
fn hostile_files_do_not_stop_a_commit_nor_lead_it_out() {
    let host = Host::with_own_images();
    let secret = host.write("secret", "the host's own");
    let script = format!(
        "mkfifo /pipe; ln -s {secret} /link; ln -s /proc/self/root/{secret} /etc/link; \
         mknod /null c 1 3; mkdir -p /deep; cd /deep; \
         i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done; touch bottom; \
         (while :; do ln -s /etc /swap 2>/dev/null; rm -rf /swap; mkdir /swap; rm -rf /swap; done) & \
         nc -lU /socket & while :; do mv /pipe /file; rm -f /file; echo x > /file; rm /file; \
         mkfifo /pipe; done"
    );
    host.rbox(&["run", "-d", "--name", "box", "alpine", "sh", "-c", &script])
        .ok();
    assert!(wait_until(20, || host
        .rbox(&["exec", "box", "test", "-e", "/null"])
        .code
        == 0));
    for _ in 0..5 {
        host.ok("commit --pause=false box mine");
    }
    assert_eq!(host.ok("run --rm mine readlink /link"), secret);
    let look = "stat -c %F /null; ls /socket 2>/dev/null | wc -l";
    let kinds = host.rbox(&["run", "--rm", "mine", "sh", "-c", look]).ok();
    assert_eq!(kinds, "character special file\n0");
    let layers = fs::read_dir(host.root().join("images/layers")).unwrap();
    for layer in layers {
        let socket = layer.unwrap().path().join("fs/socket");
        assert!(
            !socket
                .symlink_metadata()
                .is_ok_and(|found| found.file_type().is_socket())
        );
    }
}

#[test]
fn what_cannot_be_committed_is_refused_with_dockers_words() {
    let host = Host::with_own_images();
    assert_eq!(
        host.fails(1, "commit nosuch x"),
        "rbox: No such container: nosuch"
    );
    host.ok("create --name box alpine");
    let error = host.rbox(&["commit", "box", "Bad Name"]).fails(1);
    assert!(error.contains("invalid reference format"), "{error}");
    let error = host.rbox(&["commit", "-c", "RUN true", "box"]).fails(1);
    assert!(
        error.contains("RUN is not a valid change command"),
        "{error}"
    );
    let error = host.fails(1, "commit");
    assert!(
        error.contains("requires at least 1 and at most 2 arguments")
            || error.contains("requires at least 1"),
        "{error}"
    );
    host.rbox(&["run", "--name", "bad", "alpine", "touch", "/.wh.x"])
        .ok();
    let error = host.fails(1, "commit bad");
    assert!(
        error.contains("a layer cannot hold names that start with .wh."),
        "{error}"
    );
}
