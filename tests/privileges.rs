//! More and fewer rights: capabilities, --privileged, security options,
//! devices, sysctls.

use crate::harness::Host;

/// What a refused `run` says between `rbox: ` and the help line.
fn refused(host: &Host, code: i32, options: &str) -> String {
    let error = host.shell(options, "true").fails(code);
    let text = error.strip_suffix("\n\nRun 'rbox run --help' for more information");
    text.and_then(|text| text.strip_prefix("rbox: "))
        .unwrap_or(&error)
        .to_owned()
}

fn effective(host: &Host, options: &str) -> String {
    let script = "awk '/CapPrm|CapEff|CapBnd/ {printf \"%s \", $2}' /proc/self/status";
    let sets = host.shell(options, script).ok();
    let sets: Vec<&str> = sets
        .split_whitespace()
        .map(|set| set.trim_start_matches('0'))
        .collect();
    sets.join(",")
}

#[test]
fn capabilities_are_added_and_dropped() {
    let host = Host::new();
    assert_eq!(effective(&host, "--cap-drop ALL"), ",,");
    assert_eq!(
        effective(
            &host,
            "--cap-drop ALL --cap-add NET_BIND_SERVICE --cap-add cap_chown"
        ),
        "401,401,401"
    );
    assert_eq!(
        effective(&host, "--cap-add NET_ADMIN"),
        "a80435fb,a80435fb,a80435fb"
    );
    assert_eq!(
        effective(&host, "-u 1000 --cap-add NET_ADMIN"),
        ",,a80435fb"
    );
    let added = host.shell(
        "--cap-add NET_ADMIN",
        "ip link add d0 type bridge && echo added",
    );
    assert_eq!(added.ok(), "added");
    let error = host.shell("--cap-drop CHOWN", "chown 1 /tmp").fails(1);
    assert_eq!(error, "chown: /tmp: Operation not permitted");
    assert_eq!(
        refused(&host, 125, "--cap-add BOGUS"),
        "invalid CapAdd: unknown capability: \"CAP_BOGUS\""
    );
}

#[test]
fn a_capability_opens_its_system_calls() {
    let host = Host::new();
    host.shell(
        "--cap-add SYS_ADMIN",
        "mount -t tmpfs x /mnt && unshare -m true",
    )
    .ok();
    host.shell(
        "--cap-add SYS_ADMIN",
        "mount -o remount,rw,bind /proc/sys && exit 5",
    )
    .fails(5);
}

#[test]
fn a_privileged_container_gets_all_that_there_is() {
    let host = Host::new();
    let bounding = host.sh("awk '/CapBnd/ {print $2}' /proc/self/status").ok();
    let bounding = bounding.trim_start_matches('0');
    assert_eq!(effective(&host, "--privileged"), [bounding; 3].join(","));
    let script = "grep Seccomp: /proc/self/status; mount -t tmpfs x /mnt; touch /sys/fs/cgroup/x; \
                  mount | grep -E ' /(proc|sys) '; cat /proc/sys/kernel/hostname >/dev/null; \
                  test -w /proc/sys/kernel/panic; test -c /dev/kmsg && echo kmsg";
    assert_eq!(
        host.shell("--privileged", script).ok(),
        "Seccomp:\t0\nproc on /proc type proc (rw,nosuid,nodev,noexec,relatime)\n\
         sysfs on /sys type sysfs (rw,nosuid,nodev,noexec,relatime)\nkmsg"
    );
}

#[test]
fn an_exec_is_privileged_only_when_asked() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    host.fails(1, "exec box mount -t tmpfs x /mnt");
    host.ok("exec --privileged box mount -t tmpfs x /mnt");
    host.fails(1, "exec box umount /mnt");
}

#[test]
fn the_seccomp_filter_can_be_another_or_none() {
    let host = Host::new();
    let script = "grep Seccomp: /proc/self/status";
    assert_eq!(
        host.shell("--security-opt seccomp=unconfined", script).ok(),
        "Seccomp:\t0"
    );
    let profile = host.write(
        "profile.json",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":\
         [{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
    );
    let options = format!("--security-opt seccomp={profile}");
    let error = host.shell(&options, "mkdir /x").fails(1);
    assert_eq!(
        error,
        "mkdir: can't create directory '/x': Operation not permitted"
    );
    host.shell(&options, "touch /x").ok();
    assert_eq!(
        refused(&host, 125, "--security-opt seccomp=/nosuch.json"),
        "opening seccomp profile (/nosuch.json) failed: open /nosuch.json: no such file or directory"
    );
    for (text, start) in [
        (
            "{\"defaultAction\":",
            "compacting json for seccomp profile (",
        ),
        (
            "{\"defaultAction\":\"BOGUS\"}",
            "decoding seccomp profile failed: ",
        ),
    ] {
        let broken = host.write("broken.json", text);
        let error = refused(&host, 125, &format!("--security-opt seccomp={broken}"));
        assert!(error.starts_with(start), "{error}");
    }
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn no_new_privileges_is_passed_on() {
    let host = Host::new();
    let script = "awk '/NoNewPrivs|Seccomp:/ {printf \"%s \", $2}' /proc/self/status";
    for (option, expected) in [
        ("no-new-privileges", "1 2 "),
        ("no-new-privileges:true", "1 2 "),
        ("no-new-privileges=true", "1 2 "),
        ("no-new-privileges:false", "0 2 "),
    ] {
        let options = format!("--security-opt {option}");
        assert_eq!(host.shell(&options, script).ok(), expected, "{option}");
    }
    assert_eq!(
        refused(&host, 125, "--security-opt bogus"),
        "Invalid --security-opt: \"bogus\""
    );
    assert_eq!(
        refused(&host, 125, "--security-opt bogus=1"),
        "invalid --security-opt 2: \"bogus=1\""
    );
    host.shell(
        "--security-opt apparmor=unconfined --security-opt label=disable",
        "true",
    )
    .ok();
}

#[test]
fn a_device_of_the_host_is_given_with_its_rights() {
    let host = Host::new();
    let list = host
        .shell(
            "--device /dev/null:/dev/xnull",
            "stat -c '%F %t,%T %a' /dev/xnull",
        )
        .ok();
    assert_eq!(list, "character special file 1,3 666");
    let read = "head -c1 /dev/mine | wc -c";
    let memory = "--device /dev/kmsg:/dev/mine:";
    if std::path::Path::new("/dev/kmsg").exists() {
        host.shell(
            &format!("{memory}w"),
            "echo '<7>a container writes' > /dev/mine",
        )
        .ok();
        let output = host.shell(&format!("{memory}w"), read);
        assert_eq!(
            output.stderr.trim_end(),
            "head: /dev/mine: Operation not permitted"
        );
    }
    assert_eq!(
        refused(&host, 127, "--device /dev/nosuch"),
        "error gathering device information while adding custom device \"/dev/nosuch\": no such \
         file or directory"
    );
}

#[test]
fn namespaced_sysctls_are_set_and_others_refused() {
    let host = Host::new();
    let script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax";
    let options = "--sysctl net.ipv4.ip_forward=0 --sysctl kernel.msgmax=9999";
    assert_eq!(host.shell(options, script).ok(), "0\n9999");
    for key in [
        "kernel.panic=1",
        "bogus",
        "vm.swappiness=1",
        "kernel/panic=1",
    ] {
        let error = host.shell(&format!("--sysctl {key}"), "true").fails(125);
        let start = format!(
            "invalid argument \"{key}\" for \"--sysctl\" flag: sysctl '{key}' is not allowed\n"
        );
        assert!(error.starts_with(&start), "{error}");
    }
    let error = host
        .shell(
            "--sysctl net.ipv4.ip_unprivileged_port_start=1024 -u 1000",
            "nc -l -p 80 -w 1",
        )
        .fails(1);
    assert_eq!(error, "nc: bind: Permission denied");
    let error = host.shell("--sysctl net.ipv4.nosuch=1", "true");
    assert!(error.code == 127, "{error:?}");
    assert!(error.stderr.contains(
        "error during container init: open /proc/sys/net/ipv4/nosuch: no such file or directory"
    ));
    assert_eq!(
        refused(&host, 125, "--network host --sysctl net.ipv4.ip_forward=1"),
        "sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"
    );
}
