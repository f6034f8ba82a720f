//! A parsed template, and its text as errors show it.

use std::fmt;

use serde_json::Value;

use crate::output::go_text;

/// A piece of a template.
#[derive(Debug)]
pub enum Node {
    Text(String),
    Action(Pipe),
    Branch(Branch),
    Break,
    Continue,
}

/// Which of the three block actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchKind {
    If,
    Range,
    With,
}

/// `{{if}}`, `{{range}}` or `{{with}}` up to its `{{end}}`.
#[derive(Debug)]
pub struct Branch {
    pub kind: BranchKind,
    pub pipe: Pipe,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// Commands joined by `|`, and the variables that take the result.
#[derive(Debug, Clone)]
pub struct Pipe {
    /// Names without `$`.
    pub variables: Vec<String>,
    /// `=` instead of `:=`.
    pub assign: bool,
    pub commands: Vec<Command>,
}

/// A function or value and its arguments.
#[derive(Debug, Clone)]
pub struct Command {
    pub words: Vec<Expr>,
}

/// An operand and its place, for errors.
#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    Dot,
    Nil,
    /// A constant and its text in the template.
    Constant(Value, String),
    Function(String),
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`
    Variable(String, Vec<String>),
    /// `(…).A.B`
    Chain(Box<Expr>, Vec<String>),
    Pipe(Box<Pipe>),
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut fmt::Formatter<'_>, names: &[String]| {
            names.iter().try_for_each(|name| write!(f, ".{name}"))
        };
        match &self.kind {
            ExprKind::Dot => f.write_str("."),
            ExprKind::Nil => f.write_str("nil"),
            ExprKind::Constant(Value::String(text), _) => f.write_str(&go_text::quote(text)),
            ExprKind::Constant(_, text) => f.write_str(text),
            ExprKind::Function(name) => f.write_str(name),
            ExprKind::Field(names) => fields(f, names),
            ExprKind::Variable(name, names) => {
                write!(f, "${name}")?;
                fields(f, names)
            }
            ExprKind::Chain(inner, names) => {
                match inner.kind {
                    ExprKind::Pipe(_) => write!(f, "{inner}")?,
                    _ => write!(f, "({inner})")?,
                }
                fields(f, names)
            }
            ExprKind::Pipe(pipe) => write!(f, "({pipe})"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{word}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.variables.iter().enumerate() {
            write!(f, "{}${name}", if index > 0 { ", " } else { "" })?;
        }
        if !self.variables.is_empty() {
            f.write_str(if self.assign { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if index > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}
