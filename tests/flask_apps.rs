//! Two Flask apps that talk to each other, as the examples do.

use crate::harness::{Host, Output, eventually};

const APP: &str = r#"
import sys
from urllib.request import urlopen
from flask import Flask

name, other = sys.argv[1:]
app = Flask(__name__)


@app.get("/")
def hello():
    return f"Hello from {name}"


@app.get("/ask")
def ask():
    with urlopen(other, timeout=3) as reply:
        return f"{name} heard: {reply.read().decode()}"


app.run(host="0.0.0.0", port=5000, threaded=True)
"#;

fn app(host: &Host, name: &str, other: &str, flags: &str) {
    let program = host.write("app.py", APP);
    host.ok(&format!(
        "run -d --name {name} {flags} -v {program}:/app.py:ro flask:3.1 python3 /app.py {name} {other}"
    ));
    eventually("the app", || {
        let output = get(host, name, "/");
        (output.code == 0).then_some(())
    });
}

fn get(host: &Host, from: &str, path: &str) -> Output {
    host.rbox(&[
        "exec",
        from,
        "wget",
        "-q",
        "-O-",
        &format!("http://127.0.0.1:5000{path}"),
    ])
}

#[test]
fn two_apps_on_one_network_talk_by_name() {
    let host = Host::new();
    host.ok("network create bridge-test");
    app(&host, "app-a", "http://app-b:5000/", "--net=bridge-test");
    app(&host, "app-b", "http://app-a:5000/", "--net=bridge-test");
    assert_eq!(
        get(&host, "app-a", "/ask").ok(),
        "app-a heard: Hello from app-b"
    );
    assert_eq!(
        get(&host, "app-b", "/ask").ok(),
        "app-b heard: Hello from app-a"
    );
}

#[test]
fn two_apps_on_two_networks_talk_by_a_published_port_only() {
    let host = Host::new();
    host.ok("network create --subnet 10.61.0.0/24 lan-a");
    host.ok("network create --subnet 10.62.0.0/24 lan-b");
    app(
        &host,
        "app-b",
        "http://10.62.0.1:8088/",
        "--net=lan-b -p 8088:5000",
    );
    app(&host, "app-a", "http://10.61.0.1:8088/", "--net=lan-a");
    let address = host.address("app-b", "lan-b");
    host.fails(
        1,
        &format!("exec app-a wget -q -T 1 -O- http://{address}:5000/"),
    );
    host.fails(1, "exec app-a wget -q -T 1 -O- http://app-b:5000/");
    assert_eq!(
        get(&host, "app-a", "/ask").ok(),
        "app-a heard: Hello from app-b"
    );
    assert_eq!(
        get(&host, "app-b", "/ask").ok(),
        "app-b heard: Hello from app-b"
    );
}

#[test]
fn an_app_that_joins_the_others_network_finds_it_by_name() {
    let host = Host::new();
    host.ok("network create lan-a");
    host.ok("network create lan-b");
    app(&host, "app-b", "http://app-a:5000/", "--net=lan-b");
    app(&host, "app-a", "http://app-b:5000/", "--net=lan-a");
    assert_ne!(get(&host, "app-a", "/ask").code, 0);
    host.ok("network connect lan-b app-a");
    assert_eq!(
        get(&host, "app-a", "/ask").ok(),
        "app-a heard: Hello from app-b"
    );
    assert_eq!(
        get(&host, "app-b", "/ask").ok(),
        "app-b heard: Hello from app-a"
    );
    host.ok("network disconnect lan-b app-a");
    assert_ne!(get(&host, "app-a", "/ask").code, 0);
    assert_ne!(get(&host, "app-b", "/ask").code, 0);
}

#[test]
fn the_example_of_one_network_runs_as_its_readme_says() {
    let host = Host::with_own_images();
    let text = host
        .sh(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/examples/flask-pair/run"
        ))
        .ok();
    for line in [
        "$ rbox network create bridge-test",
        r#"{"app":"B","says":"Hello from app B"}"#,
        r#"{"app":"A","heard":{"app":"B","says":"Hello from app B"},"says":"Hello from app A"}"#,
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no {line} in {text}"
        );
    }
    assert_eq!(host.ok("ps -aq"), "");
    assert_eq!(host.left_behind(), [""; 0]);
}

#[test]
fn the_example_of_two_networks_runs_as_its_readme_says() {
    let host = Host::new();
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/two-lans/run");
    let text = host.sh(&format!("PORT=18088 {run}")).ok();
    for (asked, at) in [
        ("http://web:18088/", "via-web"),
        ("http://app-b:5000/", "via-name"),
    ] {
        let line = format!(
            r#"{{"app":"A","asked":"{asked}","heard":{{"app":"B","says":"Hello from app B"}},"says":"Hello from app A"}}"#
        );
        assert!(
            text.lines().any(|found| found == line),
            "{at}: no {line} in {text}"
        );
    }
    assert_eq!(host.ok("ps -aq"), "");
    assert_eq!(host.left_behind(), [""; 0]);
}
