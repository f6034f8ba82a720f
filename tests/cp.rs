//! `cp` between the host and containers, running and stopped, and as tar streams.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use crate::harness::Host;

/// `dir/{file,sub/deep,link}` and `one` on the host.
fn files(host: &Host) -> PathBuf {
    let base = host.scratch().join("in");
    fs::create_dir_all(base.join("dir/sub")).unwrap();
    fs::write(base.join("one"), "one\n").unwrap();
    fs::write(base.join("dir/file"), "file\n").unwrap();
    fs::write(base.join("dir/sub/deep"), "deep\n").unwrap();
    if !base.join("dir/link").is_symlink() {
        symlink("file", base.join("dir/link")).unwrap();
    }
    base
}

fn look(host: &Host, container: &str, script: &str) -> String {
    host.rbox(&["exec", container, "sh", "-c", script]).ok()
}

/// The same for a container that runs and for one that does not.
fn both(test: impl Fn(&Host, &str, &dyn Fn(&str) -> String)) {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    test(&host, "box", &|script| look(&host, "box", script));
    host.ok("create --name still alpine sleep 1000");
    test(&host, "still", &|script| {
        host.ok("start still");
        let seen = look(&host, "still", script);
        host.ok("stop -t 0 still");
        seen
    });
}

#[test]
fn files_go_in_by_dockers_rules() {
    both(|host, name, look| {
        let base = files(host);
        let base = base.to_str().unwrap();
        host.ok(&format!("cp {base}/one {name}:/opt/"));
        host.ok(&format!("cp -q {base}/one {name}:/opt/renamed"));
        host.ok(&format!("cp {base}/dir {name}:/opt/"));
        host.ok(&format!("cp {base}/dir/. {name}:/opt/contents"));
        host.ok(&format!("cp {base}/dir {name}:opt/newname"));
        host.ok(&format!("cp {base}/dir/. {name}:/opt/newname"));
        host.ok(&format!("cp {base}/dir/link {name}:/opt/link"));
        host.ok(&format!("cp -L {base}/dir/link {name}:/opt/followed"));
        let tree = "file\nlink\nsub\nsub/deep";
        for (script, expected) in [
            ("cd /opt; cat one renamed", "one\none"),
            ("cd /opt/dir; find * | sort", tree),
            ("cd /opt/contents; find * | sort", tree),
            ("cd /opt/newname; find * | sort", tree),
            ("readlink /opt/link; readlink /opt/dir/link", "file\nfile"),
            ("cat /opt/followed", "file"),
            ("stat -c %u:%g /opt/one /opt/dir", "0:0\n0:0"),
        ] {
            assert_eq!(look(script), expected, "{name}: {script}");
        }
    });
}

#[test]
fn files_come_out_by_dockers_rules() {
    both(|host, name, look| {
        look(
            "mkdir -p /opt/dir/sub; echo one > /opt/one; echo deep > /opt/dir/sub/deep; \
              ln -s ../one /opt/dir/link; ln /opt/one /opt/dir/hard; ln /opt/one /opt/dir/hard2",
        );
        let out = host.scratch().join(format!("out-{name}"));
        fs::create_dir(&out).unwrap();
        let to = out.to_str().unwrap();
        host.ok(&format!("cp {name}:/opt/one {to}"));
        host.ok(&format!("cp {name}:/opt/one {to}/renamed"));
        host.ok(&format!("cp {name}:/opt/dir {to}"));
        host.ok(&format!("cp {name}:/opt/dir {to}/copy"));
        host.ok(&format!("cp {name}:/opt/dir/. {to}/copy"));
        host.ok(&format!("cp {name}:/opt/dir/link {to}/link"));
        host.ok(&format!("cp -L {name}:/opt/dir/link {to}/followed"));
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        for name in ["one", "renamed", "followed", "dir/hard", "copy/hard2"] {
            assert_eq!(read(name), "one\n", "{name}");
        }
        assert_eq!(read("dir/sub/deep"), "deep\n");
        assert_eq!(
            fs::read_link(out.join("link")).unwrap().to_str(),
            Some("../one")
        );
        let inode = |name: &str| fs::metadata(out.join(name)).unwrap().ino();
        assert_eq!(inode("dir/hard"), inode("dir/hard2"));
        assert!(!out.join("copy/dir").exists());
    });
}

#[test]
fn what_does_not_fit_is_refused_with_dockers_texts() {
    both(|host, name, look| {
        look("touch /opt/f1");
        let base = files(host);
        let base = base.to_str().unwrap();
        for (words, text) in [
            (
                format!("{name}:/nosuch {base}"),
                format!("Could not find the file /nosuch in container {name}"),
            ),
            (
                format!("{base}/nosuch {name}:/tmp/"),
                format!("lstat {base}/nosuch: no such file or directory"),
            ),
            (
                format!("{base}/one {name}:/no/such/dir/"),
                "no such directory".into(),
            ),
            (
                format!("{base}/one {name}:/opt/none/"),
                "no such directory".into(),
            ),
            (
                format!("{base}/one {name}:/no/such/file"),
                format!("Could not find the file /no/such in container {name}"),
            ),
            (
                format!("{base}/dir {name}:/opt/f1"),
                "cannot copy directory".into(),
            ),
            (
                format!("{name}:/etc/passwd /no/such/dir/x"),
                "invalid output path: directory \"/no/such/dir\" does not exist".into(),
            ),
            (
                format!("- {name}:/opt/f1"),
                format!("destination \"{name}:/opt/f1\" must be a directory"),
            ),
        ] {
            let said = host.fails(1, &format!("cp {words}"));
            assert_eq!(said, format!("rbox: {text}"), "{words}");
        }
    });
    let host = Host::new();
    assert_eq!(
        host.fails(1, "cp a:/x b:/y").lines().next(),
        Some("rbox: copying between containers is not supported")
    );
    assert_eq!(
        host.fails(1, "cp /tmp/a /tmp/b"),
        "rbox: must specify at least one container source"
    );
    assert_eq!(
        host.fails(1, "cp nosuch:/x /tmp"),
        "rbox: No such container: nosuch"
    );
}

#[test]
fn a_directory_gives_way_to_nothing_and_nothing_to_a_directory() {
    both(|host, name, look| {
        look("mkdir -p /opt/dir/file; touch /opt/dir/sub");
        let base = files(host);
        let said = host.fails(1, &format!("cp {}/dir {name}:/opt", base.display()));
        assert_eq!(
            said,
            "rbox: cannot overwrite directory \"dir/file\" with non-directory"
        );
        look("rmdir /opt/dir/file");
        let said = host.fails(1, &format!("cp {}/dir {name}:/opt", base.display()));
        assert_eq!(
            said,
            "rbox: cannot overwrite non-directory \"dir/sub\" with directory"
        );
    });
}

#[test]
fn tars_go_in_and_out() {
    both(|host, name, look| {
        let base = files(host);
        let line = format!(
            "tar -C {} -cz dir one | $RBOX cp - {name}:/opt",
            base.display()
        );
        host.sh(&line).ok();
        assert_eq!(look("cat /opt/one /opt/dir/sub/deep"), "one\ndeep");
        let listed = host.sh(&format!("$RBOX cp {name}:/opt/dir - | tar t")).ok();
        assert_eq!(listed, "dir/\ndir/file\ndir/link\ndir/sub/\ndir/sub/deep");
        let listed = host
            .sh(&format!("$RBOX cp {name}:/opt/dir/. - | tar t"))
            .ok();
        assert_eq!(listed, "file\nlink\nsub/\nsub/deep");
        let listed = host
            .sh(&format!("$RBOX cp {name}:/opt/one - | tar xO"))
            .ok();
        assert_eq!(listed, "one");
        // On merged /usr a name goes through a link of the container.
        look("ln -sfn /opt /into");
        let line = format!(
            "cd {}; mkdir -p into; echo x > into/new; tar c into/new | $RBOX cp - {name}:/",
            base.display()
        );
        host.sh(&line).ok();
        assert_eq!(look("cat /opt/new"), "x");
        // Not a tar.
        let mut child = host
            .command(&["cp", "-", &format!("{name}:/opt")])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(&[b'x'; 2048])
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.starts_with("rbox: error processing tar file"),
            "{said}"
        );
    });
}

#[test]
fn owners_are_roots_unless_they_are_to_stay() {
    both(|host, name, look| {
        let base = files(host);
        let one = base.join("one");
        std::os::unix::fs::chown(&one, Some(1234), Some(4321)).unwrap();
        fs::set_permissions(&one, fs::Permissions::from_mode(0o4751)).unwrap();
        let one = one.to_str().unwrap();
        host.ok(&format!("cp {one} {name}:/opt/plain"));
        host.ok(&format!("cp -a {one} {name}:/opt/same"));
        assert_eq!(
            look("stat -c '%u:%g %a' /opt/plain /opt/same"),
            "0:0 751\n1234:4321 4751"
        );
        let out = |name: &str| {
            let data = fs::metadata(host.scratch().join(name)).unwrap();
            (data.uid(), data.gid(), data.mode() & 0o7777)
        };
        let to = host.scratch();
        let to = to.to_str().unwrap();
        host.ok(&format!("cp {name}:/opt/same {to}/plain"));
        host.ok(&format!("cp -a {name}:/opt/same {to}/same"));
        // Root's own program must not come of it.
        assert_eq!(out("plain"), (0, 0, 0o751));
        assert_eq!(out("same"), (1234, 4321, 0o4751));
    });
}

#[test]
fn volumes_and_binds_are_seen_and_written_to() {
    let host = Host::new();
    let bound = host.scratch().join("bound");
    fs::create_dir(&bound).unwrap();
    fs::write(bound.join("there"), "there\n").unwrap();
    let base = files(&host);
    let base = base.to_str().unwrap();
    let bind = format!(
        "-v {0}:/mnt/rw -v {0}:/mnt/ro:ro -v data:/srv/data",
        bound.display()
    );
    host.ok(&format!("run -d --name box {bind} alpine sleep 1000"));
    host.ok(&format!("create --name still {bind} alpine sleep 1000"));
    for name in ["box", "still"] {
        host.ok(&format!("cp {base}/one {name}:/mnt/rw/{name}"));
        assert_eq!(fs::read_to_string(bound.join(name)).unwrap(), "one\n");
        let to = host.scratch().join(format!("of-{name}"));
        host.ok(&format!("cp {name}:/mnt {}", to.display()));
        for side in ["rw", "ro"] {
            let text = fs::read_to_string(to.join(side).join("there")).unwrap();
            assert_eq!(text, "there\n", "{name} {side}");
        }
        assert_eq!(
            host.fails(1, &format!("cp {base}/one {name}:/mnt/ro/x")),
            "rbox: mounted volume is marked read-only"
        );
    }
    // What one container is given the other one sees.
    host.ok(&format!("cp {base}/one still:/srv/data/of-still"));
    assert_eq!(look(&host, "box", "cat /srv/data/of-still"), "one");
    let back = host.scratch().join("back");
    host.ok(&format!("cp still:/srv/data/of-still {}", back.display()));
    assert_eq!(fs::read_to_string(&back).unwrap(), "one\n");
    // The next start does what it always does.
    host.ok("start still");
    assert_eq!(look(&host, "still", "cat /mnt/rw/there"), "there");
    host.ok("rm -f box still");
    host.ok("volume rm data");
}

#[test]
fn a_volume_of_another_kind_is_mounted_for_the_copy_alone() {
    let host = Host::new();
    let base = files(&host);
    host.ok("volume create --opt type=tmpfs --opt device=tmpfs fast");
    host.ok("run -d --name box -v fast:/srv alpine sleep 1000");
    host.ok("create --name still -v fast:/srv alpine");
    host.ok(&format!("cp {}/one still:/srv/one", base.display()));
    assert_eq!(look(&host, "box", "cat /srv/one"), "one");
    host.ok("rm -f box");
    // Memory that nobody uses any more is gone, and nothing stays mounted.
    let text = host.fails(1, &format!("cp still:/srv/one {}/back", base.display()));
    assert!(text.contains("Could not find the file"), "{text}");
    host.ok("rm still");
    host.ok("volume rm fast");
}

#[test]
fn a_read_only_container_takes_nothing_but_into_its_volumes() {
    let host = Host::new();
    let base = files(&host);
    let base = base.to_str().unwrap();
    let bound = host.scratch().join("bound");
    fs::create_dir(&bound).unwrap();
    let options = format!("--read-only -v {}:/data", bound.display());
    host.ok(&format!("run -d --name box {options} alpine sleep 1000"));
    host.ok(&format!("create --name still {options} alpine true"));
    for name in ["box", "still"] {
        assert_eq!(
            host.fails(1, &format!("cp {base}/one {name}:/opt/one")),
            "rbox: container rootfs is marked read-only"
        );
        host.ok(&format!("cp {base}/one {name}:/data/{name}"));
        assert!(bound.join(name).exists());
    }
}

#[test]
fn a_container_with_ids_of_its_own_sees_its_own_ids() {
    let host = Host::new();
    let base = files(&host);
    let one = base.join("one");
    std::os::unix::fs::chown(&one, Some(1234), Some(4321)).unwrap();
    let one = one.to_str().unwrap();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    host.ok("create --name still --userns auto alpine sleep 1000");
    for name in ["box", "still"] {
        host.ok(&format!("cp {one} {name}:/opt/plain"));
        host.ok(&format!("cp -a {one} {name}:/opt/same"));
        let listed = host.sh(&format!(
            "$RBOX cp {name}:/opt/same - | tar tv --numeric-owner"
        ));
        assert!(listed.ok().contains(" 1234/4321 "));
        let to = host.scratch().join(name);
        host.ok(&format!("cp -a {name}:/opt/same {}", to.display()));
        let data = fs::metadata(&to).unwrap();
        assert_eq!((data.uid(), data.gid()), (1234, 4321));
    }
    host.ok("start still");
    for name in ["box", "still"] {
        assert_eq!(
            look(&host, name, "stat -c %u:%g /opt/plain /opt/same"),
            "0:0\n1234:4321"
        );
    }
}

#[test]
fn a_start_waits_for_the_copy() {
    let host = Host::new();
    host.ok("create --name box alpine sleep 1000");
    let mut copy = host.spawn("cp - box:/opt");
    // It has the container from before it reads its tar.
    let held = || {
        let lock = host.run_root().join("containers");
        fs::read_dir(lock).is_ok_and(|mut entries| entries.next().is_some())
    };
    crate::harness::eventually("the copy to take the container", || held().then_some(()));
    let mut start = host.spawn("start box");
    copy.stdin.take().unwrap().write_all(&[0; 1024]).unwrap();
    assert!(copy.wait().unwrap().success());
    assert!(start.wait().unwrap().success());
    assert_eq!(host.ok("inspect -f {{.State.Running}} box"), "true");
}

#[test]
fn copies_are_told_of() {
    let host = Host::new();
    let base = files(&host);
    host.ok("create --name box alpine");
    host.ok(&format!("cp {}/one box:/opt", base.display()));
    host.ok(&format!("cp box:/opt/one {}/back", base.display()));
    let words = [
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--format",
        "{{.Action}}",
    ];
    let told = host.rbox(&words).ok();
    assert_eq!(told, "create\nextract-to-dir\narchive-path");
}
