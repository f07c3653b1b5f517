//! From a request's body to typed fields, as forgiving as the originals were: unknown fields are
//! ignored, text and numbers stand in for each other (httpie's `k=v` sends text only).

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::error::ApiError;
use crate::domain::{
    Value,
    storefront::{Field, FieldType},
};

/// How deep a body may nest. Ours are flat; what is deeper is only there to exhaust a stack.
const DEPTH_MAX: usize = 32;

/// The longest status, in characters.
const STATUS_CHARS_MAX: usize = 256;

/// What a body says about one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Given {
    /// Nothing.
    #[default]
    Absent,
    /// That it has no value.
    Null,
    /// Its value, of the field's type.
    Value(Value),
}

/// A body, read by the fields of its resource.
#[derive(Debug)]
pub(super) struct Body<'a> {
    fields: &'a [Field],
    /// In the order of `fields`.
    given: Vec<Given>,
}

impl<'a> Body<'a> {
    /// A body that says nothing.
    pub(super) fn empty(fields: &'a [Field]) -> Self {
        let given = vec![Given::Absent; fields.len()];
        Self { fields, given }
    }

    /// Reads a body.
    pub(super) fn parse(bytes: &[u8], fields: &'a [Field]) -> Result<Self, ApiError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            let detail = "the request needs a JSON object as its body, such as {}";
            return Err(ApiError::new("body_missing", detail));
        }
        if depth(bytes) > DEPTH_MAX {
            let detail = format!("the body nests deeper than {DEPTH_MAX} levels");
            return Err(ApiError::new("body_invalid", detail));
        }
        let mut body = Self::empty(fields);
        let mut wrong = None;
        let seed = Object {
            body: &mut body,
            wrong: &mut wrong,
        };
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read = seed.deserialize(&mut json).and_then(|()| json.end());
        if let Some(error) = wrong {
            return Err(error);
        }
        read.map_err(|error| {
            ApiError::new(
                "body_invalid",
                format!("the body is not one JSON object: {error}"),
            )
        })?;
        Ok(body)
    }

    /// Each field with what is said about it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a Field, &Given)> {
        self.fields.iter().zip(&self.given)
    }

    /// What is said about the first field of this type.
    pub(super) fn holding(&self, holds: FieldType) -> Option<&Value> {
        let (_, given) = self.iter().find(|(field, _)| field.holds == holds)?;
        given.value()
    }

    /// Whether a field has this text as its value.
    pub(super) fn is(&self, name: &str, text: &str) -> bool {
        let named = self.iter().find(|(field, _)| &*field.name == name);
        match named.and_then(|(_, given)| given.value()) {
            Some(Value::Text(own)) => own == text,
            Some(Value::Int(number)) => number.to_string() == text,
            Some(Value::Bool(_)) | None => false,
        }
    }
}

impl Given {
    pub(super) const fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// How deep arrays and objects nest, without parsing.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Reads an object straight into a body, without a tree in between.
struct Object<'b, 'a> {
    body: &'b mut Body<'a>,
    wrong: &'b mut Option<ApiError>,
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(at) = map.next_key_seed(Named(self.body.fields))? {
            let Some(at) = at else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let scalar = map.next_value_seed(AnyScalar)?;
            match coerce(&self.body.fields[at], scalar) {
                // As in the originals, the last of a name that is given twice counts.
                Ok(given) => self.body.given[at] = given,
                Err(error) => {
                    self.wrong.get_or_insert(error);
                }
            }
        }
        Ok(())
    }
}

/// A key, as the place of the field that it names.
struct Named<'a>(&'a [Field]);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|field| &*field.name == key))
    }
}

/// A value before it is known what it should be.
#[derive(Debug, PartialEq)]
enum Scalar {
    Null,
    Flag(bool),
    Int(i64),
    /// Beyond 64 bits, or with a fraction.
    Float(f64),
    Text(String),
    Nested,
}

struct AnyScalar;

impl<'de> DeserializeSeed<'de> for AnyScalar {
    type Value = Scalar;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Scalar, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        let small = i64::try_from(number).map(Scalar::Int);
        Ok(small.unwrap_or_else(|_| Scalar::Text(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested)
    }
}

/// The field's own type, or why it cannot be.
fn coerce(field: &Field, scalar: Scalar) -> Result<Given, ApiError> {
    if scalar == Scalar::Null {
        return Ok(Given::Null);
    }
    match field.holds {
        FieldType::Text { max_chars } => text(field, scalar, max_chars),
        FieldType::Status => text(field, scalar, STATUS_CHARS_MAX),
        FieldType::Integer { min, max } => whole(field, scalar, min, max),
        FieldType::Money => whole(field, scalar, i64::MIN, i64::MAX),
        FieldType::Key { max_chars } => text(field, scalar, max_chars),
        FieldType::Position | FieldType::Role => text(field, scalar, STATUS_CHARS_MAX),
        FieldType::Order | FieldType::Listing | FieldType::Quantity { .. } => {
            whole(field, scalar, 0, i64::MAX)
        }
        FieldType::Commission => whole(field, scalar, i64::MIN, i64::MAX),
        FieldType::Lines => Err(invalid(field, "a list")),
    }
}

fn text(field: &Field, scalar: Scalar, max_chars: usize) -> Result<Given, ApiError> {
    let text = match scalar {
        Scalar::Text(text) => text,
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Flag(flag) => flag.to_string(),
        Scalar::Null | Scalar::Nested => return Err(invalid(field, "text")),
    };
    // Bytes are at least as many as characters, so most texts need no counting.
    if text.len() > max_chars && text.chars().count() > max_chars {
        let name = &field.name;
        let detail = format!("the field `{name}` takes at most {max_chars} characters");
        return Err(ApiError::new("field_too_long", detail));
    }
    Ok(Given::Value(Value::Text(text)))
}

fn whole(field: &Field, scalar: Scalar, min: i64, max: i64) -> Result<Given, ApiError> {
    let number = match scalar {
        Scalar::Int(number) => Some(number),
        Scalar::Text(text) if text.trim().is_empty() => return Ok(Given::Null),
        Scalar::Text(text) => text.trim().parse().ok(),
        // Only what is whole: an amount is not rounded silently.
        Scalar::Float(number) => format!("{number}").parse().ok(),
        Scalar::Null | Scalar::Flag(_) | Scalar::Nested => None,
    };
    match number {
        Some(number) if (min..=max).contains(&number) => Ok(Given::Value(Value::Int(number))),
        Some(_) => Err(invalid(
            field,
            &format!("a whole number from {min} to {max}"),
        )),
        None => Err(invalid(field, "a whole number")),
    }
}

fn invalid(field: &Field, expected: &str) -> ApiError {
    let detail = format!("the field `{}` must be {expected}", field.name);
    ApiError::new("field_invalid", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<Field> {
        let field = Field::new;
        vec![
            field("name", FieldType::Text { max_chars: 5 }),
            field("qty", FieldType::Integer { min: 1, max: 9 }),
            field("price", FieldType::Money),
        ]
    }

    fn check(json: &str, expected: Result<[Given; 3], &str>) {
        let fields = fields();
        let read = Body::parse(json.as_bytes(), &fields);
        let read = read.map(|body| body.given).map_err(|error| error.code());
        assert_eq!(read, expected.map(Vec::from), "{json}");
    }

    fn text(text: &str) -> Given {
        Given::Value(text.into())
    }

    fn number(number: i64) -> Given {
        Given::Value(number.into())
    }

    #[test]
    fn text_and_numbers_stand_in_for_each_other() {
        use Given::{Absent, Null};
        check("{}", Ok([Absent, Absent, Absent]));
        check(r#"{"price":"10000"}"#, Ok([Absent, Absent, number(10_000)]));
        check(r#"{"price":10000}"#, Ok([Absent, Absent, number(10_000)]));
        check(r#"{"price":1e4}"#, Ok([Absent, Absent, number(10_000)]));
        check(r#"{"price":" 7 "}"#, Ok([Absent, Absent, number(7)]));
        check(r#"{"price":""}"#, Ok([Absent, Absent, Null]));
        check(r#"{"price":null}"#, Ok([Absent, Absent, Null]));
        check(
            r#"{"name":12.5,"name":true}"#,
            Ok([text("true"), Absent, Absent]),
        );
        check(
            r#"{"name":"꽃다발이요"}"#,
            Ok([text("꽃다발이요"), Absent, Absent]),
        );
        check(
            r#"{"name":"a\"\u00e9"}"#,
            Ok([text("a\"é"), Absent, Absent]),
        );
    }

    #[test]
    fn unknown_fields_are_ignored_whatever_they_hold() {
        let siege = r#"{"couponId":"1", "qty":"1", "amt":{"x":[1]}, "status":"ordered"}"#;
        check(siege, Ok([Given::Absent, number(1), Given::Absent]));
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        check("", Err("body_missing"));
        check(" \n", Err("body_missing"));
        check("[]", Err("body_invalid"));
        check("{", Err("body_invalid"));
        check("{} {}", Err("body_invalid"));
        check(r#"{"price":"abc"}"#, Err("field_invalid"));
        check(r#"{"price":10.5}"#, Err("field_invalid"));
        check(r#"{"price":true}"#, Err("field_invalid"));
        check(r#"{"price":[1]}"#, Err("field_invalid"));
        check(r#"{"price":99999999999999999999}"#, Err("field_invalid"));
        check(r#"{"price":18446744073709551615}"#, Err("field_invalid"));
        check(r#"{"qty":10}"#, Err("field_invalid"));
        check(r#"{"name":"123456"}"#, Err("field_too_long"));
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(40), "]".repeat(40));
        check(&deep, Err("body_invalid"));
        let brackets_in_text = format!("{{\"x\":\"{}\"}}", "[".repeat(40));
        check(
            &brackets_in_text,
            Ok([Given::Absent, Given::Absent, Given::Absent]),
        );
    }
}
