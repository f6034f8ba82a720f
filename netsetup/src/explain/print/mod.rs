//! Rules in nft's words, without counts (as `nft --stateless list ruleset`).

mod extension;
mod keys;
mod operand;
mod statement;
mod value;

use std::fmt::Write as _;

use super::ruleset::{Expression, Family, Rule, Set, Table, Target};
use operand::{Context, Loaded, Operand};
use value::Kind;

/// A rule as nft prints it.
pub fn rule(table: &Table, rule: &Rule) -> String {
    let mut printer = Printer {
        table,
        rule,
        context: Context::new(table.family),
        loaded: Vec::new(),
        words: Vec::new(),
    };
    for at in 0..rule.expressions.len() {
        printer.expression(at);
    }
    if let Some(comment) = &rule.comment {
        printer.words.push(format!("comment \"{comment}\""));
    }
    printer.words.join(" ")
}

/// What an expression loads, in nft's words; the rule that it is in says which protocols it is
/// about.
pub fn selector(expression: &Expression, rule: &[Expression]) -> String {
    let mut context = Context::new(Family::Inet);
    for pair in rule.windows(2) {
        context.learn(&pair[0], &pair[1]);
    }
    context
        .operand(expression)
        .map_or_else(|| "what is not decoded".to_owned(), |operand| operand.text)
}

struct Printer<'a> {
    table: &'a Table,
    rule: &'a Rule,
    context: Context,
    loaded: Vec<Loaded>,
    words: Vec<String>,
}

impl Printer<'_> {
    fn expression(&mut self, at: usize) {
        let expressions = &self.rule.expressions;
        let Some(expression) = expressions.get(at) else {
            return;
        };
        if let Some(operand) = self.context.operand(expression)
            && let Some(to) = operand::target(expression)
        {
            self.load(to, operand);
            return;
        }
        match expression {
            Expression::Compare {
                from,
                operator,
                value,
            } => self.compare(at, *from, *operator, value),
            Expression::Range {
                from,
                not,
                low,
                high,
            } => {
                let operand = self.operand(*from);
                let not = if *not { "!= " } else { "" };
                let (low, high) = (operand.kind.show(low), operand.kind.show(high));
                self.words
                    .push(format!("{} {not}{low}-{high}", operand.text));
            }
            Expression::Bitwise {
                from,
                to,
                mask,
                flip,
            } => {
                let mut operand = self.operand(*from);
                operand.mask = Some((mask.clone(), flip.clone()));
                self.load(*to, operand);
            }
            Expression::Byteorder { from, to, .. } => {
                let mut operand = self.operand(*from);
                operand.kind = operand.kind.swapped();
                self.load(*to, operand);
            }
            Expression::Immediate { value, to } => {
                let constant = Operand::constant(value.clone());
                self.load(*to, constant);
            }
            Expression::SetPort { destination, from } => {
                let port = Expression::Payload {
                    base: 2,
                    offset: if *destination { 2 } else { 0 },
                    length: 2,
                    to: *from,
                };
                let name = selector(&port, expressions);
                let value = statement::constant(&self.operand(*from), Kind::Number);
                self.words.push(format!("{name} set {value}"));
            }
            Expression::Lookup { set, from, to, not } => self.lookup(set, *from, *to, *not),
            other => {
                let operand = |at| self.operand(at);
                self.words
                    .push(statement::show(other, self.table.family, &operand));
            }
        }
    }

    fn load(&mut self, to: usize, operand: Operand) {
        self.loaded.retain(|loaded| loaded.at != to);
        self.loaded.push(Loaded { at: to, operand });
    }

    fn operand(&self, at: usize) -> Operand {
        self.loaded
            .iter()
            .find(|loaded| loaded.at == at)
            .map_or_else(
                || Operand::unknown(format!("@reg,{at}")),
                |loaded| loaded.operand.clone(),
            )
    }

    fn compare(&mut self, at: usize, from: usize, operator: u32, value: &[u8]) {
        let expressions = &self.rule.expressions;
        if let Some(load) = at.checked_sub(1).and_then(|before| expressions.get(before)) {
            self.context.learn(load, &expressions[at]);
            if operator == 0 && self.context.implied(load, &expressions[at..]) {
                return;
            }
            if operator == 0
                && let Some((first, length, second)) = self.context.two(load)
                && let Some((low, high)) = value.split_at_checked(length)
            {
                self.words.push(first.compared(operator, low));
                self.words.push(second.compared(operator, high));
                return;
            }
        }
        let operand = self.operand(from);
        // `>= low` and `<= high` of the same value are nft's interval.
        if operator == 5
            && let Some(Expression::Compare {
                from: same,
                operator: 3,
                value: high,
            }) = expressions.get(at + 1)
            && *same == from
        {
            let (low, high) = (operand.kind.show(value), operand.kind.show(high));
            self.words.push(format!("{} {low}-{high}", operand.text));
            return;
        }
        if operator == 3
            && let Some(Expression::Compare {
                from: same,
                operator: 5,
                ..
            }) = at.checked_sub(1).and_then(|before| expressions.get(before))
            && *same == from
        {
            return;
        }
        self.words.push(operand.compared(operator, value));
    }

    fn lookup(&mut self, name: &str, from: usize, to: Option<Target>, not: bool) {
        let Some(set) = self.table.set(name) else {
            self.words.push(format!("@{name}"));
            return;
        };
        let (text, kinds) = self.key(set, from);
        let named = if set.anonymous {
            elements(set, &kinds)
        } else {
            format!("@{name}")
        };
        let not = if not { "!= " } else { "" };
        match to {
            None => self.words.push(format!("{text} {not}{named}")),
            Some(Target::Verdict) => self.words.push(format!("{text} vmap {named}")),
            Some(Target::Register(to)) => {
                self.load(to, Operand::unknown(format!("{text} map {named}")));
            }
        }
    }

    /// The parts of a key, beginning in a register.
    fn key(&self, set: &Set, from: usize) -> (String, Vec<Kind>) {
        if set.parts.is_empty() {
            let operand = self.operand(from);
            return (operand.text, vec![operand.kind]);
        }
        let mut at = from;
        let mut operands = Vec::new();
        for length in &set.parts {
            operands.push(self.operand(at));
            at += length.next_multiple_of(4);
        }
        let texts: Vec<&str> = operands.iter().map(|o| o.text.as_str()).collect();
        let text = texts.join(" . ");
        (text, operands.into_iter().map(|o| o.kind).collect())
    }
}

/// The elements of an anonymous set.
fn elements(set: &Set, kinds: &[Kind]) -> String {
    let mut sorted: Vec<_> = set.elements.iter().collect();
    let order = |element: &&super::ruleset::Element| {
        let key = element.key.as_ref().map(|key| key.from.clone());
        (key.is_none(), key.map(|key| value::ordered(kinds, key)))
    };
    sorted.sort_by_key(order);
    let mut text = String::from("{ ");
    for (index, element) in sorted.into_iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        match &element.key {
            None => text.push('*'),
            Some(key) => text.push_str(&value::interval(set, kinds, key)),
        }
        // Writing to a String cannot fail.
        match &element.data {
            Some(super::ruleset::Data::Verdict(verdict)) => {
                let _ = write!(text, " : {verdict}");
            }
            Some(super::ruleset::Data::Value(bytes)) => {
                let kind = Kind::of_type(set.data_type);
                let _ = write!(text, " : {}", kind.show(bytes));
            }
            None => {}
        }
    }
    text.push_str(" }");
    text
}

#[cfg(test)]
mod tests;
