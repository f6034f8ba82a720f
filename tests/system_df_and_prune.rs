//! What takes room on the disk, and getting it back.

use std::fs;
use std::path::Path;

use crate::harness::{Host, Tar};

fn import(host: &Host, text: &str, name: &str) {
    let path = host.scratch().join("image.tar");
    let tar = Tar::default().file("file", text.as_bytes()).finish();
    fs::write(&path, tar).unwrap();
    host.ok(&format!("import {} {name}", path.display()));
}

/// Bytes of the regular files below a directory.
fn bytes(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.metadata().unwrap() {
            data if data.is_dir() => bytes(&entry.path()),
            data if data.is_file() => data.len(),
            _ => 0,
        })
        .sum()
}

fn shown(host: &Host, format: &str) -> Vec<String> {
    host.rbox(&["system", "df", "--format", format])
        .ok()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn df_counts_each_layer_once_and_what_prune_gives_back() {
    let host = Host::without_images();
    assert_eq!(
        host.ok("system df"),
        "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE\n\
         Images          0         0         0B        0B\n\
         Containers      0         0         0B        0B\n\
         Local Volumes   0         0         0B        0B\n\
         Build Cache     0         0         0B        0B"
    );
    let same = "s".repeat(3000);
    import(&host, &same, "a:1");
    import(&host, &same, "b:1");
    import(&host, "c", "c:1");
    let images = host.root().join("images");
    let on_disk = bytes(&images.join("blobs")) + bytes(&images.join("layers"));
    // What only describes the trees is not counted.
    let notes: u64 = fs::read_dir(images.join("layers"))
        .unwrap()
        .map(|layer| {
            layer
                .unwrap()
                .path()
                .join("meta.json")
                .metadata()
                .unwrap()
                .len()
        })
        .sum();
    let summary = shown(
        &host,
        "{{.Type}}|{{.TotalCount}}|{{.Size}}|{{.Reclaimable}}",
    );
    let size = summary[0].split('|').nth(2).unwrap().to_owned();
    let kilobytes: f64 = size.strip_suffix("kB").unwrap().parse().unwrap();
    assert!(
        (kilobytes * 1000.0 - (on_disk - notes) as f64).abs() < 10.0,
        "{size} and {on_disk} - {notes}"
    );
    assert_eq!(summary[0], format!("Images|3|{size}|{size} (100%)"));

    let format = "{{range .Images}}{{.Repository}} {{.SharedSize}} {{.UniqueSize}};{{end}}";
    let detailed = host.rbox(&["system", "df", "-v", "--format", format]).ok();
    let sizes = |name: &str| -> Vec<String> {
        let mut lines = detailed.split(';').map(str::split_whitespace);
        let found = lines.find_map(|mut words| (words.next() == Some(name)).then_some(words));
        found.unwrap().map(str::to_owned).collect()
    };
    // Both have the same layer: its tree and its archive. What each has for itself, its time
    // among it, which is shorter when it ends in zeros.
    assert_eq!(sizes("a")[0], sizes("b")[0], "{detailed}");
    for name in ["a", "b"] {
        let own: u64 = sizes(name)[1].strip_suffix('B').unwrap().parse().unwrap();
        assert!((500..1000).contains(&own), "{detailed}");
    }
    assert_ne!(sizes("a")[0], "0B");
    assert_eq!(sizes("c")[0], "0B");
    let text = host.ok("system df -v");
    for header in [
        "Images space usage:",
        "Containers space usage:",
        "Local Volumes space usage:",
        "Build cache usage: 0B",
    ] {
        assert!(text.contains(header), "{text}");
    }
    let pruned = host.ok("image prune -a -f");
    assert!(
        pruned.ends_with(&format!("Total reclaimed space: {size}")),
        "{pruned} and {size}"
    );
    assert_eq!(
        bytes(&images.join("blobs")) + bytes(&images.join("layers")),
        0
    );
}

#[test]
fn what_a_container_uses_is_active() {
    let host = Host::with_own_images();
    let script = "echo hello > /hello; sleep 1000";
    host.rbox(&["run", "-d", "--name", "web", "alpine", "sh", "-c", script])
        .ok();
    let written = "until test -s /hello; do :; done";
    host.rbox(&["exec", "web", "sh", "-c", written]).ok();
    let counts = shown(&host, "{{.Type}} {{.Active}}");
    assert_eq!(counts[..2], ["Images 1", "Containers 1"]);
    let json = host.ok("system df --format json");
    assert!(
        json.starts_with("{\"Active\":\"1\",\"Reclaimable\":"),
        "{json}"
    );
    let one = host.rbox(&[
        "system",
        "df",
        "-v",
        "--format",
        "{{range .Containers}}{{.Names}} {{.Size}}{{end}}",
    ]);
    assert_eq!(one.ok(), "web 6B");
}

#[test]
fn system_prune_leaves_what_is_used() {
    let host = Host::with_own_images();
    import(&host, "one", "a:1");
    import(&host, "two", "a:1");
    host.ok("network create lan");
    host.ok("network create used");
    host.ok("run -d --name on --network used alpine sleep 1000");
    let gone = host.ok("create alpine true");
    let text = host.ok("system prune -f");
    for part in [
        format!("Deleted Containers:\n{gone}\n\n"),
        "Deleted Networks:\nlan\n\n".to_owned(),
        "Deleted Images:\ndeleted: sha256:".to_owned(),
        "Total reclaimed space: ".to_owned(),
    ] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    assert!(!text.contains("untagged"), "{text}");
    let text = host.ok("system prune -a -f --volumes");
    assert!(text.contains("untagged: a:1\n"), "{text}");
    assert!(!text.contains("untagged: alpine"), "{text}");
    assert_eq!(host.ok("exec on echo still there"), "still there");
    assert_eq!(
        host.fails(1, "system prune -f --volumes --filter until=1h"),
        "rbox: ERROR: The \"until\" filter is not supported with \"--volumes\""
    );
}

#[test]
fn container_prune_takes_what_its_filters_choose_and_nothing_that_lives() {
    let host = Host::new();
    host.ok("create --name kept --label keep=1 alpine true");
    host.ok("create --name dev --label stage=dev alpine true");
    host.ok("create --name plain alpine true");
    host.ok("run -d --name paused alpine sleep 1000");
    host.ok("pause paused");
    let names = || {
        let words = ["ps", "-a", "--format", "{{.Names}}"];
        let names = host.rbox(&words).ok();
        let mut names: Vec<String> = names.lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    let prune = |filters: &str| host.ok(&format!("container prune -f {filters}"));
    assert_eq!(prune("--filter until=1h"), "Total reclaimed space: 0B");
    assert_eq!(names(), "dev kept paused plain");
    let dev = host.id("dev");
    assert_eq!(
        prune("--filter label=stage=dev"),
        format!("Deleted Containers:\n{dev}\n\nTotal reclaimed space: 0B")
    );
    prune("--filter label!=keep");
    assert_eq!(names(), "kept paused");
    for (filters, text) in [
        ("--filter bogus=1", "rbox: Invalid filter 'bogus'"),
        ("--filter until=soon", "rbox: Invalid filter 'until=soon'"),
        (
            "--filter until=1h --filter until=2h",
            "rbox: more than one until filter specified",
        ),
    ] {
        assert_eq!(
            host.fails(1, &format!("container prune -f {filters}")),
            text
        );
    }
    assert_eq!(names(), "kept paused");
}
