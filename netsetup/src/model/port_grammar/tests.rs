use super::*;

fn shown(spec: &str) -> String {
    match parse_publish(spec) {
        Ok(bindings) => bindings
            .iter()
            .map(|binding| {
                let address = binding.host_ip.map_or("*".to_owned(), |ip| ip.to_string());
                format!("{address} {} {}", binding.host_port, binding.container)
            })
            .collect::<Vec<_>>()
            .join("; "),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn every_form_of_publish_means_what_docker_makes_of_it() {
    for (spec, meaning) in [
        ("8080:80", "* 8080 80/tcp"),
        ("127.0.0.1:8081:80", "127.0.0.1 8081 80/tcp"),
        ("127.0.0.1::80", "127.0.0.1  80/tcp"),
        ("80", "*  80/tcp"),
        (":80", "*  80/tcp"),
        ("0:80", "*  80/tcp"),
        ("8085:5353/udp", "* 8085 5353/udp"),
        ("8085:5353/UDP", "* 8085 5353/udp"),
        ("80/", "*  80/tcp"),
        (
            "9000-9002:9000-9002",
            "* 9000 9000/tcp; * 9001 9001/tcp; * 9002 9002/tcp",
        ),
        ("9000-9001:80-81/udp", "* 9000 80/udp; * 9001 81/udp"),
        ("9100-9110:80", "* 9100-9110 80/tcp"),
        ("80-82", "*  80/tcp; *  81/tcp; *  82/tcp"),
        ("9000-9000:80-80", "* 9000 80/tcp"),
        ("[::1]:8089:80", "::1 8089 80/tcp"),
        ("::1:8089:80", "::1 8089 80/tcp"),
        ("[::ffff:10.0.0.1]:8089:80", "10.0.0.1 8089 80/tcp"),
        ("0.0.0.0:8095:80", "0.0.0.0 8095 80/tcp"),
        ("published=8094,target=80,protocol=tcp", "* 8094 80/tcp"),
        ("target=80,published=8094", "* 8094 80/tcp"),
        ("target=80", "*  80/tcp"),
        ("target=53,protocol=udp,mode=host", "*  53/udp"),
    ] {
        assert_eq!(shown(spec), meaning, "-p {spec}");
    }
}

#[test]
fn a_bad_publish_is_refused_with_dockers_text() {
    for (spec, error) in [
        ("bogus", "invalid containerPort: bogus"),
        ("80:bogus", "invalid containerPort: bogus"),
        ("99999:80", "invalid hostPort: 99999"),
        ("80:99999", "invalid containerPort: 99999"),
        ("80:0", "invalid containerPort: 0"),
        ("0-5:80", "invalid hostPort: 0-5"),
        ("82-80:80", "invalid hostPort: 82-80"),
        ("80-82-84", "invalid containerPort: 80-82-84"),
        (
            "8000-8001:80-82",
            "invalid ranges specified for container and host Ports: 80-82 and 8000-8001",
        ),
        ("1.2.3:80:80", "invalid IP address: 1.2.3"),
        (
            "[::1:80:80",
            "invalid IP address [::1: address [::1:: missing ']' in address",
        ),
        ("[::1]x:80:80", "invalid IP address: [::1]x"),
        ("[10.0.0.1]:80:80", "invalid IP address: [10.0.0.1]"),
        ("8080:80/foo", "invalid proto: foo"),
        ("8080:80/tcp/udp", "invalid proto: tcp/udp"),
        ("8096:80/sctp", "unsupported protocol: sctp"),
        ("a:b:c:d", "invalid IP address: a:b"),
        ("", "no port specified: <empty>"),
        (":", "no port specified: :<empty>"),
        ("8080:", "no port specified: 8080:<empty>"),
        ("/tcp", "no port specified: /tcp<empty>"),
        ("-1:80", "invalid hostPort: -1"),
        (
            "published=80,target",
            "invalid publish opts format (should be name=value but got 'target')",
        ),
        (
            "=80",
            "invalid publish opts format (should be name=value but got '=80')",
        ),
        ("published=80", "no port specified: 80:/tcp<empty>"),
        (
            "target=80,host_ip=127.0.0.1",
            "invalid publish option 'host_ip': use published, target and protocol",
        ),
    ] {
        assert_eq!(shown(spec), format!("error: {error}"), "-p {spec}");
    }
}

#[test]
fn expose_takes_ports_and_ranges_and_nothing_else() {
    let text = |spec: &str| match parse_expose(spec) {
        Ok(ports) => ports
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => error.to_string(),
    };
    assert_eq!(text("80"), "80/tcp");
    assert_eq!(text("7000-7002/udp"), "7000/udp 7001/udp 7002/udp");
    assert_eq!(
        text("bogus"),
        "invalid range format for --expose: bogus, error: strconv.ParseUint: parsing \
         \"bogus\": invalid syntax"
    );
    assert_eq!(
        text("82-80"),
        "invalid range format for --expose: 82-80, error: invalid range specified for port: \
         82-80"
    );
    assert_eq!(
        text(""),
        "invalid range format for --expose: , error: empty string specified for ports"
    );
    assert_eq!(text("80:80"), "invalid port format for --expose: 80:80");
    assert_eq!(text("80/foo"), "invalid proto: foo");
    assert_eq!(text("80/sctp"), "unsupported protocol: sctp");
    assert!(text("0").ends_with("port 0 cannot be exposed"));
}

#[test]
fn the_port_command_reads_its_argument() {
    let text = |query: &str| match parse_query(query, "h4p1") {
        Ok(port) => port.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(text("80"), "80/tcp");
    assert_eq!(text("80/"), "80/tcp");
    assert_eq!(text("5353/udp"), "5353/udp");
    assert_eq!(
        text("80/sctp"),
        "Error: No public port '80/sctp' published for h4p1"
    );
    assert_eq!(
        text("bogus"),
        "Error: invalid port (bogus): strconv.ParseUint: parsing \"bogus\": invalid syntax"
    );
    let missing = PortQueryError::NotPublished {
        query: "81".to_owned(),
        container: "h4p1".to_owned(),
    };
    assert_eq!(
        missing.to_string(),
        "Error: No public port '81' published for h4p1"
    );
}
