use super::*;

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const BOTH: Wishes = Wishes {
    ipv4: true,
    ipv6: true,
    isolated_ipv4: false,
    isolated_ipv6: false,
};
const IPV4: Wishes = Wishes {
    ipv4: true,
    ipv6: false,
    isolated_ipv4: false,
    isolated_ipv6: false,
};

fn allocated(
    subnets: &[&str],
    wishes: Wishes,
    networks: &[&str],
    routes: &[&str],
) -> Result<Vec<(String, String)>, PoolError> {
    let requests: Vec<PoolRequest> = nets(subnets)
        .into_iter()
        .map(|subnet| PoolRequest {
            subnet,
            ip_range: None,
            gateway: None,
            aux: [].into(),
        })
        .collect();
    let around = Surroundings {
        networks: &nets(networks),
        routes: &nets(routes),
        ula: unique_local_prefix([0x82, 0x29, 0x28, 0xfd, 0xd0]),
    };
    Ok(allocate(&requests, wishes, &around)?
        .iter()
        .map(|pool| {
            let gateway = pool.gateway.map(|gateway| gateway.to_string());
            (pool.subnet.to_string(), gateway.unwrap_or_default())
        })
        .collect())
}

#[test]
fn automatic_subnets_are_the_lowest_free_ones() {
    let first = |networks: &[&str], routes: &[&str]| {
        allocated(&[], IPV4, networks, routes).map(|pools| pools[0].0.clone())
    };
    assert_eq!(first(&[], &[]).unwrap(), "172.17.0.0/16");
    assert_eq!(
        first(&["172.17.0.0/16", "172.19.0.0/16"], &[]).unwrap(),
        "172.18.0.0/16"
    );
    assert_eq!(
        first(&["172.17.0.0/16"], &["172.18.5.0/24"]).unwrap(),
        "172.19.0.0/16"
    );
    assert_eq!(
        first(&["172.16.0.0/12"], &["192.168.0.0/24"]).unwrap(),
        "192.168.16.0/20"
    );
    assert_eq!(
        first(&["172.16.0.0/12"], &["192.168.0.0/16"]),
        Err(PoolError::Exhausted)
    );
}

#[test]
fn thirty_one_networks_fit_into_the_default_pools() {
    let mut networks: Vec<IpNet> = Vec::new();
    let ula = unique_local_prefix([0; 5]);
    while let Some(subnet) = choose_ipv4(&Surroundings {
        networks: &networks,
        routes: &[],
        ula,
    }) {
        networks.push(subnet);
    }
    assert_eq!(networks.len(), 31);
    assert_eq!(networks[14].to_string(), "172.31.0.0/16");
    assert_eq!(networks[30].to_string(), "192.168.240.0/20");
}

#[test]
fn automatic_ipv6_subnets_come_from_the_hosts_prefix() {
    assert_eq!(
        allocated(&[], BOTH, &[], &[]).unwrap(),
        [
            ("172.17.0.0/16".to_owned(), "172.17.0.1".to_owned()),
            (
                "fd82:2928:fdd0::/64".to_owned(),
                "fd82:2928:fdd0::1".to_owned()
            ),
        ]
    );
    assert_eq!(
        allocated(&["10.0.0.0/24"], BOTH, &["fd82:2928:fdd0::/64"], &[]).unwrap()[1].0,
        "fd82:2928:fdd0:1::/64"
    );
}

#[test]
fn subnets_of_other_networks_are_refused_and_routes_are_not() {
    assert_eq!(
        allocated(&["172.17.5.0/24"], IPV4, &["172.17.0.0/16"], &[]),
        Err(PoolError::Overlap)
    );
    assert_eq!(
        allocated(&["0.0.0.0/0"], IPV4, &["172.17.0.0/16"], &[]),
        Err(PoolError::Overlap)
    );
    assert!(allocated(&["198.51.100.0/25"], IPV4, &[], &["198.51.100.0/24"]).is_ok());
    assert_eq!(
        allocated(&["10.210.0.0/24", "10.212.0.0/24"], IPV4, &[], &[])
            .unwrap_err()
            .to_string(),
        "bridge driver doesn't support multiple subnets"
    );
}

#[test]
fn the_gateway_is_the_first_address_unless_it_is_given() {
    let request = |subnet: &str, range: Option<&str>, gateway: Option<&str>| {
        let request = PoolRequest {
            subnet: subnet.parse().unwrap(),
            ip_range: range.map(|range| range.parse().unwrap()),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            aux: [].into(),
        };
        finish(&request, false, false)
            .map(|pool| pool.gateway.unwrap().to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(request("10.230.0.0/16", None, None).unwrap(), "10.230.0.1");
    assert_eq!(
        request("10.230.0.0/16", Some("10.230.5.0/24"), None).unwrap(),
        "10.230.5.0"
    );
    assert_eq!(
        request("10.230.0.0/16", Some("10.230.0.0/24"), None).unwrap(),
        "10.230.0.1"
    );
    assert_eq!(request("10.210.0.0/31", None, None).unwrap(), "10.210.0.0");
    assert_eq!(request("10.210.0.0/32", None, None).unwrap(), "10.210.0.0");
    assert_eq!(request("fd00::/64", None, None).unwrap(), "fd00::1");
    assert_eq!(
        request("10.0.0.0/24", None, Some("10.0.0.254")).unwrap(),
        "10.0.0.254"
    );
    assert_eq!(
        request("10.210.0.0/24", None, Some("10.210.0.0")).unwrap_err(),
        "failed to allocate gateway (10.210.0.0): Address already in use"
    );
    assert_eq!(
        request("10.210.0.0/24", None, Some("10.210.0.255")).unwrap_err(),
        "failed to allocate gateway (10.210.0.255): Address already in use"
    );
}

#[test]
fn isolated_networks_have_no_gateway_and_fixed_addresses_must_be_free() {
    let request = PoolRequest {
        subnet: "10.0.0.0/24".parse().unwrap(),
        ip_range: None,
        gateway: None,
        aux: [("nas".to_owned(), "10.0.0.1".parse().unwrap())].into(),
    };
    assert_eq!(finish(&request, false, true).unwrap().gateway, None);
    assert_eq!(
        finish(&request, false, false).unwrap_err().to_string(),
        "failed to allocate secondary ip address (nas:10.0.0.1): Address already in use"
    );
}
