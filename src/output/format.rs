//! `--format`: tables with headers, JSON lines, or a template a row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json;
use super::table;
use super::template::{Methods, Options, Template, TemplateError};

/// What a command lists.
pub struct Listing {
    /// The table's template, without the word `table`.
    pub table: &'static str,
    /// Header of each field that a table can have.
    pub headers: &'static [(&'static str, &'static str)],
    /// Go's name of a row's type, for errors about unknown fields.
    pub type_name: &'static str,
}

/// One line of a list. Values are text, as Docker's are.
#[derive(Debug, Default)]
pub struct Row {
    fields: BTreeMap<&'static str, Value>,
    /// What templates can ask for beside Docker's fields, and JSON leaves out.
    extras: BTreeMap<&'static str, Value>,
    /// For `{{.Label "key"}}`; rows without labels have none.
    pub labels: BTreeMap<String, String>,
}

/// Why a list could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The text after `--format` is not a template.
    #[error("template parsing error: {0}")]
    Parse(TemplateError),
    /// It asks for what a row does not have.
    #[error("failed to execute template: {0}")]
    Execute(TemplateError),
}

impl Row {
    /// An empty row.
    pub fn new() -> Row {
        Row::default()
    }

    /// With one more field.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Row {
        self.fields.insert(name, value.into());
        self
    }

    /// With one more field that JSON leaves out.
    pub fn with_extra(mut self, name: &'static str, value: impl Into<Value>) -> Row {
        self.extras.insert(name, value.into());
        self
    }

    /// Docker's fields, as JSON has them.
    pub fn value(&self) -> Value {
        let fields: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        Value::Object(fields)
    }
}

/// Renders rows. `quiet` prints only ids, unless a template says otherwise.
pub fn render(
    listing: &Listing,
    format: Option<&str>,
    quiet: bool,
    rows: &[Row],
) -> Result<String, FormatError> {
    let format = match format {
        None | Some("" | "table") if quiet => "{{.ID}}".to_owned(),
        None | Some("" | "table") => format!("table {}", listing.table),
        Some("json") => return Ok(json_lines(rows)),
        Some(format) => format.to_owned(),
    };
    let (is_table, text) = match format.strip_prefix("table") {
        Some(rest) => (true, rest),
        None => (false, format.as_str()),
    };
    let text = text
        .trim_matches(' ')
        .replace("\\t", "\t")
        .replace("\\n", "\n");
    let template = Template::parse(&text).map_err(FormatError::Parse)?;
    let mut lines = String::new();
    for row in rows {
        let methods = RowMethods { row, listing };
        let options = Options {
            methods: Some(&methods),
            ..Options::default()
        };
        let line = template
            .execute(&row.value(), options)
            .map_err(FormatError::Execute)?;
        lines.push_str(&line);
        lines.push('\n');
    }
    if !is_table {
        return Ok(lines);
    }
    let headers: Map<String, Value> = listing
        .headers
        .iter()
        .map(|(name, header)| ((*name).to_owned(), Value::from(*header)))
        .collect();
    let options = Options {
        methods: Some(&HeaderMethods),
        header: true,
        ..Options::default()
    };
    let header = template
        .execute(&Value::Object(headers), options)
        .map_err(FormatError::Execute)?;
    Ok(table::align(&format!("{header}\n{lines}")))
}

fn json_lines(rows: &[Row]) -> String {
    rows.iter()
        .map(|row| json::compact_html(&row.value()) + "\n")
        .collect()
}

struct RowMethods<'a> {
    row: &'a Row,
    listing: &'a Listing,
}

impl Methods for RowMethods<'_> {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        match (name, arguments) {
            ("Label", [Value::String(key)]) => {
                let label = self.row.labels.get(key).cloned().unwrap_or_default();
                Some(Ok(Value::from(label)))
            }
            (name, []) => self.row.extras.get(name).cloned().map(Ok),
            _ => None,
        }
    }

    fn type_name(&self) -> &'static str {
        self.listing.type_name
    }
}

struct HeaderMethods;

impl Methods for HeaderMethods {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        match (name, arguments) {
            // The header of a label is the last part of its key.
            ("Label", [Value::String(key)]) => {
                let last = key.rsplit('.').next().unwrap_or_default();
                Some(Ok(Value::from(last.replace(['-', '_'], " "))))
            }
            (_, []) => Some(Ok(Value::Null)),
            _ => None,
        }
    }

    fn type_name(&self) -> &'static str {
        "formatter.SubHeaderContext"
    }
}

#[cfg(test)]
mod tests {
    use super::{Listing, Row, render};

    const LISTING: Listing = Listing {
        table: "{{.ID}}\\t{{.Name}}",
        headers: &[("ID", "NETWORK ID"), ("Name", "NAME"), ("Labels", "LABELS")],
        type_name: "*network.networkContext",
    };

    fn rows() -> Vec<Row> {
        let mut row = Row::new()
            .with("ID", "9d7faef75541")
            .with("Name", "<bridge>");
        row.labels.insert("com.x.my-app".into(), "web".into());
        vec![row]
    }

    fn text(format: Option<&str>, quiet: bool) -> String {
        render(&LISTING, format, quiet, &rows()).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn formats_are_dockers() {
        for (format, quiet, expected) in [
            (
                None,
                false,
                "NETWORK ID     NAME\n9d7faef75541   <bridge>\n",
            ),
            (None, true, "9d7faef75541\n"),
            (
                Some("table"),
                false,
                "NETWORK ID     NAME\n9d7faef75541   <bridge>\n",
            ),
            (
                Some("json"),
                false,
                "{\"ID\":\"9d7faef75541\",\"Name\":\"\\u003cbridge\\u003e\"}\n",
            ),
            (
                Some("{{json .}}"),
                false,
                "{\"ID\":\"9d7faef75541\",\"Name\":\"\\u003cbridge\\u003e\"}\n",
            ),
            (Some("{{.Name}}"), true, "<bridge>\n"),
            (
                Some("table {{.Name}}\\t{{upper .ID}}"),
                false,
                "NAME       NETWORK ID\n<bridge>   9D7FAEF75541\n",
            ),
            (
                Some("table {{.Label \"com.x.my-app\"}}\\t{{.ID}}"),
                false,
                "my app    NETWORK ID\nweb       9d7faef75541\n",
            ),
            (
                Some("{{.Bogus}}"),
                false,
                "failed to execute template: template: :1:2: executing \"\" at <.Bogus>: can't evaluate field Bogus in type *network.networkContext",
            ),
            (
                Some("{{.Name"),
                false,
                "template parsing error: template: :1: unclosed action",
            ),
        ] {
            assert_eq!(text(format, quiet), expected, "{format:?}");
        }
    }

    #[test]
    fn an_empty_table_is_its_header() {
        assert_eq!(
            render(&LISTING, None, false, &[]).unwrap(),
            "NETWORK ID   NAME\n"
        );
    }
}
