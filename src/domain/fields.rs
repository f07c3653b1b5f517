//! The fields that a storefront's file gives its resources: named scalar values.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};

/// More fields than a resource usually has: room for more is not made before they come.
const USUAL_MAX: usize = 32;

/// A value of one field. There are no fractions: money and quantities are whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(_) | Self::Bool(_) => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(_) | Self::Bool(_) => None,
        }
    }
}

/// A value where it stands: in what is stored, or in a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ValueRef<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Int(number) => Self::Int(*number),
            Value::Bool(flag) => Self::Bool(*flag),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// Named values, in the order they were set. A field that is null is not there.
///
/// Kept with their names, so that a record explains itself whatever the definition says later.
/// Lookup is linear: a resource has a handful of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fields(Vec<(Arc<str>, Value)>);

/// [`Fields`] where they stand, to be shown and not kept: no text is copied out of what is stored.
///
/// Names are only compared, so nobody looks whether they are text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct FieldsRef<'a>(#[serde(borrow)] Vec<(&'a [u8], ValueRef<'a>)>);

impl<'a> FieldsRef<'a> {
    /// The value of `name`, unless it is null.
    pub fn get(&self, name: &str) -> Option<ValueRef<'a>> {
        let found = self.0.iter().find(|(own, _)| *own == name.as_bytes());
        found.map(|(_, value)| *value)
    }
}

impl<'a> From<&'a Fields> for FieldsRef<'a> {
    fn from(fields: &'a Fields) -> Self {
        let pairs = fields.iter();
        Self(
            pairs
                .map(|(name, value)| (name.as_bytes(), value.into()))
                .collect(),
        )
    }
}

/// A field's name as it is read: straight from where it stands. Through `serde`'s own way to an `Arc<str>`
/// each name is a `String` and a `Box` on its way, three allocations instead of one.
struct Name(Arc<str>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(Name, Value)>::deserialize(deserializer)?;
        let pairs = pairs.into_iter().map(|(name, value)| (name.0, value));
        Ok(Self(pairs.collect()))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.into()))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// What shall become of fields: each name with its value, or null to take it away. Others stay.
pub type Changes = Vec<(Arc<str>, Option<Value>)>;

impl Fields {
    /// These fields after the changes.
    #[must_use]
    pub fn changed(&self, changes: &Changes) -> Self {
        let mut fields = self.clone();
        for (name, value) in changes {
            fields.set(Arc::clone(name), value.clone());
        }
        fields
    }

    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Makes room for so many more, so that setting them does not move what is there.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve_exact(more);
    }

    /// The value of `name`, unless it is null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(own, _)| &**own == name)
            .map(|(_, value)| value)
    }

    /// Sets `name`; null removes it.
    pub fn set(&mut self, name: Arc<str>, value: Option<Value>) {
        let place = self.0.iter().position(|(own, _)| *own == name);
        match (place, value) {
            (Some(at), Some(value)) => self.0[at].1 = value,
            (Some(at), None) => drop(self.0.remove(at)),
            (None, Some(value)) => self.0.push((name, value)),
            (None, None) => {}
        }
    }

    /// Each name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many are not null.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all are null.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Arc<str>, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let mut fields = Self::new();
        fields.reserve(pairs.size_hint().1.unwrap_or(0).min(USUAL_MAX));
        for (name, value) in pairs {
            fields.set(name, Some(value));
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_absence() {
        let mut fields = Fields::new();
        fields.set("a".into(), Some(Value::Int(1)));
        fields.set("a".into(), Some(Value::Int(2)));
        assert_eq!(fields.get("a"), Some(&Value::Int(2)));
        assert_eq!(fields.len(), 1);
        fields.set("a".into(), None);
        fields.set("b".into(), None);
        assert!(fields.is_empty());
    }
}
