//! Integration tests: the built binary on the real kernel, one file a user
//! story. Each test is a host of its own (see `harness::Host`).

mod attach_and_stdin;
mod bad_input_containers;
mod default_networks;
mod exec_into_a_container;
mod flask_apps;
mod harness;
mod links;
mod logs;
mod names_and_ids;
mod names_on_a_network;
mod port_forwarding;
mod ps_and_inspect;
mod run_and_exit_codes;
mod stop_kill_restart;
mod terminals;
mod two_web_servers;
