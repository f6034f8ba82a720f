//! What is inside an action: variables, commands, operands.

use serde_json::Value;

use super::ast::{Command, Expr, ExprKind, Pipe};
use super::functions;
use super::lexer::{Kind, column_of, line_of};
use super::parser::{Parsed, Parser, is_keyword};
use crate::output::go_text;

impl Parser<'_> {
    /// `$x := a b | c`, up to and with `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: &Kind) -> Parsed<Pipe> {
        let mut pipe = Pipe {
            variables: Vec::new(),
            assign: false,
            commands: Vec::new(),
        };
        self.skip_space();
        self.declarations(&mut pipe, context)?;
        loop {
            self.skip_space();
            let word = self.peek().clone();
            if word == *end {
                if pipe.commands.is_empty() {
                    return Err(self.error(format!("missing value for {context}")));
                }
                self.next += 1;
                return Ok(pipe);
            }
            match word {
                Kind::Pipe => return Err(self.error("missing value for command")),
                Kind::Close | Kind::RightParen | Kind::End => return Err(self.unexpected(context)),
                _ => {}
            }
            let command = self.command(context)?;
            if let (Some(first), false) = (command.words.first(), pipe.commands.is_empty()) {
                let callable = matches!(
                    first.kind,
                    ExprKind::Function(_)
                        | ExprKind::Field(_)
                        | ExprKind::Variable(..)
                        | ExprKind::Chain(..)
                        | ExprKind::Pipe(_)
                        | ExprKind::Dot
                );
                if !callable {
                    return Err(self.error(format!(
                        "non executable command in pipeline stage {}",
                        pipe.commands.len() + 1
                    )));
                }
            }
            pipe.commands.push(command);
            self.skip_space();
            if *self.peek() == Kind::Pipe {
                self.next += 1;
                self.skip_space();
                if *self.peek() == *end {
                    return Err(self.error("missing value for command"));
                }
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        let start = self.next;
        let mut names = Vec::new();
        while let Kind::Variable(name) = self.peek().clone() {
            self.next += 1;
            self.skip_space();
            names.push(name);
            match self.peek() {
                Kind::Declare => {
                    self.next += 1;
                    self.variables.extend(names.iter().cloned());
                    pipe.variables = names;
                    return Ok(());
                }
                Kind::Assign => {
                    if let Some(name) = names.iter().find(|name| !self.variables.contains(name)) {
                        return Err(self.error(format!("undefined variable \"${name}\"")));
                    }
                    self.next += 1;
                    pipe.assign = true;
                    pipe.variables = names;
                    return Ok(());
                }
                Kind::Comma if context == "range" && names.len() < 2 => {
                    self.next += 1;
                    self.skip_space();
                }
                _ => break,
            }
        }
        self.next = start;
        Ok(())
    }

    fn command(&mut self, context: &str) -> Parsed<Command> {
        let mut words = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Kind::Pipe | Kind::Close | Kind::RightParen | Kind::End => break,
                _ => words.push(self.operand(context)?),
            }
            if !matches!(
                self.peek(),
                Kind::Space | Kind::Pipe | Kind::Close | Kind::RightParen
            ) {
                return Err(self.unexpected("operand"));
            }
        }
        if words.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(Command { words })
    }

    fn operand(&mut self, context: &str) -> Parsed<Expr> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Kind::Dot => ExprKind::Dot,
            Kind::Field(name) => ExprKind::Field(vec![name]),
            Kind::Variable(name) => {
                if !self.variables.contains(&name) {
                    return Err(self.error(format!("undefined variable \"${name}\"")));
                }
                ExprKind::Variable(name, Vec::new())
            }
            Kind::Quoted(text) => ExprKind::Constant(Value::from(text), String::new()),
            Kind::Char(c) => ExprKind::Constant(Value::from(u32::from(c)), format!("'{c}'")),
            Kind::Number(text) => match number(&text) {
                Some(value) => ExprKind::Constant(value, text),
                None => {
                    let text = go_text::quote(&text);
                    return Err(self.error(format!("bad number syntax: {text}")));
                }
            },
            Kind::Word(word) => match word.as_str() {
                "true" => ExprKind::Constant(Value::Bool(true), word),
                "false" => ExprKind::Constant(Value::Bool(false), word),
                "nil" => ExprKind::Nil,
                _ if is_keyword(&word) => return Err(self.unexpected(context)),
                _ if functions::exists(&word) => ExprKind::Function(word),
                _ => {
                    let word = go_text::quote(&word);
                    return Err(self.error(format!("function {word} not defined")));
                }
            },
            Kind::LeftParen => {
                self.next += 1;
                let pipe = self.pipeline("parenthesized pipeline", &Kind::RightParen)?;
                self.next -= 1;
                ExprKind::Pipe(Box::new(pipe))
            }
            _ => return Err(self.unexpected(context)),
        };
        self.next += 1;
        let mut expr = Expr {
            kind,
            line: line_of(self.text, at),
            column: column_of(self.text, at),
        };
        let chain_at = self.at();
        let mut chain = Vec::new();
        while let Kind::Field(name) = self.peek().clone() {
            self.next += 1;
            chain.push(name);
        }
        if !chain.is_empty() {
            // Go places a chain at its first added field.
            expr = self.chained(expr, chain, chain_at)?;
        }
        Ok(expr)
    }

    fn chained(&self, expr: Expr, chain: Vec<String>, at: usize) -> Parsed<Expr> {
        let (line, column) = (line_of(self.text, at), column_of(self.text, at));
        let kind = match expr.kind {
            ExprKind::Field(mut names) => {
                names.extend(chain);
                ExprKind::Field(names)
            }
            ExprKind::Variable(name, mut names) => {
                names.extend(chain);
                ExprKind::Variable(name, names)
            }
            ExprKind::Constant(..) | ExprKind::Nil | ExprKind::Dot => {
                let last = chain
                    .first()
                    .map_or_else(String::new, |name| format!(".{name}"));
                return Err(self.error(format!(
                    "unexpected {} after term {}",
                    go_text::quote(&last),
                    go_text::quote(&expr.to_string())
                )));
            }
            _ => ExprKind::Chain(Box::new(expr), chain),
        };
        Ok(Expr { kind, line, column })
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.replace('_', "");
    let (negative, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .iter()
        .find_map(|&(prefix, radix)| Some((lower.strip_prefix(prefix)?, radix)));
    let whole = match radix {
        Some((digits, radix)) => i64::from_str_radix(digits, radix).ok(),
        None if unsigned.len() > 1
            && unsigned.bytes().all(|b| b.is_ascii_digit())
            && unsigned.starts_with('0') =>
        {
            i64::from_str_radix(unsigned, 8).ok()
        }
        None => unsigned.parse().ok(),
    };
    match whole {
        Some(whole) => Some(Value::from(if negative { -whole } else { whole })),
        None if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => digits
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number),
        None => None,
    }
}
