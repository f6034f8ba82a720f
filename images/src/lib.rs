//! Images: their names, the store they are kept in, and their layers unpacked for overlayfs.
//!
//! This crate knows no process, and of the network only registries. What comes in (archives, manifests, names in them)
//! is hostile until checked; what is in the [`Store`] was checked.
//!
//! ```text
//!  tar ──import──▶ ┌───────────────┐
//!  tar ──load────▶ │ Store         │ ──get──▶ Image { config, layers: [dir, …] }
//!  tar ◀─save───── │ blobs, layers │ ──list, tag, remove
//!                  └───────────────┘
//! ```

pub mod archive;
mod change;
mod compression;
pub mod context;
pub mod copy;
mod digest;
pub mod dockerfile;
mod image;
mod layer;
mod platform;
mod reference;
mod registry;
mod store;
mod tar;
mod transfer;
mod upper;
mod view;

pub use self::tar::TarError;
pub use change::{Change, ChangeError};
pub use compression::Compression;
pub use digest::{Digest, DigestError};
pub use image::{Image, PlatformMismatch};
pub use layer::{IdRange, IdShift, NameProblem, PackError, PackProblem, UnpackError};
pub use platform::{Platform, PlatformSyntax};
pub use reference::{Reference, ReferenceError};
pub use registry::{
    BlobBody, Client, ClientOptions, Credential, CredentialError, Credentials, Download, Fetched,
    Login, NoCredentials, Refusal, RegistryError,
};
pub use store::check_image;
pub use store::{
    AddImageError, CacheEntry, CachePruned, CacheRecord, CacheUsage, CommitError, CommitOptions,
    ExportError, GetError, HistoryStep, Hold, ImageUsage, ImageUser, ImportError, ImportOptions,
    Layer, ListError, LoadError, Loaded, ManifestError, MissingLayer, OpenBlobError, OpenError,
    PrunedImages, PullError, Pulled, PushError, Pushed, ReadError, RemoveError, RemoveOptions,
    Removed, SaveError, SaveFormat, SnapshotError, Store, Swept, TagError, Usage, UsersNow,
    UsersUnknown, Workspace, WriteError,
};
pub use transfer::{Observer, Silent, Transfer};
pub use upper::{Difference, Upper, UpperError};
pub use view::{View, ViewError, ViewReadError};
