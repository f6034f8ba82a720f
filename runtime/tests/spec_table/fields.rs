//! The paths of all fields that the types of a configuration have:
//! `process.rlimits[].type`, `linux.resources.rdma{}.hcaHandles`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use oci_spec::runtime::Spec;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// All of them; the crate's own inventions left out.
pub fn of_a_configuration() -> BTreeSet<String> {
    let found = RefCell::new(BTreeSet::new());
    let top = Inventor {
        path: String::new(),
        found: &found,
    };
    Spec::deserialize(top).unwrap();
    let mut found = found.into_inner();
    // Deprecated by the crate itself: they never were in the specification.
    let invented = |path: &String| path.starts_with("uidMap") || path.starts_with("gidMap");
    found.retain(|path| !invented(path));
    found
}

/// Makes up a value for whatever is asked for.
#[derive(Clone)]
struct Inventor<'a> {
    path: String,
    found: &'a RefCell<BTreeSet<String>>,
}

#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl<'a> Inventor<'a> {
    fn below(&self, part: &str) -> Inventor<'a> {
        let mut path = self.path.clone();
        if !path.is_empty() && !part.starts_with(['[', '{']) {
            path.push('.');
        }
        path.push_str(part);
        Inventor {
            path,
            found: self.found,
        }
    }

    /// A word that the types with a grammar take.
    fn word(&self) -> &'static str {
        if self.path.contains("capabilities") {
            "CAP_CHOWN"
        } else {
            "0"
        }
    }
}

impl<'de> Deserializer<'de> for Inventor<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.word())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_bool(true)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Once(Some(self.below("[]"))))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields {
            names: &["key"],
            value: None,
            of: &|_: &str| self.below("{}"),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let of = |name: &str| {
            let field = self.below(name);
            self.found.borrow_mut().insert(field.path.clone());
            field
        };
        visitor.visit_map(Fields {
            names,
            value: None,
            of: &of,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let first: StrDeserializer<'_, Failure> = variants[0].into_deserializer();
        first.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u8(1)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u8(1)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u8(1)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u8(1)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u8(1)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_u8(1)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

/// A list of one.
struct Once<'a>(Option<Inventor<'a>>);

impl<'de> SeqAccess<'de> for Once<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        let next = self.0.take();
        next.map(|value| seed.deserialize(value)).transpose()
    }
}

/// Every field once.
struct Fields<'a, 'b> {
    names: &'static [&'static str],
    value: Option<&'static str>,
    of: &'b dyn Fn(&str) -> Inventor<'a>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        let Some((first, rest)) = self.names.split_first() else {
            return Ok(None);
        };
        self.names = rest;
        self.value = Some(first);
        let key: StrDeserializer<'_, Failure> = (*first).into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let name = self.value.take().unwrap();
        seed.deserialize((self.of)(name))
            .map_err(|error| Failure(format!("{name}: {error}")))
    }
}
