//! Deserialising with the path of the value at hand, for errors.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::ParseError;

/// The typed form of `value`.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ParseError> {
    let top = Located {
        value,
        place: &Place::Top,
    };
    T::deserialize(top).map_err(|error| ParseError::Field {
        path: error.path.unwrap_or_default(),
        message: error.message,
    })
}

/// Where a value is, as a list from the inside out.
enum Place<'a> {
    Top,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(Self::Top, key) => formatter.write_str(key),
            Self::Key(parent, key) => write!(formatter, "{parent}.{key}"),
            Self::Index(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

/// A value and its place.
#[derive(Clone, Copy)]
struct Located<'a> {
    value: &'a Value,
    place: &'a Place<'a>,
}

/// An error; the innermost place that it passes on its way out is its own.
#[derive(Debug)]
struct Failure {
    path: Option<String>,
    message: String,
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self {
            path: None,
            message: message.to_string(),
        }
    }
}

impl Located<'_> {
    fn here<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|error| Failure {
            path: error.path.or_else(|| Some(self.place.to_string())),
            ..error
        })
    }
}

impl<'de> Deserializer<'de> for Located<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.here(match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(value) => visitor.visit_str(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Value::Array(values) => visitor.visit_seq(Elements {
                values: values.iter().enumerate(),
                place: self.place,
            }),
            Value::Object(map) => visitor.visit_map(Members {
                members: map.iter(),
                next: None,
                place: self.place,
            }),
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self.value {
            Value::String(word) => {
                let word: StrDeserializer<'_, Failure> = word.as_str().into_deserializer();
                self.here(word.deserialize_enum(name, variants, visitor))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    /// Never from a list, which the types would take field by field.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if self.value.is_array() {
            return self.here(Err(de::Error::invalid_type(Unexpected::Seq, &visitor)));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Elements<'a> {
    values: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
    place: &'a Place<'a>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        let Some((index, value)) = self.values.next() else {
            return Ok(None);
        };
        let place = &Place::Index(self.place, index);
        let located = Located { value, place };
        located.here(seed.deserialize(located)).map(Some)
    }
}

struct Members<'a> {
    members: serde_json::map::Iter<'a>,
    next: Option<(&'a str, &'a Value)>,
    place: &'a Place<'a>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        let Some((key, value)) = self.members.next() else {
            return Ok(None);
        };
        self.next = Some((key, value));
        let key: StrDeserializer<'_, Failure> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some((key, value)) = self.next.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        let place = &Place::Key(self.place, key);
        let located = Located { value, place };
        located.here(seed.deserialize(located))
    }
}
