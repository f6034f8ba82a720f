//! Shapes and texts of an SVG file. All text goes through [`escaped`].
//!
//! XML 1.0, section 2.2 (characters) and 2.4 (markup).

use std::fmt::Write;

use crate::graph::label::fit;

/// Plain rules, the dark ones last: renderers without media queries or variables draw it light.
const STYLE: &str = "
  text { font: 14px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2933; }
  .title { font-weight: 600; }
  .mono { font: 12.5px ui-monospace, 'DejaVu Sans Mono', monospace; }
  .badge { font-size: 12px; fill: #6b7785; text-anchor: end; }
  .end { text-anchor: end; }
  .port { fill: #8a5a00; }
  .state, .cross { font-size: 12px; fill: #c0392b; }
  .page { fill: #fbfbf9; }
  .host, .panel { fill: #ffffff; stroke: #d5dae0; }
  .bridge { fill: #dcebf6; stroke: #2f6f9f; }
  .container { fill: #eef6ee; stroke: #7fb285; }
  rect.end { fill: #f2f4f7; stroke: #b6bec8; }
  line { stroke: #6b7785; stroke-width: 2; }
  .trunk { stroke-width: 3; }
  .cut { stroke-dasharray: 3 5; }
  rect.missing { fill: none; stroke: #c0392b; stroke-dasharray: 5 4; }
  line.missing { stroke: #c0392b; stroke-dasharray: 4 4; }
  .down { stroke-dasharray: 2 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e9ec; }
    .badge { fill: #98a3af; }
    .port { fill: #e0b057; }
    .state, .cross { fill: #ff7a6b; }
    .page { fill: #14181d; }
    .host, .panel { fill: #1b2128; stroke: #333c46; }
    .bridge { fill: #17324a; stroke: #4b8fc0; }
    .container { fill: #1d2b20; stroke: #4d7d54; }
    rect.end { fill: #242c35; stroke: #46525e; }
    line { stroke: #98a3af; }
    rect.missing { fill: none; stroke: #ff7a6b; }
    line.missing { stroke: #ff7a6b; }
  }
";

/// What has been drawn so far.
#[derive(Default)]
pub(super) struct Page {
    under: String,
    shapes: String,
}

impl Page {
    /// A rounded rectangle.
    pub fn rect(&mut self, class: &str, x: i32, y: i32, width: i32, height: i32) {
        let _ = writeln!(
            self.shapes,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             rx=\"6\"/>"
        );
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, x1: i32, y1: i32, x2: i32, y2: i32) {
        let _ = writeln!(
            self.shapes,
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        );
    }

    /// A text of at most `columns` characters; what is longer appears whole as its tip.
    pub fn text(&mut self, class: &str, x: i32, y: i32, columns: usize, text: &str) {
        let short = fit(text, columns);
        let tip = if short == text {
            String::new()
        } else {
            format!("<title>{}</title>", escaped(text))
        };
        let _ = writeln!(
            self.shapes,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}{tip}</text>",
            escaped(&short)
        );
    }

    /// Something below all shapes.
    pub fn under(&mut self, shape: &str) {
        self.under.push_str(shape);
        self.under.push('\n');
    }

    /// The file.
    pub fn finish(self, width: i32, height: i32) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>rbox networks</title>\n\
             <style>{STYLE}</style>\n\
             <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n{}{}</svg>\n",
            self.under, self.shapes
        )
    }
}

/// Text that is no markup; characters that XML does not allow are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
