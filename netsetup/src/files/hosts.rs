//! `/etc/hosts` of a container.
//!
//! Six standard lines, then `--add-host`, then links of the default bridge,
//! then one line an address of the container's own. Lines of a network that is
//! joined or left later are added and taken out without touching the others,
//! because users edit the file in place.

use std::fmt::Write as _;
use std::net::IpAddr;

const STANDARD: &str = "127.0.0.1\tlocalhost\n\
                        ::1\tlocalhost ip6-localhost ip6-loopback\n\
                        fe00::\tip6-localnet\n\
                        ff00::\tip6-mcastprefix\n\
                        ff02::1\tip6-allnodes\n\
                        ff02::2\tip6-allrouters\n";

/// What a hosts file is made of.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct HostsInput {
    /// Text of the host's own file: set in host mode, where the container gets a copy of it,
    /// unless there are extra hosts.
    pub host_copy: Option<String>,
    /// `--add-host`, in order; `host-gateway` already replaced by addresses.
    pub extra: Vec<(String, IpAddr)>,
    /// `--link` on the default bridge, in order.
    pub links: Vec<LinkedHost>,
    /// Addresses of the container in the order of its interfaces; none in host and none mode.
    pub own: Vec<IpAddr>,
    /// `--hostname`, or the short id.
    pub hostname: String,
    /// `--domainname`, or empty.
    pub domainname: String,
}

/// A linked container as its consumer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkedHost {
    /// Address on the default bridge.
    pub ip: IpAddr,
    /// Name that the consumer chose.
    pub alias: String,
    /// First 12 digits of the id.
    pub short_id: String,
    /// The container's name, not written again when it is the alias.
    pub name: String,
}

/// The whole file.
pub fn hosts(input: &HostsInput) -> String {
    if let (Some(copy), true) = (&input.host_copy, input.extra.is_empty()) {
        return copy.clone();
    }
    let mut text = String::from(STANDARD);
    for (name, ip) in &input.extra {
        push_line(&mut text, *ip, name);
    }
    for link in &input.links {
        text.push_str(&link_line(link));
    }
    for ip in &input.own {
        text.push_str(&own_line(*ip, &input.hostname, &input.domainname));
    }
    text
}

/// The line of one address of the container's own, with its line feed:
/// `IP<TAB>FQDN SHORT`, or only the name when it has no domain.
pub fn own_line(ip: IpAddr, hostname: &str, domainname: &str) -> String {
    let fqdn = if domainname.is_empty() {
        hostname.to_owned()
    } else {
        format!("{hostname}.{domainname}")
    };
    let mut text = String::new();
    match fqdn.split_once('.') {
        Some((short, _)) => push_line(&mut text, ip, &format!("{fqdn} {short}")),
        None => push_line(&mut text, ip, &fqdn),
    }
    text
}

/// The line of a linked container, with its line feed: `IP<TAB>ALIAS SHORTID [NAME]`.
pub fn link_line(link: &LinkedHost) -> String {
    let mut names = format!("{} {}", link.alias, link.short_id);
    if link.name != link.alias {
        names.push(' ');
        names.push_str(&link.name);
    }
    let mut text = String::new();
    push_line(&mut text, link.ip, &names);
    text
}

/// The text with the lines of these linked containers as they are now, at their present
/// addresses; all else stays as it is.
pub fn move_links(text: &str, links: &[LinkedHost]) -> String {
    let lines: Vec<(&LinkedHost, String)> = links.iter().map(|l| (l, link_line(l))).collect();
    text.split_inclusive('\n')
        .map(|present| {
            let same =
                |(link, _): &&(&LinkedHost, String)| is_link(present, &link.alias, &link.short_id);
            let line = lines.iter().find(same);
            line.map_or(present, |(_, line)| line.as_str())
        })
        .collect()
}

/// The text without the lines of one linked container; all else stays as it is.
pub fn remove_link(text: &str, alias: &str, short_id: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !is_link(line, alias, short_id))
        .collect()
}

/// Whether a line is that of a linked container, whatever its address and name were.
fn is_link(line: &str, alias: &str, short_id: &str) -> bool {
    let Some((_, names)) = line.split_once('\t') else {
        return false;
    };
    let mut words = names.trim_end_matches('\n').split(' ');
    words.next() == Some(alias) && words.next() == Some(short_id) && words.count() <= 1
}

/// The text with `lines` (as [`own_line`] makes them) at its end, each at most once.
pub fn add_lines(text: &str, lines: &[String]) -> String {
    let mut result = text.to_owned();
    if !result.is_empty() && !result.ends_with('\n') {
        result.push('\n');
    }
    for line in lines {
        if !result.lines().any(|present| present == line.trim_end()) {
            result.push_str(line);
        }
    }
    result
}

/// The text without `lines`, wherever they are; all else stays as it is.
pub fn remove_lines(text: &str, lines: &[String]) -> String {
    text.split_inclusive('\n')
        .filter(|present| {
            let present = present.trim_end_matches('\n');
            !lines
                .iter()
                .any(|line| line.trim_end_matches('\n') == present)
        })
        .collect()
}

fn push_line(text: &mut String, ip: IpAddr, names: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{ip}\t{names}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn input() -> HostsInput {
        HostsInput {
            own: vec![ip("172.17.0.2")],
            hostname: "aa87e3dd9b4b".into(),
            ..HostsInput::default()
        }
    }

    const SIX: &str = "127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

    #[test]
    fn the_default_bridge_has_six_lines_and_its_own() {
        assert_eq!(hosts(&input()), format!("{SIX}172.17.0.2\taa87e3dd9b4b\n"));
    }

    #[test]
    fn a_linked_container_moves_and_all_else_stays() {
        let link = |address: &str, alias: &str| LinkedHost {
            ip: ip(address),
            alias: alias.into(),
            short_id: "6d2b55fd71ea".into(),
            name: "db".into(),
        };
        let text = "172.17.0.9\tdata 6d2b55fd71ea db\n172.17.0.9\tmine\n# data\nodd";
        assert_eq!(
            move_links(
                text,
                &[link("172.17.0.4", "data"), link("172.17.0.4", "gone")]
            ),
            "172.17.0.4\tdata 6d2b55fd71ea db\n172.17.0.9\tmine\n# data\nodd"
        );
    }

    #[test]
    fn extra_hosts_and_links_come_before_the_own_line() {
        let mut input = input();
        input.extra = vec![
            ("a.test".into(), ip("1.2.3.4")),
            ("b".into(), ip("::1")),
            ("gw".into(), ip("172.17.0.1")),
        ];
        let link = |alias: &str| LinkedHost {
            ip: ip("172.17.0.9"),
            alias: alias.into(),
            short_id: "6d2b55fd71ea".into(),
            name: "h4db".into(),
        };
        input.links = vec![link("database"), link("h4db")];
        assert_eq!(
            hosts(&input),
            format!(
                "{SIX}1.2.3.4\ta.test\n::1\tb\n172.17.0.1\tgw\n\
                 172.17.0.9\tdatabase 6d2b55fd71ea h4db\n172.17.0.9\th4db 6d2b55fd71ea\n\
                 172.17.0.2\taa87e3dd9b4b\n"
            )
        );
    }

    #[test]
    fn a_domain_gives_the_full_name_first() {
        assert_eq!(
            own_line(ip("10.241.0.3"), "bhost", "bdom.test"),
            "10.241.0.3\tbhost.bdom.test bhost\n"
        );
        assert_eq!(
            own_line(ip("10.241.0.3"), "foo.bar.test", ""),
            "10.241.0.3\tfoo.bar.test foo\n"
        );
        assert_eq!(own_line(ip("fd00::2"), "foo", ""), "fd00::2\tfoo\n");
    }

    #[test]
    fn every_address_of_every_network_has_its_line() {
        let mut input = input();
        input.own = vec![ip("10.241.0.3"), ip("fd00:aa::99"), ip("10.242.0.3")];
        input.hostname = "cf9413f0e8a8".into();
        assert_eq!(
            hosts(&input),
            format!(
                "{SIX}10.241.0.3\tcf9413f0e8a8\nfd00:aa::99\tcf9413f0e8a8\n10.242.0.3\tcf9413f0e8a8\n"
            )
        );
    }

    #[test]
    fn without_networks_there_are_only_the_six_lines() {
        let input = HostsInput {
            hostname: "h".into(),
            ..HostsInput::default()
        };
        assert_eq!(hosts(&input), SIX);
    }

    #[test]
    fn host_mode_copies_the_hosts_file_unless_hosts_were_added() {
        let copy = "127.0.0.1\tlocalhost\n198.51.100.2\tvmhost.example.test vmhost\n";
        let mut input = HostsInput {
            host_copy: Some(copy.into()),
            ..HostsInput::default()
        };
        assert_eq!(hosts(&input), copy);
        input.extra = vec![("a".into(), ip("1.2.3.4"))];
        assert_eq!(hosts(&input), format!("{SIX}1.2.3.4\ta\n"));
    }

    #[test]
    fn a_network_joined_and_left_changes_only_its_lines() {
        let edited = format!("{SIX}10.241.0.3\tbhost.bdom.test bhost\n9.8.7.6 mine");
        let lines = [own_line(ip("10.242.0.3"), "bhost", "bdom.test")];
        let joined = add_lines(&edited, &lines);
        assert_eq!(
            joined,
            format!("{edited}\n10.242.0.3\tbhost.bdom.test bhost\n")
        );
        assert_eq!(add_lines(&joined, &lines), joined);
        assert_eq!(remove_lines(&joined, &lines), format!("{edited}\n"));
        assert_eq!(remove_lines(&edited, &lines), edited);
    }

    #[test]
    fn a_linked_container_gets_another_name_or_goes() {
        let mut link = LinkedHost {
            ip: ip("172.17.0.2"),
            alias: "database".into(),
            short_id: "6d2b55fd71ea".into(),
            name: "h4db".into(),
        };
        let other = "172.17.0.2\tdata 6d2b55fd71ea h4db\n9.9.9.9\tdatabase mine\n";
        let text = format!("{SIX}{}{other}", link_line(&link));
        assert_eq!(
            remove_link(&text, "database", "6d2b55fd71ea"),
            format!("{SIX}{other}")
        );
        assert_eq!(remove_link(&text, "nosuch", "6d2b55fd71ea"), text);
        link.name = "database".into();
        assert_eq!(
            move_links(&text, &[link]),
            format!("{SIX}172.17.0.2\tdatabase 6d2b55fd71ea\n{other}")
        );
    }
}
