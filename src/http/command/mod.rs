//! POST, PUT, PATCH, DELETE: which command the storefront's rules make of a request, and its answer.

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode, header::LOCATION},
    web::Bytes,
};

use super::{
    body::Body,
    call::{Call, url_of},
    error::ApiError,
    item,
    represent::ItemBody,
};
use crate::{
    actors::handles::{Item, Target},
    domain::{
        Kind, Refusal, Value,
        storefront::{CommandAction, CommandRule, FieldType, Reply, Resource, Storefront, Verb},
    },
};

mod amend;
mod request;
mod target;

/// The command verb of a method, if it is one.
pub(super) fn verb(method: &Method) -> Option<Verb> {
    match *method {
        Method::POST => Some(Verb::Post),
        Method::PUT => Some(Verb::Put),
        Method::PATCH => Some(Verb::Patch),
        Method::DELETE => Some(Verb::Delete),
        _ => None,
    }
}

/// Whether the verb addresses a collection rather than one of it.
pub(super) const fn on_collection(verb: Verb) -> bool {
    matches!(verb, Verb::Post)
}

/// Whether any rule speaks of this verb on this resource.
pub(super) fn is_ruled(definition: &Storefront, verb: Verb, resource: &Resource) -> bool {
    let mut rules = definition.commands.iter();
    rules.any(|rule| rule.verb == verb && rule.kind == resource.kind)
}

/// Carries out what the request means and answers with what became of it.
pub(super) async fn run(
    call: &Call<'_>,
    resource: &Resource,
    verb: Verb,
    number: Option<u64>,
    bytes: Bytes,
) -> Result<HttpResponse, ApiError> {
    let context = call.context(&bytes)?;
    let body = match verb {
        Verb::Delete => Body::empty(&resource.fields),
        Verb::Post | Verb::Put | Verb::Patch => Body::parse(&bytes, &resource.fields)?,
    };
    let definition = call.front.definition;
    let asked = Asked {
        definition,
        resource,
        rule: meaning(definition, verb, resource, &body)?,
        number,
        body: &body,
    };
    let current = current(call, &asked)?;
    // A repeated key is answered by the engine as before, even if what it is about is gone. Nothing
    // is placed under an address that is not there, as the originals' PUT did (SEED API 1.2): nobody
    // is charged because of a mistyped number.
    if number.is_some() && current.is_none() && context.key.is_none() {
        return Err(not_found(resource.kind, number));
    }
    let mut request = request::of(&asked, current.as_ref())?;
    request.expected = call.expected(resource.kind);
    let item = call
        .engine()
        .perform(call.front.at, request, context)
        .await?;
    if asked.rule.reply == Reply::Nothing {
        return Ok(HttpResponse::Ok().finish());
    }
    let status = match verb {
        Verb::Post => StatusCode::CREATED,
        Verb::Put | Verb::Patch if call.wants_body() => StatusCode::OK,
        Verb::Put | Verb::Patch | Verb::Delete => StatusCode::NO_CONTENT,
    };
    done(call, resource, status, item)
}

/// A request, with the rule that says what it means.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    definition: &'a Storefront,
    resource: &'a Resource,
    rule: &'a CommandRule,
    /// The number in its path.
    number: Option<u64>,
    body: &'a Body<'a>,
}

/// The first rule that fits counts.
fn meaning<'a>(
    definition: &'a Storefront,
    verb: Verb,
    resource: &Resource,
    body: &Body<'_>,
) -> Result<&'a CommandRule, ApiError> {
    let fits = definition.commands.iter().find(|rule| {
        let mut when = rule.when.iter();
        rule.verb == verb
            && rule.kind == resource.kind
            && when.all(|condition| body.fits(&condition.field, &condition.test))
    });
    fits.ok_or_else(|| match body.holding(FieldType::Status) {
        Some(_) => not_settable(body),
        None => unsaid(definition, verb, resource),
    })
}

/// What the request is about, as it is now: what its path addresses, or what it is to change.
fn current(call: &Call<'_>, asked: &Asked<'_>) -> Result<Option<Item>, ApiError> {
    let (engine, at) = (call.engine(), call.front.at);
    if let Some(number) = asked.number {
        return Ok(engine.item(at, asked.resource.kind, number)?);
    }
    let changes = matches!(
        asked.rule.action,
        CommandAction::AmendOrder | CommandAction::AmendListing
    );
    if !changes {
        return Ok(None);
    }
    let found = match target::of(asked)? {
        Target::Order(number) => Some((Kind::Order, number)),
        Target::Listing(number) => Some((Kind::Listing, number)),
        Target::Key(key) => {
            let number = engine.order_with_key(at, &key)?;
            number.map(|number| (Kind::Order, number))
        }
        Target::New | Target::Approval(_) => None,
    };
    match found {
        Some((kind, number)) => Ok(engine.item(at, kind, number)?),
        None => Ok(None),
    }
}

fn done(
    call: &Call<'_>,
    resource: &Resource,
    status: StatusCode,
    item: Item,
) -> Result<HttpResponse, ApiError> {
    // What a creation is answered with is the order as it was placed; what follows from it by itself
    // has made newer versions already. A tag of it would only ever fail to match.
    let mut response = if status == StatusCode::CREATED {
        HttpResponse::build(status)
    } else {
        Call::versioned(status, item.version)
    };
    let url = call.url(&resource.path);
    if status == StatusCode::CREATED || call.request.method() == Method::PUT {
        response.insert_header((LOCATION, url_of(&url, item.number)));
    }
    if status == StatusCode::NO_CONTENT || !call.wants_body() {
        return Ok(response.finish());
    }
    let body = ItemBody {
        definition: call.front.definition,
        resource,
        whole: &item::whole(call, resource, item)?,
        form: &call.forms(&resource.path).alone,
        url: &url,
    };
    Ok(call.with_body(&mut response, &body))
}

fn not_found(kind: Kind, number: Option<u64>) -> ApiError {
    let number = number.unwrap_or_default();
    Refusal::NotFound { kind, number }.into()
}

/// A request that leaves out what would say what it means.
fn unsaid(definition: &Storefront, verb: Verb, resource: &Resource) -> ApiError {
    let rules = definition.commands.iter();
    let rules = rules.filter(|rule| rule.verb == verb && rule.kind == resource.kind);
    let expected = rules.map(|rule| {
        let conditions: Vec<String> = rule.when.iter().map(ToString::to_string).collect();
        conditions.join(" and ")
    });
    let expected: Vec<String> = expected.collect();
    let detail = format!(
        "the request does not say what it means: expected {}",
        expected.join(", or ")
    );
    ApiError::new("status_not_settable", detail)
}

fn not_settable(body: &Body<'_>) -> ApiError {
    let status = body.holding(FieldType::Status).and_then(Value::as_text);
    let status = status.unwrap_or_default().to_owned();
    Refusal::StatusNotSettable { status }.into()
}

fn field_required(name: &str) -> ApiError {
    ApiError::new("field_required", format!("the field `{name}` is required"))
}

#[cfg(test)]
mod tests;
