//! The container's view of files: its root, what is mounted in it, devices and
//! what is hidden.
//!
//! Every path inside a root filesystem goes through [`in_root`] and becomes a
//! descriptor; mounts are made on descriptors, so that neither a symlink nor a
//! race in a hostile image leads outside.

pub(crate) mod bind;
pub(crate) mod cgroup_fs;
pub mod copy_up;
pub(crate) mod devices;
pub(crate) mod foreign;
pub mod idmap;
pub mod in_root;
pub(crate) mod masks;
pub(crate) mod mounts;
pub mod overlay;
pub(crate) mod pivot;
pub(crate) mod proc_mounts;
mod remount;
