//! Go's text/template over JSON values: what `--format` and `inspect -f` take.
//!
//! ```text
//! text ──lexer──▶ tokens ──parser──▶ nodes (ast) ──exec + functions──▶ String
//! ```

mod access;
mod ast;
mod escape;
mod exec;
mod functions;
mod lexer;
mod parser;
mod pipeline;
mod printf;
mod quoted;
mod range;

use serde_json::Value;

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<ast::Node>,
}

/// Errors carry Go's text: `template: :1: unclosed action`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is not a template.
    #[error("template: :{line}: {message}")]
    Parse {
        /// Line, from 1.
        line: usize,
        /// Go's text.
        message: String,
    },
    /// The template does not fit the data.
    #[error("template: :{line}:{column}: executing \"\" at <{node}>: {message}")]
    Execute {
        /// Line, from 1.
        line: usize,
        /// Byte in the line, from 0.
        column: usize,
        /// The expression, cut to 20 characters.
        node: String,
        /// Go's text.
        message: String,
    },
}

/// What `{{.Name}}` finds beyond the data's own fields.
pub trait Methods {
    /// `{{.Label "k"}}`: `None` where there is no such method.
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>>;
    /// Go's name of the data's type, for errors about unknown fields.
    fn type_name(&self) -> &'static str;
}

/// How to run a template.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Methods of the root; with them an unknown field of it is "can't evaluate field".
    pub methods: Option<&'a dyn Methods>,
    /// A missing key of a map is an error, as in `inspect`; otherwise `<no value>`.
    pub strict: bool,
    /// `json`, `upper` and the like return their argument as it is: for table headers.
    pub header: bool,
}

impl Template {
    /// Parses a template's text.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let tokens = lexer::lex(text)?;
        Ok(Template {
            nodes: parser::parse(text, tokens)?,
        })
    }

    /// Runs it over `data`.
    pub fn execute(&self, data: &Value, options: Options<'_>) -> Result<String, TemplateError> {
        exec::run(&self.nodes, data, options)
    }
}

#[cfg(test)]
mod tests;
