//! Directories and files of the host, tmpfs, and a read-only root.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::harness::Host;

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn a_directory_of_the_host_is_shared() {
    let host = Host::new();
    let file = host.write("data/file", "from the host\n");
    let data = host.scratch().join("data").display().to_string();
    let script = "cat /data/file; echo from the container > /data/new";
    assert_eq!(
        host.shell(&format!("-v {data}:/data"), script).ok(),
        "from the host"
    );
    assert_eq!(
        fs::read_to_string(format!("{data}/new")).unwrap(),
        "from the container\n"
    );
    // A file alone, and mount points that the image does not have.
    assert_eq!(
        host.shell(&format!("-v {file}:/etc/motd"), "cat /etc/motd")
            .ok(),
        "from the host"
    );
    host.shell(
        &format!("-v {data}:/a/b/c -v {file}:/d/e/f"),
        "test -e /a/b/c/new -a -f /d/e/f",
    )
    .ok();
    let script = "cat /m/file; ls /m | wc -l";
    let mount = format!("--mount type=bind,source={data},target=/m");
    assert_eq!(host.shell(&mount, script).ok(), "from the host\n2");
    let mut relative = host.command(&["run", "--rm", "-v", "./data:/y", "alpine", "ls", "/y"]);
    let output = relative.current_dir(host.scratch()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "file\nnew\n");
}

#[test]
fn read_only_is_read_only_all_the_way_down() {
    let host = Host::new();
    host.write("data/sub/file", "x");
    let data = host.scratch().join("data").display().to_string();
    host.sh(&format!("mount -t tmpfs deep {data}/sub")).ok();
    let script = "echo x > /data/new; echo x > /data/sub/new; mount -o remount,rw,bind /data; \
                  chmod 777 /data";
    for mount in [
        format!("-v {data}:/data:ro"),
        format!("--mount type=bind,src={data},dst=/data,readonly"),
        format!("--mount type=bind,src={data},dst=/data,ro=true"),
    ] {
        let output = host.shell(&mount, script);
        assert_eq!(
            output.stderr.matches("Read-only file system").count(),
            3,
            "{output:?}"
        );
    }
    // Writable where it is not asked for.
    host.shell(&format!("-v {data}:/data"), "echo x > /data/sub/new")
        .ok();
    let alone = format!("--mount type=bind,src={data},dst=/data,bind-recursive=disabled");
    assert_eq!(host.shell(&alone, "ls /data/sub").ok(), "file");
    host.sh(&format!("umount {data}/sub")).ok();
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
}

#[test]
fn mounts_inside_do_not_reach_the_host() {
    let host = Host::new();
    host.write("data/sub/file", "x");
    let data = host.scratch().join("data").display().to_string();
    let script = "mount -t tmpfs inner /data/sub && touch /data/sub/inner";
    host.shell(&format!("--cap-add SYS_ADMIN -v {data}:/data"), script)
        .ok();
    assert!(!host.scratch().join("data/sub/inner").exists());
}

#[test]
fn a_missing_source_is_made_or_refused() {
    let host = Host::new();
    let path = host.scratch().join("not/yet");
    let name = path.display().to_string();
    host.shell(&format!("-v {name}:/data"), "touch /data/x")
        .ok();
    let data = fs::metadata(&path).unwrap();
    assert_eq!(
        (data.is_dir(), data.uid(), data.mode() & 0o7777),
        (true, 0, 0o755)
    );
    assert!(path.join("x").exists());
    let missing = host.scratch().join("missing").display().to_string();
    assert_eq!(
        host.shell(
            &format!("--mount type=bind,src={missing},dst=/data"),
            "true"
        )
        .fails(125),
        format!(
            "rbox: invalid mount config for type \"bind\": bind source path does not exist: \
             {missing}{RUN_HELP}"
        )
    );
    assert_eq!(host.ok("ps -aq"), "");
    // Neither of them makes what it refuses.
    assert!(!host.scratch().join("missing").exists());
}

#[test]
fn a_file_and_a_directory_do_not_mix() {
    let host = Host::new();
    let file = host.write("file", "x");
    let directory = host.scratch().display().to_string();
    for (source, target) in [(&file, "/etc"), (&directory, "/etc/passwd")] {
        let error = host
            .shell(&format!("-v {source}:{target}"), "true")
            .fails(125);
        let text = format!(
            "error mounting \"{source}\" to rootfs at \"{target}\": not a directory: Are you \
             trying to mount a directory onto a file (or vice-versa)? Check if the specified host \
             path exists and is the expected type: unknown{RUN_HELP}"
        );
        assert!(error.ends_with(&text), "{error}");
    }
}

#[test]
fn bad_mounts_are_refused_with_dockers_words() {
    let host = Host::new();
    let config = "invalid mount config for type";
    for (options, text) in [
        (
            "-v /x:relative",
            format!(
                "invalid volume specification: '/x:relative': {config} \"bind\": invalid mount \
                 path: 'relative' mount path must be absolute"
            ),
        ),
        (
            "-v /:/",
            format!(
                "invalid volume specification: '/:/': {config} \"bind\": invalid specification: \
                 destination can't be '/'"
            ),
        ),
        (
            "-v a:b:c:d",
            "invalid volume specification: 'a:b:c:d'".into(),
        ),
        ("-v /tmp:/x:bogus", "invalid mode: bogus".into()),
        ("-v /tmp:/x -v /var:/x", "Duplicate mount point: /x".into()),
        (
            "-v /tmp:/x --mount type=tmpfs,dst=/x/",
            "Duplicate mount point: /x".into(),
        ),
        (
            "--tmpfs relative",
            "invalid mount path: 'relative' mount path must be absolute".into(),
        ),
        (
            "--tmpfs /t:bogus",
            "invalid tmpfs option [\"bogus\"]".into(),
        ),
        (
            "--mount type=bogus,dst=/x",
            format!("{config} \"bogus\": mount type unknown"),
        ),
        (
            "--mount type=bind,dst=/x",
            format!("{config} \"bind\": field Source must not be empty"),
        ),
    ] {
        let error = host.shell(options, "true").fails(125);
        assert_eq!(error, format!("rbox: {text}{RUN_HELP}"), "{options}");
    }
    let error = host.shell("--mount type=tmpfs", "true").fails(125);
    let text = "invalid argument \"type=tmpfs\" for \"--mount\" flag: target is required\n";
    assert!(error.starts_with(text), "{error}");
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn a_tmpfs_is_empty_writable_and_as_large_as_asked() {
    let host = Host::new();
    let flags = "rw,nosuid,nodev,noexec,relatime";
    let script = "mount | grep ' on /m '; stat -c %a /m";
    for (options, expected) in [
        (
            "--tmpfs /m",
            format!("tmpfs on /m type tmpfs ({flags})\n1777"),
        ),
        (
            "--tmpfs /m:size=64k,mode=700",
            format!("tmpfs on /m type tmpfs ({flags},size=64k,mode=700)\n700"),
        ),
        (
            "--mount type=tmpfs,dst=/m,tmpfs-size=1m",
            format!("tmpfs on /m type tmpfs ({flags},size=1024k)\n1777"),
        ),
        (
            "--mount type=tmpfs,dst=/m,tmpfs-mode=700",
            format!("tmpfs on /m type tmpfs ({flags},mode=700)\n700"),
        ),
    ] {
        // Some kernels add how they number inodes.
        let shown = host.shell(options, script).ok().replace(",inode64", "");
        assert_eq!(shown, expected, "{options}");
    }
    host.shell("--tmpfs /m:size=64k", "head -c 100000 /dev/zero > /m/x")
        .fails(1);
    host.shell("--tmpfs /m:exec", "cp /bin/busybox /m/true && /m/true")
        .ok();
    host.shell("--tmpfs /m", "cp /bin/busybox /m/true && /m/true")
        .fails(126);
    // Over a directory of the image, whose content it hides.
    assert_eq!(
        host.shell("--tmpfs /etc/apk", "ls -A /etc/apk; stat -c %a /etc/apk")
            .ok(),
        "755"
    );
}

#[test]
fn a_read_only_root_keeps_its_writable_places() {
    let host = Host::new();
    let script = "for f in /x /tmp/x /etc/hosts /etc/resolv.conf /etc/hostname; do \
                  (echo x > $f); done; echo x > /dev/shm/x && cat /dev/shm/x";
    let output = host.shell("--read-only", script);
    assert_eq!(
        output.stderr.matches("Read-only file system").count(),
        5,
        "{output:?}"
    );
    assert_eq!(output.ok(), "x");
    let data = host.scratch().display().to_string();
    let options = format!("--read-only --tmpfs /tmp --tmpfs /run:uid=5,mode=755 -v {data}:/data");
    let script =
        "touch /tmp/x /run/x /data/x && stat -c %u /run; mount | grep -c 'overlay on / .*(ro,'";
    assert_eq!(host.shell(&options, script).ok(), "5\n1");
    let writable = host.shell(
        "",
        "echo x > /x && echo '127.0.0.2 more' >> /etc/hosts && cat /x",
    );
    assert_eq!(writable.ok(), "x");
}
