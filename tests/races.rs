//! Commands that meet: at one container, one name, one port, one network.

use std::process::{Child, Output};

use crate::harness::{Host, eventually};

const ROUNDS: usize = 8;

fn end(client: Child) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = client.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Starts all of them, then waits for all.
fn at_once(host: &Host, lines: &[String]) -> Vec<(i32, String, String)> {
    let clients: Vec<_> = lines.iter().map(|line| host.spawn(line)).collect();
    clients.into_iter().map(end).collect()
}

fn names(host: &Host) -> Vec<String> {
    let entries = std::fs::read_dir(host.root().join("names")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn of_many_who_want_one_name_one_gets_it() {
    let host = Host::new();
    let lines = vec!["create --name one alpine true".to_owned(); 8];
    let ends = at_once(&host, &lines);
    let won: Vec<_> = ends.iter().filter(|(code, ..)| *code == 0).collect();
    assert_eq!(won.len(), 1, "{ends:?}");
    let id = won[0].1.trim_end();
    for (code, said, failed) in ends.iter().filter(|(code, ..)| *code != 0) {
        assert_eq!((*code, said.as_str()), (1, ""));
        assert_eq!(
            *failed,
            format!(
                "rbox: Conflict. The container name \"/one\" is already in use by container \
                 \"{id}\". You have to remove (or rename) that container to be able to reuse that \
                 name.\n"
            )
        );
    }
    assert_eq!(
        host.ok("ps -aq --no-trunc"),
        id,
        "nothing is left of the others"
    );
    assert_eq!(host.sh("ls -A $RBOX_ROOT/containers").ok(), id);
}

#[test]
fn of_many_who_want_one_port_one_gets_it() {
    let host = Host::new();
    host.ok("network create lan");
    let line =
        |number| format!("run -d --name p{number} --network lan -p 8080:80 alpine sleep 1000");
    let lines: Vec<_> = (0..8).map(line).collect();
    let ends = at_once(&host, &lines);
    let won: Vec<_> = (0..8).filter(|number| ends[*number].0 == 0).collect();
    assert_eq!(won.len(), 1, "{ends:?}");
    for (code, _, failed) in ends.iter().filter(|(code, ..)| *code != 0) {
        assert_eq!(*code, 125);
        let first = failed.lines().next().unwrap();
        let text = "): Bind for 0.0.0.0:8080 failed: port is already allocated";
        assert!(first.ends_with(text), "{failed}");
    }
    assert_eq!(host.ok("ps --format {{.Names}}"), format!("p{}", won[0]));
    assert_eq!(host.sh("ls /run/netns").ok(), format!("rbox-p{}", won[0]));
    assert_eq!(
        host.sh("ls $RBOX_RUN_ROOT/networks/lan/leases")
            .ok()
            .lines()
            .count(),
        1
    );
    assert_eq!(
        host.sh("ls $RBOX_RUN_ROOT/containers").ok(),
        host.id(&format!("p{}", won[0]))
    );
}

#[test]
fn a_start_and_a_removal_decide_who_was_first() {
    let host = Host::new();
    for _ in 0..ROUNDS {
        let id = host.ok("create --name duel alpine sleep 1000");
        let lines = ["start duel".to_owned(), "rm duel".to_owned()];
        let [start, remove] = at_once(&host, &lines).try_into().unwrap();
        if start.0 == 0 {
            assert_eq!(
                remove.2,
                "rbox: cannot remove container \"duel\": container is running: stop the container \
                 before removing or force remove\n"
            );
            assert_eq!(host.ok("ps -q --no-trunc"), id);
            host.ok("rm -f duel");
        } else {
            assert_eq!((remove.0, remove.1.as_str()), (0, "duel\n"), "{start:?}");
            assert!(start.2.contains("No such container: "), "{start:?}");
        }
        host.nothing_is_left();
    }
}

#[test]
fn a_stop_that_meets_a_start_never_leaves_it_half_started() {
    let host = Host::new();
    host.ok("create --name duel --stop-timeout 0 -p 8080:80 alpine sleep 1000");
    for _ in 0..ROUNDS {
        let lines = ["start duel", "stop duel", "kill duel"].map(str::to_owned);
        let [start, stop, _] = at_once(&host, &lines).try_into().unwrap();
        assert_eq!((start.0, stop.0), (0, 0), "{start:?} {stop:?}");
        // Whoever was last: what is said is so.
        match host.ok("inspect -f {{.State.Status}} duel").as_str() {
            "running" => {
                host.ok("exec duel true");
                host.ok("stop duel");
            }
            other => assert_eq!(other, "exited"),
        }
        // Its monitor may be cleaning up yet.
        let run_dir = host.run_root().join("containers").join(host.id("duel"));
        eventually("the clean-up", || (!run_dir.exists()).then_some(()));
    }
}

#[test]
fn of_all_names_that_it_is_given_at_once_a_container_has_one() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name first --network lan alpine sleep 1000");
    let id = host.id("first");
    for round in 0..3 {
        let line = |number| format!("rename {id} round{round}-{number}");
        let lines: Vec<_> = (0..6).map(line).collect();
        for (code, _, failed) in at_once(&host, &lines) {
            assert_eq!((code, failed.as_str()), (0, ""));
        }
        let name = host.ok("ps --format {{.Names}}");
        assert!(name.starts_with(&format!("round{round}-")), "{name}");
        assert_eq!(names(&host), [name.as_str()]);
        assert_eq!(host.sh("ls /run/netns").ok(), format!("rbox-{name}"));
        let zone = std::fs::read_to_string(host.run_root().join("networks/lan/hosts")).unwrap();
        assert_eq!(zone.lines().count(), 1);
        assert!(zone.contains(&format!("\t{name} ")), "{zone}");
    }
    host.ok("create --name other alpine true");
    let lines = [
        format!("rename {id} wanted"),
        "rename other wanted".to_owned(),
    ];
    let ends = at_once(&host, &lines);
    let lost: Vec<_> = ends.iter().filter(|(code, ..)| *code != 0).collect();
    assert_eq!(lost.len(), 1, "{ends:?}");
    let text = "rbox: Error when allocating new name: Conflict. The container name \"/wanted\" is \
                already in use by container ";
    assert!(lost[0].2.starts_with(text), "{lost:?}");
    assert_eq!(names(&host).len(), 2);
}

#[test]
fn the_end_of_a_renamed_container_leaves_alone_who_has_its_old_name() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name old --network lan alpine sleep 1000");
    host.ok("rename old new");
    host.ok("run -d --name old --network lan alpine sleep 1000");
    host.ok("rm -f new");
    assert_eq!(host.sh("ls /run/netns").ok(), "rbox-old");
    host.sh("ip netns exec rbox-old ip link show eth0").ok();
    // Nor does who is undone by others.
    host.ok("rename old new");
    host.ok("run -d --name old --network lan alpine sleep 1000");
    host.kill_monitor("new");
    assert!(host.ok("ps -a").contains("Exited (137)"));
    assert_eq!(host.sh("ls /run/netns").ok(), "rbox-old");
    host.ok("exec old ping -c 1 -W 5 old");
}

#[test]
fn a_network_is_removed_or_used_and_never_both() {
    let host = Host::new();
    for _ in 0..ROUNDS {
        host.ok("network create lan");
        host.ok("create --name user --network lan alpine sleep 1000");
        let lines = ["start user".to_owned(), "network rm lan".to_owned()];
        let [start, remove] = at_once(&host, &lines).try_into().unwrap();
        if remove.0 == 0 {
            assert_eq!(start.0, 1, "{start:?}");
            let text = "rbox: failed to set up container networking: network ";
            assert!(start.2.starts_with(text), "{start:?}");
            let end = " not found\nrbox: failed to start containers: user\n";
            assert!(start.2.ends_with(end), "{start:?}");
        } else {
            assert_eq!(start.0, 0, "{start:?}");
            let text =
                "rbox: error while removing network: network lan has active endpoints (name:";
            assert!(remove.2.starts_with(text), "{remove:?}");
            host.ok("exec user ip addr show eth0");
        }
        host.ok("rm -f user");
        if remove.0 != 0 {
            host.ok("network rm lan");
        }
        host.nothing_is_left();
    }
}

#[test]
fn attachments_that_are_changed_at_once_are_all_kept() {
    let host = Host::new();
    host.ok("run -d --name hub alpine sleep 1000");
    host.ok("create --name idle alpine sleep 1000");
    let all: Vec<_> = (0..6).map(|number| format!("lan{number}")).collect();
    for name in &all {
        host.ok(&format!("network create {name}"));
    }
    for container in ["hub", "idle"] {
        let line = |name: &String| format!("network connect {name} {container}");
        let ends = at_once(&host, &all.iter().map(line).collect::<Vec<_>>());
        assert!(ends.iter().all(|(code, ..)| *code == 0), "{ends:?}");
        // Of two who connect the same, one does.
        let same = vec![format!("network disconnect lan0 {container}"); 2];
        let codes: Vec<_> = at_once(&host, &same)
            .iter()
            .map(|(code, ..)| *code)
            .collect();
        assert!(codes == [0, 1] || codes == [1, 0], "{codes:?}");
        let same = vec![format!("network connect lan0 {container}"); 2];
        let codes: Vec<_> = at_once(&host, &same)
            .iter()
            .map(|(code, ..)| *code)
            .collect();
        assert!(codes == [0, 1] || codes == [1, 0], "{codes:?}");
        let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
        let shown = host.rbox(&["inspect", "-f", format, container]).ok();
        assert_eq!(
            shown.trim_end(),
            "bridge lan0 lan1 lan2 lan3 lan4 lan5",
            "{container}"
        );
    }
    assert_eq!(host.ok("exec hub ip -o -4 addr").lines().count(), 8);
}
