//! Settings, triggers and secrets of the kernel in /proc and /sys.

use crate::support::{alpine, apart, attacker};

#[test]
fn no_file_of_the_kernel_can_be_written() {
    let Some(image) = alpine("attacks_kernel_files::no_file_of_the_kernel") else {
        return;
    };
    apart("no_file_of_the_kernel", || {
        attacker(&image, "write every kernel file").withstands();
    });
}

#[test]
fn what_is_masked_reads_as_nothing() {
    let Some(image) = alpine("attacks_kernel_files::what_is_masked") else {
        return;
    };
    apart("what_is_masked", || {
        attacker(&image, "read hidden kernel files").withstands();
    });
}

#[test]
fn masks_and_protection_hold_by_every_name() {
    let Some(image) = alpine("attacks_kernel_files::masks_and_protection") else {
        return;
    };
    apart("masks_and_protection", || {
        attacker(&image, "reach masks by other names").withstands();
    });
}
