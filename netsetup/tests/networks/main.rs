//! Networks on the running kernel. Each test has a network and a mount namespace of its own
//! thread, so that nothing of it touches the machine.

mod attach;
mod crossing;
mod live;
mod place;
mod recover;
mod store;
