//! Containers whose root is nobody on the host.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::harness::{Host, Output, Terminal, ask, eventually};

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

/// First ids of the blocks that containers have, with their owners.
fn leases(host: &Host) -> Vec<(u32, String)> {
    let entries = fs::read_dir(host.root().join("user-namespaces"));
    let mut all: Vec<_> = entries
        .into_iter()
        .flatten()
        .map(|entry| {
            let path = entry.unwrap().path();
            let id = fs::read_link(&path).unwrap().display().to_string();
            (
                path.file_name().unwrap().to_str().unwrap().parse().unwrap(),
                id,
            )
        })
        .collect();
    all.sort();
    all
}

/// The host's id of a container's root, by the kernel.
#[track_caller]
fn root_of(host: &Host, container: &str) -> u32 {
    let map = fs::read_to_string(format!("/proc/{}/uid_map", host.pid(container))).unwrap();
    map.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// `run --rm` with the engine-wide remapping.
fn remapped(host: &Host, value: &str, options: &str, script: &str) -> Output {
    let mut arguments = vec!["run", "--rm"];
    arguments.extend(options.split_whitespace());
    arguments.extend(["alpine", "sh", "-c", script]);
    let output = host
        .command(&arguments)
        .env("RBOX_USERNS_REMAP", value)
        .output()
        .unwrap();
    Output::new(format!("RBOX_USERNS_REMAP={value} {arguments:?}"), output)
}

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
fn two_containers_have_nothing_in_common() {
    let host = Host::new();
    for name in ["one", "two"] {
        host.ok(&format!(
            "run -d --name {name} --userns auto alpine sleep 1000"
        ));
    }
    let (one, two) = (root_of(&host, "one"), root_of(&host, "two"));
    assert!(one.abs_diff(two) >= 65_536, "{one} and {two}");
    let mut expected = vec![(one, host.id("one")), (two, host.id("two"))];
    expected.sort();
    assert_eq!(leases(&host), expected);
    host.ok("rm -f one");
    assert_eq!(leases(&host), [(two, host.id("two"))]);
    host.ok("rm -f two");
    assert_eq!(leases(&host), []);
    host.nothing_is_left();
}

#[test]
fn a_range_is_kept_over_restarts_and_over_a_boot() {
    let host = Host::new();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    let root = root_of(&host, "box");
    host.ok("restart -t 0 box");
    assert_eq!(root_of(&host, "box"), root);
    // As after a boot: nothing runs, and /run is empty.
    host.kill_monitor("box");
    host.ok("ps -a");
    fs::remove_dir_all(host.run_root()).unwrap();
    host.ok("start box");
    assert_eq!(root_of(&host, "box"), root);
    // A lease that somebody removed is taken again, one that is another's is not.
    host.ok("stop -t 0 box");
    let lease = host.root().join("user-namespaces").join(root.to_string());
    fs::remove_file(&lease).unwrap();
    host.ok("start box");
    assert_eq!(leases(&host), [(root, host.id("box"))]);
    host.ok("stop -t 0 box");
    host.ok("create --name other alpine true");
    let other = host.id("other");
    fs::remove_file(&lease).unwrap();
    std::os::unix::fs::symlink(&other, &lease).unwrap();
    let error = host.fails(1, "start box");
    let expected = format!(
        "rbox: the ids from {root} on, which the files of this container belong to, are those of \
         container {} now",
        &other[..12]
    );
    assert!(error.starts_with(&expected), "{error}");
    fs::remove_file(&lease).unwrap();
}

#[test]
fn twenty_at_once_get_ranges_of_their_own() {
    let host = Host::new();
    let start = |number| {
        host.spawn(&format!(
            "run -d --name box{number} --userns auto --network none alpine sleep 1000"
        ))
    };
    let clients: Vec<_> = (0..20).map(start).collect();
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    let roots: BTreeSet<u32> = (0..20)
        .map(|number| root_of(&host, &format!("box{number}")))
        .collect();
    assert_eq!(roots.len(), 20);
    assert_eq!(leases(&host).len(), 20);
}

#[test]
fn one_that_fails_to_be_made_or_started_keeps_nothing() {
    let host = Host::new();
    host.fails(127, "run --rm --userns auto alpine nosuchcommand");
    assert_eq!(leases(&host), []);
    let cid = host.write("cid", "taken");
    host.fails(
        125,
        &format!("run --userns auto --cidfile {cid} alpine true"),
    );
    assert_eq!(leases(&host), []);
    host.ok("run --rm --userns auto alpine true");
    assert_eq!(leases(&host), []);
    assert_eq!(
        host.fails(
            125,
            "run --rm --userns auto:size=1000 --user 1000 alpine true"
        ),
        format!("rbox: user 1000 is not in the container's user namespace{RUN_HELP}")
    );
    host.nothing_is_left();
}

#[test]
fn as_many_ids_as_are_asked_for() {
    let host = Host::new();
    let script = "awk '{print $1, $3}' /proc/self/uid_map /proc/self/gid_map; \
                  stat -c %u:%g /dev/pts /dev/pts/ptmx /tmp; chown 3 /tmp/ || echo no 3";
    for (size, expected) in [
        (1, "0 1\n0 1\n0:0\n0:0\n0:0\nno 3"),
        (1000, "0 1000\n0 1000\n0:0\n0:0\n0:0"),
        (200_000, "0 200000\n0 200000\n0:0\n0:0\n0:0"),
    ] {
        let output = host.shell(&format!("-u 0:0 --userns auto:size={size}"), script);
        assert_eq!(output.ok(), expected, "{size}");
    }
}

#[test]
fn exec_users_and_streams_work() {
    let host = Host::new();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    assert_eq!(
        host.ok("exec box id"),
        "uid=0(root) gid=0(root) groups=0(root),1(bin),2(daemon),3(sys),4(adm),6(disk),10(wheel),11(floppy),20(dialout),26(tape),27(video)"
    );
    for user in ["root", "nobody", "1000:1000"] {
        // /dev/stdout is opened anew: the pipe must be the user's.
        let script = "echo out > /dev/stdout; echo err > /dev/stderr; id -u";
        let output = host.rbox(&["exec", "-u", user, "box", "sh", "-c", script]);
        assert_eq!(output.stderr, "err\n", "{user}");
        assert!(output.ok().starts_with("out\n"), "{user}");
        let output = host.shell(&format!("--userns auto -u {user}"), script);
        assert_eq!(output.stderr, "err\n", "{user}");
        assert!(output.ok().starts_with("out\n"), "{user}");
    }
    let fed = host.sh("echo hello | $RBOX run --rm -i --userns auto alpine cat /dev/stdin");
    assert_eq!(fed.ok(), "hello");
    let fed = host.sh("echo hello | $RBOX exec -i -u 1000 box cat /dev/stdin");
    assert_eq!(fed.ok(), "hello");
    assert_eq!(host.fails(126, "exec box /etc/passwd").lines().count(), 1);
    assert_eq!(host.rbox(&["exec", "box", "sh", "-c", "exit 7"]).code, 7);
}

#[test]
fn terminals_belong_to_their_user() {
    let host = Host::new();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    for (arguments, owner) in [
        (&["run", "--rm", "-it", "--userns", "auto", "alpine"][..], 0),
        (
            &[
                "run", "--rm", "-it", "--userns", "auto", "-u", "1000", "alpine",
            ],
            1000,
        ),
        (&["exec", "-it", "box", "sh"], 0),
        (&["exec", "-it", "-u", "1000", "box", "sh"], 1000),
    ] {
        let mut screen = Terminal::start(&host.command(arguments));
        screen.expect(if owner == 0 { "# " } else { "$ " });
        screen.send("stat -c %u:%g $(tty); echo ok > /dev/tty; exit\r");
        screen.expect(&format!("\r\n{owner}:5\r\nok\r\n"));
        assert_eq!(screen.wait(), 0, "{arguments:?}");
    }
}

#[test]
fn logs_stop_init_and_a_read_only_root_work() {
    let host = Host::new();
    let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "box",
        "--userns",
        "auto",
        "--init",
        "--read-only",
        "--tmpfs",
        "/run",
        "alpine",
        "sh",
        "-c",
        script,
    ])
    .ok();
    eventually("the first line", || {
        (host.ok("logs box") == "ready").then_some(())
    });
    assert_eq!(host.ok("exec box cat /proc/1/comm"), "docker-init");
    assert_eq!(host.ok("exec box stat -c %u:%g /run"), "0:0");
    host.ok("exec box touch /run/x");
    assert_eq!(
        host.fails(1, "exec box touch /x"),
        "touch: /x: Read-only file system"
    );
    host.ok("stop box");
    assert_eq!(host.ok("logs box"), "ready\nbye");
    assert_eq!(host.ok("inspect -f {{.State.ExitCode}} box"), "3");
}

#[test]
fn networks_names_and_published_ports_work() {
    let host = Host::new();
    host.ok("network create lan");
    let serve = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nweb\\n' | nc -l -p 80; done";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "web",
        "--userns",
        "auto",
        "--network",
        "lan",
        "-p",
        "8080:80",
        "alpine",
        "sh",
        "-c",
        serve,
    ])
    .ok();
    let found = eventually("the published port", || ask("127.0.0.1:8080").ok());
    assert_eq!(found, "web");
    let script = "ping -c 1 -W 5 web >/dev/null && wget -qO - http://web/; \
                  cat /proc/sys/net/ipv4/ping_group_range; ls /sys/class/net";
    let output = host.shell("--userns auto --network lan", script).ok();
    assert_eq!(output, "web\n0\t65535\neth0\nlo");
    // Those in the host's user namespace are on the same network.
    assert_eq!(
        host.shell("--network lan", "wget -qO - http://web/").ok(),
        "web"
    );
    // Its root rules its own network, and no other.
    let script = "ip addr add 10.99.0.1/32 dev lo && sysctl -w net.ipv4.ip_forward=1 && \
                  cat /etc/resolv.conf | grep -c 127.0.0.11";
    let options =
        "--userns auto --network lan --cap-add NET_ADMIN --security-opt systempaths=unconfined";
    assert_eq!(
        host.shell(options, script).ok(),
        "net.ipv4.ip_forward = 1\n1"
    );
    for network in ["none", "bridge"] {
        host.shell(
            &format!("--userns auto --network {network}"),
            "ip addr show lo",
        )
        .ok();
    }
    host.ok("network create other");
    host.ok("network connect other web");
    assert_eq!(host.ok("exec web ls /sys/class/net"), "eth0\neth1\nlo");
    host.ok("network disconnect other web");
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

#[test]
fn the_whole_engine_can_be_remapped() {
    let host = Host::new();
    let map = "awk '{print $1, $2, $3}' /proc/self/uid_map /proc/self/gid_map";
    assert_eq!(
        remapped(&host, "default", "", map).ok(),
        "0 1879048192 65536\n0 1879048192 65536"
    );
    let _subuid = host.file_instead(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nme:x:1234:1234::/:\n",
    );
    assert_eq!(
        remapped(&host, "me", "", map).fails(125),
        format!(
            "rbox: RBOX_USERNS_REMAP: no subordinate user ids for \"me\" in /etc/subuid{RUN_HELP}"
        )
    );
    assert_eq!(
        remapped(&host, "a:b:c", "", map).fails(125),
        format!("rbox: RBOX_USERNS_REMAP: invalid user namespace remapping: \"a:b:c\"{RUN_HELP}")
    );
    // One container out of it, as in Docker, and one with ids of its own.
    assert_eq!(
        remapped(&host, "default", "--userns host", map).ok(),
        "0 0 4294967295\n0 0 4294967295"
    );
    assert!(
        !remapped(&host, "default", "--userns auto", map)
            .ok()
            .contains("1879048192")
    );
    assert_eq!(leases(&host), []);
}

#[test]
fn what_was_made_with_a_mapping_keeps_it() {
    let host = Host::new();
    let mut create = host.command(&[
        "create",
        "--name",
        "box",
        "alpine",
        "cat",
        "/proc/self/uid_map",
    ]);
    assert!(
        create
            .env("RBOX_USERNS_REMAP", "default")
            .status()
            .unwrap()
            .success()
    );
    let map = host.ok("start -a box");
    assert_eq!(
        map.split_whitespace().collect::<Vec<_>>(),
        ["0", "1879048192", "65536"]
    );
    let mut start = host.command(&["start", "-a", "box"]);
    let again = start
        .env("RBOX_USERNS_REMAP", "nobody-there")
        .output()
        .unwrap();
    assert_eq!(Output::new("start".into(), again).ok(), map);
}

#[test]
fn remapped_containers_share_networks_processes_and_memory() {
    let host = Host::new();
    let mut run = host.command(&[
        "run",
        "-d",
        "--name",
        "donor",
        "--ipc",
        "shareable",
        "alpine",
        "sleep",
        "1000",
    ]);
    assert!(
        run.env("RBOX_USERNS_REMAP", "default")
            .status()
            .unwrap()
            .success()
    );
    host.ok("exec donor sh -c 'echo shared > /dev/shm/f'"
        .replace('\'', "")
        .as_str());
    let namespaces =
        |kind: &str| fs::read_link(format!("/proc/{}/ns/{kind}", host.pid("donor"))).unwrap();
    for (option, kind) in [
        ("--network container:donor", "net"),
        ("--pid container:donor", "pid"),
        ("--ipc container:donor", "ipc"),
    ] {
        let script = format!(
            "readlink /proc/self/ns/{kind}; readlink /proc/self/ns/user; id -u; ls /sys /proc >/dev/null"
        );
        let output = remapped(&host, "default", option, &script).ok();
        let expected = [namespaces(kind), namespaces("user")];
        let expected: Vec<_> = expected.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(
            output.lines().collect::<Vec<_>>(),
            [expected, vec!["0"]].concat()
        );
        // From the host's user namespace anything can be shared.
        host.shell(option, "true").ok();
        // Others have other ids.
        let error = host
            .shell(&format!("--userns auto {option}"), "true")
            .fails(125);
        assert!(
            error.contains("it has not got the same user ids"),
            "{error}"
        );
    }
    let options = "--network container:donor --pid container:donor --ipc container:donor";
    assert_eq!(remapped(&host, "default", options, "pidof sleep").ok(), "1");
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_is_made() {
    let host = Host::new();
    host.ok("run -d --name plain --ipc shareable alpine sleep 1000");
    let short = &host.id("plain")[..12];
    let before = leases(&host);
    for (options, text) in [
        (
            "--privileged",
            "privileged mode is incompatible with user namespaces.  You must run the container in \
             the host namespace when running privileged mode"
                .to_owned(),
        ),
        (
            "--network host",
            "cannot share the host's network namespace when user namespaces are enabled".to_owned(),
        ),
        (
            "--pid host",
            "cannot share the host PID namespace when user namespaces are enabled".to_owned(),
        ),
        (
            "--network container:plain",
            format!(
                "cannot share the network namespace of container {short}: it has not got the same \
                 user ids"
            ),
        ),
        (
            "--pid container:plain",
            format!(
                "cannot share the PID namespace of container {short}: it has not got the same \
                 user ids"
            ),
        ),
        (
            "--ipc container:plain",
            format!(
                "cannot share the IPC namespace of container {short}: it has not got the same \
                 user ids"
            ),
        ),
    ] {
        for mode in ["auto", "keep-id"] {
            let error = host
                .shell(&format!("--userns {mode} {options}"), "true")
                .fails(125);
            assert!(error.starts_with(&format!("rbox: {text}\n")), "{error}");
        }
    }
    for (mode, text) in [
        ("bogus", "--userns: invalid USER mode"),
        ("private", "--userns: invalid USER mode"),
        ("nomap", "--userns: invalid USER mode"),
        (
            "auto:uidmapping=0:1:2",
            "--userns: option \"uidmapping\" of auto is not supported, only size",
        ),
        ("auto:size=x", "--userns: invalid size of auto: x"),
    ] {
        let error = host.shell(&format!("--userns {mode}"), "true").fails(125);
        assert_eq!(error, format!("rbox: {text}{RUN_HELP}"));
    }
    assert_eq!(leases(&host), before);
    assert_eq!(host.ok("ps -aq").lines().count(), 1);
}

#[test]
fn the_hosts_ipc_uts_and_cgroup_namespaces_can_be_shared() {
    let host = Host::new();
    for options in [
        "--ipc host",
        "--uts host",
        "--cgroupns host",
        "--cgroupns private",
        "--ipc none",
    ] {
        host.shell(&format!("--userns auto {options}"), "ls /sys/fs/cgroup")
            .ok();
    }
}

#[test]
fn inspect_shows_the_mode() {
    let host = Host::new();
    host.ok("create --name box --userns auto:size=2000 alpine true");
    assert_eq!(
        host.ok("inspect -f {{.HostConfig.UsernsMode}} box"),
        "auto:size=2000"
    );
    host.ok("create --name plain alpine true");
    assert_eq!(host.ok("inspect -f {{.HostConfig.UsernsMode}} plain"), "");
}

#[test]
fn the_pool_is_that_of_containers_in_subuid_where_there_is_one() {
    let host = Host::new();
    for path in ["/etc/subuid", "/etc/subgid"] {
        if !Path::new(path).exists() {
            eprintln!("SKIPPED user_namespaces::the_pool: {path} is missing");
            return;
        }
    }
    let line = "containers:655360:131072\n";
    let _uids = host.file_instead("/etc/subuid", line);
    let _gids = host.file_instead("/etc/subgid", line);
    host.ok("create --name one --userns auto alpine true");
    host.ok("create --name two --userns auto alpine true");
    let firsts: Vec<u32> = leases(&host).into_iter().map(|(first, _)| first).collect();
    assert_eq!(firsts, [655_360, 720_896]);
    assert_eq!(
        host.fails(1, "create --userns auto alpine true"),
        "rbox: --userns=auto: all 2 ranges of ids are taken"
    );
    host.ok("rm one");
    host.ok("create --name three --userns auto alpine true");
}
