//! Integration tests: the built binary on the real kernel, one file a user
//! story. Each test is a host of its own (see `harness::Host`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking, and is documented by its name"
)]

mod addresses;
mod adopted_namespace;
mod attach_and_stdin;
mod attacks;
mod bad_input_attachments;
mod bad_input_builds;
mod bad_input_containers;
mod bad_input_names;
mod bad_input_networks;
mod bad_input_ports;
mod beside_docker;
mod beside_firewalld;
mod beside_podman;
mod beside_ufw;
mod build;
mod build_cache;
mod build_context;
mod build_copy;
mod build_killed;
mod build_mounts;
mod build_output;
mod build_run;
mod build_stages;
mod capture;
mod client_killed;
mod commit;
mod completion;
mod container_files;
mod container_inspect_network;
mod damaged_state;
mod default_networks;
mod diff_and_export;
mod dry_run;
mod events;
mod exec_into_a_container;
mod explain;
mod first_process;
mod flask_apps;
mod gateway_modes;
mod graph;
mod harness;
mod health;
mod hostile_builds;
mod hostile_images;
mod image_commands;
mod images;
mod images_killed;
mod internal_networks;
mod ipv6;
mod isolated_networks;
mod isolation;
mod leak_check;
mod limits;
mod links;
mod logs;
mod macvlan;
mod many_at_once;
mod monitor_killed;
mod mounts_given;
mod names_and_ids;
mod names_on_a_network;
mod network_commands;
mod network_connect;
mod network_inspect;
mod oci_console;
mod oci_exec;
mod oci_failures;
mod oci_flags;
mod oci_kill;
mod oci_lifecycle;
mod oci_limits;
mod oci_output;
mod oci_run;
mod oci_with_docker;
mod oci_with_podman;
mod own_binary;
mod packet_path;
mod pause_and_top;
mod port_forwarding;
mod ports_in_use;
mod privileges;
mod ps_and_inspect;
mod published_port_forms;
mod published_port_paths;
mod pull;
mod pull_broken;
mod pull_forms;
mod push;
mod races;
mod registry_login;
mod registry_peers;
mod reload;
mod resolver;
mod resolver_attacked;
mod run_and_exit_codes;
mod scale;
mod several_networks;
mod shared_namespaces;
mod shared_network_namespace;
mod stop_kill_restart;
mod system_df_and_prune;
mod terminals;
mod two_web_servers;
mod user_id_ranges;
mod user_namespaces;
mod users_and_environment;
mod work_in_user_namespaces;
