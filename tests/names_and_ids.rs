//! Containers by name, id and prefix; random names; `rename`.

use std::collections::BTreeSet;

use crate::harness::Host;

const RULE: &str = "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed";

#[test]
fn a_container_answers_to_its_name_its_id_and_any_unambiguous_prefix() {
    let host = Host::new();
    let id = host.ok("run -d --name web alpine sleep 1000");
    for reference in ["web", "/web", &id, &id[..12], &id[..6]] {
        assert_eq!(
            host.ok(&format!("inspect -f {{{{.Name}}}} {reference}")),
            "/web"
        );
    }
    let prefix = &id[..8];
    assert_eq!(
        host.ok(&format!("stop -t 0 {prefix}")),
        prefix,
        "echoed as typed"
    );
    assert_eq!(
        host.ok(&format!("rm {}", id.to_uppercase().to_lowercase())),
        id
    );
}

#[test]
fn an_ambiguous_prefix_is_refused_and_names_itself() {
    let host = Host::new();
    // Of seventeen ids two begin with the same digit.
    let ids: Vec<String> = (0..17).map(|_| host.ok("create alpine true")).collect();
    let prefix = ids
        .iter()
        .map(|id| &id[..1])
        .find(|first| ids.iter().filter(|id| id.starts_with(first)).count() > 1)
        .unwrap();
    let text = format!("rbox: multiple IDs found with provided prefix: {prefix}");
    for line in ["start", "rm", "rm -f", "logs", "port"] {
        let output = host.rbox(&format!("{line} {prefix}").split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, 1, "{line}");
        assert_eq!(output.stdout, "", "{line}");
        assert!(
            output.stderr.starts_with(&text),
            "{line}: {}",
            output.stderr
        );
    }
    assert_eq!(host.ok("ps -aq").lines().count(), 17, "nothing was removed");
    // A name that looks like the prefix of an id wins.
    host.ok(&format!("create --name {} alpine true", &ids[0][..4]));
    assert_eq!(
        host.ok(&format!("inspect -f {{{{.Name}}}} {}", &ids[0][..4])),
        format!("/{}", &ids[0][..4])
    );
}

#[test]
fn names_that_are_not_allowed_are_refused_and_nothing_is_made() {
    let host = Host::new();
    for bad in ["bad name", "a", "-a", "a/b", "_ab", ".ab", "é1", "a\nb"] {
        let output = host.rbox(&["run", "--rm", "--name", bad, "alpine", "true"]);
        assert_eq!(
            output.fails(125),
            format!(
                "rbox: Invalid container name ({bad}), {RULE}\n\nRun 'rbox run --help' for more \
                 information"
            )
        );
    }
    assert_eq!(host.ok("ps -aq"), "");
    host.ok("run --rm --name ab.c_d-E alpine true");
}

#[test]
fn a_name_in_use_is_refused_by_run_create_and_rename() {
    let host = Host::new();
    let id = host.ok("create --name h4c alpine true");
    host.ok("create --name other alpine true");
    let conflict = format!(
        "Conflict. The container name \"/h4c\" is already in use by container \"{id}\". You have \
         to remove (or rename) that container to be able to reuse that name."
    );
    assert_eq!(
        host.fails(125, "run --name h4c alpine true"),
        format!("rbox: {conflict}\n\nRun 'rbox run --help' for more information")
    );
    assert_eq!(
        host.fails(1, "create --name h4c alpine true"),
        format!("rbox: {conflict}")
    );
    assert_eq!(
        host.fails(1, "rename other h4c"),
        format!(
            "rbox: Error when allocating new name: {conflict}\n\
             rbox: failed to rename container named other"
        )
    );
    assert_eq!(host.ok("ps -aq").lines().count(), 2);
}

#[test]
fn rename_gives_the_old_name_free() {
    let host = Host::new();
    let id = host.ok("run -d --name old alpine sleep 1000");
    assert_eq!(host.ok("rename old new"), "");
    assert_eq!(host.id("new"), id);
    assert_eq!(
        host.fails(1, "inspect old").trim_end(),
        "rbox: No such object: old"
    );
    host.ok("create --name old alpine true");
    host.ok("stop -t 0 new");
    host.ok("rename new newer");
    assert_eq!(host.ok("start newer"), "newer");
    for (arguments, text) in [
        (
            ["newer", "newer"],
            "Renaming a container with the same name as its current name",
        ),
        (
            ["newer", "bad name"],
            &format!("Error when allocating new name: Invalid container name (/bad name), {RULE}"),
        ),
        (["nosuch", "x1"], "No such container: nosuch"),
    ] {
        let output = host.rbox(&["rename", arguments[0], arguments[1]]);
        assert_eq!(
            output.fails(1),
            format!(
                "rbox: {text}\nrbox: failed to rename container named {}",
                arguments[0]
            )
        );
    }
}

#[test]
fn random_names_are_adjective_and_surname_and_never_twice() {
    let host = Host::new();
    for _ in 0..12 {
        host.ok("create alpine true");
    }
    let names = host.ok("ps -a --format {{.Names}}");
    let names: BTreeSet<&str> = names.lines().collect();
    assert_eq!(names.len(), 12);
    for name in names {
        let (adjective, surname) = name.split_once('_').unwrap();
        assert!(
            adjective
                .bytes()
                .chain(surname.bytes())
                .all(|b| b.is_ascii_alphanumeric())
        );
    }
}

#[test]
fn one_name_goes_to_one_of_many_that_want_it_at_once() {
    let host = Host::new();
    let clients: Vec<_> = (0..8)
        .map(|_| host.spawn("create --name wanted alpine true"))
        .collect();
    let codes: Vec<_> = clients
        .into_iter()
        .map(|client| client.wait_with_output().unwrap().status.code())
        .collect();
    assert_eq!(
        codes.iter().filter(|code| **code == Some(0)).count(),
        1,
        "{codes:?}"
    );
    assert_eq!(host.ok("ps -aq").lines().count(), 1);
}
