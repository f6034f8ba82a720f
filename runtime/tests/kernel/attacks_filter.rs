//! The system call filter by its back doors.

use crate::support::{alpine, apart, attacker};

#[test]
fn other_call_tables_are_filtered_too() {
    let Some(image) = alpine("attacks_filter::other_call_tables") else {
        return;
    };
    apart("other_call_tables", || {
        attacker(&image, "call by other tables").withstands();
    });
}
