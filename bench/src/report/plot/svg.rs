//! What the pictures need of SVG.

use std::fmt::Write as _;

/// Pixels.
pub const WIDTH: f64 = 760.0;

/// Colours follow the reader's page. A picture inside a document sees only what the system prefers.
const STYLE: &str = "\
text{font:13px sans-serif;fill:#1f2328}\
.faint{fill:#59636e;font-size:12px}\
.title{font-weight:600}\
.grid{stroke:#d1d9e0;stroke-width:1}\
.whisker{stroke:#1f2328;stroke-width:1.5}\
.bar{fill:#9aa4af}.ours{fill:#2f6feb}\
.line{fill:none;stroke-width:2}\
@media(prefers-color-scheme:dark){\
text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#3d444d}.whisker{stroke:#e6edf3}\
.bar{fill:#656c76}.ours{fill:#58a6ff}}";

/// Where a text's place is in it.
#[derive(Clone, Copy)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A picture that grows.
pub struct Svg {
    height: f64,
    body: String,
}

impl Svg {
    /// With a title at its top.
    pub fn new(title: &str, height: f64) -> Self {
        let mut svg = Self {
            height,
            body: String::new(),
        };
        svg.text(8.0, 20.0, Anchor::Start, "title", &title.replace('`', ""));
        svg
    }

    /// One line of text.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
            escaped(text)
        );
    }

    /// A filled rectangle.
    pub fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             class=\"{class}\"/>"
        );
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = writeln!(
            self.body,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" class=\"{class}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// A line through points, with a dot on each where they are few.
    pub fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        let places: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" class=\"line\" stroke=\"{colour}\"/>",
            places.join(" ")
        );
        if points.len() <= 40 {
            for (x, y) in points {
                let _ = writeln!(
                    self.body,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>"
                );
            }
        }
    }

    /// The file.
    pub fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\">\n<style>{STYLE}</style>\n{body}</svg>\n",
            height = self.height,
            body = self.body
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_be_markup() {
        let mut svg = Svg::new("`a` & <b>", 10.0);
        svg.text(0.0, 0.0, Anchor::End, "faint", "x > 1");
        let file = svg.finish();
        assert!(file.contains(">a &amp; &lt;b&gt;</text>"));
        assert!(file.contains(">x &gt; 1</text>"));
    }
}
