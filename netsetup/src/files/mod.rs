//! Renders hosts, hostname and resolv.conf, the link variables, and the
//! network's hosts zone. Everything here is pure: text in, text out.

pub mod hosts;
pub mod link_env;
pub mod resolv;
pub mod zone;

pub use hosts::{HostsInput, hosts};
pub use resolv::{ResolvInput, resolv_conf};

/// The contents of `/etc/hostname`.
pub fn hostname(name: &str) -> String {
    format!("{name}\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hostname_file_is_one_line() {
        assert_eq!(super::hostname("aa87e3dd9b4b"), "aa87e3dd9b4b\n");
    }
}
