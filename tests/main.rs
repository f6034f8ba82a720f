//! Integration tests: the built binary on the real kernel, one file a user
//! story. Each test is a host of its own (see `harness::Host`).

mod harness;
