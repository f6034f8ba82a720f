//! Values for control files, and lists of them.

use super::CgroupError;

/// One value for one control file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// What it limits, for errors.
    pub(super) what: String,
    pub(super) file: String,
    pub(super) value: String,
    pub(super) absent: Absent,
    /// Whether a fresh group has this value anyway, so that only an update
    /// writes it.
    pub(super) initial: bool,
}

/// What it means that the kernel does not have a setting's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// The limit cannot be had.
    Refused,
    /// The value says what is so without the file, too.
    Fine,
    /// Another file limits the same (`what`); one of them has to be there.
    Alternative,
}

impl Setting {
    pub(super) fn new(what: &str, file: impl Into<String>, value: impl ToString) -> Setting {
        Setting {
            what: what.to_owned(),
            file: file.into(),
            value: value.to_string(),
            absent: Absent::Refused,
            initial: false,
        }
    }

    pub(super) fn absent(mut self, absent: Absent) -> Setting {
        self.absent = absent;
        self
    }

    pub(super) fn initial(mut self, initial: bool) -> Setting {
        self.initial = initial;
        self
    }
}

/// A list that is being made.
#[derive(Debug, Default)]
pub(super) struct Settings(pub(super) Vec<Setting>);

impl Settings {
    /// Sets `file` if there is a value.
    pub(super) fn set(&mut self, what: &str, file: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push(Setting::new(what, file, value));
        }
    }

    /// The same for text, of which an empty one is none.
    pub(super) fn text(&mut self, what: &str, file: &str, value: Option<&str>) {
        self.set(what, file, value.filter(|value| !value.is_empty()));
    }
}

/// The error for what the machine cannot do.
pub(super) fn unsupported(what: &str, why: impl Into<String>) -> CgroupError {
    CgroupError::Unsupported {
        what: what.to_owned(),
        why: why.into(),
    }
}
