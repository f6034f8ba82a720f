//! Sizes of huge pages, as control files name them: `2MB`, `1GB`.

/// One directory for each size, `hugepages-2048kB`.
const SIZES: &str = "/sys/kernel/mm/hugepages";

/// Those of this machine, smallest first.
pub(super) fn all() -> Vec<String> {
    let mut sizes: Vec<u64> = std::fs::read_dir(SIZES)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let kilobytes = name.to_str()?.strip_prefix("hugepages-")?;
            kilobytes.strip_suffix("kB")?.parse().ok()
        })
        .collect();
    sizes.sort_unstable();
    sizes.into_iter().map(name).collect()
}

/// The kernel's name for a size in kB.
fn name(kilobytes: u64) -> String {
    if kilobytes >= 1 << 20 {
        format!("{}GB", kilobytes >> 20)
    } else if kilobytes >= 1 << 10 {
        format!("{}MB", kilobytes >> 10)
    } else {
        format!("{kilobytes}KB")
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn sizes_have_the_kernels_names() {
        for (kilobytes, expected) in [(64, "64KB"), (2048, "2MB"), (1 << 20, "1GB")] {
            assert_eq!(name(kilobytes), expected);
        }
    }
}
