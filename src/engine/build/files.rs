//! `COPY`, `ADD` and `WORKDIR`: what is copied where, and their cache keys.

use std::path::PathBuf;

use rbox_images::context::{Context, Ignore, SelectOptions, Selection, Tree};
use rbox_images::copy::{
    self, CopyError, CopyOptions, Destination, Downloaded, ModeChange, Owner, SourceKind,
};
use rbox_images::dockerfile::{Add, Copy, expand_heredoc};
use rbox_images::{CacheRecord, Digest, Layer, View};

use super::key::Key;
use super::progress::Step;
use super::stage::{LayerStep, StageBuild};
use crate::engine::clock;
use crate::engine::failure::{Context as _, Failure};

fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// A `COPY` or `ADD`, ready.
pub struct Files<'a> {
    building: &'a StageBuild<'a>,
    from: From<'a>,
    sources: Vec<String>,
    excludes: Option<Ignore>,
    parents: bool,
    /// Names and contents of heredocs.
    written: Vec<(String, String)>,
    downloads: Vec<Download>,
    /// `ADD --unpack`.
    unpack_downloads: bool,
    options: CopyOptions,
    /// Layers that it writes over: none with `--link`.
    below: Vec<Digest>,
    key: Digest,
    text: String,
}

/// Where files come from.
enum From<'a> {
    Context(&'a Tree),
    Stage(Tree),
    /// Only heredocs are written.
    Nothing,
}

impl From<'_> {
    fn tree(&self) -> Option<&Tree> {
        match self {
            From::Context(tree) => Some(tree),
            From::Stage(tree) => Some(tree),
            From::Nothing => None,
        }
    }
}

/// A file of an URL, in a directory of its own.
struct Download {
    context: Context,
    file: Downloaded,
}

/// Everything that a `COPY` needs; its sources are found and their digest is taken.
pub fn copy<'a>(building: &'a StageBuild<'a>, copy: &Copy) -> Result<Files<'a>, Failure> {
    prepare(building, copy, None)
}

/// The same for an `ADD`, whose URLs are downloaded: only so it is known whether they changed.
pub fn add<'a>(building: &'a StageBuild<'a>, add: &Add) -> Result<Files<'a>, Failure> {
    prepare(building, &add.copy, Some(add))
}

fn prepare<'a>(
    building: &'a StageBuild<'a>,
    copy: &Copy,
    add: Option<&Add>,
) -> Result<Files<'a>, Failure> {
    let instruction = match add {
        Some(_) => "ADD",
        None => "COPY",
    };
    let all = building.all_expanded(&copy.sources)?;
    let (sources, downloads) = match add {
        Some(add) => fetched(building, add, &all)?,
        None => (all.clone(), Vec::new()),
    };
    let unpack = match add {
        Some(add) if add.unpack != Some(false) => Some(building.scratch("unpack")?),
        _ => None,
    };
    let to = building.expanded(&copy.destination)?;
    let chown = copy.chown.as_deref().map(|text| building.expanded(text));
    let chown = chown.transpose()?;
    let chmod = copy.chmod.as_deref().map(|text| building.expanded(text));
    let chmod = chmod.transpose()?;
    let mode = chmod
        .as_deref()
        .map(str::parse::<ModeChange>)
        .transpose()
        .map_err(failure)?;
    let owner = match &chown {
        Some(text) => Some(owner(building, text)?),
        None => None,
    };
    let excludes = match copy.excludes.as_slice() {
        [] => None,
        patterns => {
            let patterns = building.all_expanded(patterns)?;
            Some(Ignore::of(&patterns).map_err(failure)?)
        }
    };
    let from = match &copy.from {
        _ if sources.is_empty() => From::Nothing,
        Some(from) => {
            let view = open(building, &building.source(from)?)?;
            let tree = Tree::of_view(&view).context(|| format!("open {from}"))?;
            From::Stage(tree)
        }
        None => From::Context(building.build.input.context()?.tree()),
    };
    let below = match copy.link {
        true => Vec::new(),
        false => building.layers()?,
    };
    let mut files = Files {
        written: heredocs(building, copy)?,
        options: CopyOptions {
            instruction,
            destination: Destination::new(&building.state.image.config.working_dir, &to),
            owner,
            mode,
            unpack,
        },
        downloads,
        unpack_downloads: add.is_some_and(|add| add.unpack == Some(true)),
        key: Digest::of(b""),
        text: text(
            instruction,
            copy,
            &all,
            &to,
            chown.as_deref(),
            chmod.as_deref(),
        ),
        building,
        from,
        sources,
        excludes,
        parents: copy.parents,
        below,
    };
    files.check_destination()?;
    files.key = files.digest(&to, chmod.as_deref())?;
    Ok(files)
}

/// The sources of the context, and those of URLs, downloaded.
fn fetched(
    building: &StageBuild<'_>,
    add: &Add,
    all: &[String],
) -> Result<(Vec<String>, Vec<Download>), Failure> {
    let checksum = match &add.checksum {
        Some(text) => {
            let text = building.expanded(text)?;
            let digest: Digest = text
                .parse()
                .map_err(|error| Failure::new(format!("invalid --checksum {text:?}: {error}")))?;
            Some(digest)
        }
        None => None,
    };
    let (mut sources, mut downloads) = (Vec::new(), Vec::new());
    for source in all {
        match SourceKind::of(source) {
            SourceKind::Local if checksum.is_some() => {
                return Err(Failure::new("checksum can't be specified for COPY"));
            }
            SourceKind::Local => sources.push(source.clone()),
            SourceKind::Git => {
                return Err(Failure::new(format!(
                    "ADD of a git repository is not supported: {source}"
                ))
                .hint("clone it into the context, or in a RUN"));
            }
            SourceKind::Http => {
                let directory = building.scratch("download")?;
                let client = building.build.engine.registry_client()?;
                let file = copy::download(&client, source, checksum.as_ref(), &directory);
                downloads.push(Download {
                    file: file.map_err(failure)?,
                    context: Context::directory(&directory).map_err(failure)?,
                });
            }
        }
    }
    Ok((sources, downloads))
}

/// As BuildKit writes it in the history.
fn text(
    instruction: &str,
    copy: &Copy,
    sources: &[String],
    to: &str,
    chown: Option<&str>,
    chmod: Option<&str>,
) -> String {
    let mut words = vec![instruction.to_owned()];
    if copy.link {
        words.push("--link".to_owned());
    }
    words.extend(chown.map(|chown| format!("--chown={chown}")));
    words.extend(chmod.map(|chmod| format!("--chmod={chmod}")));
    words.extend(sources.iter().cloned());
    words.extend(
        copy.heredocs
            .iter()
            .map(|heredoc| format!("<<{}", heredoc.name)),
    );
    words.push(to.to_owned());
    words.join(" ")
}

fn heredocs(building: &StageBuild<'_>, copy: &Copy) -> Result<Vec<(String, String)>, Failure> {
    let escape = building.build.escape;
    copy.heredocs
        .iter()
        .map(|heredoc| {
            let content = match heredoc.expand {
                true => {
                    let lookup = |name: &str| building.state.lookup(name);
                    expand_heredoc(&heredoc.content, escape, &lookup).map_err(failure)?
                }
                false => heredoc.content.clone(),
            };
            Ok((heredoc.name.clone(), content))
        })
        .collect()
}

/// The names are looked up in the image so far, with `--link` too.
fn owner(building: &StageBuild<'_>, text: &str) -> Result<Owner, Failure> {
    let layers = building.layers()?;
    if layers.is_empty() {
        let empty = building.scratch("empty")?;
        let view = View::open(&[empty], None).map_err(failure)?;
        return copy::resolve_owner(&view, text).map_err(failure);
    }
    copy::resolve_owner(&open(building, &layers)?, text).map_err(failure)
}

/// Layers to read.
fn open(building: &StageBuild<'_>, layers: &[Digest]) -> Result<View, Failure> {
    let mut trees = trees(building, layers)?;
    if trees.is_empty() {
        trees.push(building.scratch("empty")?);
    }
    View::open(&trees, None).map_err(failure)
}

fn trees(building: &StageBuild<'_>, layers: &[Digest]) -> Result<Vec<PathBuf>, Failure> {
    building
        .build
        .engine
        .images
        .layer_trees(layers)
        .map_err(failure)
}

impl Files<'_> {
    fn select<'t>(&'t self, tree: &'t Tree) -> Result<Selection<'t>, Failure> {
        let selected = tree
            .select(&SelectOptions {
                sources: &self.sources,
                excludes: self.excludes.as_ref(),
                parents: self.parents,
            })
            .map_err(|error| Failure::new(format!("failed to compute cache key: {error}")))?;
        Ok(selected)
    }

    /// What comes from several places cannot all have the destination's name.
    fn check_destination(&self) -> Result<(), Failure> {
        let local = usize::from(!self.sources.is_empty());
        let places = local + self.downloads.len() + self.written.len();
        if places > 1 && !self.options.destination.is_directory() {
            return Err(failure(CopyError::NeedsDirectory(self.options.instruction)));
        }
        Ok(())
    }

    fn digest(&self, to: &str, chmod: Option<&str>) -> Result<Digest, Failure> {
        let below: Vec<String> = self.below.iter().map(Digest::to_string).collect();
        let mut key = Key::new(self.options.instruction, &below);
        key.part("to", to);
        key.part("workdir", &self.building.state.image.config.working_dir);
        if let Some(Owner { uid, gid }) = self.options.owner {
            key.part("owner", format!("{uid}:{gid}"));
        }
        if let Some(chmod) = chmod {
            key.part("chmod", chmod);
        }
        key.part("parents", [u8::from(self.parents)]);
        for (name, content) in &self.written {
            key.list("heredoc", [name, content]);
        }
        key.part("unpack", [u8::from(self.options.unpack.is_some())]);
        for Download { file, .. } in &self.downloads {
            let unpack = self.unpack_downloads;
            let modified = file.modified;
            key.list("download", [&file.name, file.digest.as_str()]);
            key.part("download", format!("{modified} {unpack}"));
        }
        if let Some(tree) = self.from.tree() {
            let selection = self.select(tree)?;
            let digest = selection.checksum(self.options.owner.is_some());
            key.part("files", digest.map_err(failure)?.as_str());
        }
        if let Some(epoch) = self.building.build.request.epoch {
            key.part("epoch", epoch.to_le_bytes());
        }
        Ok(key.digest())
    }
}

impl LayerStep for Files<'_> {
    fn key(&self) -> Digest {
        self.key.clone()
    }

    fn text(&self) -> String {
        self.text.clone()
    }

    fn make(&self, _: &Step<'_>) -> Result<Option<Layer>, Failure> {
        let layer = write_layer(self.building, &self.below, |view| {
            if let Some(tree) = self.from.tree() {
                copy::apply(&self.select(tree)?, view, &self.options).map_err(failure)?;
            }
            for download in &self.downloads {
                self.add_download(download, view)?;
            }
            for (name, content) in &self.written {
                copy::write(name, content.as_bytes(), view, &self.options).map_err(failure)?;
            }
            Ok(true)
        })?;
        Ok(layer)
    }
}

impl Files<'_> {
    fn add_download(&self, download: &Download, view: &View) -> Result<(), Failure> {
        let sources = [download.file.name.clone()];
        let selection = download
            .context
            .tree()
            .select(&SelectOptions {
                sources: &sources,
                excludes: None,
                parents: false,
            })
            .map_err(failure)?;
        let mut options = self.options.clone();
        if !self.unpack_downloads {
            options.unpack = None;
        }
        copy::apply(&selection, view, &options).map_err(failure)
    }
}

/// What `write` writes over the layers becomes a layer, if it says that it wrote.
fn write_layer(
    building: &StageBuild<'_>,
    below: &[Digest],
    write: impl FnOnce(&View) -> Result<bool, Failure>,
) -> Result<Option<Layer>, Failure> {
    let (upper, work) = (building.scratch("upper")?, building.scratch("work")?);
    let trees = trees(building, below)?;
    let view = View::open(&trees, Some((&upper, &work))).map_err(failure)?;
    let wrote = write(&view)?;
    // The overlay must not look while its upper directory moves.
    drop(view);
    if !wrote {
        return Ok(None);
    }
    let build = building.build;
    build
        .engine
        .images
        .commit_tree(&upper, build.request.epoch)
        .map(Some)
        .map_err(failure)
}

/// A `WORKDIR`, ready.
pub struct Workdir<'a> {
    building: &'a StageBuild<'a>,
    path: String,
    owner: Owner,
    key: Digest,
}

/// The directory is made when it is not there, for the user so far.
pub fn workdir<'a>(building: &'a StageBuild<'a>, path: String) -> Result<Workdir<'a>, Failure> {
    let user = &building.state.image.config.user;
    let owner = match user.as_str() {
        "" => Owner { uid: 0, gid: 0 },
        user => owner(building, user)?,
    };
    let mut key = Key::new("WORKDIR", &building.state.image.rootfs.diff_ids);
    key.part("path", &path);
    key.part("owner", format!("{}:{}", owner.uid, owner.gid));
    if let Some(epoch) = building.build.request.epoch {
        key.part("epoch", epoch.to_le_bytes());
    }
    Ok(Workdir {
        key: key.digest(),
        building,
        path,
        owner,
    })
}

impl LayerStep for Workdir<'_> {
    fn key(&self) -> Digest {
        self.key.clone()
    }

    fn text(&self) -> String {
        format!("WORKDIR {}", self.path)
    }

    fn make(&self, _: &Step<'_>) -> Result<Option<Layer>, Failure> {
        let below = self.building.layers()?;
        write_layer(self.building, &below, |view| {
            copy::make_directory(view, &self.path, self.owner).map_err(failure)
        })
    }
}

/// A part of the context as a layer of its own, for a `RUN` that binds it: what `.dockerignore`
/// leaves out is not in it.
pub fn context_layer(building: &StageBuild<'_>, path: &str) -> Result<Digest, Failure> {
    let build = building.build;
    let tree = build.input.context()?.tree();
    let sources = [match path {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }];
    let selection = tree
        .select(&SelectOptions {
            sources: &sources,
            excludes: None,
            parents: true,
        })
        .map_err(failure)?;
    let mut key = Key::new("context", []);
    key.part(
        "files",
        selection.checksum(false).map_err(failure)?.as_str(),
    );
    let key = key.digest();
    if let Some(record) = build.engine.images.cache_get(&key)
        && let Some(layer) = record.diff_id.and_then(|text| text.parse().ok())
    {
        return Ok(layer);
    }
    let options = CopyOptions {
        instruction: "COPY",
        destination: Destination::new("/", "/"),
        owner: None,
        mode: None,
        unpack: None,
    };
    let layer = write_layer(building, &[], |view| {
        copy::apply(&selection, view, &options).map_err(failure)?;
        Ok(true)
    })?;
    let layer = layer.ok_or_else(|| Failure::new("the context became no layer"))?;
    let record = CacheRecord {
        diff_id: Some(layer.diff_id.to_string()),
        step: format!("[internal] load build context {path}"),
        created: clock::unix_nanos() / 1_000_000_000,
    };
    build
        .engine
        .images
        .cache_put(&key, &record)
        .context(|| "keep the context in the build cache".into())?;
    Ok(layer.diff_id)
}
