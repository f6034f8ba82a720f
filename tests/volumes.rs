//! Volumes in containers: what they start with, who sees what, and what stays.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::harness::{Host, eventually};

/// An image with something at /data, which belongs to somebody else and is a VOLUME.
const IMAGE: &str = "FROM alpine\n\
    RUN mkdir -p /data/sub && echo from-image > /data/file && ln -s file /data/link \
    && ln /data/file /data/sub/hard && mkfifo -m 640 /data/pipe && mknod /data/null c 1 3 \
    && chown -R 1000:1001 /data && chmod 4750 /data/file && chmod 750 /data \
    && touch -d 2001-02-03 /data/file\n\
    VOLUME /data\n";

fn host() -> Host {
    let host = Host::with_own_images();
    host.build(IMAGE, "-q -t volimg").ok();
    host
}

fn data(host: &Host, volume: &str) -> PathBuf {
    host.root().join("volumes").join(volume).join("_data")
}

/// Names of the volumes that nobody named.
fn anonymous(host: &Host) -> Vec<String> {
    let all = host.ok("volume ls -q -f label=com.docker.volume.anonymous");
    all.lines().map(str::to_owned).collect()
}

#[test]
fn an_empty_volume_gets_what_the_image_has_there() {
    let host = host();
    let script = "cd /data; stat -c '%n %a %u:%g %F' . file link sub pipe null; readlink link; \
                  cat file; test file -ef sub/hard && echo one file; stat -c %y file | cut -c1-10";
    let expected = ". 750 1000:1001 directory\n\
                    file 4750 1000:1001 regular file\n\
                    link 777 1000:1001 symbolic link\n\
                    sub 755 1000:1001 directory\n\
                    pipe 640 1000:1001 fifo\n\
                    null 644 1000:1001 character special file\n\
                    file\nfrom-image\none file\n2001-02-03";
    // Named, by a mount, and without a name: by the VOLUME of the image.
    for options in ["-v new:/data", "--mount src=other,dst=/data", ""] {
        let mut line = format!("run --rm {options} volimg sh -c")
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        line.push(script.to_owned());
        assert_eq!(host.rbox(&line).ok(), expected, "{options}");
    }
    // What a container changes is there for the next one, whatever its image.
    host.shell("-v new:/data", "echo changed > /data/file; rm /data/link")
        .ok();
    assert_eq!(
        host.ok("run --rm -v new:/data volimg cat /data/file"),
        "changed"
    );
    assert!(!data(&host, "new").join("link").exists());
    // A full one stays as it is, and so does one that is not to be filled.
    host.shell("-v own:/x", "touch /x/own").ok();
    assert_eq!(host.ok("run --rm -v own:/data volimg ls /data"), "own");
    assert_eq!(
        host.ok("run --rm -v no:/data:nocopy volimg ls -A /data"),
        ""
    );
    let mount = "src=not,dst=/data,volume-nocopy";
    assert_eq!(
        host.ok(&format!("run --rm --mount {mount} volimg ls -A /data")),
        ""
    );
    // An empty directory of the image gives its owner and mode; none gives nothing.
    host.build(
        "FROM alpine\nRUN install -d -m 700 -o 5 -g 6 /empty\n",
        "-q -t empty",
    )
    .ok();
    host.ok("create -v ee:/empty -v ff:/not/there empty");
    let of = |volume: &str| {
        let data = fs::metadata(data(&host, volume)).unwrap();
        (data.mode() & 0o7777, data.uid(), data.gid())
    };
    assert_eq!((of("ee"), of("ff")), ((0o700, 5, 6), (0o755, 0, 0)));
}

#[test]
fn etc_in_a_volume_still_has_the_containers_own_files() {
    let host = Host::new();
    let script = "ls /etc | grep -c .; tail -1 /etc/hosts | grep -c \"$(hostname)\"; \
                  cat /etc/alpine-release > /etc/mine";
    let output = host.shell("-v etc:/etc", script).ok();
    let mut lines = output.lines();
    assert!(
        lines.next().unwrap().parse::<u32>().unwrap() > 10,
        "{output}"
    );
    assert_eq!(lines.next(), Some("1"));
    assert_eq!(
        host.shell("-v etc:/etc", "cat /etc/mine | grep -c '^3'")
            .ok(),
        "1"
    );
}

#[test]
fn volumes_without_a_name_go_with_their_container_where_that_is_asked() {
    let host = host();
    host.ok("run --name kept -v /other volimg true");
    let kept = anonymous(&host);
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|name| name.len() == 64), "{kept:?}");
    host.ok("rm kept");
    assert_eq!(anonymous(&host), kept);
    // rm -v, --rm, and --rm of one that never came to run.
    host.ok("run --name gone -v /other -v named:/n volimg true");
    host.ok("rm -v gone");
    assert_eq!(host.ok("run --rm -v named:/n volimg ls -A /n"), "");
    host.fails(127, "run --rm volimg /no/such/program");
    let running = host.ok("run -d --rm volimg sleep 1000");
    host.ok(&format!("rm -f {running}"));
    let detached = host.ok("run -d --rm volimg sleep 1000");
    assert_eq!(anonymous(&host).len(), 3);
    host.ok(&format!("kill {detached}"));
    eventually("the volume is gone", || {
        (anonymous(&host).len() == 2).then_some(())
    });
    // One that another container has taken over stays with it.
    host.ok("create --name first volimg true");
    host.ok("create --name second --volumes-from first alpine true");
    let shared = anonymous(&host);
    assert_eq!(shared.len(), 3);
    host.ok("rm -v first");
    assert_eq!(anonymous(&host), shared);
    host.ok("rm -v second");
    assert_eq!(anonymous(&host), kept);
    // Those that were mentioned keep the image from making one.
    host.ok("create --name given -v named:/data volimg true");
    host.ok("create --tmpfs /data --name memory volimg true");
    assert_eq!(anonymous(&host), kept);
    assert_eq!(host.ok("volume ls -q -f name=^named$"), "named");
}

#[test]
fn a_damaged_container_keeps_no_other_from_being_removed() {
    let host = host();
    let damaged = host.ok("create alpine true");
    fs::write(
        host.root()
            .join("containers")
            .join(&damaged)
            .join("config.json"),
        "{",
    )
    .unwrap();
    host.ok("run --rm volimg true");
    host.ok("run --name box volimg true");
    host.ok("rm -v box");
    // Nobody knows whether it uses them.
    assert_eq!(anonymous(&host).len(), 2);
    host.ok(&format!("rm -f {damaged}"));
    host.ok("volume prune -f");
    assert_eq!(anonymous(&host), [""; 0]);
}

#[test]
fn a_killed_monitors_volumes_go_like_those_of_any_other() {
    let host = host();
    host.ok("run -d --rm --name box volimg sleep 1000");
    assert_eq!(anonymous(&host).len(), 1);
    host.kill_monitor("box");
    eventually("what it left is undone", || {
        host.ok("ps -aq");
        anonymous(&host).is_empty().then_some(())
    });
}

#[test]
fn volumes_of_another_container_are_taken_over() {
    let host = host();
    host.write("shared/file", "of the host\n");
    let shared = host.scratch().join("shared").display().to_string();
    host.ok(&format!(
        "create --name donor -v {shared}:/bound:ro -v named:/named volimg true"
    ));
    let script =
        "cat /data/file /bound/file; touch /named/new; touch /bound/x 2>&1 | grep -c Read-only";
    assert_eq!(
        host.shell("--volumes-from donor", script).ok(),
        "from-image\nof the host\n1"
    );
    let script = "touch /named/x 2>&1 | grep -c Read-only; ls /named";
    assert_eq!(host.shell("--volumes-from donor:ro", script).ok(), "1\nnew");
    // Its own come first.
    assert_eq!(
        host.shell("--volumes-from donor -v mine:/named", "ls -A /named")
            .ok(),
        ""
    );
    for (options, text) in [
        ("--volumes-from nobody", "No such container: nobody"),
        ("--volumes-from donor:nocopy", "invalid mode: nocopy"),
        ("--volumes-from donor:ro,rw", "invalid mode: ro,rw"),
    ] {
        let error = host.shell(options, "true").fails(125);
        assert!(error.starts_with(&format!("rbox: {text}\n")), "{error}");
    }
    let format = "{{json .HostConfig.VolumesFrom}} {{len .Mounts}}";
    host.ok("create --name taker --volumes-from donor:ro alpine true");
    let shown = host.rbox(&["inspect", "-f", format, "taker"]).ok();
    assert_eq!(shown, "[\"donor:ro\"] 3");
}

#[test]
fn read_only_and_part_of_a_volume() {
    let host = host();
    host.shell(
        "-v vv:/v",
        "mkdir -p /v/a/b /v/c; echo deep > /v/a/b/file; ln -s a/b /v/way; ln -s /../../etc /v/out",
    )
    .ok();
    let script = "touch /m/x 2>&1 | grep -c Read-only; mount | grep -c ' /m .*(ro'";
    for mount in ["-v vv:/m:ro", "--mount src=vv,dst=/m,readonly"] {
        assert_eq!(host.shell(mount, script).ok(), "1\n1", "{mount}");
    }
    for (path, content) in [
        ("a/b", "file"),
        ("./a//b", "file"),
        ("way", "file"),
        ("a", "b"),
    ] {
        let mount = format!("--mount src=vv,dst=/m,volume-subpath={path}");
        assert_eq!(host.shell(&mount, "ls /m").ok(), content, "{path}");
    }
    let failure = host
        .shell("--mount src=vv,dst=/m,volume-subpath=none", "true")
        .fails(125);
    let path = data(&host, "vv").join("none");
    assert!(
        failure.contains(&format!("cannot access path {}: ", path.display())),
        "{failure}"
    );
    // A link of a container's leads nowhere but below the volume.
    let failure = host
        .shell("--mount src=vv,dst=/m,volume-subpath=out", "true")
        .fails(125);
    assert!(failure.contains("cannot access path"), "{failure}");
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn a_volume_has_the_ids_that_containers_see_whatever_their_ranges() {
    let host = host();
    let script = "stat -c %u:%g /data /data/file /empty; touch /data/new /empty/new; stat -c %u /data/new /empty/new";
    let expected = "1000:1001\n1000:1001\n0:0\n0\n0";
    let inside = |options: &str| {
        let line = format!("run --rm {options} -v uu:/data -v ee:/empty volimg sh -c");
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.push(script);
        host.rbox(&words).ok()
    };
    assert_eq!(inside("--userns auto"), expected);
    assert_eq!(inside("--userns auto"), expected, "another range");
    assert_eq!(inside(""), expected, "the host's");
    let data = fs::metadata(data(&host, "uu").join("new")).unwrap();
    assert_eq!((data.uid(), data.gid()), (0, 0));
}

#[test]
fn a_volume_over_a_file_and_names_that_cannot_be_leave_nothing() {
    let host = Host::new();
    for (options, text) in [
        (
            "-v new:/etc/passwd",
            "cannot mount volume over existing file, file exists /etc/passwd",
        ),
        (
            "-v x:/data",
            "create x: volume name is too short, names should be at least two alphanumeric characters",
        ),
        ("-v new:/data -v new2:/data", "Duplicate mount point: /data"),
        (
            "-v new:/data --tmpfs /data/",
            "Duplicate mount point: /data",
        ),
        (
            "--volume-driver flocker -v new:/data",
            "create new: error looking up volume plugin flocker: plugin \"flocker\" not found",
        ),
        (
            "--mount src=new,dst=/data,volume-opt=bogus=1",
            "create new: invalid option: \"bogus\"",
        ),
        (
            "-v ~/x:/data",
            "create ~/x: \"~/x\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path",
        ),
    ] {
        let error = host.shell(options, "true").fails(125);
        assert!(error.starts_with(&format!("rbox: {text}\n")), "{error}");
    }
    assert_eq!(host.ok("volume ls -q"), "");
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn what_inspect_and_ps_tell() {
    let host = host();
    host.ok("create --name box -v named:/named -v ro:/ro:ro -v /lone volimg true");
    let lone = anonymous(&host);
    let mounts = host
        .rbox(&["inspect", "-f", "{{json .Mounts}}", "box"])
        .ok();
    let mounts: serde_json::Value = serde_json::from_str(&mounts).unwrap();
    let mount = |name: &str, destination: &str, mode: &str, rw: bool| {
        serde_json::json!({
            "Type": "volume",
            "Name": name,
            "Source": data(&host, name),
            "Destination": destination,
            "Driver": "local",
            "Mode": mode,
            "RW": rw,
            "Propagation": "",
        })
    };
    let name = |index: usize| mounts[index]["Name"].as_str().unwrap();
    assert_eq!(
        mounts,
        serde_json::json!([
            mount("named", "/named", "z", true),
            mount("ro", "/ro", "ro", false),
            mount(name(2), "/data", "", true),
            mount(name(3), "/lone", "", true),
        ])
    );
    assert!(
        [name(2), name(3)]
            .iter()
            .all(|name| lone.contains(&(*name).to_owned()))
    );
    let format = "{{json .HostConfig.Binds}} {{json .Config.Volumes}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", format, "box"]).ok(),
        "[\"named:/named\",\"ro:/ro:ro\"] {\"/data\":{},\"/lone\":{}}"
    );
    let shown = host
        .rbox(&[
            "ps",
            "-a",
            "--no-trunc",
            "--format",
            "{{.LocalVolumes}} {{.Mounts}}",
        ])
        .ok();
    assert_eq!(shown, format!("4 named,ro,{},{}", name(2), name(3)));
    for (filter, found) in [
        ("named", true),
        ("/named", true),
        ("/lone", true),
        ("other", false),
    ] {
        let names = host.ok(&format!("ps -a -f volume={filter} --format {{{{.Names}}}}"));
        assert_eq!(names == "box", found, "{filter}");
    }
}
