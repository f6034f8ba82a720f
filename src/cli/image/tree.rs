//! `images --tree`.

use rbox_images::ImageUsage;

use crate::output::units;

/// Shown on stderr before the tree, as Docker does.
pub const WARNING: &str = "WARNING: This is an experimental feature. The output may change and \
                           shouldn't be depended on.";

const HEADERS: [&str; 5] = ["IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "USED"];
/// Of the columns after the first.
const WIDTHS: [usize; 4] = [12, 10, 12, 4];
const SPACING: &str = "   ";

/// Each image with its names, and below it what it was built for.
pub fn render(images: &[&ImageUsage]) -> String {
    let names = images.iter().flat_map(|usage| {
        let platform = format!("└─ {}", usage.image.platform());
        usage.image.references.iter().cloned().chain([platform])
    });
    let width = names
        .map(|name| name.chars().count())
        .chain([HEADERS[0].len()])
        .max()
        .unwrap_or_default();
    let mut text = line(width, HEADERS[0], &HEADERS[1..]);
    for (index, usage) in images.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let untagged = ["<untagged>".to_owned()];
        let names = match usage.image.references.as_slice() {
            [] => &untagged[..],
            names => names,
        };
        let (last, others) = match names.split_last() {
            Some(split) => split,
            None => continue,
        };
        for name in others {
            text.push_str(name);
            text.push('\n');
        }
        text.push_str(&line(width, last, &details(&usage.image.id, usage)));
        let platform = format!("└─ {}", usage.image.platform());
        let id = &usage.image.manifest_digest;
        text.push_str(&line(width, &platform, &details(id, usage)));
    }
    text
}

fn details(id: &str, usage: &ImageUsage) -> [String; 4] {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    let used = if usage.containers > 0 { "✔" } else { "" };
    [
        hex.get(..12).unwrap_or(hex).to_owned(),
        units::size(usage.size, 3),
        units::size(usage.content, 3),
        used.to_owned(),
    ]
}

/// The name and the id are aligned left, sizes right, the mark in the middle.
fn line(width: usize, name: &str, cells: &[impl AsRef<str>]) -> String {
    let mut text = format!("{name:<width$}");
    for (index, (cell, width)) in cells.iter().zip(WIDTHS).enumerate() {
        let cell = cell.as_ref();
        text.push_str(SPACING);
        text.push_str(&match index {
            0 => format!("{cell:<width$}"),
            3 => format!("{cell:^width$}"),
            _ => format!("{cell:>width$}"),
        });
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
