//! Networks, volumes, configs and secrets of a project.

use serde_json::Value;

use super::fields::Fields;
use crate::model::{FileObject, Network, Pool, Volume};

/// A network.
pub fn network(network: &Network) -> Value {
    let mut out = Fields::default();
    out.set("name", network.name.as_str());
    out.text("driver", &network.driver);
    out.texts("driver_opts", &network.driver_opts);
    let mut ipam = Fields::default();
    ipam.text("driver", &network.ipam_driver);
    ipam.list("config", network.pools.iter().map(pool));
    ipam.texts("options", &network.ipam_options);
    out.part("ipam", ipam);
    out.flag("external", network.external);
    out.flag("internal", network.internal);
    out.flag("attachable", network.attachable);
    out.texts("labels", &network.labels);
    out.some("enable_ipv4", network.enable_ipv4);
    out.some("enable_ipv6", network.enable_ipv6);
    out.value()
}

fn pool(pool: &Pool) -> Value {
    let mut out = Fields::default();
    out.text("subnet", &pool.subnet);
    out.text("gateway", &pool.gateway);
    out.text("ip_range", &pool.ip_range);
    out.texts("aux_addresses", &pool.aux_addresses);
    out.value()
}

/// A volume.
pub fn volume(volume: &Volume) -> Value {
    let mut out = Fields::default();
    out.set("name", volume.name.as_str());
    out.text("driver", &volume.driver);
    out.texts("driver_opts", &volume.driver_opts);
    out.flag("external", volume.external);
    out.texts("labels", &volume.labels);
    out.value()
}

/// A config or a secret; never the value of a variable.
pub fn object(object: &FileObject) -> Value {
    let mut out = Fields::default();
    match object {
        FileObject::File(path) => out.set("file", path.to_string_lossy()),
        FileObject::Environment { name, .. } => out.set("environment", name.as_str()),
        FileObject::Content(text) => out.set("content", text.as_str()),
    }
    out.value()
}
