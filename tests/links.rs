//! Links on the default bridge: one container learns another's name and ports,
//! not the other way round.

use crate::harness::Host;

const STANDARD: &str = "127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

#[test]
fn a_linked_container_is_reached_by_name_and_does_not_reach_back() {
    let host = Host::new();
    host.ok("run -dt --name containerA alpine /bin/sh");
    host.ok("run -dt --name containerB --link containerA:containerA alpine /bin/sh");
    let text = host.ok("exec containerB /bin/ping -c 1 containerA");
    assert!(text.contains("1 packets received"), "{text}");
    let (a, b) = (
        host.address("containerA", "bridge"),
        host.address("containerB", "bridge"),
    );
    let (id_a, id_b) = (host.id("containerA"), host.id("containerB"));
    assert_eq!(
        host.ok("exec containerB cat /etc/hosts"),
        format!(
            "{STANDARD}{a}\tcontainerA {}\n{b}\t{}",
            &id_a[..12],
            &id_b[..12]
        )
    );
    assert_eq!(
        host.ok("exec containerA cat /etc/hosts"),
        format!("{STANDARD}{a}\t{}", &id_a[..12])
    );
    assert_eq!(
        host.fails(1, "exec containerA /bin/ping -c 1 containerB"),
        "ping: bad address 'containerB'"
    );
    let env = host.ok("exec containerB env");
    assert!(
        env.contains("CONTAINERA_NAME=/containerB/containerA\n"),
        "{env}"
    );
    assert!(!host.ok("exec containerA env").contains("CONTAINER"));
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{json .HostConfig.Links}}", "containerB"])
            .ok(),
        "[\"/containerA:/containerB/containerA\"]"
    );
}

#[test]
fn variables_tell_the_ports_and_the_environment_of_the_source() {
    let host = Host::new();
    host.ok("run -d --name db --expose 5432 --expose 8125/udp -e DB=1 alpine sleep 1000");
    host.ok("run -d --name app --link db:data-base alpine sleep 1000");
    let ip = host.address("db", "bridge");
    let env = host.ok("exec app env");
    let linked: Vec<&str> = env
        .lines()
        .filter(|line| line.starts_with("DATA_BASE"))
        .collect();
    assert_eq!(
        linked,
        [
            format!("DATA_BASE_PORT=tcp://{ip}:5432"),
            format!("DATA_BASE_PORT_5432_TCP=tcp://{ip}:5432"),
            format!("DATA_BASE_PORT_5432_TCP_ADDR={ip}"),
            "DATA_BASE_PORT_5432_TCP_PORT=5432".to_owned(),
            "DATA_BASE_PORT_5432_TCP_PROTO=tcp".to_owned(),
            format!("DATA_BASE_PORT_8125_UDP=udp://{ip}:8125"),
            format!("DATA_BASE_PORT_8125_UDP_ADDR={ip}"),
            "DATA_BASE_PORT_8125_UDP_PORT=8125".to_owned(),
            "DATA_BASE_PORT_8125_UDP_PROTO=udp".to_owned(),
            "DATA_BASE_NAME=/app/data-base".to_owned(),
            "DATA_BASE_ENV_DB=1".to_owned(),
        ]
    );
    let names: Vec<&str> = env
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|v| v.0)
        .collect();
    assert_eq!((names[1], names[names.len() - 1]), ("HOSTNAME", "HOME"));
    let hosts = host.ok("exec app cat /etc/hosts");
    let short = &host.id("db")[..12];
    assert!(
        hosts.contains(&format!("\n{ip}\tdata-base {short} db\n")),
        "{hosts}"
    );
}

#[test]
fn links_to_what_is_not_there_or_not_running_are_refused() {
    let host = Host::new();
    let help = "\n\nRun 'rbox run --help' for more information";
    assert_eq!(
        host.fails(125, "run --rm --link nosuch alpine true"),
        format!("rbox: could not get container for nosuch: No such container: nosuch{help}")
    );
    host.ok("create --name db alpine sleep 1000");
    assert_eq!(
        host.fails(125, "run --rm --name app --link db alpine true"),
        format!("rbox: Cannot link to a non running container: /db AS /app/db{help}")
    );
    assert_eq!(
        host.fails(125, "run --rm --network host --link db alpine true"),
        format!(
            "rbox: conflicting options: host type networking can't be used with links. This would \
             result in undefined behavior{help}"
        )
    );
    assert_eq!(host.ok("ps -aq --filter name=app"), "");
}

#[test]
fn a_source_that_comes_back_elsewhere_is_found_there() {
    let host = Host::new();
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:data alpine sleep 1000");
    let before = host.address("db", "bridge");
    host.ok("network disconnect bridge db");
    host.ok("run -d --name other alpine sleep 1000");
    host.ok("network connect bridge db");
    let after = host.address("db", "bridge");
    assert_ne!(before, after);
    let hosts = host.ok("exec app cat /etc/hosts");
    assert!(hosts.contains(&format!("{after}\tdata ")), "{hosts}");
    assert!(!hosts.contains(&format!("{before}\tdata ")), "{hosts}");
    host.ok("exec app ping -c 1 data");
}

#[test]
fn on_a_user_defined_network_a_link_is_a_name_of_the_consumer_alone() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name app --network lan --link db:data alpine sleep 1000");
    host.ok("run -d --name db --network lan alpine sleep 1000");
    host.ok("run -d --name other --network lan alpine sleep 1000");
    host.ok("exec app ping -c 1 data");
    host.fails(1, "exec other ping -c 1 data");
    assert!(!host.ok("exec app cat /etc/hosts").contains("data"));
    assert!(!host.ok("exec app env").contains("DATA"));
    let format = "{{json .HostConfig.Links}} {{json .NetworkSettings.Networks.lan.Links}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", format, "app"]).ok(),
        "null [\"db:data\"]"
    );
}

#[test]
fn a_link_survives_the_renaming_of_its_source() {
    let host = Host::new();
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:data alpine sleep 1000");
    host.ok("rename db database");
    host.ok("exec app ping -c 1 data");
    host.ok("restart -t 0 app");
    host.ok("exec app ping -c 1 data");
    let links = host
        .rbox(&["inspect", "-f", "{{json .HostConfig.Links}}", "app"])
        .ok();
    assert_eq!(links, "[\"/database:/app/data\"]");
}
