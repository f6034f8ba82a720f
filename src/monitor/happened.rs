//! What a monitor writes down of its container, in Docker's order: networks before the start,
//! the death before the networks.

use super::start::Live;
use crate::engine::clock;
use crate::engine::event::{self, Event};
use crate::engine::volume;

impl Live {
    /// Something happened to the container.
    pub(super) fn happened(&self, action: &str, attributes: &[(&str, &str)]) {
        event::of_container(&self.engine.dirs, action, &self.record, attributes);
    }

    /// Its process runs.
    pub(super) fn has_started(&self) {
        self.attachments("connect");
        volume::happened::mounted(&self.engine, &self.record);
        self.happened("start", &[]);
    }

    /// Its process has ended.
    pub(super) fn has_died(&self, code: i32, oom_killed: bool) {
        if oom_killed {
            self.happened("oom", &[]);
        }
        let started = clock::parse_nanos(&self.started_at).unwrap_or_default();
        let seconds = (clock::unix_nanos() - started).max(0) / 1_000_000_000;
        self.happened(
            "die",
            &[
                ("exitCode", &code.to_string()),
                ("execDuration", &seconds.to_string()),
            ],
        );
    }

    /// It was sent a signal.
    pub(super) fn was_signalled(&self, signal: i32) {
        self.happened("kill", &[("signal", &signal.to_string())]);
    }

    /// Its terminal has another size.
    pub(super) fn was_resized(&self, rows: u16, columns: u16) {
        let (rows, columns) = (rows.to_string(), columns.to_string());
        self.happened("resize", &[("height", &rows), ("width", &columns)]);
    }

    /// Its networks are what they were before it started.
    pub(super) fn has_left(&self) {
        self.attachments("disconnect");
        volume::happened::unmounted(&self.engine, &self.record);
    }

    fn attachments(&self, action: &str) {
        if self.record.build.is_some() {
            return;
        }
        for network in self.network.networks() {
            let event = Event::attachment(action, network, &self.record.id);
            self.engine.happened(&event);
        }
    }
}
