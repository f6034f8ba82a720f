//! What the attacks do inside a container. [`act`] is started there by
//! [`crate::support::attacker`]; each attack panics when it succeeds.

mod cgroups;
mod escapes;
mod files;
mod filter;
mod keys;
mod raw;
mod user_namespace;

use crate::support::attack_of;

#[test]
#[ignore = "attacks from inside a container, started by other tests"]
fn act() {
    let Some(attack) = attack_of() else {
        return;
    };
    // The harness runs tests in threads, and some attacks take a process.
    raw::in_a_process(|| attempt(&attack));
}

fn attempt(attack: &str) {
    match attack {
        "write every kernel file" => files::write_every_one(),
        "read hidden kernel files" => files::read_hidden_ones(),
        "reach masks by other names" => files::reach_masks_by_other_names(),
        "undo the mounts" => escapes::undo_the_mounts(),
        "leave the root by chroot" => escapes::leave_the_root_by_chroot(),
        "open by handle" => escapes::open_by_handle(),
        "reach processes outside" => escapes::reach_processes_outside(),
        "enter namespaces of the host" => escapes::enter_namespaces_of_the_host(),
        "undo the mounts in a user namespace" => user_namespace::undo_the_mounts(),
        "become host root by release_agent" => cgroups::release_agent(),
        "leave the cgroup" => cgroups::leave(),
        "call by other tables" => filter::call_by_other_tables(),
        "use keyrings" => keys::filtered(),
        "find keys of the host" => keys::find_those_of_the_host(),
        attack => panic!("unknown attack {attack}"),
    }
}
