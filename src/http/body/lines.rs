//! Several listings with their quantities, as a body has them: `[{"room": 1, "qty": 2}]`.

use serde_json::Value as Json;

use super::{ApiError, Given, scalar::invalid};
use crate::domain::{ids::ListingId, order::Line, storefront::Field};

/// The most lines of one order.
const LINES_MAX: usize = 100;

/// The lines of a field that holds some. As with any object, what its names do not mean is ignored;
/// a line that does not say how many is for one.
pub(super) fn read(field: &Field, json: &Json) -> Result<Given, ApiError> {
    let (listing, quantity) = match &field.lines {
        Some((listing, quantity)) => (&**listing, &**quantity),
        None => ("listing", "quantity"),
    };
    let rows = match json {
        Json::Null => return Ok(Given::Null),
        Json::Array(rows) => rows,
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            let expected = format!("a list such as [{{\"{listing}\": 1, \"{quantity}\": 2}}]");
            return Err(invalid(field, &expected));
        }
    };
    if rows.len() > LINES_MAX {
        let detail = format!("the field `{}` takes at most {LINES_MAX} lines", field.name);
        return Err(ApiError::new("field_too_long", detail));
    }
    let line = |(at, row): (usize, &Json)| {
        let missing = || wrong(field, at, listing);
        let quantity = number(row, quantity).map_err(|()| wrong(field, at, quantity))?;
        let listing = number(row, listing).map_err(|()| missing())?;
        let listing = listing.ok_or_else(missing)?;
        Ok(Line {
            listing: ListingId(listing),
            quantity: quantity.unwrap_or(1),
        })
    };
    rows.iter()
        .enumerate()
        .map(line)
        .collect::<Result<_, _>>()
        .map(Given::Lines)
}

/// The whole number that a line has under this name, if it has one.
fn number(line: &Json, name: &str) -> Result<Option<u64>, ()> {
    match line.get(name) {
        None if !line.is_object() => Err(()),
        None | Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => number.as_u64().map(Some).ok_or(()),
        Some(Json::String(text)) => text.trim().parse().map(Some).map_err(drop),
        Some(Json::Bool(_) | Json::Array(_) | Json::Object(_)) => Err(()),
    }
}

fn wrong(field: &Field, at: usize, name: &str) -> ApiError {
    let (field, line) = (&field.name, at.saturating_add(1));
    let detail = format!("line {line} of the field `{field}` needs `{name}`, a whole number");
    ApiError::new("field_invalid", detail)
}
