//! `run --dry-run`, `create --dry-run`: the way of a start, up to where something would be changed.
//!
//! ```text
//!  request ─▶ draft (no record) ─▶ leases and plan, in a copy of the networks' state that is
//!  mounted nowhere ─▶ steps, OCI configuration ─▶ lines
//! ```
//!
//! The same code plans a real start; here its leases are made in [`Scratch`], and what it would
//! do to the kernel is written down. Host ports are bound for a moment: whether they are free is
//! known only then.

mod limits;
mod process;
mod scratch;

use std::path::PathBuf;

use rbox_netsetup::apply::Journal;
use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::kernel::nft::Nft;
use rbox_netsetup::kernel::sysctl;
use rbox_netsetup::plan::Step;
use rbox_netsetup::script::{self, Group, Present, here, word};
use rbox_netsetup::store::NetworkStore;
use rbox_runtime::rootfs::overlay::{self, Writable};

use super::create::Draft;
use super::exec::user_in;
use super::failure::{Context, Failure};
use super::record::Record;
use super::request::ContainerRequest;
use super::{Engine, links, lower, names, user_namespace, volume};
use crate::monitor::network::{Network, Rehearsal};
use crate::monitor::{configuration, files};
use scratch::Scratch;

/// What would be done.
#[derive(Debug)]
pub struct DryRun {
    /// Lines of a shell.
    pub text: String,
    /// For stderr.
    pub warnings: Vec<String>,
}

impl Engine {
    /// What `create` would do, and, if `start`, `start` after it. Changes nothing.
    pub fn dry_run(&self, request: &ContainerRequest, start: bool) -> Result<DryRun, Failure> {
        let scratch = Scratch::new(&self.dirs)?;
        let engine = Engine {
            dirs: self.dirs.clone(),
            images: rbox_images::Store::open(&self.dirs.images())
                .map_err(|error| Failure::new(error.to_string()))?,
            networks: NetworkStore::open(&scratch.dir("networks"), &scratch.dir("run")),
            insecure_registries: self.insecure_registries.clone(),
            tell: self.tell,
        };
        let Draft {
            mut record,
            choice,
            warnings,
            ..
        } = engine.draft(request)?;
        if choice != user_namespace::Choice::Host {
            return Err(Failure::new(
                "a dry run of a container in a user namespace of its own is not supported",
            ));
        }
        if !record.mounted_images.is_empty() {
            return Err(Failure::new(
                "a dry run of a container with an image mounted in it is not supported",
            ));
        }
        record.name = match &request.name {
            Some(name) => {
                names::check_free(&self.dirs, name)?;
                name.clone()
            }
            None => names::random(0)?,
        };
        let mut groups: Vec<Group> = self.volumes_made(&record).into_iter().collect();
        groups.push(self.created(&record));
        if start {
            groups.extend(engine.started(&record, &scratch)?);
        }
        Ok(DryRun {
            text: script::text(&groups),
            warnings,
        })
    }

    fn created(&self, record: &Record) -> Group {
        let dir = self.dirs.container(&record.id);
        let shown = |path: PathBuf| word(&path.to_string_lossy());
        let mut lines = vec![
            format!("mkdir -p {}", shown(self.dirs.names())),
            format!(
                "ln -s {} {}",
                record.id,
                shown(self.dirs.names().join(&record.name))
            ),
            format!(
                "mkdir -p {} {}",
                shown(dir.join("upper")),
                shown(dir.join("work"))
            ),
        ];
        // Its keys are texts: there is nothing that JSON could not hold.
        let json = serde_json::to_string(record).unwrap_or_default();
        let file = shown(dir.join("config.json"));
        lines.extend(here(&format!("cat > {file}"), [json]));
        let mut group = Group::new(
            format!(
                "container {}: its name, its writable layer, its record",
                record.name
            ),
            lines,
        );
        group.why.insert(
            0,
            "nothing of this was done; ids, and what follows from them, are new each time"
                .to_owned(),
        );
        group
    }

    /// Volumes that are not there yet.
    fn volumes_made(&self, record: &Record) -> Option<Group> {
        let lines: Vec<String> = volume::source::places(&self.dirs, record)
            .into_values()
            .filter(|path| !path.exists())
            .map(|path| format!("mkdir -p {}", word(&path.to_string_lossy())))
            .collect();
        let title = "volumes, each filled with what the image has at its place".to_owned();
        (!lines.is_empty()).then(|| Group::new(title, lines))
    }

    /// `self` has the networks of the scratch place.
    fn started(&self, record: &Record, scratch: &Scratch) -> Result<Vec<Group>, Failure> {
        let path = scratch.dir("journal");
        let journal = Journal::open(&path).context(|| "plan the network".into())?;
        let image = self
            .images
            .get(&record.image_id)
            .map_err(|error| Failure::new(error.to_string()))?;
        // Users are looked up in the image; nobody else sees this mount either.
        let rootfs = overlay::detached(
            &image.layers,
            &Writable::new(&scratch.dir("upper"), &scratch.dir("work")),
        )
        .map_err(|error| Failure::new(format!("mount the root filesystem: {error}")))?;
        let user = user_in(&rootfs, &record.config.user, &record.host.group_add)?;
        drop(rootfs);
        let links = links::resolve(&self.dirs, record)?;
        let mut network = Network::with_journal(self, record, &[], journal)?;
        let Rehearsal {
            steps,
            loopback_alone,
        } = network.rehearse(self, record)?;
        let program = std::env::current_exe().context(|| "find the rbox binary".into())?;
        let mut facts = configuration::facts(self, record, &program, user, &network, &links)?;
        facts.files = files::places(self, record);
        facts.volumes = volume::source::places(&self.dirs, record);
        let spec = lower::spec(record, &facts)?;

        let sandbox = network.sandbox();
        let namespace = sandbox
            .key
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let mut present = present()?;
        let mut groups = Vec::new();
        let mut own = Vec::new();
        for (path, text) in files::texts(self, record, &network, &links)? {
            let path = word(&path.to_string_lossy());
            own.extend(here(
                &format!("cat > {path}"),
                text.lines().map(str::to_owned),
            ));
        }
        let mut files = Some(Group::new(
            "files that are mounted over the image's own",
            own,
        ));
        for step in steps {
            // They are written once the addresses are leased.
            if !matches!(step, Step::Lease { .. }) {
                groups.extend(files.take());
            }
            let named = matches!(step, Step::NetnsName { .. });
            let step = real(step, scratch, self);
            groups.extend(script::group(&step, &namespace, &mut present));
            if named && loopback_alone {
                groups.push(script::loopback(&namespace));
            }
        }
        groups.extend(files);
        groups.retain(|group| !(group.lines.is_empty() && group.why.is_empty()));
        let entered = process::Entered {
            network: spec_network(record, &sandbox.key),
            layers: &image.layers,
            cgroup_v2: facts.cgroup_v2,
        };
        groups.extend(process::groups(&self.dirs, record, &spec, &entered));
        Ok(groups)
    }
}

/// The namespace that the process is in; `None` is the host's.
fn spec_network(record: &Record, key: &str) -> Option<String> {
    let host = record.host.network_mode == super::request::NetworkMode::Host;
    (!host).then(|| key.to_owned())
}

/// What there is of the host's side.
fn present() -> Result<Present, Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let links = Route::open()
        .context(|| "open netlink".into())?
        .links()
        .map_err(|error| told(&error))?;
    let known = Nft::open()
        .context(|| "open netlink".into())?
        .networks()
        .map_err(|error| told(&error))?;
    let on = |key: &str| sysctl::read(key).is_ok_and(|value| value == "1");
    Ok(Present {
        // A table without networks is made anew at no cost; with one it is surely there.
        table: !known.is_empty(),
        bridges: links
            .into_iter()
            .filter(|link| known.iter().any(|network| network.bridge == link.name))
            .map(|link| link.name)
            .collect(),
        forwarding: (
            on("net.ipv4.ip_forward"),
            on("net.ipv6.conf.all.forwarding"),
        ),
    })
}

/// The step with the paths that it would really have.
fn real(mut step: Step, scratch: &Scratch, engine: &Engine) -> Step {
    let change = |path: &mut PathBuf| *path = scratch.real(path, &engine.dirs);
    match &mut step {
        Step::Lease { path, .. } => change(path),
        Step::Bridge { network_record, .. } => change(network_record),
        Step::Publish {
            network_run_dir,
            network_record,
            ..
        } => {
            change(network_run_dir);
            change(network_record);
        }
        _ => {}
    }
    step
}
