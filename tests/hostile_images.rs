//! Images and archives that try to get out of where they belong.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Host, Output, Tar, archive};

/// A host with an image store of its own and a directory that is the prey.
struct Trap {
    host: Host,
    prey: PathBuf,
}

impl Trap {
    fn new() -> Trap {
        let host = Host::without_images();
        host.write("prey/file", "untouched");
        let prey = host.scratch().join("prey");
        Trap { host, prey }
    }

    fn prey(&self) -> &str {
        self.prey.to_str().unwrap()
    }

    /// Alpine with more members, as the image `evil`.
    fn image(&self, more: impl FnOnce(Tar) -> Tar) {
        let plain = Command::new("gunzip")
            .arg("-c")
            .arg(archive("alpine-3.23.tar.gz"))
            .output()
            .unwrap()
            .stdout;
        let tar = self.host.scratch().join("evil.tar");
        fs::write(&tar, more(Tar::after(plain)).finish()).unwrap();
        self.host.ok(&format!("import {} evil", tar.display()));
    }

    /// Runs a script in the image; a command that hangs fails.
    fn run(&self, options: &str, script: &str) -> Output {
        let script = script.replace('\'', "'\\''");
        self.host.sh(&format!(
            "timeout 30 $RBOX run --rm {options} evil sh -c '{script}'"
        ))
    }

    #[track_caller]
    fn is_untouched(&self) {
        let names: Vec<_> = fs::read_dir(&self.prey)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["file"]);
        assert_eq!(
            fs::read_to_string(self.prey.join("file")).unwrap(),
            "untouched"
        );
        let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        assert!(
            !mounts.contains(self.prey()),
            "something is mounted there: {mounts}"
        );
    }
}

#[test]
fn mount_points_that_lead_out_are_found_inside() {
    let trap = Trap::new();
    let out = |name: &str| format!("{}/{name}", trap.prey());
    let up = format!("../../../../../../../..{}", out("file"));
    trap.image(|tar| {
        tar.symlink("etc/hosts", &out("file"))
            .symlink("etc/resolv.conf", &out("new"))
            .symlink("etc/hostname", &up)
            .symlink("mnt", trap.prey())
            .symlink("srv", trap.prey())
            .symlink("sbin/docker-init", &out("init"))
    });
    let script = "grep -c localhost /etc/hosts; echo lost > /etc/resolv.conf; touch /mnt/x; pwd; \
                  touch here; mount -t tmpfs x /srv 2>/dev/null; exit 7";
    let options = "--init --cap-add SYS_ADMIN --tmpfs /srv -v /tmp:/mnt/tmp -w /srv/deep";
    let output = trap.run(options, script);
    assert_eq!(
        (output.code, output.stdout.lines().next()),
        (7, Some("2")),
        "{output:?}"
    );
    trap.is_untouched();
}

#[test]
fn proc_and_sys_must_be_directories() {
    for name in ["proc", "sys"] {
        let trap = Trap::new();
        trap.image(|tar| tar.symlink(name, trap.prey()));
        let error = trap.run("", "true").fails(125);
        assert!(
            error.contains("must be mounted on an ordinary directory"),
            "{error}"
        );
        trap.is_untouched();
        assert_eq!(trap.host.ok("ps -aq"), "");
    }
}

#[test]
fn a_dev_that_leads_out_is_made_inside() {
    let trap = Trap::new();
    trap.image(|tar| tar.symlink("dev", trap.prey()));
    let output = trap.run("", "ls -d /dev/null /dev/shm");
    assert!(
        output.code == 125 || output.stdout == "/dev/null\n/dev/shm\n",
        "{output:?}"
    );
    trap.is_untouched();
}

#[test]
fn nodes_and_links_of_the_images_own_dev_are_not_seen() {
    let trap = Trap::new();
    let file = format!("{}/file", trap.prey());
    trap.image(|tar| {
        tar.symlink("dev/null", &file)
            .symlink("dev/pts", trap.prey())
            .symlink("dev/console", &file)
    });
    trap.run(
        "",
        "test -c /dev/null && echo x > /dev/null && test -d /dev/pts",
    )
    .ok();
    let terminal = "timeout 30 $RBOX run --rm -t evil sh -c 'tty; test -c /dev/console'";
    assert_eq!(trap.host.sh(terminal).ok().trim_end(), "/dev/pts/0");
    trap.is_untouched();
}

#[test]
fn user_files_that_lead_out_are_read_inside() {
    let trap = Trap::new();
    trap.host.write("prey/file", "untouched");
    let passwd = trap.host.write("passwd", "spy:x:4242:4242::/:/bin/sh\n");
    trap.image(|tar| {
        tar.symlink("etc/passwd", &passwd)
            .symlink("etc/group", &passwd)
    });
    let error = trap.run("-u spy", "id").fails(125);
    assert!(
        error.starts_with("rbox: unable to find user spy: "),
        "{error}"
    );
    // Root needs no such file.
    trap.run("", "test $(id -u) = 0").ok();
    trap.is_untouched();
}

#[test]
fn user_files_that_are_none_do_not_stop_rbox() {
    let trap = Trap::new();
    trap.image(|tar| tar);
    trap.host.ok("run -d --name box evil sleep 1000");
    let exec = |line: &str| trap.host.sh(&format!("timeout 30 $RBOX exec {line}"));
    for (made, code) in [
        ("mkfifo /etc/passwd", 1),
        ("mkdir /etc/passwd", 1),
        ("ln -s passwd /etc/passwd", 1),
        ("ln -s /proc/self/fd/0 /etc/passwd", 1),
        ("mknod /etc/passwd c 1 5", 1),
        ("head -c 100000000 /dev/zero > /etc/passwd", 1),
        ("yes garbage:::: | head -c 900000 > /etc/passwd", 1),
        (
            "printf 'nobody:x:-1:99999999999:\\nnobody:x:5:6' > /etc/passwd",
            0,
        ),
    ] {
        exec(&format!("box sh -c \"rm -rf /etc/passwd; {made}\"")).ok();
        let output = exec("-u nobody box id -u");
        assert_eq!(output.code, code, "{made}: {output:?}");
        if code != 0 {
            let text = "rbox: unable to find user nobody: no matching entries in passwd file";
            assert_eq!(output.stderr.trim_end(), text, "{made}");
        }
        exec("-u 1000:1000 box true").ok();
    }
    assert_eq!(exec("-u nobody box id -u").ok(), "5");
}

#[test]
fn archives_that_write_outside_are_refused_and_leave_nothing() {
    let trap = Trap::new();
    let file = format!("{}/file", trap.prey());
    let through = format!("{}/new", trap.prey());
    let up = format!("../../../../../../../../../../..{}", trap.prey());
    let base = || Tar::default().file("fine", b"x");
    for (what, tar) in [
        ("absolute", base().file(&through, b"evil")),
        ("upwards", base().file(&format!("{up}/new"), b"evil")),
        (
            "upwards later",
            base()
                .directory("a/")
                .file(&format!("a/../..{up}/new"), b"evil"),
        ),
        (
            "hard link out",
            base().hardlink("link", &file).file("link", b"evil"),
        ),
        (
            "hard link upwards",
            base().hardlink("link", &format!("{up}/file")),
        ),
        (
            "hard link by symlink",
            base().symlink("s", trap.prey()).hardlink("link", "s/file"),
        ),
        ("whiteout of a parent", base().file("a/.wh...", b"")),
        ("device number out of nowhere", base().file("..", b"")),
    ] {
        let path = trap.host.scratch().join("evil.tar");
        fs::write(&path, tar.finish()).unwrap();
        let error = trap
            .host
            .fails(1, &format!("import {} evil", path.display()));
        assert!(error.starts_with("rbox: "), "{what}: {error}");
        trap.is_untouched();
        trap.nothing_is_stored();
    }
}

#[test]
fn a_symlink_in_the_way_stays_inside_or_is_refused() {
    let trap = Trap::new();
    let path = trap.host.scratch().join("evil.tar");
    let through = Tar::default()
        .symlink("out", trap.prey())
        .file("out/new", b"evil");
    fs::write(&path, through.finish()).unwrap();
    trap.host.rbox(&["import", path.to_str().unwrap(), "evil"]);
    trap.is_untouched();
    let over = Tar::default()
        .symlink("out", &format!("{}/file", trap.prey()))
        .file("out", b"a file instead of the link");
    fs::write(&path, over.finish()).unwrap();
    trap.host.ok(&format!("import {} over", path.display()));
    trap.is_untouched();
}

#[test]
fn broken_archives_are_refused_and_leave_nothing() {
    let trap = Trap::new();
    let mut whole = Vec::new();
    fs::File::open(archive("alpine-3.23.tar.gz"))
        .unwrap()
        .read_to_end(&mut whole)
        .unwrap();
    let plain = Tar::default()
        .directory("d/")
        .file("d/f", &[7; 5000])
        .finish();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("junk", b"junk\n"),
        ("a gzip that is cut", &whole[..whole.len() / 2]),
        ("a gzip that is changed", &flipped),
        ("a header that is cut", &plain[..700]),
        ("data that is cut", &plain[..3000]),
    ] {
        let path = trap.host.scratch().join("broken.tar");
        fs::write(&path, bytes).unwrap();
        for command in ["import", "load -i"] {
            let error = trap.host.fails(1, &format!("{command} {}", path.display()));
            assert!(
                error.starts_with("rbox: ") && error.lines().count() == 1,
                "{what}: {error}"
            );
            trap.nothing_is_stored();
        }
    }
}

#[test]
fn saved_images_that_lie_are_refused_and_leave_nothing() {
    let trap = Trap::new();
    let file = format!("{}/file", trap.prey());
    let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}"#;
    let manifest = |config: &str, layer: &str| {
        format!(r#"[{{"Config":"{config}","RepoTags":["evil:1"],"Layers":["{layer}"]}}]"#)
    };
    let layer = Tar::default().file("x", b"x").finish();
    let oci = |digest: &str| {
        format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":2}}]}}"#
        )
    };
    for (what, tar) in [
        (
            "a layer of another digest",
            Tar::default()
                .file("c.json", config)
                .file("l/layer.tar", &layer)
                .file(
                    "manifest.json",
                    manifest("c.json", "l/layer.tar").as_bytes(),
                ),
        ),
        (
            "a configuration of the host",
            Tar::default().file("manifest.json", manifest(&file, "l/layer.tar").as_bytes()),
        ),
        (
            "a layer of the host",
            Tar::default()
                .file("c.json", config)
                .symlink("l", trap.prey())
                .file("manifest.json", manifest("c.json", "l/file").as_bytes()),
        ),
        (
            "a digest that is a path",
            Tar::default()
                .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
                .file(
                    "index.json",
                    oci(&format!("sha256:../../../..{file}")).as_bytes(),
                ),
        ),
        (
            "a manifest that is another",
            Tar::default()
                .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
                .file(&format!("blobs/sha256/{}", "0".repeat(64)), b"{}")
                .file(
                    "index.json",
                    oci(&format!("sha256:{}", "0".repeat(64))).as_bytes(),
                ),
        ),
        ("no JSON", Tar::default().file("manifest.json", b"{[")),
    ] {
        let path = trap.host.scratch().join("evil.tar");
        fs::write(&path, tar.finish()).unwrap();
        let error = trap.host.fails(1, &format!("load -i {}", path.display()));
        assert!(
            error.starts_with("rbox: ") && !error.contains("untouched"),
            "{what}: {error}"
        );
        trap.is_untouched();
        trap.nothing_is_stored();
    }
}

impl Trap {
    #[track_caller]
    fn nothing_is_stored(&self) {
        assert_eq!(self.host.ok("images -aq"), "");
        for part in ["blobs/sha256", "layers", "tmp"] {
            let path = self.host.root().join("images").join(part);
            let left: Vec<_> = fs::read_dir(path).into_iter().flatten().flatten().collect();
            assert!(left.is_empty(), "left behind in {part}: {left:?}");
        }
    }
}

#[test]
fn a_layer_that_would_fill_the_disk_is_refused_before_it_does() {
    let host = Host::without_images();
    let images = host.root().join("images");
    let big = host.scratch().join("big.tar");
    let tar = Tar::default().file("big", &vec![7; 20 << 20]).finish();
    fs::write(&big, tar).unwrap();
    fs::create_dir_all(&images).unwrap();
    host.sh(&format!("gzip -f {}", big.display())).ok();
    // Room for the file, but not for a part beside it.
    host.sh(&format!(
        "mount -t tmpfs -o size=20900k tmpfs {}",
        images.display()
    ))
    .ok();
    let error = host.fails(1, &format!("import {}.gz big", big.display()));
    assert_eq!(
        error,
        "rbox: the layer unpacks to more than the image store's filesystem has room for"
    );
    for directory in ["tmp", "layers", "blobs/sha256"] {
        let left = fs::read_dir(images.join(directory)).unwrap().count();
        assert_eq!(left, 0, "{directory}");
    }
    host.sh(&format!("umount {}", images.display())).ok();
}
