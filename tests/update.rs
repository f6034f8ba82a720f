//! `update`: limits and the restart policy change while the container runs, and in its record.

use crate::harness::{Host, eventually, kill};

const MIB: u64 = 1 << 20;

/// What a control file of a running container says, of whichever hierarchy has it.
fn control(host: &Host, name: &str, v1: &str, v2: &str) -> String {
    let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", host.pid(name))).unwrap();
    let found = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (hierarchy, file) = match controllers {
            "" => ("unified".to_owned(), v2),
            list => (list.trim_start_matches("name=").to_owned(), v1),
        };
        let roots = [
            format!("/sys/fs/cgroup/{hierarchy}"),
            "/sys/fs/cgroup".to_owned(),
        ];
        roots
            .iter()
            .find_map(|root| std::fs::read_to_string(format!("{root}{path}/{file}")).ok())
    });
    found
        .unwrap_or_else(|| panic!("no {v1} or {v2} for {groups}"))
        .trim()
        .to_owned()
}

fn memory(host: &Host, name: &str) -> String {
    control(host, name, "memory.limit_in_bytes", "memory.max")
}

fn pids(host: &Host, name: &str) -> String {
    control(host, name, "pids.max", "pids.max")
}

fn inspect(host: &Host, name: &str, format: &str) -> String {
    host.rbox(&["inspect", "-f", format, name]).ok()
}

#[test]
fn limits_of_a_running_container_change_at_once_and_last() {
    let host = Host::new();
    host.ok("run -d --name web -m 64m --pids-limit 50 alpine sleep 1000");
    host.ok("create --name idle alpine sleep 1000");
    let changed =
        host.ok("update -m 96m --pids-limit 70 web idle --memory-swap 512m --cpu-shares 300");
    assert_eq!(changed, "web\nidle");
    assert_eq!(memory(&host, "web"), (96 * MIB).to_string());
    assert_eq!(pids(&host, "web"), "70");
    let format = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}} \
                  {{.HostConfig.CpuShares}}";
    let expected = format!("{} {} 70 300", 96 * MIB, 512 * MIB);
    assert_eq!(inspect(&host, "web", format), expected);
    assert_eq!(inspect(&host, "idle", format), expected);
    host.ok("update --pids-limit 0 web");
    assert_eq!(pids(&host, "web"), "max");
    assert_eq!(memory(&host, "web"), (96 * MIB).to_string(), "stays");
    for name in ["web", "idle"] {
        host.ok(&format!("restart -t 0 {name}"));
        assert_eq!(memory(&host, name), (96 * MIB).to_string());
    }
    assert_eq!(pids(&host, "idle"), "70");
    host.ok("update --cpus 0.5 web");
    let quota = control(&host, "web", "cpu.cfs_quota_us", "cpu.max");
    assert!(quota.starts_with("50000"), "{quota}");
}

#[test]
fn what_is_refused_changes_nothing() {
    let host = Host::new();
    host.ok("run -d --name web -m 64m alpine sleep 1000");
    let id = host.id("web");
    let before =
        std::fs::read(host.root().join("containers").join(&id).join("config.json")).unwrap();
    for (line, error) in [
        (
            "update web".to_owned(),
            "rbox: you must provide one or more flags when using this command".to_owned(),
        ),
        (
            "update --memory 4m web".to_owned(),
            "rbox: Minimum memory limit allowed is 6MB".to_owned(),
        ),
        (
            "update --memory 1g web".to_owned(),
            format!(
                "rbox: Cannot update container {id}: Memory limit should be smaller than already \
                 set memoryswap limit, update the memoryswap at the same time"
            ),
        ),
        (
            "update --cpuset-cpus 999 web".to_owned(),
            "rbox: Requested CPUs are not available - requested 999, available: ".to_owned(),
        ),
        (
            "update --restart sometimes web".to_owned(),
            "rbox: invalid restart policy: unknown policy 'sometimes'".to_owned(),
        ),
        (
            "update --cpus 1 nosuch".to_owned(),
            "rbox: No such container: nosuch".to_owned(),
        ),
    ] {
        let text = host.fails(1, &line);
        assert!(text.starts_with(&error), "{line}: {text}");
    }
    let text = host.fails(125, "update --blkio-weight 300 web");
    assert!(
        text.starts_with("rbox: unsupported flag: --blkio-weight"),
        "{text}"
    );
    // The kernel refuses what it does not know before: the record is what it was, too.
    let refused = host.fails(1, "update --cpuset-mems 63 web");
    assert!(
        refused.starts_with(&format!("rbox: Cannot update container {id}: ")),
        "{refused}"
    );
    let after =
        std::fs::read(host.root().join("containers").join(&id).join("config.json")).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&before),
        String::from_utf8_lossy(&after)
    );
    assert_eq!(memory(&host, "web"), (64 * MIB).to_string());
    host.ok("run -d --rm --name short alpine sleep 1000");
    let text = host.fails(1, "update --restart always short");
    assert!(text.contains("because AutoRemove is enabled"), "{text}");
}

#[test]
fn a_policy_given_later_holds_and_one_taken_away_does_not() {
    let host = Host::new();
    host.ok("run -d --name web alpine sleep 1000");
    host.ok("update --restart on-failure:5 web");
    let format =
        "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}";
    assert_eq!(inspect(&host, "web", format), "on-failure 5");
    kill(host.pid("web"));
    let state = "{{.RestartCount}} {{.State.Status}}";
    eventually("the restart", || {
        (inspect(&host, "web", state) == "1 running").then_some(())
    });
    host.ok("update -m 80m --memory-swap 160m web");
    kill(host.pid("web"));
    eventually("the next one", || {
        (inspect(&host, "web", state) == "2 running").then_some(())
    });
    assert_eq!(memory(&host, "web"), (80 * MIB).to_string());
    host.ok("update --restart no web");
    kill(host.pid("web"));
    assert_eq!(host.ok("wait web"), "137");
    assert_eq!(inspect(&host, "web", state), "2 exited");
}
