//! Two web servers side by side: exec into one, inspect for addresses, ping.

use crate::harness::{Host, ask};

#[test]
fn two_servers_answer_at_8080_and_8081_and_ping_each_other_by_address() {
    let host = Host::new();
    host.who_server("nginx1", "-p 8080:80");
    host.who_server("nginx2", "-p 8081:80");
    assert_eq!(
        ask("127.0.0.1:8080").unwrap(),
        "server=nginx1 peer=172.17.0.1"
    );
    assert_eq!(
        ask("127.0.0.1:8081").unwrap(),
        "server=nginx2 peer=172.17.0.1"
    );
    let first = host.address("nginx1", "bridge");
    let second = host.address("nginx2", "bridge");
    assert_ne!(first, second);
    let text = host.ok(&format!("exec nginx2 ping -c 1 {first}"));
    assert!(text.contains("1 packets received"), "{text}");
    assert_eq!(
        host.ok(&format!("exec nginx2 wget -q -O- http://{first}/")),
        format!("server=nginx1 peer={second}")
    );
    assert_eq!(host.ok("exec nginx2 whoami"), "root");
    assert_eq!(
        host.ok("ps --format {{.Names}}|{{.Ports}}"),
        "nginx2|0.0.0.0:8081->80/tcp, [::]:8081->80/tcp\n\
         nginx1|0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"
    );
}

#[test]
fn the_prompt_in_a_container_is_roots_at_its_short_id() {
    let host = Host::new();
    let id = host.ok("run -dt --name nginx alpine");
    let mut command = host.command(&["exec", "-it", "nginx", "/bin/sh"]);
    command.env("TERM", "xterm");
    let mut terminal = crate::harness::Terminal::start(&command);
    terminal.send("echo $(whoami)@$(hostname)\n");
    terminal.expect(&format!("root@{}", &id[..12]));
    terminal.send("exit\n");
    assert_eq!(terminal.wait(), 0);
}
