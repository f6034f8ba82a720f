//! The formats of the accounting files, as pure functions: `None` for what is
//! not in the format.

use super::{IoEntry, IoOperation, Pressure, Stall};
use std::collections::BTreeMap;

/// Lines of `key value`.
pub(super) fn keyed(text: &str) -> Option<BTreeMap<String, u64>> {
    text.lines()
        .map(|line| {
            let (key, value) = line.split_once(' ')?;
            Some((key.to_owned(), value.trim().parse().ok()?))
        })
        .collect()
}

/// A number, or `max` for none.
pub(super) fn or_max(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "max" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

/// Numbers on one line.
pub(super) fn row(text: &str) -> Option<Vec<u64>> {
    text.split_whitespace()
        .map(|word| word.parse().ok())
        .collect()
}

/// `cpuacct.usage_all`: after a heading, a line for each CPU with its number,
/// user and system time.
pub(super) fn user_and_system(text: &str) -> Option<Vec<(u64, u64)>> {
    text.lines()
        .skip(1)
        .map(|line| match row(line)?.as_slice() {
            [_, user, system] => Some((*user, *system)),
            _ => None,
        })
        .collect()
}

/// A list of numbers with ranges: `0-2,7`.
pub(super) fn ranges(text: &str) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for range in text.trim().split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        // More than any kernel has CPUs.
        if last < first || last - first > 1 << 16 {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

/// v1: `8:0 Read 123` for each device and operation, or `8:0 123`, and a sum
/// over all devices, which is left out.
pub(super) fn io_v1(text: &str) -> Option<Vec<IoEntry>> {
    let mut entries = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (device, operation, value) = match words.as_slice() {
            ["Total", _] => continue,
            [device, value] => (*device, IoOperation::Total, *value),
            [device, operation, value] => (*device, self::operation(operation)?, *value),
            _ => return None,
        };
        let (major, minor) = self::device(device)?;
        entries.push(IoEntry {
            major,
            minor,
            operation,
            value: value.parse().ok()?,
        });
    }
    Some(entries)
}

/// v2: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`, as bytes and
/// operations. Keys of cost models and the like are left out.
pub(super) fn io_v2(text: &str) -> Option<(Vec<IoEntry>, Vec<IoEntry>)> {
    let (mut bytes, mut operations) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (major, minor) = device(words.next()?)?;
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            let (list, operation) = match key {
                "rbytes" => (&mut bytes, IoOperation::Read),
                "wbytes" => (&mut bytes, IoOperation::Write),
                "dbytes" => (&mut bytes, IoOperation::Discard),
                "rios" => (&mut operations, IoOperation::Read),
                "wios" => (&mut operations, IoOperation::Write),
                "dios" => (&mut operations, IoOperation::Discard),
                _ => continue,
            };
            list.push(IoEntry {
                major,
                minor,
                operation,
                value: value.parse().ok()?,
            });
        }
    }
    Some((bytes, operations))
}

fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn operation(name: &str) -> Option<IoOperation> {
    Some(match name {
        "Read" => IoOperation::Read,
        "Write" => IoOperation::Write,
        "Sync" => IoOperation::Sync,
        "Async" => IoOperation::Async,
        "Discard" => IoOperation::Discard,
        "Total" => IoOperation::Total,
        _ => return None,
    })
}

/// `some avg10=0.12 avg60=0.05 avg300=0.01 total=1234`, and the same for `full`.
pub(super) fn pressure(text: &str) -> Option<Pressure> {
    let mut pressure = Pressure::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let kind = words.next()?;
        let mut stall = Stall::default();
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            match key {
                "avg10" => stall.average_10s_percent = value.parse().ok()?,
                "avg60" => stall.average_60s_percent = value.parse().ok()?,
                "avg300" => stall.average_300s_percent = value.parse().ok()?,
                "total" => stall.total_us = value.parse().ok()?,
                _ => {}
            }
        }
        match kind {
            "some" => pressure.some = stall,
            "full" => pressure.full = Some(stall),
            _ => return None,
        }
    }
    Some(pressure)
}

/// Handles and objects of an RDMA device.
type RdmaNumbers = (Option<u32>, Option<u32>);

/// `mlx4_0 hca_handle=2 hca_object=max` for each device.
pub(super) fn rdma(text: &str) -> Option<BTreeMap<String, RdmaNumbers>> {
    text.lines()
        .map(|line| {
            let (device, words) = line.split_once(' ')?;
            let (mut handles, mut objects) = (None, None);
            for (key, value) in words.split_whitespace().filter_map(|w| w.split_once('=')) {
                let number = match value {
                    "max" => None,
                    value => Some(value.parse().ok()?),
                };
                match key {
                    "hca_handle" => handles = number,
                    "hca_object" => objects = number,
                    _ => {}
                }
            }
            Some((device.to_owned(), (handles, objects)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_lines_are_numbers_by_name() {
        let map = keyed("cache 12\ntotal_rss 7\n").unwrap();
        assert_eq!((map["cache"], map["total_rss"]), (12, 7));
        assert_eq!(keyed("cache\n"), None);
        assert_eq!(keyed("cache x\n"), None);
    }

    #[test]
    fn a_limit_is_a_number_or_none() {
        assert_eq!(or_max("max\n"), Some(None));
        assert_eq!(or_max("42\n"), Some(Some(42)));
        assert_eq!(or_max("\n"), None);
    }

    #[test]
    fn lists_have_ranges() {
        assert_eq!(ranges("0-2,7\n"), Some(vec![0, 1, 2, 7]));
        assert_eq!(ranges("\n"), Some(vec![]));
        assert_eq!(ranges("2-1"), None);
        assert_eq!(ranges("0-4294967295"), None);
    }

    #[test]
    fn cpu_time_is_a_line_a_cpu() {
        let text = "cpu user system\n0 5 6\n1 7 8\n";
        assert_eq!(user_and_system(text), Some(vec![(5, 6), (7, 8)]));
        assert_eq!(row("3 4 \n"), Some(vec![3, 4]));
        assert_eq!(user_and_system("cpu user system\n0 5\n"), None);
    }

    #[test]
    fn v1_counts_each_operation_of_each_device() {
        let text = "254:0 Read 10\n254:0 Discard 3\n254:0 Total 13\n8:16 9\nTotal 22\n";
        let found: Vec<_> = io_v1(text)
            .unwrap()
            .iter()
            .map(|one| {
                format!(
                    "{}:{} {} {}",
                    one.major, one.minor, one.operation, one.value
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "254:0 Read 10",
                "254:0 Discard 3",
                "254:0 Total 13",
                "8:16 Total 9"
            ]
        );
        assert_eq!(io_v1("8:0 Dance 1\n"), None);
    }

    #[test]
    fn v2_has_a_line_a_device() {
        let text = "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n8:16 \n";
        let (bytes, operations) = io_v2(text).unwrap();
        let values = |list: &[IoEntry]| {
            list.iter()
                .map(|one| (one.operation.to_string(), one.value))
                .collect::<Vec<_>>()
        };
        let expected = |read, write, discard| {
            vec![
                ("Read".to_owned(), read),
                ("Write".to_owned(), write),
                ("Discard".to_owned(), discard),
            ]
        };
        assert_eq!(values(&bytes), expected(1, 2, 5));
        assert_eq!(values(&operations), expected(3, 4, 6));
        assert_eq!(io_v2("8:0 rbytes=x\n"), None);
    }

    #[test]
    fn pressure_has_shares_and_a_total() {
        let text = "some avg10=1.50 avg60=0.25 avg300=0.00 total=1234\n\
                    full avg10=0.50 avg60=0.00 avg300=0.00 total=99\n";
        let found = pressure(text).unwrap();
        assert_eq!(found.some.average_10s_percent, 1.5);
        assert_eq!(found.some.average_60s_percent, 0.25);
        assert_eq!(found.some.total_us, 1234);
        assert_eq!(found.full.unwrap().total_us, 99);
        assert_eq!(pressure("none total=1\n"), None);
    }

    #[test]
    fn rdma_devices_have_two_numbers() {
        let found = rdma("mlx4_0 hca_handle=2 hca_object=max\n").unwrap();
        assert_eq!(found["mlx4_0"], (Some(2), None));
        assert_eq!(rdma("mlx4_0 hca_handle=x\n"), None);
    }
}
