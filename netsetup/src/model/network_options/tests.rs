use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<BridgeOptions, String> {
    let options = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    BridgeOptions::read(&options, false).map_err(|error| error.to_string())
}

#[test]
fn without_options_everything_is_as_docker_has_it() {
    assert_eq!(read(&[]), Ok(BridgeOptions::default()));
    assert_eq!(read(&[("bogus.option", "1")]), Ok(BridgeOptions::default()));
    assert_eq!(
        read(&[(MTU, "0"), (HOST_BINDING, "0.0.0.0")]),
        Ok(BridgeOptions::default())
    );
}

#[test]
fn known_options_are_read() {
    let options = read(&[
        (BRIDGE_NAME, "h4br0"),
        (ENABLE_ICC, "false"),
        (ENABLE_MASQUERADE, "0"),
        (HOST_BINDING, "127.0.0.1"),
        (MTU, "9000"),
        (IFNAME_PREFIX, "lan"),
        (GATEWAY_MODE_4, "nat"),
    ])
    .unwrap();
    assert_eq!(options.name.as_deref(), Some("h4br0"));
    assert!(!options.icc && !options.masquerade);
    assert_eq!(options.host_binding, Some("127.0.0.1".parse().unwrap()));
    assert_eq!((options.mtu, options.ifname_prefix.as_str()), (9000, "lan"));
}

#[test]
fn bad_values_are_refused_with_dockers_texts() {
    for (key, value, error) in [
        (
            MTU,
            "abc",
            "failed to parse com.docker.network.driver.mtu value: abc (strconv.Atoi: parsing \
             \"abc\": invalid syntax)",
        ),
        (MTU, "-1", "invalid MTU number: -1"),
        (MTU, "67", "invalid MTU number: 67"),
        (
            ENABLE_ICC,
            "maybe",
            "failed to parse com.docker.network.bridge.enable_icc value: maybe \
             (strconv.ParseBool: parsing \"maybe\": invalid syntax)",
        ),
        (
            HOST_BINDING,
            "bogus",
            "failed to parse com.docker.network.bridge.host_binding_ipv4 value: bogus (nil ip)",
        ),
        (
            GATEWAY_MODE_4,
            "bogus",
            "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: bogus \
             (unknown gateway mode bogus)",
        ),
        (
            GATEWAY_MODE_4,
            "isolated",
            "gateway mode 'isolated' can only be used for an internal network",
        ),
        (
            TRUSTED_INTERFACES,
            "eth0:a/b",
            "invalid interface name \"a/b\"",
        ),
        (
            BRIDGE_NAME,
            "h4-a-very-long-bridge-name",
            "bridge interface name h4-a-very-long-bridge-name: numerical result out of range",
        ),
        (BRIDGE_NAME, "a/b", "invalid bridge interface name \"a/b\""),
        (
            IFNAME_PREFIX,
            "a b",
            "invalid interface name prefix \"a b\"",
        ),
        (
            HOST_IPV4,
            "fd00::1",
            "failed to parse com.docker.network.host_ipv4 value: fd00::1 (nil ip)",
        ),
    ] {
        assert_eq!(read(&[(key, value)]).unwrap_err(), error);
    }
}

#[test]
fn isolated_gateways_are_for_internal_networks() {
    let options = [(GATEWAY_MODE_4.to_owned(), "isolated".to_owned())].into();
    assert_eq!(
        BridgeOptions::read(&options, true).unwrap().gateway4,
        GatewayMode::Isolated
    );
}

#[test]
fn the_families_have_their_own_gateway_modes() {
    let options = read(&[
        (GATEWAY_MODE_4, "routed"),
        (GATEWAY_MODE_6, "nat-unprotected"),
        (TRUSTED_INTERFACES, "vxlan.1:eth3"),
        (HOST_IPV6, "2001:db8::9"),
        (INHIBIT_IPV4, "1"),
        (HOST_BINDING, "::"),
    ])
    .unwrap();
    let address = |text: &str| text.parse().unwrap();
    assert_eq!(options.gateway(address("10.0.0.1")), GatewayMode::Routed);
    assert_eq!(
        options.gateway(address("fd00::1")),
        GatewayMode::NatUnprotected
    );
    assert_eq!(options.trusted, ["vxlan.1", "eth3"]);
    assert_eq!(options.host_addresses, [address("2001:db8::9")]);
    assert!(options.inhibit_ipv4);
    // IPv6 alone: 0.0.0.0 is what stands for both families.
    assert_eq!(options.host_binding, Some(address("::")));
}
