//! Published ports: the bound socket that reserves each and relays loopback traffic.
