//! POST, PUT, PATCH, DELETE: which command the storefront's rules make of a request, and its answer.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode, header::LOCATION},
    web::Bytes,
};

use super::{
    body::{Body, Given},
    call::Call,
    error::ApiError,
    represent::{self, ItemBody},
};
use crate::{
    actors::handles::{Item, Request, Target},
    domain::{
        Changes, Fields, Kind, Money, Refusal, Value,
        money::Currency,
        storefront::{CommandAction, FieldType, Resource, Storefront, Test, Verb},
    },
};

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
    let action = meaning(call.front.definition, verb, resource, &body)?;
    let current = match number {
        Some(number) => call.engine().item(call.front.at, resource.kind, number)?,
        None => None,
    };
    // A repeated key is answered by the engine as before, even if what it is about is gone. Nothing
    // is placed under an address that is not there, as the originals' PUT did (SEED API 1.2): nobody
    // is charged because of a mistyped number.
    if number.is_some() && current.is_none() && context.key.is_none() {
        return Err(not_found(resource.kind, number));
    }
    let currency = call.front.definition.currency;
    let mut request = match action {
        CommandAction::PlaceOrder => place(currency, resource, &body)?,
        CommandAction::AmendOrder => {
            if let Some(current) = &current {
                settable(resource, &body, current)?;
            }
            amend(currency, verb, &body, number)?
        }
        CommandAction::CancelOrder | CommandAction::RemoveOrder => bare(action, number),
        _ => bare(action, Some(order_of(resource, number, &body)?)),
    };
    request.expected = call.expected(resource.kind);
    let item = call
        .engine()
        .perform(call.front.at, request, context)
        .await?;
    let status = match verb {
        Verb::Post => StatusCode::CREATED,
        Verb::Put | Verb::Patch if call.wants_body() => StatusCode::OK,
        Verb::Put | Verb::Patch | Verb::Delete => StatusCode::NO_CONTENT,
    };
    Ok(done(call, resource, status, &item))
}

/// The first rule that fits counts.
fn meaning(
    definition: &Storefront,
    verb: Verb,
    resource: &Resource,
    body: &Body<'_>,
) -> Result<CommandAction, ApiError> {
    let fits = definition.commands.iter().find(|rule| {
        rule.verb == verb
            && rule.kind == resource.kind
            && rule.when.iter().all(|condition| match &condition.test {
                Test::Is(text) => body.is(&condition.field, text),
                Test::Given | Test::Missing => false,
            })
    });
    fits.map(|rule| rule.action)
        .ok_or_else(|| not_settable(body))
}

fn place(currency: Currency, resource: &Resource, body: &Body<'_>) -> Result<Request, ApiError> {
    let mut fields = Fields::new();
    let amount = merge(currency, body, &mut fields);
    required(resource, &fields)?;
    Ok(Request::place(fields, amount))
}

/// A status changes nothing where it says what is so already, or what the order began with.
fn settable(resource: &Resource, body: &Body<'_>, current: &Item) -> Result<(), ApiError> {
    if let Some(Value::Text(status)) = body.holding(FieldType::Status) {
        let now = represent::status(resource, &current.entity);
        let placed = resource.words.get("placed").map(|word| &**word);
        if ![now, placed].contains(&Some(status)) {
            return Err(not_settable(body));
        }
    }
    Ok(())
}

/// PATCH changes what is sent; PUT replaces everything, except that an amount which is not sent
/// stays, since it was fixed when the order was placed.
fn amend(
    currency: Currency,
    verb: Verb,
    body: &Body<'_>,
    order: Option<u64>,
) -> Result<Request, ApiError> {
    let mut amount = None;
    let mut changes = Changes::new();
    for (field, given) in body.iter() {
        let value = match (field.holds, given) {
            (FieldType::Status | FieldType::Order, _)
            | (FieldType::Money, Given::Null | Given::Absent) => continue,
            (_, Given::Absent) if verb != Verb::Put => continue,
            (_, Given::Absent | Given::Null) => None,
            (_, Given::Value(value)) => Some(value.clone()),
        };
        if field.required && value.is_none() {
            return Err(field_required(&field.name));
        }
        if field.holds == FieldType::Money {
            amount = value.as_ref().and_then(Value::as_int);
        }
        changes.push((Arc::clone(&field.name), value));
    }
    Ok(Request {
        changes,
        amount: amount.map(|minor| Money::new(minor, currency)),
        ..bare(CommandAction::AmendOrder, order)
    })
}

/// Puts what a body says into the fields, and gives back the amount that it names.
///
/// The amount is kept among the fields too, so that an order which was placed without one shows
/// null rather than zero.
fn merge(currency: Currency, body: &Body<'_>, fields: &mut Fields) -> Option<Money> {
    let mut amount = None;
    for (field, given) in body.iter() {
        if let Given::Value(value) = given
            && !matches!(field.holds, FieldType::Status | FieldType::Order)
        {
            if field.holds == FieldType::Money {
                amount = value.as_int().map(|minor| Money::new(minor, currency));
            }
            fields.set(Arc::clone(&field.name), Some(value.clone()));
        }
    }
    amount
}

fn required(resource: &Resource, fields: &Fields) -> Result<(), ApiError> {
    let missing = resource
        .fields
        .iter()
        .filter(|field| field.required && field.holds != FieldType::Order)
        .find(|field| fields.get(&field.name).is_none());
    missing.map_or(Ok(()), |field| Err(field_required(&field.name)))
}

/// Which order's delivery is meant: the one in the path, or in the field for it.
fn order_of(resource: &Resource, number: Option<u64>, body: &Body<'_>) -> Result<u64, ApiError> {
    if let Some(number) = number {
        return Ok(number);
    }
    let given = body.holding(FieldType::Order).and_then(Value::as_int);
    let given = given.and_then(|number| u64::try_from(number).ok());
    given.ok_or_else(|| {
        let field = resource.field_holding(FieldType::Order);
        field_required(field.map_or("", |field| &field.name))
    })
}

fn bare(action: CommandAction, order: Option<u64>) -> Request {
    let answer_with = if action == CommandAction::AdvanceDelivery {
        Kind::Delivery
    } else {
        Kind::Order
    };
    Request::new(
        action,
        Target::Order(order.unwrap_or_default()),
        answer_with,
    )
}

fn done(call: &Call<'_>, resource: &Resource, status: StatusCode, item: &Item) -> HttpResponse {
    // What a creation is answered with is the order as it was placed; what follows from it by itself
    // has made newer versions already. A tag of it would only ever fail to match.
    let mut response = if status == StatusCode::CREATED {
        HttpResponse::build(status)
    } else {
        Call::versioned(status, item.version)
    };
    let url = call.url(&resource.path);
    if status == StatusCode::CREATED || call.request.method() == Method::PUT {
        response.insert_header((LOCATION, format!("{url}/{}", item.number)));
    }
    if status == StatusCode::NO_CONTENT || !call.wants_body() {
        return response.finish();
    }
    let body = ItemBody {
        resource,
        item,
        url: &url,
    };
    call.with_body(&mut response, &body)
}

fn not_found(kind: Kind, number: Option<u64>) -> ApiError {
    let number = number.unwrap_or_default();
    Refusal::NotFound { kind, number }.into()
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
mod tests {
    use super::*;
    use crate::{
        actors::handles::Entity,
        domain::{order, storefront::read},
    };

    fn flowers() -> Storefront {
        read::storefront(include_str!("../../storefronts/flowers.toml")).unwrap()
    }

    /// What a PUT or PATCH of an order with this state, an address and a price would do.
    fn amended(
        verb: Verb,
        state: order::State,
        json: &str,
    ) -> Result<(String, String), &'static str> {
        let flowers = flowers();
        let resource = flowers.resource(Kind::Order).unwrap();
        let body = Body::parse(json.as_bytes(), &resource.fields).map_err(|error| error.code())?;
        let action = meaning(&flowers, verb, resource, &body).map_err(|error| error.code())?;
        if action != CommandAction::AmendOrder {
            return Ok((format!("{action:?}"), String::new()));
        }
        let fields = [
            ("address".into(), "Seoul".into()),
            ("price".into(), Value::Int(10_000)),
        ];
        let current = Item {
            number: 1,
            version: 3,
            entity: Entity::Order(order::Order {
                state,
                fields: Arc::new(fields.into_iter().collect()),
                amount: Some(Money::new(10_000, Currency::KRW)),
                removed: false,
                lines: Vec::new(),
            }),
        };
        settable(resource, &body, &current).map_err(|error| error.code())?;
        let request = amend(Currency::KRW, verb, &body, Some(1));
        let request = request.map_err(|error| error.code())?;
        let Entity::Order(order) = current.entity else {
            unreachable!("it was made above")
        };
        let mut fields: Vec<String> = order
            .fields
            .changed(&request.changes)
            .iter()
            .map(|(name, value)| match value {
                Value::Text(text) => format!("{name}={text}"),
                Value::Int(number) => format!("{name}={number}"),
                Value::Bool(flag) => format!("{name}={flag}"),
            })
            .collect();
        fields.sort();
        let amount = request
            .amount
            .map_or(String::new(), |amount| amount.to_string());
        Ok((fields.join(" "), amount))
    }

    fn check(verb: Verb, json: &str, expected: Result<(&str, &str), &str>) {
        let found = amended(verb, order::State::Confirmed, json);
        let found = found
            .as_ref()
            .map(|(fields, amount)| (&**fields, &**amount));
        assert_eq!(found.map_err(|code| *code), expected, "{verb:?} {json}");
    }

    #[test]
    fn patch_changes_what_is_sent_and_put_replaces_all_but_the_amount() {
        let kept = "address=Seoul price=10000";
        check(Verb::Patch, "{}", Ok((kept, "")));
        check(
            Verb::Patch,
            r#"{"flowerType":"Rose"}"#,
            Ok(("address=Seoul flowerType=Rose price=10000", "")),
        );
        check(Verb::Patch, r#"{"address":null}"#, Ok(("price=10000", "")));
        check(Verb::Patch, r#"{"price":null}"#, Ok((kept, "")));
        check(Verb::Patch, r#"{"price":"10000"}"#, Ok((kept, "10000 KRW")));
        check(
            Verb::Put,
            r#"{"flowerType":"Rose"}"#,
            Ok(("flowerType=Rose price=10000", "")),
        );
    }

    #[test]
    fn a_status_means_its_command_or_what_is_so_already_or_nothing() {
        check(
            Verb::Patch,
            r#"{"status":"OrderCancelled"}"#,
            Ok(("CancelOrder", "")),
        );
        check(
            Verb::Put,
            r#"{"status":"OrderCancelled","price":1}"#,
            Ok(("CancelOrder", "")),
        );
        let kept = Ok(("address=Seoul price=10000", ""));
        check(Verb::Patch, r#"{"status":"PaymentConfirmed"}"#, kept);
        check(Verb::Patch, r#"{"status":"Ordered"}"#, kept);
        check(Verb::Patch, r#"{"status":null}"#, kept);
        check(
            Verb::Patch,
            r#"{"status":"Delivered"}"#,
            Err("status_not_settable"),
        );
        check(
            Verb::Patch,
            r#"{"status":"OrderCanceled"}"#,
            Err("status_not_settable"),
        );
    }

    #[test]
    fn an_order_is_placed_with_what_is_known_of_it() {
        let flowers = flowers();
        let resource = flowers.resource(Kind::Order).unwrap();
        let siege = r#"{"couponId":"1", "customerId":"2", "qty":"1", "status":"ordered"}"#;
        let body = Body::parse(siege.as_bytes(), &resource.fields).unwrap();
        let request = place(Currency::KRW, resource, &body).unwrap();
        assert!(request.fields.is_empty() && request.amount.is_none());
    }

    #[test]
    fn a_delivery_needs_the_number_of_its_order() {
        let flowers = flowers();
        let resource = flowers.resource(Kind::Delivery).unwrap();
        let order = |json: &str| {
            let body = Body::parse(json.as_bytes(), &resource.fields).unwrap();
            order_of(resource, None, &body).map_err(|error| error.code())
        };
        assert_eq!(order(r#"{"orderId":"1","status":"Delivered"}"#), Ok(1));
        assert_eq!(order(r#"{"status":"Delivered"}"#), Err("field_required"));
    }
}
