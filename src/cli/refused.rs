//! Flags of Docker CLI 28 that rbox has not: refused by name, not as typing errors.

/// Flags of `run` and `create`.
const CONTAINER: &[&str] = &[
    "annotation",
    "blkio-weight",
    "blkio-weight-device",
    "cpu-count",
    "cpu-percent",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "device-cgroup-rule",
    "device-read-bps",
    "device-read-iops",
    "device-write-bps",
    "device-write-iops",
    "disable-content-trust",
    "gpus",
    "io-maxbandwidth",
    "io-maxiops",
    "isolation",
    "kernel-memory",
    "link-local-ip",
    "memory-swappiness",
    "oom-kill-disable",
    "platform",
    "runtime",
    "storage-opt",
    "use-api-socket",
];

/// Flags of `build`, those of the classic builder too.
const BUILD: &[&str] = &[
    "allow",
    "annotation",
    "attest",
    "build-context",
    "builder",
    "cache-from",
    "cache-to",
    "call",
    "check",
    "compress",
    "debug/D",
    "disable-content-trust",
    "isolation",
    "metadata-file",
    "output/o",
    "provenance",
    "push",
    "sbom",
    "security-opt",
    "squash",
    "ssh",
    "stream",
];

/// Flags of `volume create` that are about clusters.
const VOLUME: &[&str] = &[
    "availability",
    "group",
    "limit-bytes",
    "required-bytes",
    "scope",
    "secret",
    "sharing",
    "topology-preferred",
    "topology-required",
    "type",
];

/// Flags before the command that are about a daemon.
const GLOBAL: &[&str] = &[
    "config",
    "context/c",
    "debug/D",
    "host/H",
    "log-level/l",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
];

/// Flags before the command of `compose`.
const COMPOSE: &[&str] = &[
    "all-resources",
    "compatibility",
    "dry-run",
    "no-ansi",
    "parallel",
    "verbose",
];

/// Flags of `compose build`.
const COMPOSE_BUILD: &[&str] = &[
    "builder",
    "check",
    "dry-run",
    "print",
    "provenance",
    "sbom",
    "ssh",
];

/// Flags of `compose config`.
const COMPOSE_CONFIG: &[&str] = &[
    "dry-run",
    "lock-image-digests",
    "models",
    "no-consistency",
    "no-env-resolution",
    "no-normalize",
    "no-path-resolution",
    "resolve-image-digests",
    "variables",
];

/// Refused flags of a command, `long` or `long/s`.
pub fn flags(command: &str) -> &'static [&'static str] {
    match command {
        "" => GLOBAL,
        "run" | "create" => CONTAINER,
        "build" => BUILD,
        "completion" => &["no-descriptions"],
        "volume create" => VOLUME,
        "volume ls" => &["cluster"],
        "start" => &["checkpoint", "checkpoint-dir"],
        "logs" => &["details"],
        "update" => &[
            "blkio-weight",
            "cpu-rt-period",
            "cpu-rt-runtime",
            "kernel-memory",
        ],
        "builder prune" => &["keep-storage"],
        "history" => &["platform"],
        "pull" => &["disable-content-trust"],
        "rmi" => &["platform"],
        "load" | "save" | "image inspect" => &["platform"],
        "network create" => &["config-from", "config-only", "ingress"],
        "network connect" => &["link-local-ip"],
        "network inspect" => &["scope"],
        "compose" => COMPOSE,
        "compose build" => COMPOSE_BUILD,
        "compose config" | "compose convert" => COMPOSE_CONFIG,
        "compose cp" => &["all", "dry-run"],
        "compose run" => &["dry-run", "quiet-build"],
        "compose up" => &["dry-run", "menu", "quiet-build", "watch/w"],
        command if command.starts_with("compose ") => &["dry-run"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILD, CONTAINER, flags};

    #[test]
    fn tables_are_sorted_and_every_command_has_one() {
        assert!(CONTAINER.is_sorted() && BUILD.is_sorted());
        assert!(flags("build").contains(&"ssh"));
        assert!(flags("run").contains(&"gpus"));
        assert!(flags("").contains(&"host/H"));
        assert!(flags("stop").is_empty());
    }
}
