//! Containers on the real kernel.
//!
//! Each test runs in a forked process of its own (the runtime's callers are
//! single-threaded, test threads are not) with its own mount and network
//! namespaces, and ends with a check that nothing is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the lints spare test functions, not what they share"
)]

mod attackers;
mod attacks_binary;

mod attacks_descriptors;
mod attacks_devices;
mod attacks_entering;
mod attacks_escapes;
mod attacks_filter;
mod attacks_hooks;
mod attacks_isolation;
mod attacks_kernel_files;
mod attacks_keyrings;
mod attacks_privileges;
mod attacks_proc_mounts;
mod attacks_procfs;
mod attacks_races;

mod binds;
mod copy_up;
mod devices;
mod documented;
mod entering;
mod failures;
mod filter_actions;
mod hooks;
mod hostile;
mod id_mapped;
mod id_mapped_containers;
mod isolation;
mod joined;
mod labels;
mod leftovers;
mod lifecycle;
mod limits;
mod mount_kinds;
mod mount_words;
mod mounts;
mod notify;
mod programs;
mod scheduling;
mod shared_with_the_host;
mod support;
mod terminal;
mod time_namespace;
mod user_namespaces;
mod users;
