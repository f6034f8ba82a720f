//! `stats`.

use crate::harness::{Host, Terminal, eventually};

fn row(host: &Host, name: &str) -> serde_json::Value {
    let line = host.ok(&format!("stats --no-stream --format json {name}"));
    serde_json::from_str(&line).unwrap()
}

fn percent(row: &serde_json::Value, key: &str) -> f64 {
    row[key]
        .as_str()
        .unwrap()
        .trim_end_matches('%')
        .parse()
        .unwrap()
}

#[test]
fn the_table_is_dockers_and_shows_what_runs() {
    let host = Host::new();
    let id = host.ok("run -d --name h4s alpine sleep 1000");
    host.ok("create --name never alpine true");
    let table = host.ok("stats --no-stream");
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT"),
        "{table}"
    );
    assert!(lines[0].ends_with("PIDS"));
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[1].starts_with(&format!("{}   h4s ", &id[..12])),
        "{table}"
    );
    let all = host.ok("stats --no-stream -a --no-trunc");
    assert_eq!(all.lines().count(), 3);
    assert!(all.contains(&id), "{all}");
    let format = "{{.Container}} {{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}";
    assert_eq!(
        host.rbox(&["stats", "--no-stream", "--format", format, "never"])
            .ok(),
        "never never 0.00% 0B / 0B 0B / 0B 0"
    );
}

#[test]
fn what_a_container_uses_is_measured() {
    let host = Host::new();
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "busy",
        "--memory",
        "64m",
        "alpine",
        "sh",
        "-c",
        "sleep 1000 & while :; do :; done",
    ])
    .ok();
    host.ok("run -d --name idle alpine sleep 1000");
    let busy = eventually("processor time", || {
        let busy = row(&host, "busy");
        (percent(&busy, "CPUPerc") > 1.0).then_some(busy)
    });
    assert!(
        busy["MemUsage"].as_str().unwrap().ends_with(" / 64MiB"),
        "{busy}"
    );
    assert!(percent(&busy, "MemPerc") > 0.0);
    assert_eq!(busy["PIDs"], "2");
    let idle = row(&host, "idle");
    assert!(percent(&idle, "CPUPerc") < 1.0, "{idle}");
    assert_eq!(idle["PIDs"], "1");
}

#[test]
fn traffic_is_that_of_the_containers_interfaces() {
    let host = Host::new();
    host.ok("run -d --name net alpine sleep 1000");
    host.ok("run -d --name alone --network none alpine sleep 1000");
    host.ok("run -d --name shares --network container:net alpine sleep 1000");
    let address = host.address("net", "bridge");
    // A kilobyte a packet, and nothing through the loopback.
    host.sh(&format!("ping -q -c 20 -i 0.01 -s 1000 {address}"))
        .ok();
    host.ok("exec net ping -q -c 5 127.0.0.1");
    let traffic = |name: &str| row(&host, name)["NetIO"].as_str().unwrap().to_owned();
    let seen = traffic("net");
    assert!(seen.matches("kB").count() == 2, "{seen}");
    assert_eq!(traffic("shares"), traffic("net"));
    assert_eq!(traffic("alone"), "0B / 0B");
}

#[test]
fn on_a_terminal_the_table_stays_in_its_place() {
    let host = Host::new();
    host.ok("run -d --name h4s alpine sleep 1000");
    let mut terminal = Terminal::start(&host.command(&["stats", "h4s"]));
    terminal.expect("\x1b[2J");
    terminal.expect("\x1b[H");
    terminal.expect("CONTAINER ID");
    terminal.expect("\x1b[J");
    terminal.expect("\x1b[H");
    terminal.expect("h4s");
    // Nothing is left to look at.
    host.ok("rm -f h4s");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_stream_goes_on_with_what_comes_and_goes() {
    let host = Host::new();
    let mut child = host.spawn("stats --format {{.Name}}");
    let output = child.stdout.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(output));
    host.ok("run -d --name first alpine sleep 1000");
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    host.ok("rm -f first");
    host.ok("run -d --name second alpine sleep 1000");
    assert!(lines.any(|line| line.unwrap() == "second"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn wrong_names_and_formats_are_refused_at_once() {
    let host = Host::new();
    assert_eq!(
        host.fails(1, "stats --no-stream nosuch"),
        "rbox: No such container: nosuch"
    );
    assert!(
        host.fails(1, "stats --format {{.Bogus")
            .contains("unclosed action")
    );
    let refused = host.fails(125, "stats --bogus");
    assert!(refused.starts_with("unknown flag: --bogus"), "{refused}");
}
