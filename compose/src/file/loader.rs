//! Files to one merged document; what all files of a project share while they are read.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::environment::Variables;
use super::error::LoadError;
use super::find::Source;
use super::interpolate::Expansions;
use super::merge::{self, Rule};
use super::node::Node;
use super::text::Files;
use super::{canonical, extends, include, paths, text, yaml};

/// Values a project may have, in all its files and whatever extends what.
const MOST_NODES: usize = 500_000;

/// Files it may read.
const MOST_FILES: usize = 500;

/// Shared by all files of a project.
pub struct Loader<'a> {
    /// Where files are read from.
    pub files: &'a dyn Files,
    /// Where errors are relative to.
    pub current: PathBuf,
    /// What variables become.
    pub expansions: Expansions,
    /// What the user should know.
    pub warnings: RefCell<Vec<String>>,
    /// Whether variables are filled in.
    fills: bool,
    nodes: Cell<usize>,
    opened: Cell<usize>,
}

/// Where the relative paths of a file start, and its variables.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Absolute.
    pub directory: PathBuf,
    /// By name.
    pub environment: Variables,
}

/// A document as it stands in its file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its tree.
    pub node: Node,
    /// The file.
    pub source: Source,
}

impl<'a> Loader<'a> {
    /// Nothing is read yet.
    pub fn new(current: &Path, files: &'a dyn Files, fills: bool) -> Loader<'a> {
        Loader {
            files,
            current: current.to_owned(),
            expansions: Expansions::default(),
            warnings: RefCell::default(),
            fills,
            nodes: Cell::new(0),
            opened: Cell::new(0),
        }
    }

    /// A file of the project by its path.
    pub fn source(&self, path: &Path) -> Source {
        Source {
            path: path.to_owned(),
            shown: paths::shown(path, &self.current),
        }
    }

    /// Takes from what a project may be.
    pub fn charge(&self, node: &Node) -> Result<(), LoadError> {
        self.nodes.set(self.nodes.get() + node.count());
        if self.nodes.get() > MOST_NODES {
            let text = format!("too large: the project has more than {MOST_NODES} values");
            return Err(LoadError::at(&node.at, "", text));
        }
        Ok(())
    }

    /// The documents of files, in order.
    pub fn read(&self, files: &[Source]) -> Result<Vec<Document>, LoadError> {
        let mut documents = Vec::new();
        for source in files {
            self.opened.set(self.opened.get() + 1);
            if self.opened.get() > MOST_FILES {
                let text = format!("the project has more than {MOST_FILES} files");
                return Err(LoadError::new(text));
            }
            let shown: Rc<str> = source.shown.as_str().into();
            let content = self
                .files
                .read(&source.path)
                .map_err(|error| LoadError::new(format!("open {shown}: {}", text::why(&error))))?;
            let nodes = yaml::documents(&content, &shown)?;
            let nodes: Vec<Node> = nodes.into_iter().filter(|node| !node.is_null()).collect();
            if nodes.is_empty() {
                return Err(LoadError::new(format!("{shown}: empty compose file")));
            }
            for node in nodes {
                if node.as_mapping().is_none() {
                    let text = "top-level object must be a mapping";
                    return Err(LoadError::at(&node.at, "", text));
                }
                self.charge(&node)?;
                documents.push(Document {
                    node,
                    source: source.clone(),
                });
            }
        }
        Ok(documents)
    }

    /// A document with its variables filled in and its short forms made long.
    pub fn canonical(&self, mut document: Document, scope: &Scope) -> Result<Document, LoadError> {
        if document.node.get("version").is_some() {
            self.warnings.borrow_mut().push(format!(
                "{}: the attribute `version` is obsolete, it will be ignored, please remove it to \
                 avoid potential confusion",
                document.source.shown
            ));
        }
        if self.fills {
            (self.expansions).node(&mut document.node, "", &scope.environment)?;
        }
        let base = canonical::Base {
            directory: &scope.directory,
            expansions: &self.expansions,
            filled: self.fills,
        };
        canonical::document(&mut document.node, &base)?;
        Ok(document)
    }

    /// Documents over one another, with what they extend and include.
    pub fn merged(&self, documents: Vec<Document>, scope: &Scope) -> Result<Node, LoadError> {
        self.merged_below(documents, scope, &[])
    }

    /// The same for files that others include; those are `outer`.
    pub fn merged_below(
        &self,
        documents: Vec<Document>,
        scope: &Scope,
        outer: &[PathBuf],
    ) -> Result<Node, LoadError> {
        let mut merged: Option<Node> = None;
        for document in documents {
            let mut document = self.canonical(document, scope)?;
            extends::resolve(self, &mut document, scope)?;
            include::resolve(self, &mut document, scope, outer)?;
            merged = Some(match merged {
                None => document.node,
                Some(earlier) => merge::merge(earlier, document.node, Rule::File),
            });
        }
        let mut merged = merged.ok_or_else(|| LoadError::new("empty compose file"))?;
        merge::without_reset(&mut merged);
        Ok(merged)
    }
}
