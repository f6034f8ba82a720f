//! `create`: a request and an image become a record on disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use oci_spec::image::ImageConfiguration;
use rbox_images::Platform;
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::port::ContainerPort;
use rbox_netsetup::store::directory_lock::DirectoryLock;

use super::adopted;
use super::clock;
use super::containers;
use super::failure::{Context, Failure};
use super::record::{Config, Record};
use super::request::{ContainerRequest, NetworkMode, PullPolicy};
use super::user_namespace::{self, Mapping};
use super::{Engine, event, health, json_file, links, names, private_files, validate, volume};

/// What `create` made.
#[derive(Debug)]
pub struct CreatedContainer {
    /// Full id.
    pub id: String,
    /// For stderr.
    pub warnings: Vec<String>,
}

/// A container as it would be: nothing of it is on disk.
#[derive(Debug)]
pub struct Draft {
    /// Without its name and its user namespace.
    pub record: Record,
    /// Which user namespace was asked for.
    pub choice: user_namespace::Choice,
    /// Trees of the image's layers, lowest first.
    pub layers: Vec<PathBuf>,
    /// For stderr.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Makes the container's record and its writable layer. Nothing is left of
    /// one that fails.
    pub fn create(&self, request: &ContainerRequest) -> Result<CreatedContainer, Failure> {
        // From here until the record says what is used, nothing of the image is deleted.
        let _hold = self
            .images
            .hold()
            .map_err(|error| Failure::new(error.to_string()))?;
        let draft = self.draft(request)?;
        rbox_timing::mark("request checked");
        self.make(draft, request)
    }

    /// Makes what was drafted from `request`. Nothing is left of one that fails.
    pub fn make(
        &self,
        draft: Draft,
        request: &ContainerRequest,
    ) -> Result<CreatedContainer, Failure> {
        let Draft {
            mut record,
            choice,
            layers,
            warnings,
        } = draft;
        let id = record.id.clone();
        let dir = self.dirs.container(&id);
        // Held until the record is there: without both its maker died.
        let _making =
            DirectoryLock::making(&dir).map_err(|error| Failure::new(error.to_string()))?;
        let named = match &request.name {
            Some(name) => names::reserve(&self.dirs, name, &id).map(|()| name.clone()),
            None => names::reserve_random(&self.dirs, &id),
        };
        let made = named.and_then(|name| {
            record.name = name;
            rbox_timing::mark("name reserved");
            record.user_namespace = choice.settle(&self.dirs, &id)?;
            private_files::write(&dir, &request.files, &mut record)?;
            links::register(&self.dirs, &record)?;
            if record.build.is_none() {
                make_writable_layers(&dir, &record)?;
            }
            let volumes = self.provide_volumes(&record, &layers, &dir)?;
            write(&dir, &record, request.cidfile.as_deref()).inspect_err(|_| {
                // With the record nobody uses them.
                let _ = fs::remove_file(dir.join("config.json"));
                self.withdraw_volumes(volumes);
            })
        });
        if let Err(failure) = made {
            let _ = links::unregister(&self.dirs, &record);
            let _ = containers::remove_files(&self.dirs, &id);
            return Err(failure);
        }
        rbox_timing::mark("record written");
        event::of_container(&self.dirs, "create", &record, &[]);
        rbox_timing::mark("event written");
        Ok(CreatedContainer { id, warnings })
    }

    /// Checks a request and says what its record would be. Changes nothing.
    pub fn draft(&self, request: &ContainerRequest) -> Result<Draft, Failure> {
        let (choice, mut warnings) = check(request)?;
        let (image_id, image, layers) = match &request.build {
            Some(_) => Default::default(),
            None => {
                let image = self.image_for(request)?;
                rbox_timing::mark("image found");
                let built_for = image.platform();
                if !built_for.runs_here() {
                    // Docker's text. An emulator that the kernel knows may run it all the same.
                    warnings.push(format!(
                        "WARNING: The requested image's platform ({built_for}) does not match \
                         the detected host platform ({}) and no specific platform was requested",
                        Platform::host()
                    ));
                }
                (image.id, image.config, image.layers)
            }
        };
        let mut healthcheck = request.healthcheck.clone();
        let mut shell = Vec::new();
        if request.build.is_none()
            && let Some((of_image, its_shell)) = health::of_image(&self.images, &image_id)?
        {
            healthcheck = Some(healthcheck.unwrap_or_default().over(&of_image));
            shell = its_shell;
        }
        let id = match &request.id {
            Some(id) => id.clone(),
            None => names::new_id()?,
        };
        let mut record = Record {
            id: id.clone(),
            name: String::new(),
            created: clock::now(),
            image_id,
            config: Config {
                healthcheck,
                shell,
                ..merge(request, &image, &id)
            },
            host: request.host.clone(),
            networks: Vec::new(),
            user_namespace: None,
            mounted_images: Default::default(),
            build: request.build.clone(),
        };
        if record.argv().is_empty() {
            return Err(Failure::new("no command specified")
                .hint("the image has no CMD: give a command after the image"));
        }
        if let NetworkMode::Namespace(path) = &request.host.network_mode {
            adopted::open(path)?;
        }
        self.resolve_modes(request, &mut record)?;
        if record.build.is_none() {
            volume::resolve::resolve(&self.dirs, &mut record)?;
            volume::image::resolve(&self.images, &mut record)?;
        }
        user_namespace::check::sharing(&self.dirs, &record, &choice)?;
        Ok(Draft {
            record,
            choice,
            layers,
            warnings,
        })
    }

    fn image_for(&self, request: &ContainerRequest) -> Result<rbox_images::Image, Failure> {
        self.images.get(&request.image).map_err(|error| {
            let failure = Failure::new(error.to_string());
            match error {
                rbox_images::GetError::NotFound(_) if request.pull != PullPolicy::Never => {
                    failure.hint("`rbox pull`, `rbox load` or `rbox import` brings an image in")
                }
                _ => failure,
            }
        })
    }

    /// Replaces names of other containers by ids and names of networks by
    /// their own, and hands links to the place that they belong to.
    fn resolve_modes(
        &self,
        request: &ContainerRequest,
        record: &mut Record,
    ) -> Result<(), Failure> {
        let mut networks = request.networks.clone();
        match &request.host.network_mode {
            NetworkMode::Bridge if networks.is_empty() => networks.push(EndpointConfig {
                network: "bridge".into(),
                ..EndpointConfig::default()
            }),
            NetworkMode::Host | NetworkMode::None => {
                let name = match request.host.network_mode {
                    NetworkMode::Host => "host",
                    _ => "none",
                };
                networks.truncate(1);
                let asked = networks.pop().unwrap_or_default();
                networks.push(EndpointConfig {
                    network: name.into(),
                    ..asked
                });
            }
            NetworkMode::Namespace(_) => networks.clear(),
            NetworkMode::Container(other) => {
                networks.clear();
                let other = names::resolve(&self.dirs, other).map_err(|failure| {
                    Failure::new(format!("joining network namespace of container: {failure}"))
                })?;
                if other == record.id {
                    return Err(Failure::new("cannot join own network"));
                }
                // It is known there by the other's name.
                if let Some(shared) = containers::read_record(&self.dirs.container(&other))? {
                    record.config.hostname = shared.config.hostname;
                    record.config.domainname = shared.config.domainname;
                }
                record.host.network_mode = NetworkMode::Container(other);
            }
            _ => {}
        }
        for endpoint in &mut networks {
            if let Ok(network) = self.networks.get(&endpoint.network) {
                endpoint.network = network.name;
            }
        }
        if let (Some(first), Some(mac)) = (networks.first_mut(), &request.host.mac_address)
            && first.mac.is_none()
        {
            first.mac = Some(
                mac.parse()
                    .map_err(|error| Failure::new(format!("{error}")))?,
            );
        }
        record.host.links.clear();
        for link in &request.host.links {
            let (target, alias) = links::parts(link);
            if matches!(request.host.network_mode, NetworkMode::Network(_)) {
                for endpoint in &mut networks {
                    endpoint.links.push((target.to_owned(), alias.to_owned()));
                }
            } else {
                // By id: the source may get another name. The one that it has is for texts.
                let source = names::resolve(&self.dirs, target).map_err(|failure| {
                    Failure::new(format!("could not get container for {target}: {failure}"))
                })?;
                let known = containers::read_record(&self.dirs.container(&source))?;
                let name = known.map_or_else(String::new, |known| format!(":{}", known.name));
                record.host.links.push(format!("{source}:{alias}{name}"));
            }
        }
        for mode in [&mut record.host.pid_mode, &mut record.host.ipc_mode] {
            if let Some(other) = mode.strip_prefix("container:") {
                *mode = format!("container:{}", names::resolve(&self.dirs, other)?);
            }
        }
        record.networks = networks;
        Ok(())
    }
}

/// What can be wrong with a request whatever its image is; the warnings are for stderr.
pub fn check(request: &ContainerRequest) -> Result<(user_namespace::Choice, Vec<String>), Failure> {
    if let Some(path) = &request.cidfile {
        check_cidfile(path)?;
    }
    if let Some(name) = &request.name {
        names::check(name, name)?;
    }
    if let Some(check) = &request.healthcheck {
        check.check()?;
    }
    let warnings = validate::host_config(request)?;
    let choice = user_namespace::Choice::of(&request.host)?;
    user_namespace::check::request(&request.host, &choice)?;
    Ok((choice, warnings))
}

fn check_cidfile(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::new(format!(
            "container ID file found, make sure the other container isn't running or delete {}",
            path.display()
        )));
    }
    Ok(())
}

fn write(dir: &Path, record: &Record, cidfile: Option<&Path>) -> Result<(), Failure> {
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o710))
        .context(|| format!("set the mode of {}", dir.display()))?;
    let path = dir.join("config.json");
    json_file::write(&path, record).context(|| format!("write {}", path.display()))?;
    if let Some(cidfile) = cidfile {
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(cidfile)
            .and_then(|mut file| file.write_all(record.id.as_bytes()))
            .context(|| format!("write the container ID file {}", cidfile.display()))?;
    }
    Ok(())
}

fn make_writable_layers(dir: &Path, record: &Record) -> Result<(), Failure> {
    make_writable_layer(dir, record)?;
    for image in volume::image::directories(dir, record) {
        make_writable_layer(&image, record)?;
    }
    Ok(())
}

fn make_writable_layer(dir: &Path, record: &Record) -> Result<(), Failure> {
    for part in ["upper", "work"] {
        let path = dir.join(part);
        fs::create_dir_all(&path).context(|| format!("make {}", path.display()))?;
    }
    // What the container's root directory looks like; the writable layer decides it.
    if let Some((uid, gid)) = record.user_namespace.as_ref().and_then(Mapping::root) {
        for part in ["upper", "work"] {
            let path = dir.join(part);
            std::os::unix::fs::chown(&path, Some(uid), Some(gid))
                .context(|| format!("set the owner of {}", path.display()))?;
        }
    }
    let path = dir.join("upper");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .context(|| format!("set the mode of {}", path.display()))
}

/// Image settings first, the command line's over them (Docker's merge rules).
fn merge(request: &ContainerRequest, image: &ImageConfiguration, id: &str) -> Config {
    let base = image.config().clone().unwrap_or_default();
    let (entrypoint, cmd) = command(request, &base);
    let mut env = Vec::new();
    for (name, value) in &request.env {
        set_env(&mut env, name, value);
    }
    // The image's own come after, as Docker lists them, and override nothing.
    let path = ("PATH".to_owned(), DEFAULT_PATH.to_owned());
    let pairs = base.env().iter().flatten().filter_map(|entry| {
        entry
            .split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    for (name, value) in pairs.chain([path]) {
        if !env
            .iter()
            .any(|entry| entry.starts_with(&format!("{name}=")))
        {
            set_env(&mut env, &name, &value);
        }
    }
    let mut labels: std::collections::BTreeMap<String, String> = base
        .labels()
        .clone()
        .unwrap_or_default()
        .into_iter()
        .collect();
    labels.extend(request.labels.clone());
    let mut exposed_ports: Vec<ContainerPort> = base
        .exposed_ports()
        .iter()
        .flatten()
        .filter_map(|text| text.parse().ok())
        .chain(request.expose.iter().copied())
        .chain(
            request
                .host
                .port_bindings
                .iter()
                .map(|binding| binding.container),
        )
        .collect();
    exposed_ports.sort_unstable();
    exposed_ports.dedup();
    let host_mode = request.host.network_mode == NetworkMode::Host;
    let hostname = match &request.hostname {
        Some(name) => name.clone(),
        None if host_mode || request.host.uts_mode == "host" => rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        None => super::record::short(id).to_owned(),
    };
    Config {
        hostname,
        hostname_given: request.hostname.is_some(),
        domainname: request.domainname.clone().unwrap_or_default(),
        user: request
            .user
            .clone()
            .or_else(|| base.user().clone())
            .unwrap_or_default(),
        tty: request.tty,
        open_stdin: request.interactive,
        stdin_once: request.interactive && request.attach.stdin,
        attach: (
            request.attach.stdin,
            request.attach.stdout,
            request.attach.stderr,
        ),
        env,
        cmd,
        entrypoint,
        image: request.image.clone(),
        working_dir: request
            .workdir
            .clone()
            .or_else(|| base.working_dir().clone())
            .unwrap_or_default(),
        labels,
        exposed_ports,
        volumes: base.volumes().clone().unwrap_or_default(),
        stop_signal: request
            .stop_signal
            .clone()
            .or_else(|| base.stop_signal().clone()),
        stop_timeout: request.stop_timeout,
        healthcheck: None,
        shell: Vec::new(),
    }
}

/// Where programs are looked for when the image does not say.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type Words = Option<Vec<String>>;

/// An entrypoint on the command line drops the image's CMD; an empty one drops both.
fn command(request: &ContainerRequest, base: &oci_spec::image::Config) -> (Words, Words) {
    let given = (!request.command.is_empty()).then(|| request.command.clone());
    let words = |words: &Words| words.clone().filter(|words| !words.is_empty());
    match &request.entrypoint {
        Some(entrypoint) => (words(&Some(entrypoint.clone())), given),
        None if request.no_command => (words(base.entrypoint()), given),
        None => (
            words(base.entrypoint()),
            given.or_else(|| words(base.cmd())),
        ),
    }
}

/// Sets a variable, in place where it is there already.
pub fn set_env(env: &mut Vec<String>, name: &str, value: &str) {
    let entry = format!("{name}={value}");
    let prefix = format!("{name}=");
    match env.iter_mut().find(|old| old.starts_with(&prefix)) {
        Some(old) => *old = entry,
        None => env.push(entry),
    }
}
