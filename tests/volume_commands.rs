//! `volume create`, `ls`, `inspect`, `rm` and `prune`, and what other commands say of volumes.

use std::fs;
use std::path::PathBuf;
use std::thread;

use crate::harness::Host;

fn directory(host: &Host, volume: &str) -> PathBuf {
    host.root().join("volumes").join(volume)
}

#[test]
fn a_volume_is_made_listed_and_inspected() {
    let host = Host::without_images();
    assert_eq!(host.ok("volume ls"), "DRIVER    VOLUME NAME");
    let lone = host.ok("volume create");
    assert_eq!(lone.len(), 64);
    assert_eq!(host.ok("volume create h4v"), "h4v");
    assert_eq!(host.ok("volume create h4v"), "h4v", "a second time");
    assert_eq!(
        host.ok("volume create --label a=b --driver local h4v2"),
        "h4v2"
    );
    assert_eq!(host.ok("volume create --name h4x"), "h4x");
    assert_eq!(
        host.ok("volume ls"),
        format!(
            "DRIVER    VOLUME NAME\nlocal     {lone}\nlocal     h4v\nlocal     h4v2\nlocal     h4x"
        )
    );
    for (filter, names) in [
        ("name=h4v", "h4v\nh4v2"),
        ("name=^h4v$", "h4v"),
        ("label=a", "h4v2"),
        ("label=a=c", ""),
        ("driver=local", &format!("{lone}\nh4v\nh4v2\nh4x")),
        ("driver=nfs", ""),
        ("dangling=false", ""),
        ("label!=com.docker.volume.anonymous", "h4v\nh4v2\nh4x"),
    ] {
        assert_eq!(
            host.ok(&format!("volume ls -q -f {filter}")),
            names,
            "{filter}"
        );
    }
    assert_eq!(
        host.fails(1, "volume ls -f bogus=1"),
        "rbox: Invalid filter 'bogus'"
    );
    let format = "{{.Name}}|{{.Driver}}|{{.Scope}}|{{.Mountpoint}}|{{.Labels}}|{{.Label \"a\"}}";
    let data = directory(&host, "h4v2").join("_data").display().to_string();
    assert_eq!(
        host.rbox(&["volume", "ls", "-f", "label=a", "--format", format])
            .ok(),
        format!("h4v2|local|local|{data}|a=b|b")
    );
    let created = host
        .rbox(&["volume", "inspect", "-f", "{{.CreatedAt}}", "h4v2"])
        .ok();
    assert_eq!(
        (created.len(), created.ends_with('Z')),
        (20, true),
        "{created}"
    );
    let shown = host
        .rbox(&["volume", "inspect", "-f", "{{json .}}", "h4v2"])
        .ok();
    let expected = format!(
        "{{\"CreatedAt\":\"{created}\",\"Driver\":\"local\",\"Labels\":{{\"a\":\"b\"}},\
         \"Mountpoint\":\"{data}\",\"Name\":\"h4v2\",\"Options\":null,\"Scope\":\"local\"}}"
    );
    assert_eq!(shown, expected);
    // `inspect` finds it, too, and by its type alone.
    for line in [
        "inspect -f {{.Name}} h4v2",
        "inspect --type volume -f {{.Name}} h4v2",
    ] {
        assert_eq!(host.ok(line), "h4v2");
    }
    let output = host.rbox(&["volume", "inspect", "nosuch"]);
    assert_eq!((output.code, output.stdout.trim()), (1, "[]"));
    assert_eq!(output.stderr.trim(), "rbox: get nosuch: no such volume");
    let output = host.rbox(&["inspect", "--type", "volume", "nosuch"]);
    assert_eq!(output.stderr.trim(), "rbox: get nosuch: no such volume");
}

#[test]
fn what_cannot_be_made_is_refused_with_dockers_words() {
    let host = Host::without_images();
    for (words, text) in [
        (
            &["bad name"][..],
            "create bad name: \"bad name\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path",
        ),
        (
            &["a"],
            "create a: volume name is too short, names should be at least two alphanumeric characters",
        ),
        (
            &["--driver", "bogus", "x"],
            "create x: error looking up volume plugin bogus: plugin \"bogus\" not found",
        ),
        (
            &["-o", "bogus=1", "xx"],
            "create xx: invalid option: \"bogus\"",
        ),
        (
            &["-o", "type=nfs", "xx"],
            "create xx: missing required option: \"device\"",
        ),
        (
            &["-o", "size=1g", "xx"],
            "create xx: quota size requested but no quota support",
        ),
        (&["../up"], "create ../up: \"../up\" includes invalid"),
    ] {
        let mut line = vec!["volume", "create"];
        line.extend(words);
        let error = host.rbox(&line).fails(1);
        assert!(error.starts_with(&format!("rbox: {text}")), "{error}");
    }
    let error = host.fails(1, "volume create a b");
    assert!(
        error.starts_with("rbox: 'rbox volume create' requires at most 1 argument"),
        "{error}"
    );
    let error = host.fails(1, "volume inspect");
    assert!(
        error.starts_with("rbox: 'rbox volume inspect' requires at least 1 argument"),
        "{error}"
    );
    assert!(!host.root().join("volumes").exists(), "nothing was begun");
}

#[test]
fn a_volume_in_use_stays() {
    let host = Host::new();
    let id = host.ok("run -d --name box -v h4v:/data alpine sleep 1000");
    let used = format!("rbox: remove h4v: volume is in use - [{id}]");
    assert_eq!(host.fails(1, "volume rm h4v"), used);
    host.ok("kill box");
    assert_eq!(
        host.fails(1, "volume rm h4v"),
        used,
        "a stopped container's"
    );
    assert_eq!(host.fails(1, "volume rm -f h4v"), used);
    assert_eq!(host.ok("volume ls -q -f dangling=false"), "h4v");
    assert_eq!(host.ok("volume prune -a -f"), "Total reclaimed space: 0B");
    host.ok("rm -v box");
    assert_eq!(host.ok("volume ls -q"), "h4v");
    assert_eq!(host.ok("volume rm h4v"), "h4v");
    assert_eq!(
        host.fails(1, "volume rm h4v"),
        "rbox: get h4v: no such volume"
    );
    assert_eq!(host.ok("volume rm -f h4v"), "h4v");
    assert_eq!(
        host.fails(1, "volume rm ../containers"),
        "rbox: get ../containers: no such volume"
    );
}

#[test]
fn nobody_knows_what_a_damaged_container_uses() {
    let host = Host::new();
    let id = host.ok("create -v h4v:/data alpine true");
    let record = host.root().join("containers").join(&id).join("config.json");
    fs::write(record, "{").unwrap();
    let error = host.fails(1, "volume rm h4v");
    assert!(
        error.starts_with(&format!(
            "rbox: cannot tell which volumes container {id} uses: "
        )),
        "{error}"
    );
    assert!(
        error.ends_with(&format!(
            "hint: `rbox rm -f {id}` removes what is left of it"
        )),
        "{error}"
    );
    host.ok(&format!("rm -f {id}"));
    host.ok("volume rm h4v");
}

#[test]
fn a_damaged_volume_hides_no_other_and_can_be_removed() {
    let host = Host::new();
    host.ok("volume create bad");
    host.ok("volume create good");
    fs::write(directory(&host, "bad").join("volume.json"), "{").unwrap();
    let listed = host.rbox(&["volume", "ls", "-q"]);
    assert_eq!(
        (listed.code, listed.stdout.trim()),
        (0, "good"),
        "{listed:?}"
    );
    assert!(
        listed
            .stderr
            .contains("hint: `rbox volume rm bad` removes the volume"),
        "{listed:?}"
    );
    host.fails(1, "volume inspect bad");
    let error = host.shell("-v bad:/x", "true").fails(125);
    assert!(error.contains("volume.json"), "{error}");
    host.ok("volume rm bad");
    assert_eq!(host.ok("volume ls -q"), "good");
}

#[test]
fn prune_takes_those_without_a_name_or_all() {
    let host = Host::new();
    let lone = host.ok("volume create");
    host.ok("volume create --label keep h4keep");
    host.ok("volume create h4v");
    host.ok("create --name box -v /data -v used:/used alpine true");
    fs::write(directory(&host, &lone).join("_data/file"), [0; 1500]).unwrap();
    fs::write(directory(&host, "h4v").join("_data/file"), [0; 2500]).unwrap();
    assert_eq!(
        host.ok("volume prune -f"),
        format!("Deleted Volumes:\n{lone}\n\nTotal reclaimed space: 1.5kB")
    );
    assert_eq!(
        host.ok("volume prune -a -f --filter label!=keep"),
        "Deleted Volumes:\nh4v\n\nTotal reclaimed space: 2.5kB"
    );
    assert_eq!(
        host.ok("volume prune --filter all=1 -f"),
        "Deleted Volumes:\nh4keep\n\nTotal reclaimed space: 0B"
    );
    assert_eq!(host.ok("volume prune -f"), "Total reclaimed space: 0B");
    assert_eq!(host.ok("volume ls -q -f name=used"), "used");
    assert_eq!(
        host.fails(1, "volume prune -f --filter until=1h"),
        "rbox: Invalid filter 'until'"
    );
    let asked = host.rbox(&["volume", "prune"]).ok();
    assert_eq!(
        asked,
        "WARNING! This will remove anonymous local volumes not used by at least one container.\n\
         Are you sure you want to continue? [y/N] "
    );
}

#[test]
fn the_systems_commands_count_volumes() {
    let host = Host::new();
    host.ok("create --name box -v used:/used alpine true");
    let lone = host.ok("volume create");
    fs::write(directory(&host, "used").join("_data/file"), [0; 3000]).unwrap();
    fs::write(directory(&host, &lone).join("_data/file"), [0; 1000]).unwrap();
    let format = "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}";
    let usage = host.rbox(&["system", "df", "--format", format]).ok();
    assert!(
        usage.contains("\nLocal Volumes 2 1 4kB 1kB (25%)\n"),
        "{usage}"
    );
    let tables = host.ok("system df -v");
    let space = format!(
        "Local Volumes space usage:\n\n\
         VOLUME NAME                                                        LINKS     SIZE\n\
         {lone}   0         1kB\n\
         used                                                               1         3kB\n"
    );
    assert!(tables.contains(&space), "{tables}");
    let pruned = host.rbox(&["system", "prune", "-f", "--volumes"]).ok();
    assert!(pruned.contains("Deleted Containers:\n"), "{pruned}");
    assert!(
        pruned.contains(&format!("Deleted Volumes:\n{lone}\n\n")),
        "{pruned}"
    );
    assert_eq!(host.ok("volume ls -q"), "used");
}

#[test]
fn many_at_once_make_and_remove_the_same_volume() {
    let host = Host::new();
    thread::scope(|scope| {
        let host = &host;
        for number in 0..4 {
            // Namespaces are a thread's: what is made here is on the machine's, and starts nothing.
            scope.spawn(move || {
                for _ in 0..8 {
                    let id = host.ok("create -v shared:/data alpine true");
                    assert!(directory(host, "shared").join("_data").is_dir(), "{number}");
                    let error = host.fails(1, "volume rm shared");
                    assert!(error.contains("volume is in use - ["), "{error}");
                    host.ok("volume prune -a -f");
                    assert!(directory(host, "shared").join("_data").is_dir(), "{number}");
                    host.ok(&format!("rm {id}"));
                    let removed = host.rbox(&["volume", "rm", "shared"]);
                    let text = format!("{}{}", removed.stdout, removed.stderr);
                    assert!(
                        ["shared\n", "in use", "no such volume"]
                            .iter()
                            .any(|known| text.contains(known)),
                        "{text}"
                    );
                }
            });
        }
    });
    let left: Vec<_> = fs::read_dir(host.root().join("volumes"))
        .unwrap()
        .flatten()
        .collect();
    assert!(
        left.iter().all(|entry| entry.file_name() == "shared"),
        "{left:?}"
    );
}
