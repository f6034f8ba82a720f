//! What an owner has, found by its id instead of its journal: for a journal that
//! cannot be read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::attach::veth_of;
use super::context::Context;
use super::error::ApplyError;
use super::macvlan::{interface_of, sandbox_of};
use super::run::undo;
use crate::ipam::lease;
use crate::kernel::netlink::Route;
use crate::kernel::nft::Nft;
use crate::kernel::sysctl::OwnProc;
use crate::model::endpoint::Endpoint;
use crate::plan::Step;
use crate::store::ENDPOINTS;
use crate::store::record;

/// Takes back all that `owner` has on the networks below `networks` (their run
/// directories), its published ports, and the name of its namespace if it is
/// known; `shared_with` as in [`super::undo_all`]. Goes on after errors and returns them all. Harmless when repeated.
pub fn undo_owner(
    networks: &Path,
    owner: &str,
    netns: Option<&Path>,
    shared_with: &dyn Fn() -> Vec<PathBuf>,
) -> Vec<ApplyError> {
    let what = "undo without a journal";
    let failed = |source| vec![ApplyError::System { what, source }];
    let (mut host, mut nft) = match (Route::open(), Nft::open()) {
        (Ok(host), Ok(nft)) => (host, nft),
        (Err(source), _) | (_, Err(source)) => return failed(source),
    };
    let mut steps: Vec<Step> = netns
        .iter()
        .map(|path| Step::NetnsName {
            path: path.to_path_buf(),
        })
        .collect();
    let mut errors = Vec::new();
    match fs::read_dir(networks) {
        Ok(entries) => {
            for entry in entries.flatten() {
                match on_network(&entry.path(), owner) {
                    Ok(found) => steps.extend(found),
                    Err(error) => errors.push(error),
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => errors.extend(failed(error)),
    }
    errors.extend(nft.remove_owned(owner).err().map(ApplyError::from));
    let mut sandbox = sandbox_of(&steps, shared_with);
    let mut context = Context {
        host: &mut host,
        sandbox: sandbox.as_mut(),
        sandbox_ns: None,
        parameters: &OwnProc::default(),
        nft: &mut nft,
    };
    // Backwards: names go first, addresses last.
    errors.extend(
        steps
            .iter()
            .rev()
            .filter_map(|step| undo(step, &mut context).err()),
    );
    errors
}

/// Leases, interface and names on one network, in the order in which they were made.
fn on_network(run_dir: &Path, owner: &str) -> Result<Vec<Step>, ApplyError> {
    let mut steps: Vec<Step> = lease::held(run_dir, owner)
        .into_iter()
        .map(|path| Step::Lease {
            path,
            owner: owner.to_owned(),
        })
        .collect();
    let path = run_dir.join(ENDPOINTS).join(format!("{owner}.json"));
    if let Some(endpoint) = record::read_json::<Endpoint>(&path)? {
        if !endpoint.host_ifname.is_empty() {
            steps.push(Step::Veth(veth_of(&endpoint)));
        }
        steps.extend(interface_of(&endpoint).map(Step::Macvlan));
        steps.push(Step::Publish {
            network_run_dir: run_dir.to_owned(),
            // Undoing does not look at it.
            network_record: Path::new("").to_owned(),
            endpoint: Box::new(endpoint),
        });
    }
    Ok(steps)
}
