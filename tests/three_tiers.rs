//! The example of three tiers: a real nginx, Flask and PostgreSQL from one Compose file.

use std::path::{Path, PathBuf};

use crate::harness::{Host, Output, skip};

/// The root filesystem that all three images stand on, where there is one.
fn base(test: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/images/debian-tiers.tar");
    if !path.exists() {
        skip(
            test,
            "no image of Debian's packages: cargo xtask images says why",
        );
        return None;
    }
    Some(path)
}

/// `rbox compose` in the example's directory.
fn compose(host: &Host, line: &str) -> Output {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/three-tier/compose.yaml");
    let mut command = host.command(&["compose", "-f"]);
    command.arg(file).args(line.split(' '));
    command.env("BASE", "debian-tiers").env("WEB_PORT", "8080");
    let output = command.output().unwrap();
    Output::new(format!("rbox compose {line}"), output)
}

fn visit(host: &Host, method: &str) -> String {
    let line = format!("curl -sS -m 20 -X {method} http://127.0.0.1:8080/api/visits");
    host.sh(&line).ok()
}

#[test]
fn what_is_counted_outlives_the_containers_and_the_database_is_alone_with_the_api() {
    let Some(base) = base("three_tiers") else {
        return;
    };
    let host = Host::without_images();
    host.rbox(&["import", base.to_str().unwrap(), "debian-tiers"])
        .ok();
    let up = compose(&host, "up -d --build --wait");
    up.ok();
    assert_eq!(visit(&host, "POST"), r#"{"visits":1}"#);
    assert_eq!(visit(&host, "POST"), r#"{"visits":2}"#);
    let page = host.sh("curl -sS -m 20 http://127.0.0.1:8080/").ok();
    assert!(page.contains("<h1>Visits:"), "{page}");

    // The page's server knows no database, and the database no way out.
    let asked = "python3 -c 'import socket; socket.getaddrinfo(\"db\", 5432)'";
    let script = host.rbox(&["exec", "three-tier-web-1", "sh", "-c", asked]);
    assert!(script.fails(1).contains("gaierror"));
    let routes = host.ok("exec three-tier-db-1 cat /proc/net/route");
    assert!(
        routes
            .lines()
            .skip(1)
            .all(|line| line.split('\t').nth(1) != Some("00000000")),
        "{routes}"
    );
    // The password is in a file of those who were granted it, and nowhere else.
    let secret = "cat /run/secrets/database-password";
    let granted = host
        .rbox(&["exec", "three-tier-api-1", "sh", "-c", secret])
        .ok();
    assert_eq!(granted, "correct horse battery staple");
    host.rbox(&["exec", "three-tier-web-1", "sh", "-c", secret])
        .fails(1);
    let inspected = host.ok("inspect three-tier-api-1 three-tier-db-1");
    assert!(!inspected.contains("correct horse"), "{inspected}");

    // Nothing changed: nothing is done.
    let id = host.id("three-tier-db-1");
    compose(&host, "up -d --wait").ok();
    assert_eq!(host.id("three-tier-db-1"), id);

    compose(&host, "down").ok();
    assert_eq!(host.ok("ps -aq"), "");
    compose(&host, "up -d --wait").ok();
    assert_ne!(host.id("three-tier-db-1"), id);
    assert_eq!(visit(&host, "GET"), r#"{"visits":2}"#);
    compose(&host, "down -v").ok();
    assert_eq!(host.ok("volume ls -q"), "");
}
