//! Address pools and leases.
