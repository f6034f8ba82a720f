//! `--add-host`, `--dns`, `--dns-search`, `--link`.

use std::net::IpAddr;

use rbox_netsetup::model::attachment::parse_link;

use super::Invalid;
use crate::output::go_text::quote;

/// `name:address`, `name=address`, `name:[v6]`, `name:host-gateway`.
pub fn extra_host(text: &str) -> Result<(String, String), Invalid> {
    let bad = || Invalid(format!("bad format for add-host: {}", quote(text)));
    let (name, address) = text
        .split_once('=')
        .or_else(|| text.split_once(':'))
        .ok_or_else(bad)?;
    if name.is_empty() || name.contains(':') {
        return Err(bad());
    }
    if address == "host-gateway" {
        return Ok((name.to_owned(), address.to_owned()));
    }
    let address = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inner| !inner.is_empty())
        .unwrap_or(address);
    if address.trim().parse::<IpAddr>().is_err() {
        return Err(Invalid(format!(
            "invalid IP address in add-host: {}",
            quote(address)
        )));
    }
    Ok((name.to_owned(), address.to_owned()))
}

/// A server for `--dns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dns {
    /// `--dns=none`: leave the container's name resolution alone.
    None,
    /// One server.
    Server(IpAddr),
}

/// Reads one `--dns`.
pub fn dns(text: &str) -> Result<Dns, Invalid> {
    if text == "none" {
        return Ok(Dns::None);
    }
    address(text).map(Dns::Server)
}

/// An IP address of either family.
pub fn address(text: &str) -> Result<IpAddr, Invalid> {
    text.trim()
        .parse()
        .map_err(|_| Invalid(format!("IP address is not correctly formatted: {text}")))
}

/// A search domain; `.` clears.
pub fn dns_search(text: &str) -> Result<String, Invalid> {
    let trimmed = text.trim_matches(' ');
    if trimmed == "." {
        return Ok(trimmed.to_owned());
    }
    let bad = || Invalid(format!("{trimmed} is not a valid domain"));
    let domain = trimmed.strip_suffix('.').unwrap_or(trimmed);
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let has_letter = domain.bytes().any(|byte| byte.is_ascii_alphabetic());
    if has_letter && domain.len() < 255 && domain.split('.').all(label) {
        Ok(domain.to_owned())
    } else {
        Err(bad())
    }
}

/// `--link container[:alias]`, kept as typed.
pub fn link(text: &str) -> Result<String, Invalid> {
    match parse_link(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(Invalid(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::{address, dns_search, extra_host, link};

    #[test]
    fn added_hosts_have_a_name_and_an_address() {
        for (text, name, address) in [
            ("a:1.2.3.4", "a", "1.2.3.4"),
            ("a=1.2.3.4", "a", "1.2.3.4"),
            ("a:2001:db8::1", "a", "2001:db8::1"),
            ("a:[::1]", "a", "::1"),
            ("a=host-gateway", "a", "host-gateway"),
        ] {
            assert_eq!(extra_host(text), Ok((name.to_owned(), address.to_owned())));
        }
        for (text, error) in [
            ("bad", "bad format for add-host: \"bad\""),
            (":1.2.3.4", "bad format for add-host: \":1.2.3.4\""),
            ("bad:1.2.3", "invalid IP address in add-host: \"1.2.3\""),
        ] {
            assert_eq!(extra_host(text).unwrap_err().0, error);
        }
    }

    #[test]
    fn resolver_settings_are_checked() {
        assert_eq!(
            address("bogus").unwrap_err().0,
            "IP address is not correctly formatted: bogus"
        );
        assert_eq!(dns_search("example.test.").unwrap(), "example.test");
        assert_eq!(dns_search(".").unwrap(), ".");
        for text in ["bad domain", "-a.b", "a..b", "1.2"] {
            assert_eq!(
                dns_search(text).unwrap_err().0,
                format!("{text} is not a valid domain")
            );
        }
        assert_eq!(
            link("h4db:a:b").unwrap_err().0,
            "bad format for links: h4db:a:b"
        );
    }
}
