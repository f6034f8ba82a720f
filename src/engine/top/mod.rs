//! `top`: a container's processes, as ps(1) shows them, read from /proc.
//!
//! Docker runs the host's `ps` and drops the lines of other processes. Here the container's cgroup
//! says which processes there are, so that nothing has to be installed, and nothing else is read.
//!
//! ```text
//! words of ps ──options──▶ columns ─┐
//! cgroup ──▶ pids ──process──▶ /proc/<pid> ──column──▶ table
//! ```

mod column;
mod format;
mod options;
mod process;

use rbox_runtime::cgroup::Cgroup;

use super::failure::{Context, Failure};
use super::{Engine, containers, event};
use column::Machine;
use process::Process;

/// Titles, and a row a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessTable {
    /// As `ps` has them.
    pub titles: Vec<String>,
    /// Cells in the order of the titles; by pid, which is the host's.
    pub rows: Vec<Vec<String>>,
}

impl Engine {
    /// The processes of a running container; `options` are those of ps.
    pub fn top(&self, name: &str, options: &[String]) -> Result<ProcessTable, Failure> {
        let columns = options::columns(options)?;
        let container = containers::find(&self.dirs, name)?;
        let run = container.running()?;
        let id = &container.record.id;
        let cgroup = Cgroup::open(&run.cgroup).context(|| format!("open the cgroup of {id}"))?;
        let machine = Machine::look()?;
        let rows = cgroup
            .processes()
            .into_iter()
            // One that has ended meanwhile is none.
            .filter_map(Process::read)
            .map(|process| {
                let cell = |column: &column::Column| (column.cell)(&process, &machine);
                columns.iter().map(|(_, column)| cell(column)).collect()
            })
            .collect();
        event::of_container(&self.dirs, "top", &container.record, &[]);
        Ok(ProcessTable {
            titles: columns.into_iter().map(|(title, _)| title).collect(),
            rows,
        })
    }
}
