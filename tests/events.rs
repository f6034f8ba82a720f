//! `events`: what happened to containers, networks and images, live and afterwards.

use std::io::{BufRead, BufReader};

use crate::harness::{Host, eventually, kill};

/// What has happened so far, each as `type action`, of all that is about `filter`.
fn told(host: &Host, filters: &[&str]) -> Vec<String> {
    let mut words = vec!["events", "--since", "1h", "--until", "0s"];
    for filter in filters {
        words.extend(["--filter", filter]);
    }
    words.extend(["--format", "{{.Type}} {{.Action}}"]);
    let text = host.rbox(&words).ok();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_life_of_a_container_is_told_in_order() {
    let host = Host::new();
    host.ok("run -d --name web --label tier=front alpine sleep 1000");
    assert_eq!(
        told(&host, &[]),
        ["container create", "network connect", "container start"]
    );
    host.ok("exec web true");
    host.ok("rename web site");
    host.ok("restart -t 0 site");
    host.ok("stop -t 0 site");
    let archive = host.scratch().join("site.tar");
    host.ok(&format!("export -o {} site", archive.display()));
    host.ok("rm site");
    assert_eq!(
        told(&host, &[]),
        [
            "container create",
            "network connect",
            "container start",
            "container exec_create: true",
            "container exec_start: true",
            "container exec_die",
            "container rename",
            "container kill",
            "container kill",
            "container die",
            "network disconnect",
            "container stop",
            "network connect",
            "container start",
            "container restart",
            "container kill",
            "container kill",
            "container die",
            "network disconnect",
            "container stop",
            "container export",
            "container destroy",
        ]
    );
}

#[test]
fn events_say_what_dockers_say() {
    let host = Host::new();
    host.ok("create --name web --label tier=front alpine");
    let line = |filter: &str| {
        let words = [
            "events", "--since", "1h", "--until", "0s", "--filter", filter,
        ];
        host.rbox(&words).ok()
    };
    let id = host.ok("run -d --name box alpine sleep 1000");
    host.ok("kill -s USR1 box");
    host.rbox(&["exec", "box", "sh", "-c", "exit 4"]).fails(4);
    host.ok("rename box bin");
    host.ok("rm -f bin");
    let network = host.ok("network inspect -f {{.Id}} bridge");
    let signal = line("event=kill");
    let first = signal.lines().next().unwrap();
    assert!(
        first.ends_with(&format!(
            " container kill {id} (image=alpine, name=box, signal=10)"
        )),
        "{first}"
    );
    let (time, _) = first.split_once(' ').unwrap();
    assert!(time.len() == 30 && time.ends_with('Z'), "{time}");
    let connected = line("event=connect");
    assert!(
        connected.contains(&format!(
            " network connect {network} (container={id}, name=bridge, type=bridge)"
        )),
        "{connected}"
    );
    let renamed = line("event=rename");
    assert!(
        renamed.ends_with("(image=alpine, name=bin, oldName=/box)"),
        "{renamed}"
    );
    let died = line("event=die");
    let last = died.lines().last().unwrap();
    assert!(
        last.contains("(execDuration=") && last.contains("exitCode=137"),
        "{last}"
    );
    let ended = line("event=exec_die");
    assert!(
        ended.contains("(execID=") && ended.contains("exitCode=4"),
        "{ended}"
    );
    let json = host
        .rbox(&[
            "events",
            "--since",
            "1h",
            "--until",
            "0s",
            "--filter",
            "label=tier=front",
            "--filter",
            "event=create",
            "--format",
            "json",
        ])
        .ok();
    let message: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(message["status"], "create");
    assert_eq!(message["from"], "alpine");
    assert_eq!(message["Actor"]["Attributes"]["name"], "web");
    assert_eq!(message["scope"], "local");
}

#[test]
fn one_who_listens_hears_of_what_happens() {
    let host = Host::new();
    let mut listener = host
        .command(&[
            "system",
            "events",
            "--since",
            "1h",
            "--filter",
            "container=web",
            "--format",
            "{{.Action}} {{.Actor.Attributes.exitCode}}",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    host.ok("run --rm --name other alpine true");
    host.rbox(&[
        "run", "--rm", "--name", "web", "alpine", "sh", "-c", "exit 3",
    ])
    .fails(3);
    for expected in ["create ", "attach ", "start ", "die 3", "destroy "] {
        assert_eq!(next().replace("<no value>", ""), expected);
    }
    kill(i32::try_from(listener.id()).unwrap());
    listener.wait().unwrap();
}

#[test]
fn networks_and_what_is_connected_are_told_of() {
    let host = Host::new();
    host.ok("network create blue");
    host.ok("run -d --name box alpine sleep 1000");
    host.ok("network connect blue box");
    host.ok("network disconnect blue box");
    host.ok("network rm blue");
    host.ok("network prune -f");
    assert_eq!(
        told(&host, &["network=blue"]),
        [
            "network create",
            "network connect",
            "network disconnect",
            "network destroy"
        ]
    );
    assert_eq!(
        told(&host, &["type=network", "event=prune"]),
        ["network prune"]
    );
    host.ok("rm -f box");
    // A network that a container had when it ended is left by it.
    assert_eq!(
        told(&host, &["type=network", "event=disconnect"]).len(),
        2,
        "blue by hand, the default bridge at the end"
    );
}

#[test]
fn volumes_are_told_of() {
    let host = Host::new();
    host.ok("volume create data");
    host.ok("run --rm --name box -v data:/srv:ro alpine true");
    host.ok("volume rm data");
    assert_eq!(
        told(&host, &["volume=data"]),
        [
            "volume create",
            "volume mount",
            "volume unmount",
            "volume destroy"
        ]
    );
    let words = [
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--filter",
        "event=mount",
    ];
    let line = host.rbox(&words).ok();
    assert!(
        line.contains("destination=/srv, driver=local, ") && line.ends_with("read/write=false)"),
        "{line}"
    );
}

#[test]
fn images_are_told_of() {
    let host = Host::with_own_images();
    host.ok("tag alpine mine:1");
    host.ok("create --name box alpine");
    host.ok("commit -m why box mine:2");
    let archive = host.scratch().join("mine.tar");
    let archive = archive.to_str().unwrap();
    host.ok(&format!("save -o {archive} mine:2"));
    host.ok("rmi mine:2");
    host.ok(&format!("load -i {archive}"));
    host.ok("rmi mine:1");
    host.ok("image prune -f");
    assert_eq!(
        told(&host, &["type=image"]),
        [
            "image tag",
            "image create",
            "image tag",
            "image save",
            "image untag",
            "image delete",
            "image load",
            "image untag",
            "image prune"
        ]
    );
    let words = [
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--filter",
        "event=commit",
    ];
    let line = host.rbox(&words).ok();
    assert!(
        line.contains("comment=why, ") && line.contains("imageRef=mine:2"),
        "{line}"
    );
}

#[test]
fn the_steps_of_a_build_are_nobodys_containers() {
    let host = Host::with_own_images();
    host.write("Dockerfile", "FROM alpine\nRUN true\n");
    let context = host.scratch();
    host.ok(&format!("build -t mine:1 {}", context.display()));
    assert_eq!(told(&host, &[]), ["image create", "image tag"]);
}

#[test]
fn the_death_of_a_monitor_is_told_by_who_finds_it() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    host.kill_monitor("box");
    host.ok("ps");
    assert_eq!(
        told(&host, &["event=die"]),
        ["container die"],
        "once, however many look"
    );
    host.ok("ps -a");
    assert_eq!(told(&host, &["event=die"]).len(), 1);
}

#[test]
fn until_ends_it_and_bad_words_are_refused() {
    let host = Host::new();
    // Nothing happens: it ends all the same.
    let soon = host.sh("date +%s").ok().parse::<u64>().unwrap() + 1;
    assert_eq!(host.ok(&format!("events --until {soon}")), "");
    assert_eq!(
        host.fails(1, "events --since bogus"),
        "rbox: invalid value for \"since\": failed to parse value as time or duration: \"bogus\""
    );
    assert_eq!(
        host.fails(1, "events --filter plugin=x"),
        "rbox: Invalid filter 'plugin'"
    );
    let bad = host.fails(64, "events --format {{.Type");
    assert_eq!(
        bad,
        "rbox: template parsing error: template: :1: unclosed action"
    );
    host.ok("create --name box alpine");
    let unknown = host.fails(1, "events --since 1h --until 0s --format {{.Bogus}}");
    assert!(unknown.contains("can't evaluate field Bogus"), "{unknown}");
}

#[test]
fn a_reader_that_goes_away_ends_the_listener() {
    let host = Host::new();
    host.ok("create --name box alpine");
    let mut listener = host
        .command(&["events", "--since", "1h"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    drop(lines);
    host.ok("rm box");
    eventually("the end of the listener", || listener.try_wait().unwrap());
}
