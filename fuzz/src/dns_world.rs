//! A resolver without sockets, with names of all kinds, and what it says about messages.

use std::sync::OnceLock;

use hickory_proto::op::Message;
use rbox_netsetup::resolver::{Offline, ResolverConfig, Upstream, Zone};

/// Two networks: short and long names, an alias with more addresses than a datagram holds, names
/// of one family.
pub fn resolver() -> &'static Offline {
    static RESOLVER: OnceLock<(tempfile::TempDir, Offline)> = OnceLock::new();
    let (_, resolver) = RESOLVER.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut lan = String::from("10.241.0.2\tweb shared 94e70b50c801\nfd00::2\tweb shared\n");
        for n in 0..300 {
            lan += &format!("10.242.{}.{}\tc{n} shared\n", n / 250, n % 250 + 1);
        }
        lan += &format!("10.241.0.9\t{}.{}\n", "a".repeat(63), "b".repeat(63));
        let far = "fd00::3\tsix\n10.243.0.3\tweb\n";
        let zone = |name: &str, text: &str| {
            let hosts_path = directory.path().join(name);
            std::fs::write(&hosts_path, text).unwrap();
            let name = name.to_owned();
            Zone { name, hosts_path }
        };
        let config = ResolverConfig {
            networks: vec![zone("lan", &lan), zone("far", far)],
            links: vec![("db".into(), "web".into(), "lan".into())],
            upstreams: vec![Upstream {
                addr: ([192, 0, 2, 1], 53).into(),
                from_sandbox: false,
            }],
            forward: true,
            host_conf: None,
            sandbox_ns: None,
        };
        (directory, Offline::new(config))
    });
    resolver
}

/// The largest answer that the sender of a query takes over UDP, bytes: RFC 6891, and ours.
pub fn limit(query: &[u8]) -> usize {
    let edns = Message::from_vec(query).ok().and_then(|query| query.edns);
    edns.map_or(512, |edns| usize::from(edns.max_payload()).clamp(512, 4096))
}
