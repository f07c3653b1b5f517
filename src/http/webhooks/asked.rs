//! What a request about a webhook says.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    actors::handles::webhooks::Wish,
    domain::{EntityKey, storefront::Storefront},
    http::{
        call::Call,
        error::ApiError,
        feed::{self, After},
    },
};

/// What is paused, if nobody says why.
const PAUSED_BY_HAND: &str = "paused by hand";

/// A webhook to be made.
pub(super) struct Creation {
    pub(super) name: Option<String>,
    pub(super) wish: Wish,
    pub(super) secret: Option<String>,
    /// The last event that it does not want.
    pub(super) from: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreationBody {
    url: String,
    name: Option<String>,
    types: Option<Vec<String>>,
    subjects: Option<Vec<String>>,
    description: Option<String>,
    secret: Option<String>,
    from: Option<From>,
}

/// `"beginning"`, `"now"`, or the id of the last event that is not wanted.
#[derive(Deserialize)]
#[serde(untagged)]
enum From {
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmendmentBody {
    url: Option<String>,
    types: Option<Vec<String>>,
    subjects: Option<Vec<String>>,
    description: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretBody {
    secret: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    why: Option<String>,
}

/// Reads what is to be made.
pub(super) fn creation(call: &Call<'_>, body: &[u8]) -> Result<Creation, ApiError> {
    let definition = call.front.definition;
    let body: CreationBody = parsed(body)?;
    let from = match body.from {
        None => After::Now,
        Some(From::Number(id)) => After::Event(id),
        Some(From::Text(text)) => match text.as_str() {
            "now" => After::Now,
            "beginning" => After::Beginning,
            id => {
                let detail = "`from` is \"beginning\", \"now\", or the id of the last event that is \
                              not wanted";
                let id = id.parse();
                After::Event(id.map_err(|_| ApiError::new("field_invalid", detail))?)
            }
        },
    };
    let horizon = call.engine().feed().horizon();
    Ok(Creation {
        name: body.name,
        wish: Wish {
            url: Some(body.url),
            types: types(definition, body.types)?,
            subjects: subjects(definition, body.subjects)?,
            description: body.description,
        },
        secret: body.secret,
        from: from.position(horizon)?,
    })
}

/// Reads what is to be different.
pub(super) fn amendment(definition: &Storefront, body: &[u8]) -> Result<Wish, ApiError> {
    let body: AmendmentBody = parsed(body)?;
    Ok(Wish {
        url: body.url,
        types: types(definition, body.types)?,
        subjects: subjects(definition, body.subjects)?,
        description: body.description,
    })
}

/// Reads a secret, if one is given.
pub(super) fn secret(body: &[u8]) -> Result<Option<String>, ApiError> {
    let body: SecretBody = parsed_or_default(body)?;
    Ok(body.secret)
}

/// Reads why something is paused.
pub(super) fn why(body: &[u8]) -> Result<String, ApiError> {
    let body: PauseBody = parsed_or_default(body)?;
    let why = body.why.filter(|why| !why.is_empty());
    Ok(why.unwrap_or_else(|| PAUSED_BY_HAND.to_owned()))
}

/// Refuses a type that the storefront does not have.
fn types(
    definition: &Storefront,
    types: Option<Vec<String>>,
) -> Result<Option<Vec<String>>, ApiError> {
    for name in types.iter().flatten() {
        feed::types(definition, name)?;
    }
    Ok(types)
}

/// The orders and listings that are meant.
fn subjects(
    definition: &Storefront,
    subjects: Option<Vec<String>>,
) -> Result<Option<Vec<EntityKey>>, ApiError> {
    let Some(subjects) = subjects else {
        return Ok(None);
    };
    let found = subjects
        .iter()
        .map(|subject| feed::subjects(definition, subject));
    let found: Result<Vec<_>, _> = found.collect();
    Ok(Some(found?.concat()))
}

fn parsed_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    parsed(body)
}

/// A misspelt member is refused: a webhook that gets everything because of a `type` instead of `types`
/// is found out too late.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        let detail = "the request needs a body: {\"url\": \"https://example.org/hook\"}";
        return Err(ApiError::new("body_missing", detail));
    }
    serde_json::from_slice(body).map_err(|error| {
        let code = if error.is_data() {
            "field_invalid"
        } else {
            "body_invalid"
        };
        ApiError::new(code, format!("the body cannot be used: {error}"))
    })
}
