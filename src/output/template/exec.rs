//! Runs nodes over data.

use std::borrow::Cow;

use serde_json::Value;

use super::ast::{Branch, BranchKind, Command, Expr, ExprKind, Node, Pipe};
use super::{Options, TemplateError, functions};
use crate::output::go_text;

/// Longest piece of an expression that an error shows, characters.
const SHOWN: usize = 20;

/// Runs a template.
pub fn run(nodes: &[Node], data: &Value, options: Options<'_>) -> Result<String, TemplateError> {
    let mut state = State {
        options,
        root: data,
        variables: vec![(String::new(), Cow::Borrowed(data))],
        out: String::new(),
    };
    state.walk(nodes, data)?;
    Ok(state.out)
}

/// A template at work.
pub struct State<'a> {
    options: Options<'a>,
    root: &'a Value,
    pub(super) variables: Vec<(String, Cow<'a, Value>)>,
    out: String,
}

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
pub enum Flow {
    Next,
    Break,
    Continue,
}

/// What a step came to.
pub type Ran<T> = Result<T, TemplateError>;

impl State<'_> {
    pub(super) fn walk(&mut self, nodes: &[Node], dot: &Value) -> Ran<Flow> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        match &value {
                            Value::Null => self.out.push_str("<no value>"),
                            Value::String(text) => self.out.push_str(text),
                            value => self.out.push_str(&go_text::value(value)),
                        }
                    }
                }
                Node::Branch(branch) => {
                    let scope = self.variables.len();
                    let flow = self.branch(branch, dot)?;
                    self.variables.truncate(scope);
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn branch(&mut self, branch: &Branch, dot: &Value) -> Ran<Flow> {
        if branch.kind == BranchKind::Range {
            return self.range(branch, dot);
        }
        let value = self.pipe(&branch.pipe, dot)?;
        match (functions::truth(&value), branch.kind) {
            (true, BranchKind::With) => self.walk(&branch.body, &value),
            (true, _) => self.walk(&branch.body, dot),
            (false, _) => self.walk(&branch.otherwise, dot),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value, assign: bool) {
        if assign
            && let Some(variable) = self
                .variables
                .iter_mut()
                .rev()
                .find(|(other, _)| other == name)
        {
            variable.1 = Cow::Owned(value);
            return;
        }
        self.variables.push((name.to_owned(), Cow::Owned(value)));
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Ran<Value> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set(name, value.clone(), pipe.assign);
        }
        Ok(value)
    }

    pub(super) fn commands(&mut self, pipe: &Pipe, dot: &Value) -> Ran<Value> {
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or(Value::Null))
    }

    fn command(&mut self, command: &Command, dot: &Value, piped: Option<Value>) -> Ran<Value> {
        let Some((first, rest)) = command.words.split_first() else {
            return Ok(Value::Null);
        };
        if let ExprKind::Function(name) = &first.kind {
            return self.call(name, first, command, rest, dot, piped);
        }
        let given = rest.len() + usize::from(piped.is_some());
        if given == 0 {
            return self.value(first, dot);
        }
        if let ExprKind::Field(names) = &first.kind
            && let ([name], true) = (names.as_slice(), self.options.methods.is_some())
        {
            let mut arguments = self.arguments(rest, dot)?;
            arguments.extend(piped);
            if let Some(result) = self
                .options
                .methods
                .and_then(|methods| methods.call(name, &arguments))
            {
                return result.map_err(|message| {
                    failed(first, first, format!("error calling {name}: {message}"))
                });
            }
        }
        let message = match &first.kind {
            ExprKind::Field(names) => {
                // An unknown name is the better complaint.
                self.value(first, dot)?;
                let name = names.last().map_or("", String::as_str);
                format!("{name} has arguments but cannot be invoked as function")
            }
            _ => format!("can't give argument to non-function {first}"),
        };
        Err(failed(first, first, message))
    }

    fn arguments(&mut self, words: &[Expr], dot: &Value) -> Ran<Vec<Value>> {
        words.iter().map(|word| self.value(word, dot)).collect()
    }

    fn call(
        &mut self,
        name: &str,
        word: &Expr,
        command: &Command,
        rest: &[Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Ran<Value> {
        if name == "and" || name == "or" {
            let stop = name == "or";
            let mut value = None;
            for word in rest {
                let next = self.value(word, dot)?;
                let decided = functions::truth(&next) == stop;
                value = Some(next);
                if decided {
                    return Ok(value.unwrap_or(Value::Null));
                }
            }
            return match piped.or(value) {
                Some(value) => Ok(value),
                None => Err(failed(
                    word,
                    word,
                    format!("wrong number of args for {name}: want at least 1 got 0"),
                )),
            };
        }
        let mut arguments = self.arguments(rest, dot)?;
        arguments.extend(piped);
        let html = self.options.methods.is_some();
        functions::call(name, &arguments, self.options.header, html).map_err(|error| match error {
            functions::CallError::Count(message) => failed(word, word, message),
            functions::CallError::Failed(message) => {
                failed(word, command, format!("error calling {name}: {message}"))
            }
        })
    }

    fn value(&mut self, expr: &Expr, dot: &Value) -> Ran<Value> {
        match &expr.kind {
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Nil => Err(failed(expr, expr, "nil is not a command".to_owned())),
            ExprKind::Constant(value, _) => Ok(value.clone()),
            ExprKind::Function(name) => {
                let command = Command {
                    words: vec![expr.clone()],
                };
                self.call(name, expr, &command, &[], dot, None)
            }
            ExprKind::Field(names) => self.fields(expr, dot, names),
            ExprKind::Variable(name, names) => {
                let value = self.variables.iter().rev().find(|(other, _)| other == name);
                let value = value.map_or(&Value::Null, |(_, value)| value.as_ref());
                self.fields(expr, value, names)
            }
            ExprKind::Chain(inner, names) => {
                let value = self.value(inner, dot)?;
                if value.is_null() {
                    return Err(failed(
                        expr,
                        expr,
                        format!(
                            "nil pointer evaluating interface {{}}.{}",
                            names.first().map_or("", String::as_str)
                        ),
                    ));
                }
                self.fields(expr, &value, names)
            }
            ExprKind::Pipe(pipe) => self.pipe(pipe, dot),
        }
    }

    /// A list's row is asked for each of its fields: only what is found is copied.
    fn fields(&self, expr: &Expr, mut value: &Value, names: &[String]) -> Ran<Value> {
        for name in names {
            value = match value {
                Value::Object(fields) => match fields.get(name) {
                    Some(field) => field,
                    None => return self.missing(expr, value, name),
                },
                Value::Null if self.options.strict => {
                    return Err(failed(
                        expr,
                        expr,
                        format!("nil data; no entry for key {}", go_text::quote(name)),
                    ));
                }
                Value::Null => value,
                _ => {
                    return Err(failed(
                        expr,
                        expr,
                        format!("can't evaluate field {name} in type interface {{}}"),
                    ));
                }
            };
        }
        Ok(value.clone())
    }

    fn missing(&self, expr: &Expr, value: &Value, name: &str) -> Ran<Value> {
        if let Some(methods) = self.options.methods
            && value == self.root
        {
            if let Some(result) = methods.call(name, &[]) {
                return result.map_err(|message| failed(expr, expr, message));
            }
            return Err(failed(
                expr,
                expr,
                format!(
                    "can't evaluate field {name} in type {}",
                    methods.type_name()
                ),
            ));
        }
        if self.options.strict && !POINTERS.contains(&name) {
            return Err(failed(
                expr,
                expr,
                format!("map has no entry for key {}", go_text::quote(name)),
            ));
        }
        Ok(Value::Null)
    }
}

/// Fields that are nil where Docker's JSON leaves them out: `{{if .State.Health}}`.
const POINTERS: [&str; 2] = ["Health", "Healthcheck"];

/// An error at an expression.
pub fn failed(place: &Expr, shown: &impl std::fmt::Display, message: String) -> TemplateError {
    let mut node = shown.to_string();
    if node.chars().count() > SHOWN {
        node = node.chars().take(SHOWN).chain("...".chars()).collect();
    }
    TemplateError::Execute {
        line: place.line,
        column: place.column,
        node,
        message,
    }
}
