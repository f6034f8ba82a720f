//! A tree as it stands, without being read as a project (`config --no-interpolate`).

use serde_json::Value;

use crate::file::node::{self, Node, Scalar};
use crate::file::scalar::{self, Kind};

/// The tree's values.
pub fn value(node: &Node) -> Value {
    match &node.value {
        node::Value::Scalar(scalar) => plain(scalar),
        node::Value::Sequence(items) => items.iter().map(value).collect(),
        node::Value::Mapping(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, entry)| (key.to_string(), value(&entry.node)));
            Value::Object(fields.collect())
        }
    }
}

fn plain(scalar: &Scalar) -> Value {
    let text = &*scalar.text;
    let value = match scalar.kind {
        Kind::Null => Some(Value::Null),
        Kind::Bool => scalar::boolean(text).map(Value::from),
        Kind::Integer => scalar::integer(text).map(Value::from),
        Kind::Float => scalar::float(text).map(Value::from),
        Kind::Text => None,
    };
    value.unwrap_or_else(|| text.into())
}
