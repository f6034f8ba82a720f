//! Kernel parameters of one interface: `driver-opt=com.docker.network.endpoint.sysctls=…`.
//!
//! The interface has no name yet when the user writes them, so `IFNAME` stands for it:
//! `net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=2`.

use super::endpoint::EndpointConfig;

/// `driver-opt` with the parameters of the interface inside.
pub const SYSCTLS_OPTION: &str = "com.docker.network.endpoint.sysctls";

const FAMILIES: [&str; 3] = ["ipv4", "ipv6", "mpls"];

/// One parameter of an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceSysctl {
    family: String,
    group: String,
    parameter: String,
    /// What it is set to.
    pub value: String,
}

/// Why a setting was refused, in Docker's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InterfaceSysctlError {
    /// Not of the form `net.X.Y.IFNAME.Z`.
    #[error(
        "unrecognised network interface sysctl '{0}'; represent 'net.X.Y.ethN.Z=V' as \
         'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
    )]
    Unrecognised(String),
    /// No value.
    #[error("expected sysctl '{0}' to have format name=value")]
    NoValue(String),
    /// More parts than a parameter of an interface has.
    #[error("expected sysctl '{0}' to have format net.X.Y.IFNAME.Z")]
    Format(String),
}

impl InterfaceSysctl {
    /// Reads one setting.
    fn read(text: &str) -> Result<InterfaceSysctl, InterfaceSysctlError> {
        let unrecognised = || InterfaceSysctlError::Unrecognised(text.to_owned());
        let parts: Vec<&str> = text.splitn(5, '.').collect();
        let [net, family, group, name, rest] = parts[..] else {
            return Err(unrecognised());
        };
        if net != "net" || !FAMILIES.contains(&family) || !name.eq_ignore_ascii_case("ifname") {
            return Err(unrecognised());
        }
        let (parameter, value) = rest
            .split_once('=')
            .ok_or_else(|| InterfaceSysctlError::NoValue(text.to_owned()))?;
        let word = |word: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            !word.is_empty() && word.bytes().all(known)
        };
        if !word(group) || !word(parameter) {
            return Err(InterfaceSysctlError::Format(text.to_owned()));
        }
        Ok(InterfaceSysctl {
            family: family.to_owned(),
            group: group.to_owned(),
            parameter: parameter.to_owned(),
            value: value.to_owned(),
        })
    }

    /// The parameter of the interface called `ifname`, below /proc/sys. With slashes: a name
    /// may have dots.
    pub fn key(&self, ifname: &str) -> String {
        let InterfaceSysctl {
            family,
            group,
            parameter,
            ..
        } = self;
        format!("net/{family}/{group}/{ifname}/{parameter}")
    }

    fn is_disable_ipv6(&self) -> bool {
        [&self.family, &self.group, &self.parameter] == ["ipv6", "conf", "disable_ipv6"]
    }
}

/// The settings of an attachment, in the order given, each with what is wrong with it.
pub(super) fn read_all(
    config: &EndpointConfig,
) -> Vec<Result<InterfaceSysctl, InterfaceSysctlError>> {
    let text = config.driver_opts.get(SYSCTLS_OPTION).map(String::as_str);
    text.into_iter()
        .flat_map(|text| text.split(','))
        .map(|one| InterfaceSysctl::read(one.trim()))
        .collect()
}

/// The settings of an attachment that was checked when it was made, in the order given.
pub fn interface_sysctls(config: &EndpointConfig) -> Vec<InterfaceSysctl> {
    read_all(config).into_iter().flatten().collect()
}

/// The interface is to have no IPv6, although its network has: then it gets no address either.
pub fn disables_ipv6(config: &EndpointConfig) -> bool {
    interface_sysctls(config)
        .iter()
        .rev()
        .find(|sysctl| sysctl.is_disable_ipv6())
        .is_some_and(|sysctl| sysctl.value != "0")
}

/// The same attachment without IPv6.
pub fn without_ipv6(config: &EndpointConfig) -> EndpointConfig {
    let mut config = config.clone();
    let all = config.driver_opts.entry(SYSCTLS_OPTION.to_owned());
    let all = all.or_default();
    if !all.is_empty() {
        all.push(',');
    }
    all.push_str("net.ipv6.conf.IFNAME.disable_ipv6=1");
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> EndpointConfig {
        EndpointConfig {
            driver_opts: [(SYSCTLS_OPTION.to_owned(), text.to_owned())].into(),
            ..EndpointConfig::default()
        }
    }

    #[test]
    fn settings_become_keys_of_the_interface_in_the_order_given() {
        let all = interface_sysctls(&config(
            "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.ifname.accept_ra=2,\
             net.ipv4.neigh.IFNAME.gc_stale_time=30",
        ));
        let shown: Vec<_> = all
            .iter()
            .map(|one| format!("{} {}", one.key("lan.5"), one.value))
            .collect();
        assert_eq!(
            shown,
            [
                "net/ipv4/conf/lan.5/log_martians 1",
                "net/ipv6/conf/lan.5/accept_ra 2",
                "net/ipv4/neigh/lan.5/gc_stale_time 30",
            ]
        );
        assert!(interface_sysctls(&EndpointConfig::default()).is_empty());
    }

    #[test]
    fn what_is_no_parameter_of_an_interface_is_refused_with_dockers_words() {
        let hint = "represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', \
                    'ipv6' or 'mpls'";
        let unrecognised =
            |text: &str| format!("unrecognised network interface sysctl '{text}'; {hint}");
        for (text, error) in [
            (
                "net.ipv4.conf.eth0.log_martians=1",
                unrecognised("net.ipv4.conf.eth0.log_martians=1"),
            ),
            (
                "net.bridge.conf.IFNAME.x=1",
                unrecognised("net.bridge.conf.IFNAME.x=1"),
            ),
            ("kernel.shmmax=1", unrecognised("kernel.shmmax=1")),
            ("", unrecognised("")),
            (
                "kernel.ipv4.conf.IFNAME.x=1",
                unrecognised("kernel.ipv4.conf.IFNAME.x=1"),
            ),
            (
                "net.ipv4.conf.IFNAME.log_martians",
                "expected sysctl 'net.ipv4.conf.IFNAME.log_martians' to have format name=value"
                    .to_owned(),
            ),
            (
                "net.ipv4.conf.IFNAME.a.b=1",
                "expected sysctl 'net.ipv4.conf.IFNAME.a.b=1' to have format net.X.Y.IFNAME.Z"
                    .to_owned(),
            ),
            (
                "net.ipv4.conf/x.IFNAME.y=1",
                "expected sysctl 'net.ipv4.conf/x.IFNAME.y=1' to have format net.X.Y.IFNAME.Z"
                    .to_owned(),
            ),
        ] {
            let found = read_all(&config(text)).remove(0).unwrap_err().to_string();
            assert_eq!(found, error);
        }
    }

    #[test]
    fn the_last_setting_decides_whether_there_is_ipv6() {
        let off = "net.ipv6.conf.IFNAME.disable_ipv6=1";
        let on = "net.ipv6.conf.IFNAME.disable_ipv6=0";
        assert!(disables_ipv6(&config(off)));
        assert!(disables_ipv6(&config(&format!("{on},{off}"))));
        assert!(!disables_ipv6(&config(&format!("{off},{on}"))));
        assert!(!disables_ipv6(&config("net.ipv6.conf.IFNAME.accept_ra=1")));
        for text in [on, off] {
            assert!(disables_ipv6(&without_ipv6(&config(text))));
        }
        let without = without_ipv6(&EndpointConfig::default());
        assert_eq!(without, config(off));
    }
}
