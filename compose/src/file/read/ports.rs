//! `ports` and `expose` of a service.

use super::item::Item;
use crate::file::canonical::port_range;
use crate::file::error::LoadError;
use crate::model::Port;

/// One of `ports`; short forms are long already.
pub fn port(item: &Item) -> Result<Port, LoadError> {
    let mut fields = item.fields()?;
    // One machine has one mode; the others are for people.
    fields.opt("mode", |item| item.one_of(&["host", "ingress"]))?;
    fields.opt("name", Item::text)?;
    fields.opt("app_protocol", Item::text)?;
    let target = fields.required("target")?;
    let port = Port {
        host_ip: fields.opt("host_ip", |item| {
            let text = item.word()?;
            match text.parse::<std::net::IpAddr>() {
                Ok(address) => Ok(address.to_string()),
                Err(_) => Err(item.error(format!("invalid IP address: {text}"))),
            }
        })?,
        published: fields.opt("published", |item| {
            let text = item.text_or_number()?;
            match port_range(&text) {
                Some(_) => Ok(text),
                None => Err(item.error(format!("invalid hostPort: {text}"))),
            }
        })?,
        target: match target.small()? {
            0 => return Err(target.error("is out of range")),
            port => port,
        },
        protocol: fields
            .opt("protocol", |item| match item.text()?.as_str() {
                "sctp" => Err(item.error("sctp is not supported")),
                _ => item.one_of(&["tcp", "udp"]),
            })?
            .unwrap_or_else(|| "tcp".to_owned()),
    };
    fields.finish()?;
    Ok(port)
}

/// One of `expose`.
pub fn expose(item: &Item) -> Result<String, LoadError> {
    let text = item.text_or_number()?;
    let (ports, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    if port_range(ports).is_none() || !["tcp", "udp"].contains(&protocol) {
        return Err(item.error(format!("invalid port: {text}")));
    }
    Ok(text)
}
