//! The monitor of a container is killed: the container dies with it, the next
//! command notices, and nothing is left of either.

use std::path::Path;

use crate::harness::{Host, eventually, kill};

const STATE: &str = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}";

fn state(host: &Host, name: &str) -> String {
    host.rbox(&["inspect", "-f", STATE, name]).ok()
}

/// `web` on a network with a fixed address and a published port, `peer` beside it.
fn web_and_peer(host: &Host) {
    host.ok("network create --subnet 10.9.0.0/24 lan");
    host.ok("run -d --name peer --network lan alpine sleep 1000");
    run_web(host);
}

fn run_web(host: &Host) {
    host.ok("run -d --name web --network lan --ip 10.9.0.9 -p 8080:80 alpine sleep 1000");
    host.ok("exec peer ping -c 1 -W 5 web");
}

/// Nothing on the host names `web` any more.
fn web_is_undone(host: &Host, id: &str) {
    assert_eq!(host.sh("ls /run/netns").ok(), "rbox-peer");
    let ruleset = host.sh("nft list ruleset").ok();
    assert!(
        !ruleset.contains("8080") && !ruleset.contains(id),
        "{ruleset}"
    );
    let network = host.run_root().join("networks/lan");
    assert!(!network.join("leases/10.9.0.9").exists());
    assert!(!network.join(format!("endpoints/{id}.json")).exists());
    assert!(
        !std::fs::read_to_string(network.join("hosts"))
            .unwrap()
            .contains("web")
    );
    assert!(!host.run_root().join("containers").join(id).exists());
    assert_eq!(
        host.sh(
            "ip -o link show master \"$(ip -o link | grep -o 'br-[0-9a-f]*' | head -1)\" | wc -l"
        )
        .ok(),
        "1"
    );
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap() {
        let group = hierarchy.unwrap().path().join("rbox").join(id);
        assert!(!group.exists(), "{}", group.display());
    }
    let asked = host.rbox(&["exec", "peer", "ping", "-c", "1", "web"]);
    assert_eq!(
        (asked.code, asked.stderr.trim_end()),
        (1, "ping: bad address 'web'")
    );
}

#[test]
fn the_next_command_reports_the_end_and_undoes_what_is_left() {
    let host = Host::new();
    web_and_peer(&host);
    let id = host.id("web");
    host.kill_monitor("web");
    let listed = host.rbox(&[
        "ps",
        "-a",
        "--format",
        "{{.Names}} {{.Status}}",
        "--filter",
        "name=web",
    ]);
    assert!(
        listed.clone().ok().starts_with("web Exited (137) "),
        "{listed:?}"
    );
    assert_eq!(listed.stderr, "");
    assert_eq!(
        state(&host, "web"),
        "exited 137 the container's monitor was killed"
    );
    web_is_undone(&host, &id);
}

#[test]
fn its_name_its_port_and_its_address_can_be_used_again_at_once() {
    let host = Host::new();
    web_and_peer(&host);
    for _ in 0..3 {
        host.kill_monitor("web");
        host.ok("rm web");
        run_web(&host);
    }
    // The port and the address go to another; the dead one is noticed by nobody but the start.
    host.kill_monitor("web");
    host.ok("run -d --name other --network lan --ip 10.9.0.9 -p 8080:80 alpine sleep 1000");
    assert_eq!(host.address("other", "lan"), "10.9.0.9");
}

#[test]
fn a_container_whose_monitor_was_killed_starts_again() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name web --network lan alpine sleep 1000");
    let address = host.address("web", "lan");
    host.kill_monitor("web");
    assert_eq!(host.ok("start web"), "web");
    assert_eq!(state(&host, "web"), "running 0 ");
    assert_eq!(host.address("web", "lan"), address);
}

#[test]
fn one_that_was_started_with_rm_is_gone() {
    let host = Host::new();
    host.ok("run -d --rm --name brief alpine sleep 1000");
    host.kill_monitor("brief");
    assert_eq!(
        host.fails(1, "stop brief"),
        "rbox: No such container: brief"
    );
    host.nothing_is_left();
}

#[test]
fn each_command_notices_first() {
    let host = Host::new();
    let gone = "rbox: container ID is not running";
    for (line, code, said) in [
        ("stop web", 0, ""),
        ("wait web", 0, ""),
        ("logs web", 0, ""),
        ("port web", 0, ""),
        ("rename web web2", 0, ""),
        ("exec web true", 1, gone),
        (
            "kill web",
            1,
            "rbox: cannot kill container: web: container ID is not running",
        ),
        (
            "attach web",
            1,
            "rbox: You cannot attach to a stopped container, start it first",
        ),
        ("container prune -f", 0, ""),
        ("network prune -f", 0, ""),
    ] {
        let id = host.ok("run -d --name web alpine sleep 1000");
        host.kill_monitor("web");
        let output = host.rbox(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, code, "{output:?}");
        assert_eq!(output.stderr.trim_end(), said.replace("ID", &id), "{line}");
        assert!(
            !host.run_root().join("containers").join(&id).exists(),
            "{line}"
        );
        host.rbox(&["rm", &id]);
    }
    host.nothing_is_left();
}

#[test]
fn processes_that_outlive_the_init_are_killed_by_who_notices() {
    let host = Host::new();
    // In the host's pid namespace nothing takes them along.
    let script = "sleep 1000 & exec sleep 2000";
    host.rbox(&[
        "run", "-d", "--name", "web", "--pid", "host", "alpine", "sh", "-c", script,
    ])
    .ok();
    let group = Path::new("/sys/fs/cgroup/pids/rbox")
        .join(host.id("web"))
        .join("cgroup.procs");
    let processes = || std::fs::read_to_string(&group).unwrap_or_default();
    eventually("both", || (processes().lines().count() == 2).then_some(()));
    host.kill_monitor("web");
    assert_eq!(
        processes().lines().count(),
        1,
        "one is left: {}",
        processes()
    );
    assert!(
        host.ok("ps -a --format {{.Status}}")
            .starts_with("Exited (137)")
    );
    assert!(!group.exists());
}

#[test]
fn who_waits_or_is_attached_hears_of_it() {
    let host = Host::new();
    host.ok("run -d --name web alpine sleep 1000");
    let wait = host.spawn("wait web");
    let logs = host.spawn("logs -f web");
    let attached = host.spawn("run --rm --name brief alpine sleep 1000");
    eventually("the start", || {
        (host.rbox(&["exec", "brief", "true"]).code == 0).then_some(())
    });
    host.kill_monitor("web");
    let waited = wait.wait_with_output().unwrap();
    assert_eq!(
        (waited.status.code(), &waited.stdout[..]),
        (Some(0), &b"137\n"[..])
    );
    assert!(logs.wait_with_output().unwrap().status.success());
    let id = host.id("brief");
    kill(host.monitor("brief"));
    let ended = attached.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(125));
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        format!(
            "rbox: stream container {id}: its monitor went away\n\n\
             Run 'rbox run --help' for more information\n"
        )
    );
    host.ok("rm web");
    // No other command was needed for the attached one.
    host.nothing_is_left();
}

#[test]
fn who_follows_the_log_is_the_one_who_notices() {
    let host = Host::new();
    let script = "echo ready; exec sleep 1000";
    let id = host
        .rbox(&["run", "-d", "--name", "web", "alpine", "sh", "-c", script])
        .ok();
    let monitor = host.monitor("web");
    let mut logs = host.spawn("logs -f web");
    let mut first = [0u8; 6];
    std::io::Read::read_exact(logs.stdout.as_mut().unwrap(), &mut first).unwrap();
    kill(monitor);
    assert!(logs.wait_with_output().unwrap().status.success());
    assert!(!host.run_root().join("containers").join(id).exists());
}

#[test]
fn as_after_a_power_failure_all_of_them_die_at_once() {
    let host = Host::new();
    host.ok("network create lan");
    for name in ["a", "b", "c"] {
        host.ok(&format!(
            "run -d --name {name}1 --network lan -p 80 alpine sleep 1000"
        ));
    }
    host.ok("run -d --rm --name d1 --network lan alpine sleep 1000");
    let names = ["a1", "b1", "c1", "d1"];
    let pids: Vec<i32> = names
        .iter()
        .flat_map(|name| [host.monitor(name), host.pid(name)])
        .collect();
    for pid in pids {
        // The second of each pair may be gone with the first.
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    // Free locks are all that tells.
    eventually("the ends", || {
        let listed = host.ok("ps -a --format {{.Names}}={{.State}}");
        (listed == "c1=exited\nb1=exited\na1=exited").then_some(())
    });
    host.ok("network rm lan");
    host.ok("rm a1 b1 c1");
    host.nothing_is_left();
}

#[test]
fn many_may_recover_at_once_and_any_of_them_may_be_killed() {
    let host = Host::new();
    host.ok("create --name web -p 8080:80 alpine sleep 1000");
    for round in 0..12u64 {
        host.ok("start web");
        host.kill_monitor("web");
        let mut lookers: Vec<_> = (0..3).map(|_| host.spawn("ps -a")).collect();
        std::thread::sleep(std::time::Duration::from_millis(2 * round));
        lookers[0].kill().unwrap();
        for (index, looker) in lookers.into_iter().enumerate() {
            let output = looker.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(index == 0 || output.status.success(), "{said}");
            assert_eq!(said, "", "round {round}");
        }
        assert_eq!(
            state(&host, "web"),
            "exited 137 the container's monitor was killed"
        );
        assert!(
            !host
                .run_root()
                .join("containers")
                .join(host.id("web"))
                .exists()
        );
    }
    host.ok("rm web");
    host.nothing_is_left();
}
