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

/// The lines of a container's hosts file that name its sources.
fn linked_hosts(host: &Host, container: &str) -> Vec<String> {
    let hosts = host.ok(&format!("exec {container} cat /etc/hosts"));
    let own = host.id(container)[..12].to_owned();
    let linked = |line: &&str| !STANDARD.contains(line) && !line.ends_with(&own);
    hosts.lines().filter(linked).map(str::to_owned).collect()
}

#[test]
fn a_source_has_the_names_that_links_give_it() {
    let host = Host::new();
    let db = host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:database --link db alpine sleep 1000");
    host.ok("run -d --name aa --link db alpine sleep 1000");
    for name in ["app/database", "/app/db", "aa/db"] {
        assert_eq!(
            host.rbox(&["inspect", "-f", "{{.Name}} {{.Id}}", name])
                .ok(),
            format!("/db {db}")
        );
    }
    assert_eq!(host.ok("exec app/database hostname"), &db[..12]);
    let names = |flags: &[&str]| {
        let mut arguments = vec!["ps", "--format", "{{.Names}}"];
        arguments.extend(flags);
        host.rbox(&arguments).ok()
    };
    assert_eq!(
        names(&["--no-trunc"]),
        "aa\napp\naa/db,app/database,app/db,db"
    );
    assert_eq!(names(&[]), "aa\napp\ndb");
    assert_eq!(names(&["--filter", "name=app/data"]), "db");
    for name in ["app/nosuch", "nosuch/db", "app/", "/", "db/app"] {
        let text = host.fails(1, &format!("stop {name}"));
        assert!(
            text == format!("rbox: No such container: {name}")
                || text == "rbox: invalid container name or ID: value is empty",
            "{text}"
        );
    }
    // The consumer's name is the one that it has now.
    host.ok("rename app web");
    assert_eq!(
        names(&["--no-trunc"]),
        "aa\nweb\naa/db,db,web/database,web/db"
    );
    assert_eq!(host.ok("stop -t 0 web/database"), "web/database");
    assert_eq!(host.ok("rm aa/db"), "aa/db");
    assert_eq!(names(&["-a"]), "aa\nweb");
}

#[test]
fn a_link_is_removed_and_the_source_stays() {
    let host = Host::new();
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:database --link db alpine sleep 1000");
    assert_eq!(linked_hosts(&host, "app").len(), 2);
    assert_eq!(host.ok("rm --link app/database"), "app/database");
    let lines = linked_hosts(&host, "app");
    assert!(lines.len() == 1 && lines[0].contains("\tdb "), "{lines:?}");
    host.fails(1, "exec app ping -c 1 database");
    host.ok("exec app ping -c 1 db");
    let links = || {
        host.rbox(&["inspect", "-f", "{{json .HostConfig.Links}}", "app"])
            .ok()
    };
    assert_eq!(links(), "[\"/db:/app/db\"]");
    assert_eq!(
        host.fails(1, "rm --link app/database"),
        "rbox: No such container: app/database"
    );
    assert_eq!(
        host.fails(1, "rm --link db"),
        "rbox: Conflict, cannot remove the default link name of the container\nhint: a link is \
         named by its consumer: `rbox rm --link CONSUMER/ALIAS`"
    );
    // The one that is left is followed still, and the other does not come back.
    host.ok("network disconnect bridge db");
    host.ok("run -d --name taker alpine sleep 1000");
    host.ok("network connect bridge db");
    host.ok("exec app ping -c 1 db");
    host.ok("restart -t 0 app");
    assert_eq!(linked_hosts(&host, "app").len(), 1);
    // Of a container that is stopped too.
    host.ok("stop -t 0 app");
    host.ok("rm --link /app/db");
    host.ok("start app");
    assert_eq!(linked_hosts(&host, "app"), Vec::<String>::new());
    assert_eq!(links(), "null");
    let consumers = host
        .root()
        .join("containers")
        .join(host.id("db"))
        .join("consumers");
    assert!(!consumers.exists());
}

#[test]
fn variables_of_later_processes_tell_where_the_source_is_now() {
    let host = Host::new();
    host.ok("run -d --name db --expose 5432 -e X=theirs alpine sleep 1000");
    host.ok("run -d --name app -e DB_ENV_X=mine --link db alpine sleep 1000");
    let old = host.address("db", "bridge");
    host.ok("network disconnect bridge db");
    host.ok("run -d --name other alpine sleep 1000");
    host.ok("network connect bridge db");
    let new = host.address("db", "bridge");
    assert_ne!(old, new);
    let env = host.ok("exec app env");
    assert!(
        env.contains(&format!("\nDB_PORT=tcp://{new}:5432\n")),
        "{env}"
    );
    assert!(!env.contains(&old), "{env}");
    // What the user set is the user's.
    assert!(env.contains("\nDB_ENV_X=mine\n"), "{env}");
    let env = host.ok("exec -e DB_PORT=5 app env");
    assert!(env.contains("\nDB_PORT=5\n"), "{env}");
}

#[test]
fn nothing_runs_in_a_consumer_or_starts_while_its_source_does_not_run() {
    let host = Host::new();
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:data alpine sleep 1000");
    host.ok("stop -t 0 db");
    let text = "Cannot link to a non running container: /db AS /app/data";
    assert_eq!(host.fails(1, "exec app true"), format!("rbox: {text}"));
    host.ok("start db");
    host.ok("exec app ping -c 1 data");
    host.ok("stop -t 0 app db");
    assert_eq!(
        host.fails(1, "start app"),
        format!("rbox: {text}\nrbox: failed to start containers: app")
    );
    let state = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}";
    assert_eq!(
        host.rbox(&["inspect", "-f", state, "app"]).ok(),
        format!("exited 137 {text}")
    );
    host.ok("start db app");
    // It is remembered by its name when it is gone for good.
    host.ok("rm -f db");
    assert_eq!(host.fails(1, "exec app true"), format!("rbox: {text}"));
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{json .HostConfig.Links}}", "app"])
            .ok(),
        "[\"/db:/app/data\"]"
    );
    host.fails(1, "inspect app/data");
    host.ok("stop -t 0 app");
    assert!(host.fails(1, "start app").contains(text));
}

#[test]
fn a_renamed_source_is_known_by_its_new_name_too() {
    let host = Host::new();
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db:data alpine sleep 1000");
    host.ok("rename db store");
    let lines = linked_hosts(&host, "app");
    assert!(lines[0].ends_with(" store"), "{lines:?}");
    host.ok("exec app ping -c 1 store");
    // And it is followed under that name.
    host.ok("network disconnect bridge store");
    host.ok("run -d --name other alpine sleep 1000");
    host.ok("network connect bridge store");
    host.ok("exec app ping -c 1 data");
}

#[test]
fn a_source_on_other_networks_alone_is_refused() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name db --network lan alpine sleep 1000");
    let text = host.fails(125, "run --rm --link db alpine true");
    assert!(
        text.starts_with(
            "rbox: Cannot link to /db, as it does not belong to the default network\nhint: "
        ),
        "{text}"
    );
    host.ok("network connect bridge db");
    let hosts = host.ok("run --rm --link db alpine cat /etc/hosts");
    assert!(hosts.contains(&host.address("db", "bridge")), "{hosts}");
}

#[test]
fn where_nobody_links_nobody_is_asked() {
    let host = Host::new();
    host.ok("run -d --name db alpine sleep 1000");
    host.ok("run -d --name app --link db alpine sleep 1000");
    let consumers = |name: &str| {
        let path = host
            .root()
            .join("containers")
            .join(host.id(name))
            .join("consumers");
        std::fs::read_dir(path).map_or(0, Iterator::count)
    };
    assert_eq!((consumers("db"), consumers("app")), (1, 0));
    // A start looks at no container but its own: a damaged one is none of its business.
    host.ok("create --name damaged alpine true");
    let record = host
        .root()
        .join("containers")
        .join(host.id("damaged"))
        .join("config.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, "{").unwrap();
    let before = host.address("db", "bridge");
    host.ok("restart -t 0 db");
    host.ok("restart -t 0 app");
    assert_eq!(host.address("db", "bridge"), before);
    std::fs::write(&record, text).unwrap();
    host.ok("rm -f app");
    assert_eq!(consumers("db"), 0);
}

#[test]
fn on_a_user_defined_network_a_link_may_wait_for_its_target_and_follows_its_name() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("run -d --name app --network lan --link db:data alpine sleep 1000");
    host.fails(1, "exec app ping -c 1 data");
    host.ok("run -d --name db --network lan alpine sleep 1000");
    host.ok("exec app ping -c 1 data");
    host.ok("stop -t 0 db");
    host.fails(1, "exec app ping -c 1 data");
    host.ok("start db");
    host.ok("exec app ping -c 1 data");
    host.ok("rename db db2");
    host.fails(1, "exec app ping -c 1 data");
    assert_eq!(
        host.fails(1, "rm --link app/data"),
        "rbox: No such container: app/data"
    );
}
