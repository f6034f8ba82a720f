use super::*;

/// A request from words like those of the command line.
fn request(words: &[&str]) -> NetworkRequest {
    let mut request = NetworkRequest {
        name: "h4x".to_owned(),
        ..NetworkRequest::default()
    };
    for pair in words.chunks(2) {
        let (flag, value) = (pair[0], pair[1].to_owned());
        match flag {
            "name" => request.name = value,
            "driver" => request.driver = value,
            "subnet" => request.subnets.push(value),
            "gateway" => request.gateways.push(value),
            "range" => request.ip_ranges.push(value),
            "scope" => request.scope = value,
            "ipv4" => request.ipv4 = value == "true",
            "ipv6" => request.ipv6 = value == "true",
            _ => request.aux.push((flag.to_owned(), value)),
        }
    }
    request
}

fn refusal(words: &[&str]) -> String {
    request(words).check().unwrap_err().to_string()
}

#[test]
fn the_client_refuses_what_fits_no_subnet() {
    for (words, error) in [
        (
            &["subnet", "10.210.0.0/16", "gateway", "10.211.0.1"][..],
            "no matching subnet for gateway 10.211.0.1",
        ),
        (
            &["subnet", "10.210.0.0/16", "gateway", "bogus"],
            "no matching subnet for gateway bogus",
        ),
        (
            &["gateway", "10.210.0.1"],
            "every ip-range or gateway must have a corresponding subnet",
        ),
        (
            &["range", "10.210.0.0/24"],
            "every ip-range or gateway must have a corresponding subnet",
        ),
        (
            &["subnet", "10.210.0.0/16", "range", "10.211.0.0/24"],
            "no matching subnet for range 10.211.0.0/24",
        ),
        (
            &["subnet", "10.210.0.0/24", "a", "10.211.0.5"],
            "no matching subnet for aux-address 10.211.0.5",
        ),
        (
            &["subnet", "10.210.0.0/24", "10.210.0.5", ""],
            "no matching subnet for aux-address ",
        ),
        (
            &["subnet", "10.210.0.0/16", "subnet", "10.210.5.0/24"],
            "multiple overlapping subnet configuration is not supported",
        ),
        (
            &["subnet", "bogus", "gateway", "10.0.0.1"],
            "invalid subnet: invalid CIDR address: bogus",
        ),
        (
            &["subnet", "10.0.0.0/24", "range", "10.0.0.0/99"],
            "invalid CIDR address: 10.0.0.0/99",
        ),
        (
            &[
                "subnet",
                "10.0.0.0/24",
                "subnet",
                "10.1.0.0/24",
                "gateway",
                "10.0.0.1",
                "gateway",
                "10.0.0.2",
            ],
            "cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet \
             (10.0.0.0/24)",
        ),
        (
            &[
                "subnet",
                "10.0.0.0/24",
                "subnet",
                "10.1.0.0/24",
                "range",
                "10.0.0.0/28",
                "range",
                "10.0.0.16/28",
            ],
            "cannot configure multiple ranges (10.0.0.16/28, 10.0.0.0/28) on the same subnet \
             (10.0.0.0/24)",
        ),
    ] {
        assert_eq!(
            request(words).check_arguments().unwrap_err().to_string(),
            error
        );
    }
}

#[test]
fn the_daemons_checks_have_its_texts() {
    for (words, error) in [
        (&["name", ""][..], "invalid name: name is empty"),
        (&["name", " "], "invalid name: name is empty"),
        (
            &["name", "bridge"],
            "operation is not permitted on predefined bridge network",
        ),
        (
            &["name", "default"],
            "operation is not permitted on predefined default network",
        ),
        (&["driver", "nosuch"], "plugin \"nosuch\" not found"),
        (
            &["driver", "host"],
            "only one instance of \"host\" network is allowed",
        ),
        (
            &["driver", "null"],
            "only one instance of \"null\" network is allowed",
        ),
        (
            &["scope", "swarm"],
            "cannot create a swarm scoped network when swarm is not active",
        ),
        (&["ipv4", "false"], "IPv4 or IPv6 must be enabled"),
        (
            &["subnet", "bogus"],
            "invalid network config:\ninvalid subnet bogus: invalid CIDR block notation",
        ),
        (
            &["subnet", "10.201.2.3/24"],
            "invalid network config:\ninvalid subnet 10.201.2.3/24: it should be 10.201.2.0/24",
        ),
        (
            &["subnet", "10.210.0.0/24", "range", "10.210.0.0/16"],
            "invalid network config:\ninvalid ip-range 10.210.0.0/16: CIDR block is bigger \
             than its parent subnet 10.210.0.0/24",
        ),
        (
            &["subnet", "10.210.0.3/24", "range", "10.210.0.5/28"],
            "invalid network config:\n* invalid subnet 10.210.0.3/24: it should be \
             10.210.0.0/24\n* invalid ip-range 10.210.0.5/28: it should be 10.210.0.0/28",
        ),
    ] {
        assert_eq!(refusal(words), error);
    }
}

#[test]
fn pools_come_out_checked_and_without_families_that_are_off() {
    let words = [
        "subnet",
        "10.210.0.0/24",
        "gateway",
        "10.210.0.254",
        "range",
        "10.210.0.64/26",
        "nas",
        "10.210.0.70",
        "subnet",
        "fd00:1::/64",
    ];
    let (driver, pools) = request(&words).check().unwrap();
    assert_eq!(driver, Driver::Bridge);
    assert_eq!(
        pools,
        [PoolRequest {
            subnet: "10.210.0.0/24".parse().unwrap(),
            ip_range: Some("10.210.0.64/26".parse().unwrap()),
            gateway: Some("10.210.0.254".parse().unwrap()),
            aux: [("nas".to_owned(), "10.210.0.70".parse().unwrap())].into(),
        }]
    );
    let mut both = request(&words);
    both.ipv6 = true;
    assert_eq!(both.check().unwrap().1.len(), 2);
    both.ipv4 = false;
    assert_eq!(
        both.check().unwrap().1[0].subnet,
        "fd00:1::/64".parse::<IpNet>().unwrap()
    );
}
