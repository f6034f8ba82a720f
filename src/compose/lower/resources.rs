//! Networks and volumes of a project as what `network create` and `volume create` are asked for.

use rbox_netsetup::model::network_request::NetworkRequest;

use super::super::labels;
use super::super::model::{Network, Project, Volume};
use super::hash::hash_of;
use crate::engine::Failure;
use crate::engine::volume::{VolumeRequest, check};

/// A network.
pub fn network(project: &Project, key: &str, network: &Network) -> Result<NetworkRequest, Failure> {
    let refuse = |field: &str, why: String| Failure::new(format!("networks.{key}.{field}: {why}"));
    if let Some(driver) = &network.ipam_driver
        && !matches!(driver.as_str(), "" | "default")
    {
        return Err(refuse(
            "ipam.driver",
            format!("unsupported IPAM driver: {driver}"),
        ));
    }
    let mut request = NetworkRequest {
        name: network.name.clone(),
        driver: network.driver.clone().unwrap_or_else(|| "bridge".into()),
        internal: network.internal,
        attachable: network.attachable,
        ipv4: network.enable_ipv4.unwrap_or(true),
        ipv6: network.enable_ipv6.unwrap_or(false),
        options: network.driver_opts.clone(),
        ipam_options: network.ipam_options.clone(),
        labels: network.labels.clone(),
        ..NetworkRequest::default()
    };
    for pool in &network.pools {
        request.subnets.extend(pool.subnet.clone());
        request.ip_ranges.extend(pool.ip_range.clone());
        request.gateways.extend(pool.gateway.clone());
        request.aux.extend(pool.aux_addresses.clone());
    }
    request
        .check_arguments()
        .map_err(|error| refuse("ipam", error.to_string()))?;
    if let Err(error) = request.check() {
        return Err(Failure::new(format!("networks.{key}: {error}")));
    }
    request
        .labels
        .extend(own_labels(project, labels::NETWORK, key, hash_of(network)?));
    Ok(request)
}

/// A volume.
pub fn volume(project: &Project, key: &str, volume: &Volume) -> Result<VolumeRequest, Failure> {
    let mut labels = volume.labels.clone();
    labels.extend(own_labels(project, labels::VOLUME, key, hash_of(volume)?));
    let request = VolumeRequest {
        name: volume.name.clone(),
        driver: volume.driver.clone().unwrap_or_default(),
        options: volume.driver_opts.clone(),
        labels,
    };
    check(&request).map_err(|failure| Failure {
        message: format!("volumes.{key}: {failure}"),
        ..failure
    })?;
    Ok(request)
}

fn own_labels(
    project: &Project,
    kind: &str,
    key: &str,
    hash: String,
) -> impl Iterator<Item = (String, String)> {
    [
        (labels::PROJECT, project.name.clone()),
        (kind, key.to_owned()),
        (labels::VERSION, labels::LIKE.to_owned()),
        (labels::CONFIG_HASH, hash),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
}
