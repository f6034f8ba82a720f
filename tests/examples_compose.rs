//! The examples with a Compose file, as their READMEs say.

use std::process::Command;

use crate::harness::{Host, eventually};

fn compose(host: &Host, example: &str, line: &str) -> Command {
    let directory = format!("{}/examples/{example}", env!("CARGO_MANIFEST_DIR"));
    let mut words = vec!["compose"];
    words.extend(line.split_whitespace());
    let mut command = host.command(&words);
    command.current_dir(directory);
    command
}

#[track_caller]
fn ok(mut command: Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn flask_pair_starts_in_order_and_answers_at_its_port() {
    let host = Host::with_own_images();
    let run = |line: &str| {
        let mut command = compose(&host, "flask-pair", line);
        command.env("FLASK", "stored").env("PORT", "18081");
        ok(command)
    };
    run("up -d");
    let reply = eventually("app A's reply", || {
        let output = host.sh("curl -s -m 5 http://127.0.0.1:18081/");
        (output.code == 0).then_some(output.stdout)
    });
    assert_eq!(
        reply.trim_end(),
        r#"{"app":"A","heard":{"app":"B","says":"Hello from app B"},"says":"Hello from app A"}"#
    );
    assert_eq!(run("port app-a 5000"), "127.0.0.1:18081\n");
    run("down -t 1 --rmi local");
    assert!(!host.ok("images").contains("flask-pair-app"));
}

#[test]
fn health_gate_starts_each_when_the_one_before_is_ready() {
    let host = Host::new();
    let run = |line: &str| {
        let mut command = compose(&host, "health-gate", line);
        command.env("DB_DELAY", "1");
        command
    };
    let output = run("up -d").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let at = |text: &str| {
        told.find(text)
            .unwrap_or_else(|| panic!("{text:?} in {told}"))
    };
    let healthy = at(" Container health-gate-db-1  Healthy\n");
    let migrated = at(" Container health-gate-migrate-1  Exited\n");
    assert!(healthy < migrated && migrated < at(" Container health-gate-web-1  Started\n"));
    eventually("what web found", || {
        let said = ok(run("logs web"));
        (said == "web-1  | serving with schema 1\n").then_some(())
    });
    assert_eq!(
        ok(run("ps -a --format {{.Service}}/{{.State}}/{{.Health}}")),
        "db/running/healthy\nmigrate/exited/\nweb/running/\n"
    );
    ok(run("down -v -t 1"));
}

#[test]
fn links_give_a_second_name() {
    let host = Host::new();
    let run = |line: &str| ok(compose(&host, "links", line));
    run("up -d");
    eventually("storage's answer under its other name", || {
        run("logs web").contains("web-1  | stored\n").then_some(())
    });
    run("exec -T web nslookup cache");
    run("exec -T web nslookup storage");
    run("down -t 1");
}
