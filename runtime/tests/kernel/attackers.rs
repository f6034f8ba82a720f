//! What the attacks do inside a container. [`act`] is started there by
//! [`crate::support::attacker`]; each attack panics when it succeeds.

mod binary;
mod cgroups;
mod escapes;
mod files;
mod filter;
mod keys;
mod privileges;
mod raw;
mod sharing;
mod user_namespace;
mod visitors;

use crate::support::attack_of;

#[test]
#[ignore = "attacks from inside a container, started by other tests"]
fn act() {
    let Some(attack) = attack_of() else {
        return;
    };
    if attack == "overwrite what started us" {
        // The program rests only when no process of it is left.
        return binary::overwrite_what_started_us();
    }
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
        "become root by a setuid file" => privileges::setuid(),
        "read what the group may not" => privileges::read_what_the_group_may_not(),
        "gain capabilities by a file" => privileges::file_capabilities(),
        "watch who enters" => visitors::watch(),
        "leave something in shared memory" => sharing::leave(),
        "find something in shared memory" => sharing::find(),
        "type into standard input" => sharing::type_into_standard_input(),
        "start a container" => binary::start_a_container(),
        attack => panic!("unknown attack {attack}"),
    }
}
