//! What a request to a storefront can look like, for people to try.

use super::{CommandAction, CommandRule, FieldType, Resource, Test};

/// A JSON body that the rule fits: its fields in the order of the definition's file.
pub fn body(resource: &Resource, rule: &CommandRule) -> String {
    let condition = |name: &str| {
        let mut when = rule.when.iter();
        when.find(|when| &*when.field == name)
            .map(|when| &when.test)
    };
    let places = matches!(
        rule.action,
        CommandAction::PlaceOrder | CommandAction::OfferListing
    );
    let fields = resource.fields.iter().filter_map(|field| {
        let value = match (condition(&field.name), field.holds) {
            (Some(Test::Is(text)), _) => format!("{text:?}"),
            (Some(Test::Missing), _) => return None,
            (_, FieldType::Key { .. }) => "\"a-1\"".to_owned(),
            (_, FieldType::Order | FieldType::Listing) | (Some(Test::Given), _) => "1".to_owned(),
            (None, FieldType::Text { .. }) if places => "\"…\"".to_owned(),
            (None, FieldType::Integer { min, max }) if places => 1.clamp(min, max).to_string(),
            (None, FieldType::Money) if places => "10000".to_owned(),
            (None, FieldType::Quantity { .. }) if places => "1".to_owned(),
            (None, FieldType::Position) if places => "\"37.5665,126.9780\"".to_owned(),
            (None, _) => return None,
        };
        Some(format!("{:?}:{value}", field.name))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A shell's command that sends this body to a collection; `method` only where it is not POST.
pub fn curl(url: &str, method: Option<&str>, body: &str) -> String {
    let method = method.map_or_else(String::new, |method| format!("-X {method} "));
    let body = body.replace('\'', "'\\''");
    format!("curl {method}{url} -H 'Content-Type: application/json' \\\n  -d '{body}'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::storefront::read;

    #[test]
    fn an_example_has_its_fields_in_the_order_of_the_file() {
        let text = include_str!("../../../tests/shops/posies.toml");
        let posies = read::storefront(text).unwrap();
        let mut rules = posies.commands.iter();
        let place = rules.find(|rule| rule.action == CommandAction::PlaceOrder);
        let place = place.unwrap();
        let order = posies.resource(place.kind).unwrap();
        assert_eq!(
            body(order, place),
            "{\"phoneNumber\":\"…\",\"address\":\"…\",\"customerName\":\"…\",\
             \"flowerType\":\"…\",\"price\":10000}"
        );
    }
}
