//! What a request to a group says.

use serde_json::{Map, Value};

use crate::{
    domain::subscriber::NAME_BYTES_MAX,
    http::{error::ApiError, feed::After},
};

/// The most events that are named at once.
const EVENTS_MAX: usize = 1_000;

/// A body's members. What it does not have says nothing; what nobody knows is ignored, as everywhere.
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Reads a body; one that is empty says nothing.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            let detail = format!("the body is not one JSON object: {error}");
            ApiError::new("body_invalid", detail)
        })
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A whole number within these, also as text.
    pub(super) fn number(
        &self,
        name: &str,
        within: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = number(value).filter(|number| within.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (within.start(), within.end());
            invalid(name, &format!("a whole number from {least} to {most}"))
        })
    }

    /// A text; what is longer than is kept is cut later.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(name, "a text")),
        }
    }

    /// Why something is done; empty if it does not say.
    pub(super) fn why(&self) -> Result<String, ApiError> {
        Ok(self.text("why")?.unwrap_or_default())
    }

    /// Who asks.
    pub(super) fn member(&self) -> Result<String, ApiError> {
        let member = self.text("member")?.ok_or_else(|| required("member"))?;
        if (1..=NAME_BYTES_MAX).contains(&member.len()) {
            Ok(member)
        } else {
            Err(invalid("member", "a name of 1 to 64 bytes"))
        }
    }

    /// A list of texts, or one text with commas.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let wrong = || invalid(name, "a list of texts");
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => {
                let texts = text.split(',').filter(|text| !text.is_empty());
                Ok(texts.map(str::to_owned).collect())
            }
            Some(Value::Array(texts)) => texts
                .iter()
                .map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// Events' ids; `None` if the body names none.
    pub(super) fn events(&self) -> Result<Option<Vec<u64>>, ApiError> {
        let wrong = || invalid("events", "a list of at most 1,000 events' ids");
        match self.get("events") {
            None => Ok(None),
            Some(Value::Array(ids)) if ids.len() <= EVENTS_MAX => {
                let ids = ids.iter().map(|id| number(id).ok_or_else(wrong));
                ids.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// The lease that is meant.
    pub(super) fn lease(&self) -> Result<u64, ApiError> {
        let text = self.text("lease")?.ok_or_else(|| required("lease"))?;
        lease(&text)
    }

    /// A place in the feed.
    pub(super) fn place(&self, name: &str) -> Result<Option<After>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text == "beginning" => Ok(Some(After::Beginning)),
            Some(Value::String(text)) if text == "now" => Ok(Some(After::Now)),
            Some(value) => {
                let id = number(value).map(After::Event).map(Some);
                id.ok_or_else(|| invalid(name, "an event's id, `beginning` or `now`"))
            }
        }
    }
}

/// An event's id as it stands in a path.
pub(super) fn id(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| {
        let detail = format!("`{text}` is no event's id");
        ApiError::new("not_found", detail)
    })
}

/// A lease as it is written: its number in hexadecimal.
pub(super) fn lease(text: &str) -> Result<u64, ApiError> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lease = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
    lease.ok_or_else(|| invalid("lease", "the text that the lease was given with"))
}

/// A member that must be there.
pub(super) fn required(name: &str) -> ApiError {
    ApiError::new("field_required", format!("the field `{name}` is missing"))
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn invalid(name: &str, expected: &str) -> ApiError {
    let detail = format!("the field `{name}` is not {expected}");
    ApiError::new("field_invalid", detail)
}
