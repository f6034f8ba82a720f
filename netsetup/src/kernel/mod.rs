//! The kernel's side: netlink, nftables, namespaces, sysctl. Effects, no policy.
