//! `/etc/hosts`, hosts(5).

use std::net::IpAddr;

/// The addresses of a name, in the file's order.
pub(super) fn find(text: &str, host: &str) -> Vec<IpAddr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let address = words.next()?.parse().ok()?;
            words
                .any(|name| name.eq_ignore_ascii_case(host))
                .then_some(address)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn names_and_aliases_are_found_in_any_case_and_comments_are_not() {
        let text =
            "127.0.0.1 localhost\n192.0.2.1\treg.test Reg # other.test\n::1 reg.test\nbad x\n";
        let found = |name| {
            find(text, name)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("REG.test"), ["192.0.2.1", "::1"]);
        assert_eq!(found("reg"), ["192.0.2.1"]);
        assert!(found("other.test").is_empty());
        assert!(found("x").is_empty());
    }
}
