//! A network's zone file, edited by anybody: it is read, changed by us, and read again.

use std::net::IpAddr;

use rbox_netsetup::files::zone::{Entry, Zone};

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let zone = Zone::parse(&text);
    assert_eq!(Zone::parse(&zone.render()), zone);
    let ip = IpAddr::from([10, 0, 0, 1]);
    let mut words = text.split('\n').map(str::to_owned);
    let entry = Entry {
        ip,
        names: words.by_ref().take(4).collect(),
    };
    let mut changed = zone.clone();
    changed.add(entry.clone());
    let owned = changed.entries.iter().filter(|entry| entry.ip == ip);
    let names: Vec<String> = owned.flat_map(|entry| entry.names.clone()).collect();
    assert!(names.iter().all(|name| entry.names.contains(name)));
    // No name makes a line of its own.
    assert_eq!(Zone::parse(&changed.render()), changed);
    changed.remove(ip);
    let others = zone.entries.into_iter().filter(|entry| entry.ip != ip);
    assert_eq!(changed.entries, others.collect::<Vec<_>>());
}
