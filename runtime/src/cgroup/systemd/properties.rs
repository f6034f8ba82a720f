//! Limits as properties of a unit (systemd.resource-control(5)).
//!
//! They are also written to the control files, all of them. systemd has to know
//! those that it writes itself, as it does so again whenever it likes: at a
//! reload of its configuration, for instance.

mod devices;
mod limits;

#[cfg(test)]
mod tests;

pub(super) use devices::of_devices;
pub(super) use limits::of_limits;

use rbox_dbus::Writer;

/// A property of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) value: Value,
}

/// The types of values that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Boolean(bool),
    Number(u64),
    /// Processes.
    Numbers(Vec<u32>),
    /// A bitmap.
    Bytes(Vec<u8>),
    /// Devices and their access.
    Pairs(Vec<(String, String)>),
}

impl Value {
    /// As a variant.
    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Text(text) => {
                writer.signature("s");
                writer.string(text);
            }
            Self::Boolean(value) => {
                writer.signature("b");
                writer.boolean(*value);
            }
            Self::Number(number) => {
                writer.signature("t");
                writer.u64(*number);
            }
            Self::Numbers(numbers) => {
                writer.signature("au");
                writer.array(4, |array| numbers.iter().for_each(|one| array.u32(*one)));
            }
            Self::Bytes(bytes) => {
                writer.signature("ay");
                writer.bytes(bytes);
            }
            Self::Pairs(pairs) => {
                writer.signature("a(ss)");
                writer.array(8, |array| {
                    for (first, second) in pairs {
                        array.structure(|one| {
                            one.string(first);
                            one.string(second);
                        });
                    }
                });
            }
        }
    }
}

fn property(name: &'static str, value: Value) -> Property {
    Property { name, value }
}

/// Those of every container's scope.
pub(super) fn of_scope(slice: &str, id: &str, pid: u32) -> Vec<Property> {
    let mut all = vec![
        property("Description", Value::Text(format!("rbox container {id}"))),
        property("Slice", Value::Text(slice.to_owned())),
        property("PIDs", Value::Numbers(vec![pid])),
        // The groups inside and their files are ours.
        property("Delegate", Value::Boolean(true)),
        // Not stopped before the mounts that a container may use.
        property("DefaultDependencies", Value::Boolean(false)),
    ];
    for accounting in [
        "CPUAccounting",
        "MemoryAccounting",
        "IOAccounting",
        "TasksAccounting",
    ] {
        all.push(property(accounting, Value::Boolean(true)));
    }
    all
}
