use super::*;

fn networks(values: &[&str]) -> AttachmentFlags {
    AttachmentFlags {
        networks: values.iter().map(|value| (*value).to_owned()).collect(),
        ..AttachmentFlags::default()
    }
}

#[test]
fn the_long_form_sets_everything_of_one_attachment() {
    let configs = attachments(&networks(&[
        "name=H4n1,alias=web,alias=Api,ip=10.220.0.5,ip6=fd00::5,mac-address=02:42:0a:00:00:99,\
         gw-priority=-5,driver-opt=com.docker.network.endpoint.ifname=lan0",
        "other",
    ]))
    .unwrap();
    assert_eq!(
        configs[0],
        EndpointConfig {
            network: "H4n1".to_owned(),
            aliases: vec!["web".to_owned(), "Api".to_owned()],
            ip: Some("10.220.0.5".parse().unwrap()),
            ip6: Some("fd00::5".parse().unwrap()),
            mac: Some("02:42:0a:00:00:99".parse().unwrap()),
            gw_priority: -5,
            driver_opts: [(
                "com.docker.network.endpoint.ifname".to_owned(),
                "lan0".to_owned()
            )]
            .into(),
            ..EndpointConfig::default()
        }
    );
    assert_eq!(configs[1].network, "other");
}

#[test]
fn plain_flags_belong_to_the_first_network() {
    let mut flags = networks(&["a", "b"]);
    flags.aliases = vec!["web".to_owned()];
    flags.ip = Some("10.0.0.9".to_owned());
    flags.links = vec!["db:database".to_owned(), "cache".to_owned()];
    let configs = attachments(&flags).unwrap();
    assert_eq!(configs[0].aliases, ["web"]);
    assert_eq!(configs[0].ip, Some("10.0.0.9".parse().unwrap()));
    assert_eq!(
        configs[0].links,
        [
            ("db".into(), "database".into()),
            ("cache".into(), "cache".into())
        ]
    );
    assert_eq!(
        configs[1],
        EndpointConfig {
            network: "b".into(),
            ..Default::default()
        }
    );
}

#[test]
fn no_network_and_default_are_the_bridge() {
    assert_eq!(attachments(&networks(&[])).unwrap()[0].network, "bridge");
    assert_eq!(
        attachments(&networks(&["default"])).unwrap()[0].network,
        "bridge"
    );
}

#[test]
fn a_quoted_field_may_hold_a_comma() {
    let configs = attachments(&networks(&["name=a,\"driver-opt=k=v,w\""])).unwrap();
    assert_eq!(configs[0].driver_opts["k"], "v,w");
}

#[test]
fn ifname_is_short_for_the_driver_option() {
    let long = "name=a,driver-opt=com.docker.network.endpoint.ifname=lan0";
    assert_eq!(
        attachments(&networks(&["name=a,ifname=lan0"])),
        attachments(&networks(&[long]))
    );
}

#[test]
fn bad_combinations_are_refused_with_dockers_texts() {
    for (values, error) in [
        (&["name=a,bogus"][..], "invalid field bogus"),
        (&["name=a,bogus=1"], "invalid field key bogus"),
        (&["alias=web"], "network name/id is not specified"),
        (
            &["name=a,gw-priority=x"],
            "invalid gw-priority: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            &["name=a,driver-opt=x"],
            "invalid key value pair format in driver options",
        ),
        (&["name=a,mac-address=zz"], "zz is not a valid mac address"),
        (
            &["name=a,mac-address=01:00:5e:00:00:01"],
            "01:00:5e:00:00:01 is not a valid mac address",
        ),
        (
            &["name=a,link-local-ip=169.254.1.1"],
            "link-local addresses are not supported: 169.254.1.1",
        ),
        (&[" "], "no name set for network"),
        (&["a", "a"], "network \"a\" is specified multiple times"),
        (
            &["name=a,ifname=x0", "name=b,ifname=x0"],
            "conflicting options: interface name \"x0\" is given to more than one network",
        ),
        (
            &["bridge", "a"],
            "conflicting options: cannot attach both user-defined and non-user-defined \
             network-modes",
        ),
        (
            &["host", "a"],
            "conflicting options: cannot attach both user-defined and non-user-defined \
             network-modes",
        ),
        (
            &["name=bridge,alias=foo"],
            "network-scoped aliases are only supported for user-defined networks",
        ),
        (
            &["name=h4n1,ip=bogus"],
            "invalid config for network h4n1: invalid endpoint settings:\n* invalid IPv4 \
             address: bogus\n* no configured subnet or ip-range contain the IP address bogus",
        ),
    ] {
        assert_eq!(
            attachments(&networks(values)).unwrap_err().to_string(),
            error
        );
    }
}

#[test]
fn a_setting_given_twice_is_refused() {
    for (set, error) in [
        (
            Box::new(|f: &mut AttachmentFlags| f.ip = Some("10.0.0.1".into()))
                as Box<dyn Fn(&mut AttachmentFlags)>,
            "conflicting options: cannot specify both --ip and per-network IPv4 address",
        ),
        (
            Box::new(|f| f.ip6 = Some("fd00::1".into())),
            "conflicting options: cannot specify both --ip6 and per-network IPv6 address",
        ),
        (
            Box::new(|f| f.mac_address = Some("02:42:00:00:00:01".into())),
            "conflicting options: cannot specify both --mac-address and per-network MAC \
             address",
        ),
        (
            Box::new(|f| f.aliases = vec!["x".into()]),
            "conflicting options: cannot specify both --network-alias and per-network alias",
        ),
    ] {
        let mut flags =
            networks(&["name=a,alias=y,ip=10.0.0.2,ip6=fd00::2,mac-address=02:42:00:00:00:02"]);
        set(&mut flags);
        assert_eq!(attachments(&flags).unwrap_err().to_string(), error);
    }
}

#[test]
fn links_have_a_target_and_perhaps_an_alias() {
    assert_eq!(parse_link("a:b").unwrap(), ("a".into(), "b".into()));
    assert_eq!(parse_link("a").unwrap(), ("a".into(), "a".into()));
    assert_eq!(
        parse_link("").unwrap_err().to_string(),
        "empty string specified for links"
    );
    assert_eq!(
        parse_link("a:b:c").unwrap_err().to_string(),
        "bad format for links: a:b:c"
    );
    assert_eq!(
        parse_link(":b").unwrap_err().to_string(),
        "bad format for links: :b"
    );
}

#[test]
fn connect_says_the_same_without_the_networks_name() {
    let flags = AttachmentFlags {
        ip: Some("bogus".to_owned()),
        ..AttachmentFlags::default()
    };
    assert_eq!(
        connection("h4x", &flags).unwrap_err().to_string(),
        "invalid endpoint settings:\n* invalid IPv4 address: bogus\n* no configured subnet or \
         ip-range contain the IP address bogus"
    );
    let flags = AttachmentFlags {
        driver_opts: vec!["a=b".to_owned()],
        gw_priority: 10,
        ..AttachmentFlags::default()
    };
    let config = connection("h4x", &flags).unwrap();
    assert_eq!(
        (config.gw_priority, config.driver_opts["a"].as_str()),
        (10, "b")
    );
}
