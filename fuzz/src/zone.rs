//! A network's zone file, edited by anybody: it is read, changed by us, and read again.

use std::net::IpAddr;

use rbox_netsetup::files::zone::{Entry, changed, lines};

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let ip = IpAddr::from([10, 0, 0, 1]);
    let entry = Entry {
        ip,
        names: text.split('\n').take(4).map(str::to_owned).collect(),
    };
    let with = changed(&text, &[], std::slice::from_ref(&entry));
    // The others are as they were; ours has only names that it was given, on one line.
    assert_eq!(others(&with, ip), others(&text, ip));
    let ours: Vec<_> = lines(&with).filter(|(owner, _)| *owner == ip).collect();
    assert!(ours.len() <= 1);
    for (_, names) in ours {
        for name in names {
            assert!(entry.names.iter().any(|given| given == name), "{name:?}");
        }
    }
    let without = changed(&with, &[ip], &[]);
    assert_eq!(others(&without, ip), others(&text, ip));
    assert!(lines(&without).all(|(owner, _)| owner != ip));
}

/// All entries but those of one address.
fn others(text: &str, ip: IpAddr) -> Vec<(IpAddr, Vec<&str>)> {
    lines(text)
        .filter(|(owner, _)| *owner != ip)
        .map(|(owner, names)| (owner, names.collect()))
        .collect()
}
