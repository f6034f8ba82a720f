//! Tokens to nodes, with text/template's errors: texts, actions and blocks.
//! What is inside an action is in [`super::pipeline`].

use super::TemplateError;
use super::ast::{Branch, BranchKind, Node};
use super::lexer::{Kind, Token, line_of};
use crate::output::go_text;

/// Parses all tokens of `text`.
pub fn parse(text: &str, tokens: Vec<Token>) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        variables: vec![String::new()],
        loops: 0,
    };
    let (nodes, end) = parser.list()?;
    match end {
        Stop::Eof => Ok(nodes),
        Stop::End => Err(parser.error("unexpected {{end}}")),
        Stop::Else => Err(parser.error("unexpected {{else}}")),
    }
}

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Eof,
    End,
    /// `{{else`, with the parser just behind the word.
    Else,
}

/// The tokens, and how far they are read.
pub struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    pub(super) next: usize,
    /// Names in scope; the empty one is `$`.
    pub(super) variables: Vec<String>,
    loops: usize,
}

/// Parsed, or text/template's complaint.
pub type Parsed<T> = Result<T, TemplateError>;

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Kind {
        self.tokens
            .get(self.next)
            .map_or(&Kind::End, |token| &token.kind)
    }

    pub(super) fn at(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.text.len(), |token| token.at)
    }

    fn advance(&mut self) -> Kind {
        let kind = self.peek().clone();
        self.next += 1;
        kind
    }

    pub(super) fn skip_space(&mut self) {
        while *self.peek() == Kind::Space {
            self.next += 1;
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> TemplateError {
        TemplateError::Parse {
            line: line_of(self.text, self.at()),
            message: message.into(),
        }
    }

    pub(super) fn unexpected(&self, context: &str) -> TemplateError {
        let message = match self.peek() {
            Kind::End => "unexpected EOF".to_owned(),
            Kind::Word(word) if is_keyword(word) => format!("unexpected <{word}> in {context}"),
            kind => format!("unexpected {} in {context}", go_text::quote(&shown(kind))),
        };
        self.error(message)
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, Stop)> {
        let mut nodes = Vec::new();
        loop {
            match self.advance() {
                Kind::End => return Ok((nodes, Stop::Eof)),
                Kind::Text(text) => nodes.push(Node::Text(text)),
                Kind::Open => {
                    self.skip_space();
                    let word = match self.peek() {
                        Kind::Word(word) => word.clone(),
                        _ => String::new(),
                    };
                    match word.as_str() {
                        "end" => {
                            self.next += 1;
                            self.close("end")?;
                            return Ok((nodes, Stop::End));
                        }
                        "else" => {
                            self.next += 1;
                            return Ok((nodes, Stop::Else));
                        }
                        "if" | "range" | "with" => {
                            self.next += 1;
                            let kind = match word.as_str() {
                                "if" => BranchKind::If,
                                "range" => BranchKind::Range,
                                _ => BranchKind::With,
                            };
                            nodes.push(Node::Branch(self.branch(kind)?));
                        }
                        "break" | "continue" => {
                            if self.loops == 0 {
                                return Err(
                                    self.error(format!("{{{{{word}}}}} outside {{{{range}}}}"))
                                );
                            }
                            self.next += 1;
                            self.close(&word)?;
                            let node = if word == "break" {
                                Node::Break
                            } else {
                                Node::Continue
                            };
                            nodes.push(node);
                        }
                        "define" | "template" | "block" => {
                            return Err(self.error(format!("{{{{{word}}}}} is not supported")));
                        }
                        _ => {
                            let pipe = self.pipeline("command", &Kind::Close)?;
                            nodes.push(Node::Action(pipe));
                        }
                    }
                }
                _ => {
                    self.next -= 1;
                    return Err(self.unexpected("input"));
                }
            }
        }
    }

    fn close(&mut self, context: &str) -> Parsed<()> {
        self.skip_space();
        if *self.peek() != Kind::Close {
            return Err(self.unexpected(context));
        }
        self.next += 1;
        Ok(())
    }

    fn branch(&mut self, kind: BranchKind) -> Parsed<Branch> {
        let scope = self.variables.len();
        let context = match kind {
            BranchKind::If => "if",
            BranchKind::Range => "range",
            BranchKind::With => "with",
        };
        let pipe = self.pipeline(context, &Kind::Close)?;
        if kind == BranchKind::Range {
            self.loops += 1;
        }
        let (body, stop) = self.list()?;
        if kind == BranchKind::Range {
            self.loops -= 1;
        }
        let mut otherwise = Vec::new();
        match stop {
            Stop::End => {}
            Stop::Eof => return Err(self.error("unexpected EOF")),
            Stop::Else => {
                self.skip_space();
                let chained = match self.peek() {
                    Kind::Word(word) if word == "if" && kind == BranchKind::If => Some(kind),
                    Kind::Word(word) if word == "with" && kind == BranchKind::With => Some(kind),
                    _ => None,
                };
                if let Some(kind) = chained {
                    self.next += 1;
                    // One {{end}} closes the whole chain.
                    otherwise.push(Node::Branch(self.branch(kind)?));
                } else {
                    self.close("else")?;
                    let (nodes, stop) = self.list()?;
                    match stop {
                        Stop::End => otherwise = nodes,
                        Stop::Eof => return Err(self.error("unexpected EOF")),
                        Stop::Else => return Err(self.error("expected end; found {{else}}")),
                    }
                }
            }
        }
        self.variables.truncate(scope);
        Ok(Branch {
            kind,
            pipe,
            body,
            otherwise,
        })
    }
}

pub(super) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "if" | "else"
            | "end"
            | "range"
            | "with"
            | "define"
            | "template"
            | "block"
            | "break"
            | "continue"
            | "nil"
    )
}

fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Text(text) | Kind::Word(text) | Kind::Number(text) => text.clone(),
        Kind::Quoted(text) => go_text::quote(text),
        Kind::Field(name) => format!(".{name}"),
        Kind::Variable(name) => format!("${name}"),
        Kind::Char(c) => format!("'{c}'"),
        Kind::Open => "{{".into(),
        Kind::Close => "}}".into(),
        Kind::Space => " ".into(),
        Kind::Dot => ".".into(),
        Kind::Pipe => "|".into(),
        Kind::Comma => ",".into(),
        Kind::LeftParen => "(".into(),
        Kind::RightParen => ")".into(),
        Kind::Assign => "=".into(),
        Kind::Declare => ":=".into(),
        Kind::End => "EOF".into(),
    }
}
