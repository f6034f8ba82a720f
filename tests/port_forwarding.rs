//! A web app in a container, reached at a port of the host.

use crate::harness::{Host, ask, eventually};

const APP: &str = r#"
from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return "Hello world!"


app.run(host="0.0.0.0", port=5000)
"#;

fn web_app(host: &Host, ports: &str) -> String {
    let app = host.write("app.py", APP);
    host.ok(&format!(
        "run -d -p {ports} -v {app}:/app.py:ro flask:3.1 python3 /app.py"
    ))
}

#[test]
fn a_flask_app_published_at_port_80_answers_curl() {
    let host = Host::new();
    let id = web_app(&host, "80:5000");
    assert_eq!(id.len(), 64);
    let page = eventually("the app", || {
        let output = host.sh("curl -s http://localhost:80/");
        (output.code == 0).then_some(output.stdout)
    });
    assert_eq!(page, "Hello world!");
    assert_eq!(
        host.sh("curl -s -4 http://localhost:80/").ok(),
        "Hello world!"
    );
    assert_eq!(
        host.sh("curl -s -6 -g http://[::1]:80/").ok(),
        "Hello world!"
    );

    let table = host.ok("ps");
    let mut lines = table.lines();
    let header: Vec<&str> = lines
        .next()
        .unwrap()
        .split("  ")
        .filter(|s| !s.is_empty())
        .collect();
    let header: Vec<&str> = header.iter().map(|title| title.trim()).collect();
    assert_eq!(
        header,
        [
            "CONTAINER ID",
            "IMAGE",
            "COMMAND",
            "CREATED",
            "STATUS",
            "PORTS",
            "NAMES"
        ]
    );
    let row = lines.next().unwrap();
    assert!(row.starts_with(&id[..12]), "{row}");
    assert!(row.contains("\"python3 /app.py\""), "{row}");
    assert!(
        row.contains("0.0.0.0:80->5000/tcp, [::]:80->5000/tcp"),
        "{row}"
    );
    assert_eq!(lines.next(), None);

    let name = host.ok("ps --format {{.Names}}");
    assert_eq!(
        host.ok(&format!("port {name}")),
        "5000/tcp -> 0.0.0.0:80\n5000/tcp -> [::]:80"
    );
    host.ok(&format!("stop -t 0 {name}"));
    assert_eq!(
        ask("127.0.0.1:80"),
        Err(std::io::ErrorKind::ConnectionRefused)
    );
    assert_eq!(host.ok(&format!("port {name}")), "");
}

#[test]
fn the_long_flag_publishes_the_same() {
    let host = Host::new();
    let app = host.write("app.py", APP);
    host.ok(&format!(
        "run -d --name web --publish 4331:5000 -v {app}:/app.py:ro flask:3.1 python3 /app.py"
    ));
    eventually("the app", || {
        ask("127.0.0.1:4331")
            .ok()
            .filter(|page| page == "Hello world!")
    });
}

#[test]
fn a_stopped_web_server_is_run_again_and_answers_at_the_same_port() {
    let host = Host::new();
    host.who_server("web", "-p 3455:80");
    assert_eq!(ask("127.0.0.1:3455").unwrap(), "server=web peer=172.17.0.1");
    host.ok("stop -t 0 web");
    assert_eq!(
        ask("127.0.0.1:3455"),
        Err(std::io::ErrorKind::ConnectionRefused)
    );
    assert_eq!(host.ok("start web"), "web");
    let answer = eventually("the server", || {
        ask("127.0.0.1:3455").ok().filter(|a| !a.is_empty())
    });
    assert_eq!(answer, "server=web peer=172.17.0.1");
}
