//! Capabilities: their names and numbers, the sets that options ask for, and
//! their application in the child.
//!
//! A capability that this process itself may not hand on (missing from its
//! bounding set, as in a virtual machine that withholds CAP_SYS_RESOURCE)
//! cannot be given to a container. Where it was only meant by `ALL` or
//! `--privileged` it is left out; where it was asked for by name it is refused.

mod apply;
mod names;
mod select;

pub use apply::{ApplyError, Sets, SetsError};
pub use names::{COUNT, by_number, canonical, name, number, parse};
pub use oci_spec::runtime::Capability;
pub use select::{CapabilityError, DEFAULT, Grant, available, process_sets, select};
