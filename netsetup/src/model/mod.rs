//! What users ask for and what the records say: pure data and its grammar.

pub mod attachment;
pub mod endpoint;
pub mod endpoint_rules;
pub mod endpoint_sysctl;
pub mod mac;
pub mod macvlan_options;
pub mod natural_order;
pub mod network;
pub mod network_options;
pub mod network_request;
pub mod port;
pub mod port_display;
pub mod port_grammar;
pub mod printable;
pub mod sandbox;
pub mod strconv;
