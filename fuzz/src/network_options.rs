//! `--network` with its companions, and the options of `network create`: what is understood is
//! told back in the same words, and leads to addresses inside their subnets.

use std::collections::BTreeMap;

use ipnet::IpNet;
use rbox_netsetup::ipam::addresses::candidates;
use rbox_netsetup::ipam::pools::{Surroundings, Wishes, allocate, unique_local_prefix};
use rbox_netsetup::model::attachment::{AttachmentFlags, attachments, connection};
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::network_options::BridgeOptions;
use rbox_netsetup::model::network_request::NetworkRequest;

/// One word of a command line a line.
pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    attach(&words);
    create(&words);
}

/// Each word is a `--network`; the first ones are other flags, too.
fn attach(words: &[String]) {
    let flags = AttachmentFlags {
        networks: words.to_vec(),
        ..AttachmentFlags::default()
    };
    if let Ok(configs) = attachments(&flags) {
        assert_eq!(configs.len(), words.len());
        for config in &configs {
            assert!(!config.network.trim().is_empty());
            // A name that is typed alone keeps blanks that the long form drops.
            if config.network.trim() == config.network {
                let again = AttachmentFlags {
                    networks: vec![long_form(config)],
                    ..AttachmentFlags::default()
                };
                assert_eq!(attachments(&again).unwrap(), std::slice::from_ref(config));
            }
        }
    }
    let word = |index: usize| words.get(index).cloned();
    let flags = AttachmentFlags {
        ip: word(0),
        ip6: word(1),
        mac_address: word(2),
        links: word(3).into_iter().collect(),
        driver_opts: word(4).into_iter().collect(),
        ..AttachmentFlags::default()
    };
    if let Ok(config) = connection("lan", &flags) {
        assert_eq!(config.network, "lan");
        assert!(config.connected);
    }
}

/// As one would type it; every field in quotes, for it may hold commas.
fn long_form(config: &EndpointConfig) -> String {
    let mut fields = vec![
        format!("name={}", config.network),
        format!("gw-priority={}", config.gw_priority),
    ];
    fields.extend(config.aliases.iter().map(|alias| format!("alias={alias}")));
    fields.extend(config.ip.map(|ip| format!("ip={ip}")));
    fields.extend(config.ip6.map(|ip| format!("ip6={ip}")));
    fields.extend(config.mac.map(|mac| format!("mac-address={mac}")));
    for (key, value) in &config.driver_opts {
        fields.push(format!("driver-opt={key}={value}"));
    }
    let quoted: Vec<String> = fields
        .iter()
        .map(|field| format!("\"{}\"", field.replace('"', "\"\"")))
        .collect();
    quoted.join(",")
}

/// The first character of a word says which option of `network create` it is.
fn create(words: &[String]) {
    let mut request = NetworkRequest {
        name: "lan".to_owned(),
        ..NetworkRequest::default()
    };
    let pair = |text: &str| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        (key.to_owned(), value.to_owned())
    };
    for word in words {
        let mut characters = word.chars();
        let (kind, rest) = (characters.next(), characters.as_str());
        match kind {
            Some('s') => request.subnets.push(rest.to_owned()),
            Some('g') => request.gateways.push(rest.to_owned()),
            Some('r') => request.ip_ranges.push(rest.to_owned()),
            Some('a') => request.aux.push(pair(rest)),
            Some('o') => request.options.extend([pair(rest)]),
            Some('n') => rest.clone_into(&mut request.name),
            Some('4') => request.ipv4 = false,
            Some('6') => request.ipv6 = true,
            Some('i') => request.internal = true,
            _ => {}
        }
    }
    options(&request.options, request.internal);
    let _ = request.check_arguments();
    let Ok((_, pools)) = request.check() else {
        return;
    };
    assert!(pools.len() <= request.subnets.len());
    for pool in &pools {
        assert_eq!(pool.subnet, pool.subnet.trunc());
        assert!(
            pool.gateway
                .is_none_or(|gateway| pool.subnet.contains(&gateway))
        );
        assert!(
            pool.ip_range
                .is_none_or(|range| pool.subnet.contains(&range))
        );
        assert!(
            pool.aux
                .values()
                .all(|address| pool.subnet.contains(address))
        );
    }
    // Told back, it is the same request.
    let again = NetworkRequest {
        subnets: pools.iter().map(|pool| pool.subnet.to_string()).collect(),
        gateways: pools
            .iter()
            .filter_map(|pool| pool.gateway)
            .map(|ip| ip.to_string())
            .collect(),
        ip_ranges: pools
            .iter()
            .filter_map(|pool| pool.ip_range)
            .map(|net| net.to_string())
            .collect(),
        aux: pools
            .iter()
            .flat_map(|pool| &pool.aux)
            .map(|(name, ip)| (name.clone(), ip.to_string()))
            .collect(),
        ..request.clone()
    };
    assert_eq!(again.check().unwrap().1, pools);
    let wishes = Wishes {
        ipv4: request.ipv4,
        ipv6: request.ipv6,
        isolated_ipv4: false,
        isolated_ipv6: false,
    };
    let used: [IpNet; 1] = ["172.17.0.0/16".parse().unwrap()];
    let around = Surroundings {
        networks: &used,
        routes: &[],
        ula: unique_local_prefix([1, 2, 3, 4, 5]),
    };
    if let Ok(pools) = allocate(&pools, wishes, &around) {
        assert!(pools.len() <= 2);
        for pool in &pools {
            assert!(
                pool.gateway
                    .is_none_or(|gateway| pool.subnet.contains(&gateway))
            );
            for address in candidates(pool, pool.gateway).take(3) {
                assert!(pool.subnet.contains(&address) && pool.gateway != Some(address));
            }
        }
    }
}

fn options(options: &BTreeMap<String, String>, internal: bool) {
    match BridgeOptions::read(options, internal) {
        Ok(read) => {
            assert!((68..=65_535).contains(&read.mtu));
            assert!(read.name.is_none_or(|name| (1..=15).contains(&name.len())));
            assert!((1..=12).contains(&read.ifname_prefix.len()));
        }
        Err(error) => {
            let given: usize = options
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum();
            assert!(error.to_string().len() <= 40 * given + 200);
        }
    }
}
