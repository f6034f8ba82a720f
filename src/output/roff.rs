//! Manual pages in the macros of man(7).

/// One page.
pub struct Page {
    text: String,
}

impl Page {
    /// A page of section 1 with its NAME; `version` goes into the footer.
    pub fn new(name: &str, version: &str, about: &str) -> Page {
        let title = escape(&name.to_uppercase());
        Page {
            text: format!(
                ".TH {title} 1 \"\" \"{}\" \"rbox manual\"\n.SH NAME\n{} \\- {}\n",
                escape(version),
                escape(name),
                escape(about)
            ),
        }
    }

    /// A heading.
    pub fn section(&mut self, title: &str) {
        self.text
            .push_str(&format!(".SH {}\n", title.to_uppercase()));
    }

    /// A command line: its name in bold.
    pub fn synopsis(&mut self, name: &str, rest: &str) {
        self.text
            .push_str(&format!(".B {}\n{}\n", escape(name), line(rest)));
    }

    /// A line of text.
    pub fn text(&mut self, text: &str) {
        self.text.push_str(&format!("{}\n", line(text)));
    }

    /// A term, of which `bold` stands out, and what it means.
    pub fn term(&mut self, bold: &str, rest: &str, about: &str) {
        let rest = match rest {
            "" => String::new(),
            rest => format!(" \\fI{}\\fR", escape(rest)),
        };
        self.text.push_str(&format!(
            ".TP\n\\fB{}\\fR{rest}\n{}\n",
            escape(bold),
            line(about)
        ));
    }

    /// Lines as they are.
    pub fn literal(&mut self, lines: &str) {
        self.text.push_str(".nf\n");
        for text in lines.lines() {
            self.text.push_str(&line(text));
            self.text.push('\n');
        }
        self.text.push_str(".fi\n");
    }

    /// Other pages of section 1.
    pub fn see_also(&mut self, names: &[String]) {
        self.section("see also");
        let names: Vec<String> = names
            .iter()
            .map(|name| format!("\\fB{}\\fR(1)", escape(name)))
            .collect();
        self.text.push_str(&names.join(",\n"));
        self.text.push('\n');
    }

    /// The page.
    pub fn finish(self) -> String {
        self.text
    }
}

/// A page that shows another one.
pub fn alias(of: &str) -> String {
    format!(".so man1/{of}.1\n")
}

/// A line of text, which is no request whatever it begins with.
fn line(text: &str) -> String {
    let text = escape(text);
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            '"' => escaped.push_str("\\(dq"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Page, alias};

    #[test]
    fn text_is_no_request_and_keeps_its_dashes() {
        let mut page = Page::new("rbox-run", "rbox 1", "Run it");
        page.section("options");
        page.term("-f, --file", "string", ".dotted 'text' \\n");
        page.literal(".x\n-y");
        assert_eq!(
            page.finish(),
            ".TH RBOX\\-RUN 1 \"\" \"rbox 1\" \"rbox manual\"\n.SH NAME\nrbox\\-run \\- Run it\n\
             .SH OPTIONS\n.TP\n\\fB\\-f, \\-\\-file\\fR \\fIstring\\fR\n\
             \\&.dotted \\(aqtext\\(aq \\en\n.nf\n\\&.x\n\\-y\n.fi\n"
        );
        assert_eq!(alias("rbox-run"), ".so man1/rbox-run.1\n");
    }
}
