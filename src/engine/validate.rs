//! Checks of limits and modes that need nothing but the request (and the
//! number of processors), with Docker's texts.

use rbox_netsetup::model::endpoint_sysctl::SYSCTLS_OPTION;

use super::failure::Failure;
use super::request::{ContainerRequest, HostConfig, NetworkMode};
use super::volume::resolve;
use super::volume::target::clean;

/// Smallest memory limit Docker takes, bytes.
const MIN_MEMORY: i64 = 6 * 1024 * 1024;

/// Refuses what cannot work; returns warnings for what will be ignored.
pub fn host_config(request: &ContainerRequest) -> Result<Vec<String>, Failure> {
    let host = &request.host;
    let mut warnings = Vec::new();
    limits(host)?;
    if let Some(workdir) = &request.workdir
        && !workdir.starts_with('/')
    {
        return Err(Failure::new(format!(
            "the working directory '{workdir}' is invalid, it needs to be an absolute path"
        )));
    }
    let mut targets = std::collections::BTreeSet::new();
    let tmpfs: std::collections::BTreeSet<String> =
        host.tmpfs.keys().map(|path| clean(path)).collect();
    for mount in host
        .mounts
        .iter()
        .filter(|mount| !resolve::is_optional(mount))
    {
        if !targets.insert(mount.target.trim_end_matches('/')) || tmpfs.contains(&mount.target) {
            return Err(Failure::new(format!(
                "Duplicate mount point: {}",
                mount.target
            )));
        }
    }
    match &host.network_mode {
        NetworkMode::Host => {
            if !host.links.is_empty() {
                return Err(Failure::new(
                    "conflicting options: host type networking can't be used with links. This \
                     would result in undefined behavior",
                ));
            }
            if !host.port_bindings.is_empty() || host.publish_all {
                warnings.push(
                    "WARNING: Published ports are discarded when using host network mode".into(),
                );
            }
            if let Some(key) = host.sysctls.keys().find(|key| key.starts_with("net.")) {
                return Err(Failure::new(format!(
                    "sysctl \"{key}\" not allowed in host network namespace"
                )));
            }
        }
        NetworkMode::Container(_) => container_mode(request)?,
        NetworkMode::Namespace(_) => namespace_mode(request)?,
        _ => interface_sysctls(host)?,
    }
    if host.uts_mode == "host" && request.hostname.is_some() {
        return Err(Failure::new(
            "conflicting options: hostname and the UTS mode",
        ));
    }
    if host.dns.iter().any(std::net::IpAddr::is_loopback) {
        for address in host.dns.iter().filter(|address| address.is_loopback()) {
            warnings.push(format!(
                "WARNING: Localhost DNS ({address}) may fail in containers."
            ));
        }
    }
    Ok(warnings)
}

/// `--sysctl` is carried out when the process is made; interfaces come and go, and have
/// parameters of their own.
fn interface_sysctls(host: &HostConfig) -> Result<(), Failure> {
    for (key, value) in &host.sysctls {
        let parts: Vec<&str> = key.splitn(5, '.').collect();
        if let ["net", family, group, name, parameter] = parts[..]
            && name.starts_with("eth")
        {
            return Err(Failure::new(format!(
                "interface specific sysctl setting {key:?} must be supplied using driver option \
                 '{SYSCTLS_OPTION}'"
            ))
            .hint(format!(
                "--network name=NETWORK,driver-opt={SYSCTLS_OPTION}=\
                 net.{family}.{group}.IFNAME.{parameter}={value}"
            )));
        }
    }
    Ok(())
}

fn container_mode(request: &ContainerRequest) -> Result<(), Failure> {
    let host = &request.host;
    let conflict = |what: &str| Err(Failure::new(format!("conflicting options: {what}")));
    if request.hostname.is_some() {
        return conflict("hostname and the network mode");
    }
    if !host.links.is_empty() {
        return conflict(
            "container type network can't be used with links. This would result in undefined \
             behavior",
        );
    }
    if !host.dns.is_empty() {
        return conflict("dns and the network mode");
    }
    if !host.extra_hosts.is_empty() {
        return conflict("custom host-to-IP mapping and the network mode");
    }
    if host.mac_address.is_some() {
        return conflict("mac-address and the network mode");
    }
    if !host.port_bindings.is_empty() || host.publish_all {
        return conflict("port publishing and the container type network mode");
    }
    if !request.expose.is_empty() {
        return conflict("port exposing and the container type network mode");
    }
    Ok(())
}

/// An adopted namespace stays as it is found; names and servers are the container's own.
fn namespace_mode(request: &ContainerRequest) -> Result<(), Failure> {
    let host = &request.host;
    let conflict = |what: &str| Err(Failure::new(format!("conflicting options: {what}")));
    if !host.links.is_empty() {
        return conflict(
            "namespace type network can't be used with links. This would result in undefined \
             behavior",
        );
    }
    if host.mac_address.is_some() {
        return conflict("mac-address and the network mode");
    }
    if !host.port_bindings.is_empty() || host.publish_all {
        return conflict("port publishing and the namespace type network mode");
    }
    if !request.expose.is_empty() {
        return conflict("port exposing and the namespace type network mode");
    }
    match host.sysctls.keys().find(|key| key.starts_with("net.")) {
        Some(key) => Err(Failure::new(format!(
            "sysctl \"{key}\" not allowed in an adopted network namespace"
        ))),
        None => Ok(()),
    }
}

/// What a container is limited to.
///
/// # Errors
/// Docker's texts.
pub fn limits(host: &HostConfig) -> Result<(), Failure> {
    memory(host)?;
    processors(host)
}

fn memory(host: &HostConfig) -> Result<(), Failure> {
    let fail = |text: &str| Err(Failure::new(text));
    if host.memory != 0 && host.memory < MIN_MEMORY {
        return fail("Minimum memory limit allowed is 6MB");
    }
    if host.memory > 0 && host.memory_swap > 0 && host.memory_swap < host.memory {
        return fail("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if host.memory == 0 && host.memory_swap > 0 {
        return fail(
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        );
    }
    if host.memory > 0 && host.memory_reservation > host.memory {
        return fail(
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        );
    }
    Ok(())
}

fn processors(host: &HostConfig) -> Result<(), Failure> {
    let count = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if host.nano_cpus != 0 {
        let limit = i64::try_from(count()).unwrap_or(i64::MAX);
        if host.nano_cpus < 0 || host.nano_cpus > limit.saturating_mul(1_000_000_000) {
            return Err(Failure::new(format!(
                "range of CPUs is from 0.01 to {limit}.00, as there are only {limit} CPUs available"
            )));
        }
        if host.cpu_quota > 0 || host.cpu_period > 0 {
            return Err(Failure::new(
                "Conflicting options: Nano CPUs and CPU Period cannot both be set",
            ));
        }
    }
    if !host.cpuset_cpus.is_empty() {
        let available = count();
        let wanted = cpu_list(&host.cpuset_cpus).ok_or_else(|| {
            Failure::new(format!(
                "Invalid value {} for cpuset cpus",
                host.cpuset_cpus
            ))
        })?;
        if wanted.iter().any(|cpu| *cpu >= available) {
            return Err(Failure::new(format!(
                "Requested CPUs are not available - requested {}, available: 0-{}",
                host.cpuset_cpus,
                available - 1
            )));
        }
    }
    Ok(())
}

/// `0-2,4` as numbers; `None` if it is not such a list.
fn cpu_list(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None => {
                let cpu: usize = part.parse().ok()?;
                (cpu, cpu)
            }
        };
        if first > last || last > 8192 {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ContainerRequest)) -> String {
        let mut request = ContainerRequest::default();
        change(&mut request);
        host_config(&request).unwrap_err().message
    }

    #[test]
    fn limits_that_docker_refuses_are_refused_with_its_texts() {
        assert_eq!(
            refused(|r| r.host.memory = 1024),
            "Minimum memory limit allowed is 6MB"
        );
        assert_eq!(
            refused(|r| r.host.memory_swap = 1 << 30),
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        );
        assert!(refused(|r| r.host.nano_cpus = 9_999_000_000_000).starts_with("range of CPUs is"));
        assert!(refused(|r| r.host.cpuset_cpus = "99".into()).contains("not available"));
        assert_eq!(
            refused(|r| r.workdir = Some("relative".into())),
            "the working directory 'relative' is invalid, it needs to be an absolute path"
        );
    }

    #[test]
    fn parameters_of_an_interface_belong_to_its_attachment() {
        let with = |key: &'static str| {
            move |r: &mut ContainerRequest| {
                r.host.sysctls.insert(key.to_owned(), "1".to_owned());
            }
        };
        assert_eq!(
            refused(with("net.ipv4.conf.eth0.log_martians")),
            "interface specific sysctl setting \"net.ipv4.conf.eth0.log_martians\" must be \
             supplied using driver option 'com.docker.network.endpoint.sysctls'"
        );
        for fine in [
            "net.ipv4.conf.all.log_martians",
            "net.ipv4.ip_forward",
            "kernel.msgmax",
        ] {
            let mut request = ContainerRequest::default();
            with(fine)(&mut request);
            host_config(&request).unwrap();
        }
    }

    #[test]
    fn an_adopted_namespace_is_not_changed() {
        let adopted = |change: fn(&mut ContainerRequest)| {
            refused(|r| {
                r.host.network_mode = NetworkMode::Namespace("/run/netns/x".into());
                change(r);
            })
        };
        assert_eq!(
            adopted(|r| r.host.publish_all = true),
            "conflicting options: port publishing and the namespace type network mode"
        );
        assert_eq!(
            adopted(|r| {
                r.host
                    .sysctls
                    .insert("net.core.somaxconn".into(), "1".into());
            }),
            "sysctl \"net.core.somaxconn\" not allowed in an adopted network namespace"
        );
        let mut request = ContainerRequest::default();
        request.host.network_mode = NetworkMode::Namespace("/run/netns/x".into());
        request.hostname = Some("h".into());
        request.host.dns = vec!["192.0.2.1".parse().unwrap()];
        assert!(host_config(&request).is_ok());
    }

    #[test]
    fn sharing_anothers_network_excludes_network_settings() {
        let shared = |change: fn(&mut ContainerRequest)| {
            refused(|r| {
                r.host.network_mode = NetworkMode::Container("x".into());
                change(r);
            })
        };
        assert_eq!(
            shared(|r| r.hostname = Some("h".into())),
            "conflicting options: hostname and the network mode"
        );
        assert_eq!(
            shared(|r| r.host.publish_all = true),
            "conflicting options: port publishing and the container type network mode"
        );
    }
}
