//! One value of a body: what it is in JSON, and what its field makes of it.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::{ApiError, Given};
use crate::domain::{
    Value,
    storefront::{Field, FieldType},
};

/// The longest status, in characters.
const STATUS_CHARS_MAX: usize = 256;

/// The most decimals of a degree: a centimetre.
const DEGREE_DECIMALS_MAX: usize = 7;

/// A value before it is known what it should be.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Flag(bool),
    Int(i64),
    /// Beyond 64 bits, or with a fraction.
    Float(f64),
    Text(String),
    Nested,
}

/// Reads whatever stands there.
pub(super) struct AnyScalar;

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
pub(super) fn coerce(field: &Field, scalar: Scalar) -> Result<Given, ApiError> {
    if scalar == Scalar::Null {
        return Ok(Given::Null);
    }
    match field.holds {
        FieldType::Text { max_chars } | FieldType::Key { max_chars } => {
            text(field, scalar, max_chars)
        }
        FieldType::Status => text(field, scalar, STATUS_CHARS_MAX),
        FieldType::Integer { min, max } => whole(field, scalar, min, max),
        FieldType::Money => whole(field, scalar, i64::MIN, i64::MAX),
        FieldType::Order | FieldType::Listing | FieldType::Quantity { .. } => {
            whole(field, scalar, 0, i64::MAX)
        }
        FieldType::Position => position(field, scalar),
        // Nobody sets these, so whatever a client sends back of them is as good as nothing.
        FieldType::Commission | FieldType::Role => Ok(Given::Absent),
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

pub(super) fn whole(field: &Field, scalar: Scalar, min: i64, max: i64) -> Result<Given, ApiError> {
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

/// `latitude,longitude` in degrees. Blanks go; the digits stay as they were sent.
fn position(field: &Field, scalar: Scalar) -> Result<Given, ApiError> {
    let expected = "a place in degrees, such as \"37.5665,126.9780\"";
    let Scalar::Text(mut text) = scalar else {
        return Err(invalid(field, expected));
    };
    text.retain(|character| character != ' ');
    if text.is_empty() {
        return Ok(Given::Null);
    }
    let fits = text.split_once(',').is_some_and(|(latitude, longitude)| {
        is_degrees(latitude, 90) && is_degrees(longitude, 180)
    });
    if fits {
        Ok(Given::Value(Value::Text(text)))
    } else {
        Err(invalid(field, expected))
    }
}

/// Whether it is a decimal number of at most so many degrees either way.
fn is_degrees(text: &str, most: u16) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !are_digits(whole, 3) || !are_digits(decimals, DEGREE_DECIMALS_MAX) {
        return false;
    }
    let is_more = decimals.bytes().any(|digit| digit != b'0');
    let whole: Result<u16, _> = whole.parse();
    whole.is_ok_and(|whole| whole < most || whole == most && !is_more)
}

pub(super) fn invalid(field: &Field, expected: &str) -> ApiError {
    let detail = format!("the field `{}` must be {expected}", field.name);
    ApiError::new("field_invalid", detail)
}
