//! A hundred at a time: nobody waits for a lock of all, and nobody gets what is another's.

use std::collections::BTreeSet;

use crate::harness::Host;

const MANY: usize = 100;

#[test]
fn a_hundred_containers_started_at_once_have_addresses_of_their_own_and_know_each_other() {
    let host = Host::new();
    host.ok("network create lan");
    let start = |number| {
        host.spawn(&format!(
            "run -d --name box{number} --network lan alpine sleep 1000"
        ))
    };
    let clients: Vec<_> = (0..MANY).map(start).collect();
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.MacAddress}}{{end}}";
    let names: Vec<_> = (0..MANY).map(|number| format!("box{number}")).collect();
    let mut arguments = vec!["inspect", "-f", format];
    arguments.extend(names.iter().map(String::as_str));
    let inspected = host.rbox(&arguments).ok();
    let addresses: BTreeSet<&str> = inspected.lines().collect();
    assert_eq!(addresses.len(), MANY, "{inspected}");
    // From the first and from the last: every name leads to its own address.
    let script = format!(
        "for n in $(seq 0 {}); do nslookup -type=a box$n | awk '/^Address/ {{a=$2}} END {{print a}}'; done",
        MANY - 1
    );
    let expected: Vec<_> = inspected
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    for from in ["box0", "box99"] {
        let found = host.rbox(&["exec", from, "sh", "-c", &script]).ok();
        assert_eq!(found.lines().collect::<Vec<_>>(), expected);
    }
    host.ok("exec box0 ping -c 1 -W 5 box99");
    let mut arguments = vec!["rm", "-f"];
    arguments.extend(names.iter().map(String::as_str));
    // Removed side by side, told in order.
    assert_eq!(host.rbox(&arguments).ok(), names.join("\n"));
    host.ok("network rm lan");
    host.nothing_is_left();
}

#[test]
fn a_hundred_brief_containers_at_once_leave_nothing() {
    let host = Host::new();
    host.ok("network create lan");
    let run = |number| host.spawn(&format!("run --rm --network lan alpine echo {number}"));
    let clients: Vec<_> = (0..MANY).map(run).collect();
    for (number, client) in clients.into_iter().enumerate() {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        assert_eq!(output.stdout, format!("{number}\n").as_bytes());
    }
    host.ok("network rm lan");
    host.nothing_is_left();
}

#[test]
fn one_name_one_port_and_one_address_serve_one_container_after_the_other() {
    let host = Host::new();
    host.ok("network create --subnet 10.9.0.0/24 lan");
    for number in 0..15 {
        let line = "run --rm --name box --network lan --ip 10.9.0.9 -p 8080:80 alpine echo";
        assert_eq!(host.ok(&format!("{line} {number}")), number.to_string());
    }
    host.ok("network rm lan");
    host.nothing_is_left();
}

#[test]
fn many_starts_and_ends_of_networks_meet_and_none_gets_anothers_subnet() {
    let host = Host::new();
    let script = "for n in 1 2 3 4 5; do \
                    $RBOX network create lan$0 >/dev/null && \
                    $RBOX run --rm --network lan$0 alpine ip -o -4 addr show eth0 && \
                    $RBOX network rm lan$0 >/dev/null || exit 1; \
                  done";
    let run = |number: usize| {
        std::process::Command::new("sh")
            .args(["-c", script, &number.to_string()])
            .envs(host.environment())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let clients: Vec<_> = (0..6).map(run).collect();
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        assert_eq!(
            output.stdout.iter().filter(|byte| **byte == b'\n').count(),
            5
        );
    }
    host.nothing_is_left();
}
