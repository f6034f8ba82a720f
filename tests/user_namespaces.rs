//! Containers whose root is nobody on the host: what it owns, and what it cannot reach.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::harness::{Host, leases, root_of};

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn root_in_the_container_is_nobody_on_the_host() {
    let host = Host::new();
    let secret = host.write("secret", "the host's own\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let data = host.scratch().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    host.ok(&format!(
        "run -d --name box --userns auto -v {secret}:/secret -v {}:/data alpine sleep 1000",
        data.display()
    ));
    let root = root_of(&host, "box");
    assert!(root >= 0x7000_0000, "{root}");
    let inside = host.rbox(&["exec", "box", "sh", "-c", "id -u; cat /proc/self/uid_map"]);
    assert_eq!(
        inside.ok().split_whitespace().collect::<Vec<_>>(),
        ["0", "0", &root.to_string(), "65536"]
    );
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid("box"))).unwrap();
    for kind in ["Uid:", "Gid:"] {
        let line = status.lines().find(|line| line.starts_with(kind)).unwrap();
        let expected = [root.to_string().as_str(); 4].join("\t");
        assert_eq!(line, format!("{kind}\t{expected}"));
    }
    // What it writes belongs to its root, on a shared directory and in its layer.
    host.ok("exec box touch /data/new /root/new");
    let upper = host
        .root()
        .join("containers")
        .join(host.id("box"))
        .join("upper");
    for path in [data.join("new"), upper.join("root/new"), upper.clone()] {
        let metadata = path.metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (root, root), "{path:?}");
    }
    // The host's owners are nobody here, and their files closed.
    assert_eq!(host.ok("exec box stat -c %u:%g /secret"), "65534:65534");
    for (command, error) in [
        (
            "cat /secret",
            "cat: can't open '/secret': Permission denied",
        ),
        (
            "chmod 666 /secret",
            "chmod: /secret: Operation not permitted",
        ),
        ("chown 0 /secret", "chown: /secret: Operation not permitted"),
        (
            "mknod /disk b 254 0",
            "mknod: /disk: Operation not permitted",
        ),
        (
            "hostname other",
            "hostname: sethostname: Operation not permitted",
        ),
    ] {
        let mut arguments = vec!["exec", "box"];
        arguments.extend(command.split(' '));
        assert_eq!(host.rbox(&arguments).fails(1), error);
    }
}

#[test]
fn with_all_capabilities_it_still_cannot_reach_the_host() {
    let host = Host::new();
    let options = "--userns auto --cap-add ALL --security-opt seccomp=unconfined \
                   --security-opt systempaths=unconfined";
    // Each would change nothing: were it let, the machine would be as it was.
    let script = "for f in kernel/core_pattern kernel/printk vm/overcommit_memory fs/file-max; do \
                  v=$(cat /proc/sys/$f); echo \"$v\" > /proc/sys/$f && echo wrote $f; done; \
                  mknod /dev/disk b 254 0 && echo made; \
                  mount -t devtmpfs devtmpfs /mnt && echo mounted; \
                  nice -n -5 true && echo hurried; \
                  hostname mine && hostname";
    let output = host.shell(options, script);
    // The name is of its own namespace: that is what the capabilities are good for.
    assert_eq!(output.stdout, "mine\n", "{output:#?}");
    assert_eq!(output.code, 0);
}

#[test]
fn files_of_the_image_are_owned_as_the_image_says() {
    let host = Host::new();
    let script = "stat -c '%u:%g %a %n' / /bin/busybox /etc/shadow /tmp /root /etc/hosts \
                  /etc/resolv.conf /etc/hostname; find / -xdev -user 65534 ! -path /proc ! -path /sys";
    let own = host.shell("--userns auto", script).ok();
    assert_eq!(own, host.shell("", script).ok());
    assert!(own.contains("0:0 640 /etc/shadow"), "{own}");
    // And so they stay when they are changed: copied up with the same owner.
    let script = "chmod 600 /etc/shadow; stat -c %u:%g:%a /etc/shadow; echo x >> /etc/hosts; \
                  chown 1000:1000 /etc/motd; stat -c %u /etc/motd";
    assert_eq!(host.shell("--userns auto", script).ok(), "0:0:600\n1000");
}

#[test]
fn the_layers_on_disk_are_not_touched() {
    let host = Host::new();
    host.shell("--userns auto", "chown -R 5:5 /etc; touch /etc/new")
        .ok();
    assert_eq!(
        host.shell("", "stat -c %u:%g /etc /etc/passwd; ls /etc/new")
            .code,
        1
    );
    assert_eq!(
        host.shell("", "stat -c %u:%g /etc /etc/passwd").ok(),
        "0:0\n0:0"
    );
}

#[test]
fn devices_of_the_host_are_bound() {
    let host = Host::new();
    let script = "echo x > /dev/null && head -c 3 /dev/zero | wc -c && test -c /dev/random && \
                  ls /dev/full /dev/tty /dev/urandom /dev/shm /dev/mqueue -d && test -c /dev/hole \
                  && echo x > /dev/hole";
    let output = host.shell("--userns auto --device /dev/null:/dev/hole", script);
    assert_eq!(
        output.ok(),
        "3\n/dev/full\n/dev/mqueue\n/dev/shm\n/dev/tty\n/dev/urandom"
    );
}

#[test]
fn an_id_mapped_volume_shows_the_hosts_owners_as_the_containers() {
    let host = Host::new();
    let data = host.scratch().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("mine"), "").unwrap();
    chown(data.join("mine"), Some(1000), Some(1000)).unwrap();
    let script = "stat -c %u:%g /d /d/mine; touch /d/new";
    for volume in [
        format!("-v {}:/d:idmap", data.display()),
        format!("--mount type=bind,src={},dst=/d,idmap", data.display()),
    ] {
        let output = host.shell(&format!("--userns auto {volume}"), script);
        assert_eq!(output.ok(), "0:0\n1000:1000");
        assert_eq!(data.join("new").metadata().unwrap().uid(), 0);
        fs::remove_file(data.join("new")).unwrap();
        let output = host.shell(&format!("--userns keep-id {volume}"), script);
        assert_eq!(output.ok(), "0:0\n1000:1000");
    }
    assert_eq!(
        host.shell(&format!("-v {}:/d:idmap", data.display()), "true")
            .fails(125),
        format!(
            "rbox: mount /d: option idmap needs a container in a user namespace (--userns){RUN_HELP}"
        )
    );
    let error = host
        .shell("--userns auto -v /proc/sys:/d:idmap", "true")
        .fails(125);
    assert!(
        error.contains("filesystem proc cannot be mounted with mapped ids on this kernel"),
        "{error}"
    );
    // What is made for the container is its root's.
    let made = host.scratch().join("made/below");
    let volume = format!("--userns auto -v {}:/d", made.display());
    assert_eq!(host.shell(&volume, "touch /d/x; stat -c %u /d").ok(), "0");
    let (parent, scratch) = (made.parent().unwrap(), host.scratch());
    assert!(parent.metadata().unwrap().uid() >= 0x7000_0000);
    assert_eq!(scratch.metadata().unwrap().uid(), 0);
    // Plain, they are nobody's.
    let output = host.shell(
        &format!("--userns auto -v {}:/d", data.display()),
        "stat -c %u:%g /d/mine",
    );
    assert_eq!(output.ok(), "65534:65534");
}

#[test]
fn keep_id_keeps_every_id_and_takes_the_hosts_rights() {
    let host = Host::new();
    let secret = host.write("secret", "mine\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let own = fs::read_link("/proc/self/ns/user").unwrap();
    let script = "readlink /proc/self/ns/user; cat /proc/self/uid_map; cat /secret; \
                  mknod /dev/disk b 254 0";
    let options = format!("--userns keep-id --cap-add ALL -v {secret}:/secret");
    let output = host.shell(&options, script);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_ne!(Path::new(lines[0]), own);
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        ["0", "0", "4294967295"]
    );
    assert_eq!(lines[2], "mine");
    assert_eq!(output.stderr, "mknod: /dev/disk: Operation not permitted\n");
    assert_eq!(leases(&host), []);
}
