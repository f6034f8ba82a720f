//! What the bench measures beside ours, and what it measures with. What cannot be had is a skip.

use super::Package;

/// All of them.
pub const PEERS: &[Package] = &[
    Package {
        name: "docker.io",
        program: "dockerd",
        reason: "to be measured: Docker",
    },
    Package {
        name: "iptables",
        program: "iptables",
        reason: "to let Docker publish ports",
    },
    Package {
        name: "podman",
        program: "podman",
        reason: "to be measured: Podman",
    },
    Package {
        name: "netavark",
        program: "/usr/lib/podman/netavark",
        reason: "to give Podman its networks",
    },
    Package {
        name: "aardvark-dns",
        program: "/usr/lib/podman/aardvark-dns",
        reason: "to be measured: Podman's resolver",
    },
    Package {
        name: "crun",
        program: "crun",
        reason: "to be measured: Podman's runtime",
    },
    Package {
        name: "runc",
        program: "runc",
        reason: "to be measured: Docker's runtime",
    },
    Package {
        name: "umoci",
        program: "umoci",
        reason: "to be measured: another program that unpacks images",
    },
    Package {
        name: "skopeo",
        program: "skopeo",
        reason: "to put images into a registry and into layouts",
    },
    Package {
        name: "docker-registry",
        program: "docker-registry",
        reason: "to pull from",
    },
    Package {
        name: "iproute2",
        program: "ip",
        reason: "to make the veth pair and bridge that networks are compared with",
    },
    Package {
        name: "e2fsprogs",
        program: "mkfs.ext4",
        reason: "to make a disk that is the same everywhere",
    },
    Package {
        name: "iperf3",
        program: "iperf3",
        reason: "to measure throughput",
    },
    Package {
        name: "dnsperf",
        program: "dnsperf",
        reason: "to ask resolvers",
    },
];
