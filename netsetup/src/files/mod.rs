//! Renders hosts, hostname and resolv.conf, and the network's hosts zone.
