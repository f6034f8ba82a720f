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
            GATEWAY_MODE_6,
            "routed",
            "gateway mode 'routed' is not supported",
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
            "com.docker.network.host_ipv4",
            "10.0.0.1",
            "network option com.docker.network.host_ipv4 is not supported",
        ),
    ] {
        assert_eq!(read(&[(key, value)]).unwrap_err(), error);
    }
}

#[test]
fn isolated_gateways_are_for_internal_networks() {
    let options = [(GATEWAY_MODE_4.to_owned(), "isolated".to_owned())].into();
    assert!(BridgeOptions::read(&options, true).unwrap().isolated_ipv4);
}
