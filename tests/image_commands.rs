//! What can be asked about images, and how those that nobody needs go.

use std::fs;

use crate::harness::{Host, Tar, archive};

/// Imports an archive of one file under a name, or without.
fn import(host: &Host, text: &str, arguments: &str) -> String {
    let path = host.scratch().join(format!("{text}.tar"));
    let tar = Tar::default().file("file", text.as_bytes()).finish();
    fs::write(&path, tar).unwrap();
    let (options, name) = arguments.split_once('|').unwrap_or(("", arguments));
    host.ok(&format!("import {options} {} {name}", path.display()))
}

#[test]
fn history_shows_every_step_with_the_size_of_its_layer() {
    let host = Host::without_images();
    let id = import(&host, "four", "-m hello|a:1");
    let text = host.ok("history a:1");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("IMAGE          CREATED"), "{text}");
    assert!(lines[1].starts_with(&id[7..19]), "{text}");
    assert!(lines[1].contains("4B"), "{text}");
    assert!(lines[1].ends_with("hello"), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(host.ok("history -q a:1"), &id[7..19]);
    assert_eq!(host.ok("history -q --no-trunc a:1"), id);
    assert_eq!(
        host.ok("history --human=false --format {{.Size}}|{{.Comment}} a:1"),
        "4|hello"
    );
    let json = host.ok("history --format json a:1");
    for key in [
        "Comment",
        "CreatedAt",
        "CreatedBy",
        "CreatedSince",
        "ID",
        "Size",
    ] {
        assert!(json.contains(&format!("\"{key}\":")), "{json}");
    }
    assert_eq!(
        host.fails(1, "history nosuch"),
        "rbox: No such image: nosuch:latest"
    );
}

#[test]
fn prune_takes_what_has_no_name_and_with_all_what_has_no_container() {
    let host = Host::with_own_images();
    let old = import(&host, "one", "a:1");
    import(&host, "two", "a:1");
    let three = host.scratch().join("three.tar");
    fs::write(&three, Tar::default().file("file", b"three").finish()).unwrap();
    let three = three.to_str().unwrap();
    let kept = host
        .rbox(&["import", "-c", "LABEL keep=1", three, "b:1"])
        .ok();
    host.ok("create --name user alpine true");
    assert_eq!(
        host.ok("image prune -f --filter until=1h"),
        "Total reclaimed space: 0B"
    );
    let text = host.ok("image prune -f");
    assert!(
        text.starts_with(&format!(
            "Deleted Images:\ndeleted: {old}\ndeleted: sha256:"
        )),
        "{text}"
    );
    assert!(text.contains("\n\nTotal reclaimed space: "), "{text}");
    assert!(!text.contains("untagged"), "{text}");
    let text = host.ok("image prune -a -f --filter label!=keep");
    assert!(text.contains("untagged: a:1\n"), "{text}");
    assert!(!text.contains(&kept), "{text}");
    assert!(!text.contains("untagged: alpine"), "{text}");
    // What the container needs is all there.
    assert_eq!(host.ok("start -a user"), "");
    host.ok("image prune -a -f");
    assert_eq!(
        host.ok("images --format {{.Repository}}").lines().count(),
        host.ok("images alpine --format {{.Repository}}")
            .lines()
            .count()
    );
    assert_eq!(
        host.fails(1, "image prune -f --filter bogus=1"),
        "rbox: Invalid filter 'bogus'"
    );
}

#[test]
fn a_prune_that_is_not_confirmed_changes_nothing() {
    let host = Host::without_images();
    import(&host, "one", "a:1");
    import(&host, "two", "a:1");
    for (line, warning) in [
        (
            "image prune",
            "WARNING! This will remove all dangling images.",
        ),
        (
            "image prune -a",
            "WARNING! This will remove all images without at least one container associated to them.",
        ),
        (
            "builder prune",
            "WARNING! This will remove all dangling build cache.",
        ),
        (
            "builder prune -a",
            "WARNING! This will remove all build cache.",
        ),
    ] {
        assert_eq!(
            host.ok(line),
            format!("{warning}\nAre you sure you want to continue? [y/N] "),
        );
    }
    assert!(
        host.ok("system prune")
            .contains("  - all dangling images\n  - unused build cache\n")
    );
    assert_eq!(host.ok("images -q").lines().count(), 2);
}

#[test]
fn an_image_is_removed_by_the_start_of_its_id_and_by_no_other_images_name() {
    let host = Host::without_images();
    let id = import(&host, "one", "a:1");
    host.ok("tag a:1 b:1");
    let refused = host.fails(1, &format!("rmi {}", &id[7..19]));
    assert_eq!(
        refused,
        format!(
            "rbox: conflict: unable to delete {} (must be forced) - image is referenced in \
             multiple repositories",
            &id[7..19]
        )
    );
    let text = host.ok(&format!("rmi -f {}", &id[7..19]));
    assert!(
        text.starts_with(&format!("Untagged: a:1\nUntagged: b:1\nDeleted: {id}\n")),
        "{text}"
    );
    assert_eq!(host.fails(1, "rmi a:1"), "rbox: No such image: a:1");
    assert_eq!(host.ok("images -q"), "");
}

#[test]
fn inspect_tells_where_the_trees_are_and_when_the_name_was_given() {
    let host = Host::without_images();
    import(&host, "one", "--platform linux/arm64/v8|a:1");
    let text = host.ok("image inspect a:1");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let image = &value[0];
    let tree = image["GraphDriver"]["Data"]["UpperDir"].as_str().unwrap();
    assert_eq!(fs::read_to_string(format!("{tree}/file")).unwrap(), "one");
    assert!(image["GraphDriver"]["Data"]["LowerDir"].is_null());
    assert_eq!(image["Variant"], "v8");
    assert_eq!(image["RepoDigests"], serde_json::json!([]));
    assert_eq!(image["RootFS"]["Type"], "layers");
    let tagged = image["Metadata"]["LastTagTime"].as_str().unwrap();
    assert!(tagged.starts_with("20"), "{tagged}");
    assert!(
        host.fails(125, "image inspect --platform linux/amd64 a:1")
            .contains("--platform")
    );
}

#[test]
fn a_tree_shows_what_each_image_was_built_for() {
    let host = Host::without_images();
    import(&host, "one", "--platform linux/arm64|a:1");
    host.ok("tag a:1 longer/name:2");
    let text = host.ok("images --tree");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("IMAGE            ID "), "{text}");
    assert_eq!(lines[1], "a:1");
    assert!(lines[2].starts_with("longer/name:2    "), "{text}");
    assert!(lines[3].starts_with("└─ linux/arm64   "), "{text}");
    assert_eq!(
        host.fails(1, "images --tree -q"),
        "rbox: --quiet is not yet supported with --tree"
    );
}

#[test]
fn several_images_travel_in_one_archive() {
    let host = Host::without_images();
    let (one, two) = (import(&host, "one", "a:1"), import(&host, "two", "b:2"));
    let file = host.scratch().join("both.tar");
    let file = file.to_str().unwrap();
    host.ok(&format!("save -o {file} a b:2"));
    host.ok("rmi a:1 b:2");
    assert_eq!(
        host.ok(&format!("load -i {file}")),
        "Loaded image: a:1\nLoaded image: b:2"
    );
    assert_eq!(host.ok("images -q --no-trunc a:1"), one);
    assert_eq!(host.ok("images -q --no-trunc b:2"), two);
    let digests = host.ok("images --digests --format {{.Digest}}");
    assert_eq!(digests, "<none>\n<none>");
    let damaged = host.write("damaged.tar", "no tar at all");
    assert!(
        host.fails(1, &format!("load -i {damaged}"))
            .starts_with("rbox: error processing tar file: ")
    );
    assert!(archive("alpine-3.23.tar.gz").exists());
}
