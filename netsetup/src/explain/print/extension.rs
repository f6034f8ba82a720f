//! The extensions of `iptables` in nft's words, where it has words for them.

use crate::explain::ruleset::{Extension, Family};
use crate::explain::xt::{self, Action};

use super::value::Kind;

/// What looks.
pub fn matching(extension: &Extension) -> String {
    let plain = || format!("xt match \"{}\"", extension.name);
    let half = |at: usize| {
        let bytes = extension.info.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_ne_bytes(bytes))
    };
    match (extension.name.as_str(), extension.revision) {
        ("comment", _) => {
            let info = &extension.info;
            let end = info.iter().position(|byte| *byte == 0);
            let text = &info[..end.unwrap_or(info.len())];
            format!("/* {} */", String::from_utf8_lossy(text))
        }
        // Nothing but the state is asked for.
        ("conntrack", 1..=3) if half(146) == Some(1) || half(146) == Some(0x2001) => {
            let not = if half(148) == Some(0) { "" } else { "!= " };
            let Some(states) = half(150) else {
                return plain();
            };
            const XT_ONLY: u16 = 0x1c0;
            if states & XT_ONLY != 0 {
                return plain();
            }
            let states = Kind::State.show(&u32::from(states).to_ne_bytes());
            format!("ct state {not}{states}")
        }
        ("addrtype", 1) => {
            let (source, destination) = (half(0).unwrap_or(0), half(2).unwrap_or(0));
            let flags = extension.info.get(4).copied().unwrap_or(0);
            let one = |mask: u16, name: &str, not: bool| {
                let kinds: Vec<String> = (0..16u32)
                    .filter(|bit| mask & (1 << bit) != 0)
                    .map(|bit| Kind::AddressType.show(&bit.to_ne_bytes()))
                    .collect();
                let not = if not { "!= " } else { "" };
                (mask != 0).then(|| format!("fib {name} type {not}{}", kinds.join(",")))
            };
            let parts = [
                one(source, "saddr", flags & 1 != 0),
                one(destination, "daddr", flags & 2 != 0),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        _ => plain(),
    }
}

/// What acts.
pub fn action(extension: &Extension, family: Family) -> String {
    match xt::action(extension, family == Family::Ip6) {
        Some(Action::Masquerade) => "masquerade".to_owned(),
        Some(Action::Reject) => "reject".to_owned(),
        Some(Action::Notrack) => "notrack".to_owned(),
        Some(Action::Redirect(Some(port))) => format!("redirect to :{port}"),
        Some(Action::Redirect(None)) => "redirect".to_owned(),
        Some(Action::Nat {
            destination,
            address,
            port,
        }) => {
            let verb = if destination { "dnat" } else { "snat" };
            let to = match (address, port) {
                (Some(address), Some(port)) => std::net::SocketAddr::new(address, port).to_string(),
                (Some(address), None) => address.to_string(),
                (None, Some(port)) => format!(":{port}"),
                (None, None) => String::new(),
            };
            format!("{verb} to {to}")
        }
        Some(Action::Mark { value, mask }) => {
            format!("meta mark set mark and 0x{:x} xor 0x{value:x}", !mask)
        }
        Some(Action::Nothing) | None => format!("xt target \"{}\"", extension.name),
    }
}
