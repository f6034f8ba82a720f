//! `info` and `version`: what there is on this machine, as Docker tells it.

use crate::harness::Host;

#[test]
fn info_counts_what_there_is() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    host.ok("run -d --name still alpine sleep 1000");
    host.ok("pause still");
    host.ok("create --name new alpine");
    host.ok("run --name over alpine true");
    let text = host.ok("info");
    let counts = " Containers: 4\n  Running: 1\n  Paused: 1\n  Stopped: 2\n Images: 2\n";
    assert!(text.contains(counts), "{text}");
    for line in [
        " Storage Driver: overlayfs",
        " Cgroup Version: ",
        "  Network: bridge host macvlan null",
        "   Profile: builtin",
        " Total Memory: ",
        " OSType: linux",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let root = format!(" Docker Root Dir: {}\n", host.root().display());
    assert!(text.contains(&root), "{text}");
    assert_eq!(
        host.rbox(&[
            "system",
            "info",
            "-f",
            "{{.ContainersRunning}}/{{.Containers}}"
        ])
        .ok(),
        "1/4"
    );
    let json = host.ok("info --format json");
    let info: serde_json::Value = serde_json::from_str(&json).unwrap();
    let processors = host.sh("nproc").ok().parse::<u64>().unwrap();
    assert_eq!(info["NCPU"], processors);
    assert_eq!(
        info["KernelVersion"].as_str(),
        Some(&*host.sh("uname -r").ok())
    );
    let memory = host
        .sh("awk '/^MemTotal/ { print $2 }' /proc/meminfo")
        .ok()
        .parse::<u64>()
        .unwrap();
    assert_eq!(info["MemTotal"].as_u64(), Some(memory * 1024));
    assert_eq!(info["ContainersPaused"], 1);
    host.ok("unpause still");
}

#[test]
fn info_knows_insecure_registries_and_forwarding() {
    let host = Host::new();
    let text = host.ok("--insecure-registry reg.test:5000 info");
    assert!(
        text.contains(" Insecure Registries:\n  reg.test:5000\n  127.0.0.0/8\n"),
        "{text}"
    );
    host.sh("sysctl -qw net.ipv4.ip_forward=0").ok();
    let said = host.rbox(&["info"]);
    assert!(
        said.stderr
            .contains("WARNING: IPv4 forwarding is disabled\n"),
        "{said:#?}"
    );
    host.sh("sysctl -qw net.ipv4.ip_forward=1").ok();
    let said = host.rbox(&["info"]);
    assert!(!said.stderr.contains("forwarding"), "{said:#?}");
}

#[test]
fn version_has_dockers_keys() {
    let host = Host::new();
    let text = host.ok("version");
    assert!(
        text.starts_with("Client: rbox\n Version:           ") && text.contains("\nServer: rbox\n"),
        "{text}"
    );
    let short = host.ok("--version");
    let version = host
        .rbox(&["version", "--format", "{{.Server.Version}}"])
        .ok();
    assert_eq!(short, format!("rbox version {version}"));
    assert_eq!(
        host.rbox(&[
            "version",
            "-f",
            "{{.Client.Version}} {{.Server.KernelVersion}}"
        ])
        .ok(),
        format!("{version} {}", host.sh("uname -r").ok())
    );
    let said = host.rbox(&["version", "-f", "{{.Server.Bogus}}"]).fails(1);
    assert!(said.starts_with("rbox: template parsing error: "), "{said}");
    host.fails(64, "version -f {{");
    host.fails(64, "info -f {{");
}
