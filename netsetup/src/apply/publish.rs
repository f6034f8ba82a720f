//! The endpoint's record, and its line in the network's zone: what others see of a container.
//! Both are written under the flock of the network's run directory.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::ApplyError;
use crate::files::zone::{self, Entry};
use crate::ipam::lease;
use crate::model::endpoint::Endpoint;
use crate::plan::endpoint::addresses;
use crate::store::ENDPOINTS;
use crate::store::directory_lock::DirectoryLock;
use crate::store::record::{self, Lasting, RecordError};

/// The zone that the resolvers of a network read.
pub const ZONE: &str = "hosts";

/// What must be known of a network's record to tell whether it is still the same network.
#[derive(Deserialize)]
struct Identity {
    id: String,
}

/// Whether the record is there and is that of the network with this id.
fn is_there(network_record: &Path, id: &str) -> Result<bool, RecordError> {
    let identity: Option<Identity> = record::read_json(network_record)?;
    Ok(identity.is_some_and(|identity| identity.id == id))
}

fn endpoint_path(run_dir: &Path, endpoint: &Endpoint) -> PathBuf {
    run_dir
        .join(ENDPOINTS)
        .join(format!("{}.json", endpoint.owner))
}

/// Makes an endpoint known. An owner has one endpoint on a network: published again, with other
/// names, the new ones replace the old.
///
/// # Errors
/// [`ApplyError::NetworkGone`] when the network was removed meanwhile; a file cannot be written.
pub fn publish(
    run_dir: &Path,
    network_record: &Path,
    endpoint: &Endpoint,
) -> Result<(), ApplyError> {
    let _lock = DirectoryLock::making(run_dir)?;
    if !is_there(network_record, &endpoint.network_id)? {
        sweep(run_dir);
        return Err(ApplyError::NetworkGone(endpoint.network_id.clone()));
    }
    let directory = run_dir.join(ENDPOINTS);
    fs::create_dir_all(&directory).map_err(RecordError::of("make", &directory))?;
    record::write_json(
        &endpoint_path(run_dir, endpoint),
        endpoint,
        Lasting::UntilReboot,
    )?;
    let entries: Vec<Entry> = addresses(endpoint)
        .into_iter()
        .map(|(ip, _)| Entry {
            ip,
            names: endpoint.dns_names.clone(),
        })
        .collect();
    change_zone(run_dir, &[], &entries)
}

/// Takes an endpoint's record and names away. Harmless when they are gone, or when their place
/// is another's by now.
///
/// # Errors
/// A file cannot be read or written.
pub fn withdraw(run_dir: &Path, endpoint: &Endpoint) -> Result<(), ApplyError> {
    let Some(_lock) = DirectoryLock::existing(run_dir)? else {
        return Ok(());
    };
    let path = endpoint_path(run_dir, endpoint);
    let known: Option<Identity> = record::read_json(&path)?;
    // None: its writer may have died before the record was in its place.
    if known.is_none_or(|known| known.id == endpoint.id) {
        record::remove(&path)?;
    }
    let gone: Vec<IpAddr> = addresses(endpoint)
        .into_iter()
        .map(|(ip, _)| ip)
        .filter(|ip| !is_anothers(run_dir, *ip, &endpoint.owner))
        .collect();
    change_zone(run_dir, &gone, &[])
}

/// Whether an address was leased to somebody else since (who took it over from the dead).
fn is_anothers(run_dir: &Path, ip: IpAddr, owner: &str) -> bool {
    let path = run_dir.join(lease::DIRECTORY).join(ip.to_string());
    fs::read_to_string(path).is_ok_and(|holder| holder.trim_end() != owner)
}

/// Rewrites the zone, if that changes it.
fn change_zone(run_dir: &Path, gone: &[IpAddr], entries: &[Entry]) -> Result<(), ApplyError> {
    let path = run_dir.join(ZONE);
    let text = record::read_text(&path)?.unwrap_or_default();
    let new = zone::changed(&text, gone, entries);
    if new != text {
        record::write_text(&path, &new, Lasting::UntilReboot)?;
    }
    Ok(())
}

/// Removes what a start leaves in the run directory of a network that was removed meanwhile.
/// What others have there stays.
pub(super) fn sweep_if_gone(run_dir: &Path, network_record: &Path) {
    let gone = |record: &Path| {
        fs::symlink_metadata(record).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    // Who makes a network of the same name and publishes on it waits for this lock.
    if let Ok(Some(_lock)) = DirectoryLock::existing(run_dir)
        && gone(network_record)
    {
        sweep(run_dir);
    }
}

fn sweep(run_dir: &Path) {
    for hint in lease::HINTS {
        let _ = fs::remove_file(run_dir.join(hint));
    }
    let zone = run_dir.join(ZONE);
    if fs::metadata(&zone).is_ok_and(|zone| zone.len() == 0) {
        let _ = fs::remove_file(zone);
    }
    for directory in [
        run_dir.join(lease::DIRECTORY),
        run_dir.join(ENDPOINTS),
        run_dir.to_owned(),
    ] {
        let _ = fs::remove_dir(directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network::tests::network;
    use crate::plan::endpoint::tests::plan_on;

    struct Place {
        directory: tempfile::TempDir,
        endpoint: Endpoint,
    }

    impl Place {
        fn new() -> Place {
            let directory = tempfile::tempdir().unwrap();
            let network = network("h4n", &["10.0.0.0/24", "fd00::/64"]);
            let record = directory.path().join("h4n.json");
            record::write_json(&record, &network, Lasting::Forever).unwrap();
            Place {
                directory,
                endpoint: plan_on(&network, &[]).endpoint,
            }
        }

        fn run_dir(&self) -> PathBuf {
            self.directory.path().join("run/h4n")
        }

        fn record(&self) -> PathBuf {
            self.directory.path().join("h4n.json")
        }

        fn publish(&self, endpoint: &Endpoint) -> Result<(), ApplyError> {
            publish(&self.run_dir(), &self.record(), endpoint)
        }

        fn zone(&self) -> String {
            fs::read_to_string(self.run_dir().join(ZONE)).unwrap()
        }
    }

    #[test]
    fn an_endpoint_is_seen_until_it_is_withdrawn() {
        let place = Place::new();
        place.publish(&place.endpoint).unwrap();
        assert_eq!(
            place.zone(),
            "10.0.0.2\th4a 09703cb2d9fb\nfd00::2\th4a 09703cb2d9fb\n"
        );
        let file = endpoint_path(&place.run_dir(), &place.endpoint);
        let read: Option<Endpoint> = record::read_json(&file).unwrap();
        assert_eq!(read.as_ref(), Some(&place.endpoint));
        withdraw(&place.run_dir(), &place.endpoint).unwrap();
        withdraw(&place.run_dir(), &place.endpoint).unwrap();
        assert_eq!(place.zone(), "");
        assert!(!file.exists());
    }

    #[test]
    fn a_renamed_container_is_published_again() {
        let place = Place::new();
        place.publish(&place.endpoint).unwrap();
        let mut renamed = place.endpoint.clone();
        renamed.dns_names[0] = "h4renamed".to_owned();
        place.publish(&renamed).unwrap();
        assert!(
            place
                .zone()
                .starts_with("10.0.0.2\th4renamed 09703cb2d9fb\n")
        );
        // The journal knows the old names only.
        withdraw(&place.run_dir(), &place.endpoint).unwrap();
        assert_eq!(place.zone(), "");
    }

    #[test]
    fn withdrawing_a_dead_ones_leaves_the_new_owner_of_its_address_alone() {
        let place = Place::new();
        place.publish(&place.endpoint).unwrap();
        let leases = place.run_dir().join(lease::DIRECTORY);
        fs::create_dir(&leases).unwrap();
        fs::write(leases.join("10.0.0.2"), "another").unwrap();
        let mut other = place.endpoint.clone();
        other.owner = "another".to_owned();
        other.id = "e1".to_owned();
        other.ip6 = None;
        other.dns_names = vec!["new".to_owned()];
        place.publish(&other).unwrap();
        withdraw(&place.run_dir(), &place.endpoint).unwrap();
        assert_eq!(place.zone(), "10.0.0.2\tnew\n");
    }

    #[test]
    fn nothing_is_published_on_a_network_that_is_gone_or_another() {
        let place = Place::new();
        let mut network = network("h4n", &["10.0.0.0/24"]);
        network.id = "ff".repeat(32);
        record::write_json(&place.record(), &network, Lasting::Forever).unwrap();
        let error = place.publish(&place.endpoint).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("network {} not found", place.endpoint.network_id)
        );
        fs::remove_file(place.record()).unwrap();
        assert!(place.publish(&place.endpoint).is_err());
        assert!(!place.run_dir().exists(), "nothing is left of the attempt");
    }

    #[test]
    fn fifty_at_once_lose_no_line() {
        let place = Place::new();
        std::thread::scope(|scope| {
            for number in 0..50u8 {
                let place = &place;
                scope.spawn(move || {
                    let mut endpoint = place.endpoint.clone();
                    endpoint.owner = format!("owner-{number}");
                    endpoint.ip = Some(([10, 0, 0, number + 2].into(), 24));
                    endpoint.ip6 = None;
                    place.publish(&endpoint).unwrap();
                    if number % 2 == 0 {
                        withdraw(&place.run_dir(), &endpoint).unwrap();
                    }
                });
            }
        });
        assert_eq!(place.zone().lines().count(), 25);
        assert_eq!(
            fs::read_dir(place.run_dir().join(ENDPOINTS))
                .unwrap()
                .count(),
            25
        );
    }

    #[test]
    fn endpoints_without_names_have_no_line() {
        let place = Place::new();
        let mut endpoint = place.endpoint.clone();
        endpoint.dns_names.clear();
        place.publish(&endpoint).unwrap();
        assert!(!place.run_dir().join(ZONE).exists());
    }
}
