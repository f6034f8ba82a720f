//! `network inspect` and `network ls`: Docker 28's JSON key by key, and its tables.

use serde_json::Value;

use crate::harness::Host;

/// `value` as its own text: keys in their order, `null`, `{}` and `[]` told apart.
fn json(host: &Host, arguments: &[&str]) -> String {
    let text = host.rbox(arguments).ok();
    let value: Value = serde_json::from_str(&text).unwrap();
    value.to_string()
}

/// One network in one line.
fn network(host: &Host, name: &str) -> String {
    json(host, &["network", "inspect", "-f", "{{json .}}", name])
}

fn field(host: &Host, name: &str, field: &str) -> String {
    let format = format!("{{{{.{field}}}}}");
    host.rbox(&["network", "inspect", "-f", &format, name]).ok()
}

/// Docker 28's shape: all keys that it has, in its order.
fn expected(host: &Host, name: &str, driver: &str, ipam: &str, rest: &str) -> String {
    format!(
        "{{\"Name\":{name:?},\"Id\":{:?},\"Created\":{:?},\"Scope\":\"local\",\"Driver\":{driver:?},\
         \"EnableIPv4\":true,\"EnableIPv6\":false,\"IPAM\":{ipam},\"Internal\":false,\
         \"Attachable\":false,\"Ingress\":false,\"ConfigFrom\":{{\"Network\":\"\"}},\
         \"ConfigOnly\":false,{rest}}}",
        field(host, name, "Id"),
        field(host, name, "Created"),
    )
}

#[test]
fn the_predefined_networks_are_dockers() {
    let host = Host::new();
    let none = "{\"Driver\":\"default\",\"Options\":null,\"Config\":null}";
    for (name, driver) in [("host", "host"), ("none", "null")] {
        let rest = "\"Containers\":{},\"Options\":{},\"Labels\":{}";
        let wanted = expected(&host, name, driver, none, rest);
        assert_eq!(network(&host, name), wanted);
    }
    let ipam = "{\"Driver\":\"default\",\"Options\":null,\
                \"Config\":[{\"Subnet\":\"172.17.0.0/16\",\"Gateway\":\"172.17.0.1\"}]}";
    let rest = "\"Containers\":{},\"Options\":{\
                \"com.docker.network.bridge.default_bridge\":\"true\",\
                \"com.docker.network.bridge.enable_icc\":\"true\",\
                \"com.docker.network.bridge.enable_ip_masquerade\":\"true\",\
                \"com.docker.network.bridge.host_binding_ipv4\":\"0.0.0.0\",\
                \"com.docker.network.bridge.name\":\"rbox0\",\
                \"com.docker.network.driver.mtu\":\"1500\"},\"Labels\":{}";
    let wanted = expected(&host, "bridge", "bridge", ipam, rest);
    assert_eq!(network(&host, "bridge"), wanted);
    let created = field(&host, "bridge", "Created");
    assert!(created.len() >= 20 && created.ends_with('Z'), "{created}");
}

#[test]
fn running_containers_are_listed_in_the_order_of_their_ids() {
    let host = Host::new();
    host.ok("network create lan");
    let mut wanted = Vec::new();
    for name in ["one", "two", "three"] {
        host.ok(&format!(
            "run -d --name {name} --network lan alpine sleep 1000"
        ));
        let of = |field: &str| {
            let format = format!("{{{{.NetworkSettings.Networks.lan.{field}}}}}");
            host.rbox(&["inspect", "-f", &format, name]).ok()
        };
        wanted.push(format!(
            "{:?}:{{\"Name\":{name:?},\"EndpointID\":{:?},\"MacAddress\":{:?},\
             \"IPv4Address\":\"{}/16\",\"IPv6Address\":\"\"}}",
            host.id(name),
            of("EndpointID"),
            of("MacAddress"),
            of("IPAddress"),
        ));
    }
    wanted.sort();
    let ipam = "{\"Driver\":\"default\",\"Options\":{},\
                \"Config\":[{\"Subnet\":\"172.18.0.0/16\",\"Gateway\":\"172.18.0.1\"}]}";
    let rest = format!(
        "\"Containers\":{{{}}},\"Options\":{{}},\"Labels\":{{}}",
        wanted.join(",")
    );
    assert_eq!(
        network(&host, "lan"),
        expected(&host, "lan", "bridge", ipam, &rest)
    );
    // A template sees them in the same order, and one that has ended no more.
    host.ok("stop -t 0 two");
    let names = "{{range .Containers}}{{.Name}} {{end}}";
    let shown = host.rbox(&["network", "inspect", "-f", names, "lan"]).ok();
    let mut left: Vec<_> = ["one", "three"].map(|name| (host.id(name), name)).into();
    left.sort();
    assert_eq!(shown, format!("{} {} ", left[0].1, left[1].1));
}

#[test]
fn containers_of_host_and_none_have_no_addresses() {
    let host = Host::new();
    for mode in ["host", "none"] {
        host.ok(&format!(
            "run -d --name on-{mode} --network {mode} alpine sleep 1000"
        ));
        let text = json(
            &host,
            &["network", "inspect", "-f", "{{json .Containers}}", mode],
        );
        let format = format!("{{{{(index .NetworkSettings.Networks \"{mode}\").EndpointID}}}}");
        let endpoint = host
            .rbox(&["inspect", "-f", &format, &format!("on-{mode}")])
            .ok();
        assert_eq!(
            text,
            format!(
                "{{{:?}:{{\"Name\":\"on-{mode}\",\"EndpointID\":{endpoint:?},\"MacAddress\":\"\",\
                 \"IPv4Address\":\"\",\"IPv6Address\":\"\"}}}}",
                host.id(&format!("on-{mode}"))
            )
        );
    }
}

#[test]
fn what_was_asked_for_is_shown_and_what_was_not_is_left_out() {
    let host = Host::new();
    for (flags, shown) in [
        // An explicit subnet shows a gateway only where one was given.
        (
            "--subnet 10.210.0.0/24",
            r#"[{"Subnet":"10.210.0.0/24"}] true false {} {}"#,
        ),
        (
            "--subnet 10.210.0.0/24 --gateway 10.210.0.9 --aux-address b=10.210.0.8 \
             --aux-address a=10.210.0.7 --ip-range 10.210.0.0/25",
            r#"[{"Subnet":"10.210.0.0/24","IPRange":"10.210.0.0/25","Gateway":"10.210.0.9","AuxiliaryAddresses":{"a":"10.210.0.7","b":"10.210.0.8"}}] true false {} {}"#,
        ),
        (
            "--internal --subnet 10.210.0.0/24 --label b=1 --label a",
            r#"[{"Subnet":"10.210.0.0/24"}] true false {} {"a":"","b":"1"}"#,
        ),
        (
            "--ipv6 --subnet 10.210.0.0/24 --subnet fd00:aa::/64 -o mine=1",
            r#"[{"Subnet":"10.210.0.0/24"},{"Subnet":"fd00:aa::/64"}] true true {"mine":"1"} {}"#,
        ),
        (
            "--ipv4=false --ipv6 --subnet fd00:aa::/64 --gateway fd00:aa::1",
            r#"[{"Subnet":"fd00:aa::/64","Gateway":"fd00:aa::1"}] false true {} {}"#,
        ),
    ] {
        host.ok(&format!("network create {flags} lan"));
        let format = "{{json .IPAM.Config}} {{.EnableIPv4}} {{.EnableIPv6}} {{json .Options}} {{json .Labels}}";
        let text = host.rbox(&["network", "inspect", "-f", format, "lan"]).ok();
        assert_eq!(text, shown, "{flags}");
        host.ok("network rm lan");
    }
    // Subnets that were picked come with their gateways.
    host.ok("network create --ipv6 lan");
    let text = json(
        &host,
        &["network", "inspect", "-f", "{{json .IPAM.Config}}", "lan"],
    );
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value[0]["Subnet"], "172.18.0.0/16");
    assert_eq!(value[0]["Gateway"], "172.18.0.1");
    let subnet = value[1]["Subnet"].as_str().unwrap();
    assert!(
        subnet.starts_with("fd") && subnet.ends_with("::/64"),
        "{text}"
    );
    assert_eq!(
        value[1]["Gateway"],
        format!("{}1", subnet.trim_end_matches("/64"))
    );
}

#[test]
fn several_names_and_unknown_ones() {
    let host = Host::new();
    host.ok("network create lan");
    let text = host.ok("network inspect lan host");
    assert!(
        text.starts_with("[\n    {\n        \"Name\": \"lan\",\n        \"Id\": \""),
        "{text}"
    );
    assert!(text.ends_with("        \"Labels\": {}\n    }\n]"), "{text}");
    assert_eq!(
        host.ok("network inspect -v -f {{.Name}} lan host"),
        "lan\nhost"
    );
    for format in ["json", "{{json .}}"] {
        let line = host
            .rbox(&["network", "inspect", "--format", format, "lan"])
            .ok();
        assert_eq!(line.lines().count(), 1, "{line}");
    }
    let output = host.rbox(&["network", "inspect", "lan", "nosuch", "-f", "{{.Name}}"]);
    assert_eq!(output.stdout, "lan\n");
    assert_eq!(output.fails(1), "rbox: network nosuch not found");
    for (format, code, text) in [
        (
            "{{.Bogus}}",
            1,
            "rbox: template parsing error: template: :1:2: executing \"\" at <.Bogus>: map has no \
             entry for key \"Bogus\"",
        ),
        (
            "{{.Bogus",
            64,
            "rbox: template parsing error: template: :1: unclosed action",
        ),
    ] {
        assert_eq!(
            host.rbox(&["network", "inspect", "-f", format, "lan"])
                .fails(code),
            text
        );
    }
}

#[test]
fn ls_is_dockers_table_in_natural_order() {
    let host = Host::new();
    for name in ["h4n10", "h4n9", "H4z"] {
        host.ok(&format!("network create {name}"));
    }
    let id = |name: &str| field(&host, name, "Id");
    let mut lines = vec!["NETWORK ID     NAME      DRIVER    SCOPE".to_owned()];
    for (name, driver) in [
        ("H4z", "bridge"),
        ("bridge", "bridge"),
        ("h4n9", "bridge"),
        ("h4n10", "bridge"),
        ("host", "host"),
        ("none", "null"),
    ] {
        lines.push(format!(
            "{}   {name:<7}   {driver:<7}   local",
            &id(name)[..12]
        ));
    }
    assert_eq!(host.ok("network ls"), lines.join("\n"));
    let whole = host.ok("network ls --no-trunc");
    let header = format!("NETWORK ID{}   NAME      DRIVER    SCOPE", " ".repeat(54));
    assert_eq!(whole.lines().next(), Some(header.as_str()));
    let ids: Vec<_> = ["H4z", "bridge", "h4n9", "h4n10", "host", "none"]
        .map(id)
        .into();
    assert_eq!(host.ok("network ls -q --no-trunc"), ids.join("\n"));
    let template = "table {{.Name}}\\t{{.Internal}}\\t{{.IPv4}}\\t{{.IPv6}}";
    assert_eq!(
        host.rbox(&["network", "ls", "-f", "name=h4n1", "--format", template])
            .ok(),
        "NAME      INTERNAL   IPV4      IPV6\nh4n10     false      true      false"
    );
}

#[test]
fn ls_in_json_is_one_object_a_line_with_sorted_keys() {
    let host = Host::new();
    host.ok("network create --label b=2 --label a=1 --ipv6 lan");
    let created = field(&host, "lan", "Created")
        .replace('T', " ")
        .replace('Z', " +0000 UTC");
    let wanted = format!(
        "{{\"CreatedAt\":{created:?},\"Driver\":\"bridge\",\"ID\":{:?},\"IPv4\":\"true\",\
         \"IPv6\":\"true\",\"Internal\":\"false\",\"Labels\":\"a=1,b=2\",\"Name\":\"lan\",\
         \"Scope\":\"local\"}}",
        &field(&host, "lan", "Id")[..12]
    );
    for format in ["json", "{{json .}}"] {
        let arguments = ["network", "ls", "-f", "type=custom", "--format", format];
        assert_eq!(host.rbox(&arguments).ok(), wanted);
    }
}

#[test]
fn dangling_networks_are_those_without_a_running_container() {
    let host = Host::new();
    host.ok("network create used");
    host.ok("network create unused");
    host.ok("run -d --name box --network used alpine sleep 1000");
    let names = |filter: &str| {
        let line = format!("network ls --format {{{{.Name}}}} -f dangling={filter}");
        host.ok(&line).replace('\n', " ")
    };
    assert_eq!(names("true"), "unused");
    assert_eq!(names("false"), "bridge host none used");
    // Nobody has cleaned up after it yet, and still it uses nothing.
    host.kill_monitor("box");
    assert_eq!(names("true"), "unused used");
    assert_eq!(
        host.fails(1, "network ls -f dangling=maybe"),
        "rbox: Invalid filter 'dangling=maybe'"
    );
}
