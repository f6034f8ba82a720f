//! Column alignment with the semantics of Go's text/tabwriter as Docker sets
//! it up: cells of at least 10, padded by 3 blanks, aligned left. A cell is
//! text that a tab ends, so the last text of a line is never padded, and a
//! column lasts only as long as neighbouring lines have a cell in it.

use std::ops::Range;

/// Narrowest cell of Docker's tables, blanks included.
const MIN_WIDTH: usize = 10;
/// Blanks after the widest text of a column.
const PADDING: usize = 3;

/// Aligns tab-separated lines.
pub fn align(text: &str) -> String {
    align_from(MIN_WIDTH, text)
}

/// The same with another narrowest cell, blanks included.
pub fn align_from(narrowest: usize, text: &str) -> String {
    let lines: Vec<Vec<&str>> = text
        .split('\n')
        .map(|line| line.split('\t').collect())
        .collect();
    let mut out = String::with_capacity(text.len() * 2);
    let mut widths = Vec::new();
    block(narrowest, &lines, 0..lines.len(), &mut widths, &mut out);
    out.pop();
    out
}

/// Writes a range of lines, whose first columns have the given widths.
fn block(
    narrowest: usize,
    lines: &[Vec<&str>],
    range: Range<usize>,
    widths: &mut Vec<usize>,
    out: &mut String,
) {
    let Range {
        start: from,
        end: to,
    } = range;
    let column = widths.len();
    let has_cell = |line: &Vec<&str>| line.len() > column + 1;
    let mut at = from;
    while at < to {
        if !has_cell(&lines[at]) {
            write_line(&lines[at], widths, out);
            at += 1;
            continue;
        }
        let end = lines[at..to]
            .iter()
            .position(|line| !has_cell(line))
            .map_or(to, |n| at + n);
        let width = lines[at..end]
            .iter()
            .map(|line| line[column].chars().count() + PADDING)
            .max()
            .unwrap_or_default()
            .max(narrowest);
        widths.push(width);
        block(narrowest, lines, at..end, widths, out);
        widths.pop();
        at = end;
    }
}

fn write_line(cells: &[&str], widths: &[usize], out: &mut String) {
    for (index, cell) in cells.iter().enumerate() {
        out.push_str(cell);
        if index + 1 < cells.len() {
            let width = widths.get(index).copied().unwrap_or_default();
            out.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(cell.chars().count()),
            ));
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn an_empty_list_is_its_header_padded_to_the_minimum() {
        assert_eq!(
            align("NETWORK ID\tNAME\tDRIVER\tSCOPE\n"),
            "NETWORK ID   NAME      DRIVER    SCOPE\n"
        );
    }

    #[test]
    fn the_widest_cell_sets_its_column() {
        assert_eq!(
            align("NETWORK ID\tNAME\tDRIVER\tSCOPE\n13b593fa3a8a\tbad name\tbridge\tlocal\n"),
            "NETWORK ID     NAME       DRIVER    SCOPE\n13b593fa3a8a   bad name   bridge    local\n"
        );
    }

    #[test]
    fn width_counts_characters_and_the_last_cell_is_not_padded() {
        assert_eq!(align("NAME\tX\nH4Ünï\tb\n"), "NAME      X\nH4Ünï     b\n");
    }

    #[test]
    fn a_column_ends_at_a_line_without_it() {
        assert_eq!(
            align("aaaaaaaaaaaa\tx\nnone\nb\ty\n"),
            "aaaaaaaaaaaa   x\nnone\nb         y\n"
        );
    }
}
