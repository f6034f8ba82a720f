//! What is written down of a container's volumes.

use super::DRIVER;
use crate::engine::Engine;
use crate::engine::event::{Event, Kind};
use crate::engine::record::Record;
use crate::engine::request::{MountKind, MountRequest};

/// A container that starts has its volumes mounted.
pub fn mounted(engine: &Engine, record: &Record) {
    each(engine, record, "mount", |event, mount| {
        event
            .with("destination", &mount.target)
            .with("propagation", &mount.propagation)
            .with("read/write", (!mount.read_only).to_string())
    });
}

/// One that has ended has them no more.
pub fn unmounted(engine: &Engine, record: &Record) {
    each(engine, record, "unmount", |event, _| event);
}

fn each(
    engine: &Engine,
    record: &Record,
    action: &str,
    more: impl Fn(Event, &MountRequest) -> Event,
) {
    for mount in &record.host.mounts {
        if mount.kind == MountKind::Volume {
            let event = Event::new(Kind::Volume, action, &mount.source)
                .with("container", &record.id)
                .with("driver", DRIVER);
            engine.happened(&more(event, mount));
        }
    }
}
