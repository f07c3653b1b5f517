//! From a request's body to typed fields, as forgiving as the originals were: unknown fields are
//! ignored, text and numbers stand in for each other (httpie's `k=v` sends text only).

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use self::scalar::AnyScalar;
use super::error::ApiError;
use crate::domain::{
    Value,
    order::Line,
    storefront::{Field, FieldType, Test},
};

mod lines;
mod scalar;

/// How deep a body may nest. Ours are flat; what is deeper is only there to exhaust a stack.
const DEPTH_MAX: usize = 32;

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
    /// Its lines, of a field that holds those.
    Lines(Vec<Line>),
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
        if opens(bytes) > DEPTH_MAX && depth(bytes) > DEPTH_MAX {
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

    /// The first field of its own that holds this, with what is said about it.
    pub(super) fn first(&self, is: impl Fn(FieldType) -> bool) -> Option<(&'a Field, &Given)> {
        self.iter()
            .find(|(field, _)| field.of.is_none() && is(field.holds))
    }

    /// The value of the first field of its own that holds this.
    pub(super) fn holding(&self, holds: FieldType) -> Option<&Value> {
        let (_, given) = self.first(|own| own == holds)?;
        given.value()
    }

    /// What is said about the field of this name.
    pub(super) fn named(&self, name: &str) -> &Given {
        let named = self.iter().find(|(field, _)| &*field.name == name);
        named.map_or(&Given::Absent, |(_, given)| given)
    }

    /// Whether this is so about the field of this name.
    pub(super) fn fits(&self, name: &str, test: &Test) -> bool {
        let given = self.named(name);
        match test {
            Test::Given => given.is_there(),
            Test::Missing => !given.is_there(),
            Test::Is(wanted) => match given.value() {
                Some(Value::Text(own)) => own == &**wanted,
                Some(Value::Int(number)) => number.to_string() == **wanted,
                Some(Value::Bool(_)) | None => false,
            },
        }
    }
}

impl Given {
    pub(super) const fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::Lines(_) => None,
        }
    }

    /// Whether there is something, and not null.
    pub(super) const fn is_there(&self) -> bool {
        matches!(self, Self::Value(_) | Self::Lines(_))
    }
}

/// How many arrays and objects may begin: no body nests deeper than that. This looks at many bytes at
/// once, so that [`depth`], which cannot, need not look at what is flat: 300 instructions an order.
fn opens(bytes: &[u8]) -> usize {
    let opens = |byte: &&u8| matches!(byte, b'{' | b'[');
    bytes.iter().filter(opens).count()
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
            let field = &self.body.fields[at];
            let read = if field.holds == FieldType::Lines {
                lines::read(field, &map.next_value()?)
            } else {
                scalar::coerce(field, map.next_value_seed(AnyScalar)?)
            };
            match read {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<Field> {
        let field = Field::new;
        vec![
            field("name", FieldType::Text { max_chars: 5 }),
            field("qty", FieldType::Integer { min: 1, max: 9 }),
            field("price", FieldType::Money),
            field("place", FieldType::Position),
            Field {
                lines: Some(("room".into(), "qty".into())),
                ..field("chambers", FieldType::Lines)
            },
        ]
    }

    fn read(json: &str) -> Result<Vec<Given>, &'static str> {
        let fields = fields();
        let read = Body::parse(json.as_bytes(), &fields);
        read.map(|body| body.given).map_err(|error| error.code())
    }

    /// What a body says about the first three fields.
    fn check(json: &str, expected: Result<[Given; 3], &str>) {
        let read = read(json).map(|given| given[..3].to_vec());
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

    #[test]
    fn a_place_is_two_numbers_of_degrees() {
        let check = |place: &str, expected: Result<&str, &str>| {
            let read = read(&format!("{{\"place\":{place}}}"));
            let expected = expected.map(|text| Given::Value(text.into()));
            assert_eq!(read.map(|given| given[3].clone()), expected, "{place}");
        };
        check(r#""37.5665,126.9780""#, Ok("37.5665,126.9780"));
        check(r#""-90.0, 180""#, Ok("-90.0,180"));
        check(r#""0.1234567,0""#, Ok("0.1234567,0"));
        for wrong in [
            r#""90.0000001,0""#,
            r#""0,-180.1""#,
            r#""0.12345678,0""#,
            r#""1""#,
            r#""1,2,3""#,
            r#""1.,2""#,
            r#""+1,2""#,
            r#""1e1,2""#,
            "[37,127]",
            "37.5",
        ] {
            check(wrong, Err("field_invalid"));
        }
    }

    #[test]
    fn lines_are_listings_with_how_many_one_if_not_said() {
        let check = |rooms: &str, expected: Result<&[(u64, u64)], &str>| {
            let read = read(&format!("{{\"chambers\":{rooms}}}")).map(|given| match &given[4] {
                Given::Lines(lines) => lines
                    .iter()
                    .map(|line| (line.listing.0, line.quantity))
                    .collect(),
                other @ (Given::Absent | Given::Null | Given::Value(_)) => panic!("{other:?}"),
            });
            assert_eq!(read, expected.map(<[_]>::to_vec), "{rooms}");
        };
        check("[]", Ok(&[]));
        check(
            r#"[{"room":7,"qty":2},{"room":"8","x":[]}]"#,
            Ok(&[(7, 2), (8, 1)]),
        );
        check(r#"[{"room":7,"qty":null}]"#, Ok(&[(7, 1)]));
        for wrong in [
            "1",
            "[1]",
            "[{}]",
            r#"[{"qty":1}]"#,
            r#"[{"room":-1}]"#,
            r#"[{"room":1.5}]"#,
            r#"[{"room":1,"qty":"x"}]"#,
        ] {
            check(wrong, Err("field_invalid"));
        }
        let many = |count| format!("[{}]", vec![r#"{"room":1}"#; count].join(","));
        check(&many(100), Ok(&[(1, 1); 100]));
        check(&many(101), Err("field_too_long"));
    }
}
