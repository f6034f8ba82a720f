//! Every list: the filters and the template keys that Docker documents for it.

use crate::harness::Host;

/// A list, its filters with a value that fits each, and the keys of its templates.
struct List {
    command: &'static str,
    filters: &'static [&'static str],
    keys: &'static [&'static str],
}

const LISTS: &[List] = &[
    List {
        command: "ps -a",
        filters: &[
            "id=a",
            "name=box",
            "label=tier",
            "label=tier=front",
            "exited=0",
            "status=created",
            "ancestor=alpine",
            "before=box",
            "since=box",
            "volume=data",
            "network=bridge",
            "publish=80",
            "expose=80/tcp",
            "health=none",
            "isolation=default",
            "is-task=false",
        ],
        keys: &[
            ".ID",
            ".Image",
            ".Command",
            ".CreatedAt",
            ".RunningFor",
            ".Ports",
            ".State",
            ".Status",
            ".Size",
            ".Names",
            ".Labels",
            ".Label \"tier\"",
            ".Mounts",
            ".Networks",
            ".LocalVolumes",
        ],
    },
    List {
        command: "images",
        filters: &[
            "dangling=false",
            "label=a",
            "before=alpine",
            "since=alpine",
            "until=1h",
            "reference=alp*",
        ],
        keys: &[
            ".ID",
            ".Repository",
            ".Tag",
            ".Digest",
            ".CreatedSince",
            ".CreatedAt",
            ".Size",
        ],
    },
    List {
        command: "network ls",
        filters: &[
            "driver=bridge",
            "id=a",
            "label=a",
            "name=bridge",
            "scope=local",
            "type=builtin",
            "dangling=false",
        ],
        keys: &[
            ".ID",
            ".Name",
            ".Driver",
            ".Scope",
            ".IPv6",
            ".Internal",
            ".Labels",
            ".Label \"a\"",
            ".CreatedAt",
        ],
    },
    List {
        command: "volume ls",
        filters: &["dangling=true", "driver=local", "label=a", "name=data"],
        keys: &[
            ".Name",
            ".Driver",
            ".Scope",
            ".Mountpoint",
            ".Labels",
            ".Label \"a\"",
        ],
    },
    List {
        command: "history alpine",
        filters: &[],
        keys: &[
            ".ID",
            ".CreatedSince",
            ".CreatedAt",
            ".CreatedBy",
            ".Size",
            ".Comment",
        ],
    },
    List {
        command: "system df",
        filters: &[],
        keys: &[".Type", ".TotalCount", ".Active", ".Size", ".Reclaimable"],
    },
    List {
        command: "stats --no-stream -a",
        filters: &[],
        keys: &[
            ".Container",
            ".Name",
            ".ID",
            ".CPUPerc",
            ".MemUsage",
            ".NetIO",
            ".BlockIO",
            ".MemPerc",
            ".PIDs",
        ],
    },
    List {
        command: "events --since 1h --until 0s",
        filters: &[
            "container=box",
            "event=create",
            "image=alpine",
            "label=tier",
            "type=container",
            "volume=data",
            "network=bridge",
            "scope=local",
        ],
        keys: &[
            ".Type",
            ".Action",
            ".Actor",
            ".Actor.ID",
            ".Actor.Attributes",
            ".Scope",
            ".Time",
            ".TimeNano",
            ".Status",
            ".ID",
            ".From",
        ],
    },
];

/// Prunes, and their filters.
const PRUNES: &[(&str, &[&str])] = &[
    ("container prune", &["until=1h", "label=a", "label!=b"]),
    (
        "image prune",
        &["until=1h", "label=a", "label!=b", "dangling=true"],
    ),
    ("network prune", &["until=1h", "label=a", "label!=b"]),
    ("volume prune", &["label=a", "label!=b", "all=true"]),
    ("builder prune", &["until=1h"]),
    ("system prune", &["until=1h", "label=a", "label!=b"]),
];

fn with_things() -> Host {
    let host = Host::with_own_images();
    host.ok("volume create data");
    host.ok("create --name box --label tier=front -v data:/srv -p 80 alpine");
    host
}

#[test]
fn every_list_has_dockers_filters() {
    let host = with_things();
    for list in LISTS {
        for filter in list.filters {
            let mut words: Vec<&str> = list.command.split(' ').collect();
            words.extend(["--filter", filter]);
            host.rbox(&words).ok();
        }
        if list.filters.is_empty() {
            continue;
        }
        let mut words: Vec<&str> = list.command.split(' ').collect();
        words.extend(["--filter", "bogus=1"]);
        let said = host.rbox(&words).fails(1);
        assert_eq!(said, "rbox: Invalid filter 'bogus'", "{}", list.command);
    }
    host.ok("rm -f box");
    host.ok("volume rm data");
}

#[test]
fn every_prune_has_dockers_filters() {
    let host = with_things();
    for (command, filters) in PRUNES {
        for filter in *filters {
            let mut words: Vec<&str> = command.split(' ').collect();
            words.extend(["-f", "--filter", filter]);
            host.rbox(&words).ok();
        }
        let mut words: Vec<&str> = command.split(' ').collect();
        words.extend(["-f", "--filter", "bogus=1"]);
        let said = host.rbox(&words).fails(1);
        assert_eq!(said, "rbox: Invalid filter 'bogus'", "{command}");
    }
    host.rbox(&["rm", "-f", "box"]);
    host.rbox(&["volume", "rm", "-f", "data"]);
}

#[test]
fn every_list_has_dockers_keys() {
    let host = with_things();
    host.ok("start box");
    for list in LISTS {
        for key in list.keys {
            let template = format!("{{{{{key}}}}}");
            let mut words: Vec<&str> = list.command.split(' ').collect();
            words.extend(["--format", &template]);
            let output = host.rbox(&words);
            // A value may be empty; its line is there.
            assert!(
                !output.stdout.is_empty(),
                "{} {key}: {output:#?}",
                list.command
            );
            let text = output.ok();
            assert!(
                !text.contains("<no value>"),
                "{} {key}: {text}",
                list.command
            );
        }
        let mut words: Vec<&str> = list.command.split(' ').collect();
        words.extend(["--format", "json"]);
        for line in host.rbox(&words).ok().lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value.is_object(), "{}: {line}", list.command);
        }
        let mut words: Vec<&str> = list.command.split(' ').collect();
        words.extend(["--format", "{{.Bogus}}"]);
        assert_ne!(host.rbox(&words).code, 0, "{}", list.command);
    }
    host.ok("rm -f box");
    host.ok("volume rm data");
}

#[test]
fn templates_have_all_functions_that_docker_documents() {
    let host = Host::new();
    host.ok("create --name box --label b=2 --label a=1 alpine echo hi");
    for (template, expected) in [
        ("{{json .Config.Cmd}}", "[\"echo\",\"hi\"]"),
        ("{{join .Config.Cmd \"-\"}}", "echo-hi"),
        (
            "{{upper .Name}} {{lower \"ABC\"}} {{title \"abc\"}}",
            "/BOX abc Abc",
        ),
        ("{{split \"a,b\" \",\"}}", "[a b]"),
        ("{{pad \"x\" 1 2}}|", " x  |"),
        ("{{truncate \"abcdef\" 3}}", "abc"),
        ("{{println .Name}}", "/box"),
        ("{{range .Config.Cmd}}<{{.}}>{{end}}", "<echo><hi>"),
        (
            "{{range $k, $v := .Config.Labels}}{{$k}}={{$v};}}{{end}}",
            "",
        ),
        (
            "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}",
            "a=1;b=2;",
        ),
        (
            "{{if eq .State.Status \"created\"}}new{{else}}old{{end}}",
            "new",
        ),
        (
            "{{index .Config.Labels \"a\"}} {{len .Config.Labels}}",
            "1 2",
        ),
        ("{{with .Config.Labels}}{{.b}}{{end}}", "2"),
        ("{{and true (not false)}} {{or false \"x\"}}", "true x"),
        ("{{printf \"%s:%d\" .Name (len .Config.Cmd)}}", "/box:2"),
    ] {
        let output = host.rbox(&["inspect", "-f", template, "box"]);
        if expected.is_empty() {
            output.fails(64);
        } else {
            assert_eq!(output.ok(), expected, "{template}");
        }
    }
    // `table` belongs to lists.
    let text = host
        .rbox(&["ps", "-a", "--format", "table {{.Names}}\t{{.Image}}"])
        .ok();
    assert_eq!(text, "NAMES     IMAGE\nbox       alpine");
}

#[test]
fn sizes_are_counted_for_who_asks() {
    let host = Host::new();
    host.ok("run --name box alpine dd if=/dev/zero of=/big bs=1000 count=20");
    let text = host.ok("ps -as");
    let header = text.lines().next().unwrap();
    assert!(header.ends_with("NAMES     SIZE"), "{text}");
    assert!(text.contains("20kB (virtual "), "{text}");
    assert!(!host.ok("ps -a").contains("SIZE"));
    let size = host.rbox(&["ps", "-a", "--format", "{{.Size}}"]).ok();
    assert!(size.starts_with("20kB (virtual "), "{size}");
    let both = |words: &[&str]| {
        let mut all = words.to_vec();
        all.extend(["-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "box"]);
        let text = host.rbox(&all).ok();
        let (written, all) = text.split_once(' ').unwrap();
        (written.parse::<u64>().unwrap(), all.parse::<u64>().unwrap())
    };
    for words in [&["inspect"][..], &["container", "inspect"]] {
        let (written, all) = both(words);
        assert!((20_000..30_000).contains(&written), "{written}");
        assert!(all > written, "{all}");
    }
    let without = host.ok("inspect box");
    assert!(!without.contains("SizeRw"), "{without}");
}
