//! rbox beside ufw, and beside policies that nobody lets us past.

use crate::harness::{Host, Neighbour, Ufw, ask, inside, skip};

/// By TCP: some let pings pass that let nothing else pass.
fn reaches_outside(host: &Host) -> bool {
    let connect = "nc -w 1 198.51.100.1 7000 </dev/null";
    let output = host.rbox(&["exec", "web", "sh", "-c", connect]);
    output.stdout == "hello\n"
}

#[test]
fn routed_traffic_of_ours_passes_and_its_rules_come_first() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    neighbour.greets();
    let test = "routed_traffic_of_ours_passes_and_its_rules_come_first";
    let Some(_ufw) = Ufw::start(&host, test) else {
        return;
    };
    let policy = host.sh("iptables -S FORWARD").ok();
    assert!(policy.starts_with("-P FORWARD DROP"), "{policy}");
    let created = host.rbox(&["network", "create", "--subnet", "10.241.0.0/24", "lan"]);
    assert_eq!(created.stderr, "");
    host.who_server("web", "--network lan -p 8080:80");
    assert!(reaches_outside(&host));
    let from_outside = || inside(neighbour.pid(), || ask("198.51.100.2:8080"));
    assert_eq!(from_outside(), Ok("server=web peer=198.51.100.1".into()));
    let listed = host.sh("iptables -S ufw-user-forward").ok();
    assert!(!listed.contains("incompatible"), "{listed}");
    assert_eq!(listed.matches("rbox: accepted").count(), 1, "{listed}");
    assert!(
        host.sh("ip6tables -S ufw6-user-forward")
            .ok()
            .contains("rbox: accepted")
    );
    assert!(host.sh("ufw status").ok().contains("Status: active"));

    // ufw rewrites its chains.
    host.sh("ufw route deny from 10.241.0.0/24 to 198.51.100.1")
        .ok();
    host.sh("ufw reload").ok();
    assert!(!reaches_outside(&host));
    host.ok("network reload");
    assert!(!reaches_outside(&host), "the user's rule comes first");
    assert!(from_outside().is_ok());
    host.sh("ufw route delete deny from 10.241.0.0/24 to 198.51.100.1")
        .ok();
    host.ok("network reload");
    assert!(reaches_outside(&host));

    host.ok("rm -f web");
    host.ok("network rm lan");
    for list in ["iptables -S", "ip6tables -S"] {
        assert!(!host.sh(list).ok().contains("rbox"), "{list}");
    }
}

#[test]
fn other_policies_are_told_once_with_what_helps() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    neighbour.greets();
    if host.sh("iptables -P FORWARD DROP").code != 0 {
        skip(
            "other_policies_are_told_once_with_what_helps",
            "there is no iptables",
        );
        return;
    }
    let created = host.rbox(&[
        "network",
        "create",
        "-o",
        "com.docker.network.bridge.name=br-lan",
        "lan",
    ]);
    assert_eq!(created.code, 0);
    let hint = "iptables -I FORWARD -m mark --mark 0x20000000/0x20000000 -j ACCEPT";
    assert_eq!(
        created.stderr,
        format!(
            "WARNING: the policy of chain ip filter FORWARD is drop, and its table does not name \
             br-lan: containers there will not reach outside, nor be reached\nhint: {hint}\n"
        )
    );
    // The first run makes the default bridge, the next ones find it.
    assert!(
        host.shell("", "true")
            .stderr
            .contains("does not name rbox0")
    );
    assert_eq!(host.shell("", "true").stderr, "");
    host.ok("run -d --name web --network lan alpine sleep 1000");
    assert!(!reaches_outside(&host));
    host.sh(hint).ok();
    assert!(reaches_outside(&host));
    // Whoever knows us is left in peace.
    let quiet = host.rbox(&["network", "create", "other"]);
    assert_eq!(quiet.stderr, "");
    // So it is with interfaces, and in tables of nft's own.
    host.sh(
        "nft delete table ip filter; nft 'table inet mine { chain through { type filter hook forward \
         priority 0; policy drop; iifname \"br-known\" accept; oifname \"br-known\" accept; }; }'",
    )
    .ok();
    let known = [
        "network",
        "create",
        "-o",
        "com.docker.network.bridge.name=br-known",
        "known",
    ];
    assert_eq!(host.rbox(&known).stderr, "");
    let unknown = host.rbox(&["network", "create", "unknown"]);
    assert!(
        unknown.stderr.contains("chain inet mine through is drop"),
        "{unknown:?}"
    );
    host.sh("nft delete table inet mine").ok();
}
