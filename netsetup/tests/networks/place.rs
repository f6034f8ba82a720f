//! A host of a test's own, with its state roots, and sandboxes on it.
#![allow(unsafe_code, reason = "unshare")]

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rbox_netsetup::apply::{self, AttachError, AttachRequest, Context, DetachRequest, Journal};
use rbox_netsetup::ipam::LeaseRequest;
use rbox_netsetup::kernel::netlink::{LOOPBACK, Route};
use rbox_netsetup::kernel::netns;
use rbox_netsetup::kernel::nft::Nft;
use rbox_netsetup::kernel::sysctl::OwnProc;
use rbox_netsetup::model::endpoint::{Endpoint, EndpointConfig};
use rbox_netsetup::model::network::Network;
use rbox_netsetup::model::network_request::NetworkRequest;
use rbox_netsetup::store::NetworkStore;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

pub const ALIVE: &dyn Fn(&str) -> bool = &|_| true;
pub const DEAD: &dyn Fn(&str) -> bool = &|_| false;

/// How long a packet that should be dropped is waited for.
const DROPPED: Duration = Duration::from_millis(200);
const ARRIVES: Duration = Duration::from_secs(10);

pub fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("RBOX_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        writeln!(file.unwrap(), "{line}").unwrap();
    }
}

/// A host: the thread's namespaces and two empty state roots.
pub struct Place {
    directory: tempfile::TempDir,
    pub store: NetworkStore,
}

impl Place {
    /// `None`, and a note, where namespaces are not to be had.
    pub fn new(test: &str) -> Option<Place> {
        // SAFETY: no descriptor table is unshared.
        if let Err(errno) = unsafe { unshare_unsafe(UnshareFlags::NEWNET | UnshareFlags::NEWNS) } {
            skipped(test, &format!("unshare: {errno}"));
            return None;
        }
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).unwrap();
        Route::open().unwrap().set_up(LOOPBACK).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = NetworkStore::open(
            &directory.path().join("state"),
            &directory.path().join("run"),
        );
        Some(Place { directory, store })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A network made with words like those of the command line.
    pub fn create(&self, name: &str, words: &[&str]) -> Network {
        self.try_create(name, words).unwrap()
    }

    pub fn try_create(&self, name: &str, words: &[&str]) -> Result<Network, String> {
        let mut request = NetworkRequest {
            name: name.to_owned(),
            ..NetworkRequest::default()
        };
        for word in words {
            match word.split_once('=') {
                Some(("subnet", subnet)) => request.subnets.push(subnet.to_owned()),
                Some(("gateway", gateway)) => request.gateways.push(gateway.to_owned()),
                Some((key, value)) => {
                    request.options.insert(key.to_owned(), value.to_owned());
                }
                None if *word == "internal" => request.internal = true,
                None if *word == "ipv6" => request.ipv6 = true,
                None => panic!("{word}"),
            }
        }
        self.store
            .create(&request)
            .map_err(|error| error.to_string())
    }

    /// Everything that networks leave on a host: interfaces, firewall elements, files.
    pub fn traces(&self) -> Vec<String> {
        let mut traces: Vec<String> = Route::open()
            .unwrap()
            .links()
            .unwrap()
            .into_iter()
            .map(|link| format!("link {} {}", link.name, link.kind))
            .collect();
        let mut nft = Nft::open().unwrap();
        traces.extend(
            nft.networks()
                .unwrap()
                .iter()
                .map(|entry| format!("{entry:?}")),
        );
        traces.extend(
            nft.ports()
                .unwrap()
                .iter()
                .map(|entry| format!("{entry:?}")),
        );
        files(&self.path().join("state"), &mut traces);
        files(&self.path().join("run"), &mut traces);
        traces.sort();
        traces
    }

    /// The traces without what the run directory of a network keeps as long as the network
    /// exists: its directories, the hints, an empty zone.
    pub fn traces_of_containers(&self) -> Vec<String> {
        let run = self.path().join("run").display().to_string();
        let of_container = |trace: &str| {
            trace.contains("/leases/")
                || trace.contains("/endpoints/")
                || trace
                    .split_once("/hosts =")
                    .is_some_and(|(_, zone)| !zone.trim().is_empty())
        };
        let mut traces = self.traces();
        traces.retain(|trace| !trace.starts_with(&run) || of_container(trace));
        traces
    }
}

/// Every directory, and every file with its content.
fn files(directory: &Path, into: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            into.push(path.display().to_string());
            files(&path, into);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push(format!("{} = {}", path.display(), text.trim_end()));
        }
    }
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A container as far as networks know one: a namespace, an id, a journal.
pub struct Sandbox {
    pub ns: OwnedFd,
    pub owner: String,
    pub name: String,
    pub journal_path: PathBuf,
    pub attached: Vec<(Network, Endpoint, i32)>,
}

impl Sandbox {
    pub fn new(place: &Place, name: &str) -> Sandbox {
        let here = netns::open_current().unwrap();
        // SAFETY: no descriptor table is unshared.
        unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.unwrap();
        let ns = netns::open_current().unwrap();
        move_into_link_name_space(here.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let owner = format!(
            "{:016x}{:048x}",
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            number
        );
        let journal_path = place.path().join(format!("journal-{owner}"));
        Sandbox {
            ns,
            owner,
            name: name.to_owned(),
            journal_path,
            attached: Vec::new(),
        }
    }

    /// Runs with sockets of host and sandbox.
    pub fn with<T>(&self, work: impl FnOnce(&mut Journal, &mut Context<'_>) -> T) -> T {
        let mut host = Route::open().unwrap();
        let mut sandbox = Route::open_in(self.ns.as_fd()).unwrap();
        let mut nft = Nft::open().unwrap();
        let mut context = Context {
            host: &mut host,
            sandbox: Some(&mut sandbox),
            sandbox_ns: Some(self.ns.as_fd()),
            parameters: &OwnProc::default(),
            nft: &mut nft,
        };
        let mut journal = Journal::open(&self.journal_path).unwrap();
        work(&mut journal, &mut context)
    }

    pub fn attach(&mut self, place: &Place, network: &Network) -> Endpoint {
        self.attach_as(place, network, &EndpointConfig::default())
            .unwrap()
    }

    pub fn attach_as(
        &mut self,
        place: &Place,
        network: &Network,
        config: &EndpointConfig,
    ) -> Result<Endpoint, AttachError> {
        let others: Vec<_> = self.attached.iter().map(|(n, e, p)| (n, e, *p)).collect();
        let run_dir = place.store.run_dir(network);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let request = AttachRequest {
            lease: LeaseRequest {
                run_dir: &run_dir,
                network,
                owner: &self.owner,
                is_alive: ALIVE,
            },
            config,
            previous: &[],
            record: &place.store.record_path(network),
            id: format!("{number:064x}"),
            owner_name: &self.name,
            hostname: None,
            hairpin: false,
            others: &others,
        };
        let endpoint = self.with(|journal, context| apply::attach(&request, journal, context))?;
        self.attached
            .push((network.clone(), endpoint.clone(), config.gw_priority));
        Ok(endpoint)
    }

    pub fn detach(&mut self, place: &Place, network: &Network) {
        let at = self
            .attached
            .iter()
            .position(|(n, ..)| n.id == network.id)
            .unwrap();
        let (network, endpoint, _) = self.attached.remove(at);
        let others: Vec<_> = self.attached.iter().map(|(n, e, p)| (n, e, *p)).collect();
        let request = DetachRequest {
            endpoint: &endpoint,
            run_dir: &place.store.run_dir(&network),
            others: &others,
        };
        let errors = self.with(|journal, context| apply::detach(&request, journal, context));
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// What whoever finds the container dead does.
    pub fn undo(&self) {
        let errors = apply::undo_all(&self.journal_path, &Vec::new);
        assert!(errors.is_empty(), "{errors:?}");
        assert!(!self.journal_path.exists());
    }

    pub fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = netns::enter(self.ns.as_fd()).unwrap();
        work()
    }

    /// Gateways of the default routes, IPv4 first, and the interfaces they use.
    pub fn defaults(&self) -> Vec<String> {
        let mut route = Route::open_in(self.ns.as_fd()).unwrap();
        let links = route.links().unwrap();
        let mut defaults: Vec<String> = route
            .route_table()
            .unwrap()
            .into_iter()
            .filter(|info| info.destination.prefix_len() == 0)
            .map(|info| {
                let link = links
                    .iter()
                    .find(|link| Some(link.index) == info.index)
                    .unwrap();
                format!("{} {}", info.gateway.unwrap(), link.name)
            })
            .collect();
        defaults.sort();
        defaults
    }

    /// Whether a TCP connection from here to there carries bytes both ways.
    pub fn reaches(&self, other: &Sandbox, address: IpAddr) -> bool {
        let server = other.inside(|| TcpListener::bind(SocketAddr::new(address, 0)).unwrap());
        let to = server.local_addr().unwrap();
        let stream = self.inside(|| TcpStream::connect_timeout(&to, ARRIVES));
        let Ok(mut stream) = stream else { return false };
        let (mut accepted, _) = server.accept().unwrap();
        accepted.write_all(b"x").unwrap();
        stream.set_read_timeout(Some(ARRIVES)).unwrap();
        stream.read_exact(&mut [0]).is_ok()
    }

    /// Whether nothing at all comes back from there.
    pub fn is_cut_off_from(&self, other: &Sandbox, address: IpAddr) -> bool {
        let server = other.inside(|| TcpListener::bind(SocketAddr::new(address, 0)).unwrap());
        let to = server.local_addr().unwrap();
        self.inside(|| TcpStream::connect_timeout(&to, DROPPED))
            .is_err()
    }
}
