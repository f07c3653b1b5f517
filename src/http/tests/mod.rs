//! A storefront that has everything, to try requests and answers on: a bicycle workshop.

use std::sync::Arc;

use crate::domain::{
    Kind,
    storefront::{
        CommandAction, CommandRule, Condition, Field, FieldType, Parties, Reply, Resource, Role,
        Storefront, Test, Verb, Words, read,
    },
};

/// A job is an order, a stand a listing, a bill a payment, a check an approval, a repair a delivery,
/// a wage a payout.
pub(super) fn workshop() -> Storefront {
    let posies = include_str!("../../../tests/shops/posies.toml");
    let name = |text: &str| Arc::<str>::from(text);
    Storefront {
        resources: resources(),
        commands: commands(),
        parties: Some(Parties {
            field: name("who"),
            customer: (name("who"), name("rider")),
            seller: None,
        }),
        ..read::storefront(posies).unwrap()
    }
}

const TEXT: FieldType = FieldType::Text { max_chars: 20 };
const KEY: FieldType = FieldType::Key { max_chars: 20 };
const COUNT: FieldType = FieldType::Quantity { default: 3 };

fn resources() -> Vec<Resource> {
    let (cost, status, job) = (cost(), status(), job());
    vec![
        resource(
            Kind::Order,
            "jobs",
            job_fields(),
            &[("placed", "new"), ("confirmed", "paid")],
        ),
        resource(
            Kind::Listing,
            "stands",
            vec![
                Field::new("title", TEXT),
                Field::new("hours", COUNT),
                cost.clone(),
                status.clone(),
            ],
            &[("sold_out", "full"), ("freed", "free")],
        ),
        resource(
            Kind::Payment,
            "bills",
            vec![
                job.clone(),
                Field::new("bike", TEXT),
                cost.clone(),
                status.clone(),
            ],
            &[("captured", "paid")],
        ),
        resource(
            Kind::Approval,
            "checks",
            vec![
                Field::new("slip", KEY),
                Field::new("stand", FieldType::Listing),
                Field::new("hours", COUNT),
                of("called", TEXT, Kind::Listing, "title"),
                status.clone(),
            ],
            &[("requested", "open")],
        ),
        resource(
            Kind::Delivery,
            "mendings",
            vec![
                job.clone(),
                Field::new("bike", TEXT),
                Field::new("mechanic", TEXT),
                Field::new("who", TEXT),
                Field::new("part", FieldType::Role),
                status.clone(),
            ],
            &[("planned", "soon"), ("done", "ready")],
        ),
        resource(
            Kind::Payout,
            "wages",
            vec![job, cost.clone(), Field::new("kept", FieldType::Commission)],
            &[("due", "due")],
        ),
    ]
}

fn job_fields() -> Vec<Field> {
    vec![
        Field {
            shown: false,
            ..job()
        },
        Field::new("ticket", KEY),
        Field {
            required: true,
            ..Field::new("bike", TEXT)
        },
        Field::new("place", FieldType::Position),
        Field::new("stand", FieldType::Listing),
        Field::new("hours", COUNT),
        Field {
            lines: Some(("stand".into(), "hours".into())),
            ..Field::new("more", FieldType::Lines)
        },
        cost(),
        status(),
        of("done", FieldType::Status, Kind::Delivery, "state"),
    ]
}

fn job() -> Field {
    Field::new("job", FieldType::Order)
}

fn cost() -> Field {
    Field::new("cost", FieldType::Money)
}

fn status() -> Field {
    Field::new("state", FieldType::Status)
}

fn of(name: &str, holds: FieldType, kind: Kind, from: &str) -> Field {
    Field {
        of: Some((kind, from.into())),
        ..Field::new(name, holds)
    }
}

fn resource(kind: Kind, path: &str, fields: Vec<Field>, words: &[(&str, &str)]) -> Resource {
    let words = words
        .iter()
        .map(|(own, word)| ((*own).into(), (*word).into()));
    Resource {
        kind,
        path: path.into(),
        item: "one".into(),
        aliases: Vec::new(),
        fields,
        words: Words(words.collect()),
        events: Words::default(),
        number: "id".into(),
        event_data: Vec::new(),
        searches: Vec::new(),
    }
}

fn commands() -> Vec<CommandRule> {
    use Verb::{Delete, Patch, Post, Put};
    let is = |text: &str| Some(("state", Test::Is(text.into())));
    let (given, missing) = (Some(("job", Test::Given)), Some(("job", Test::Missing)));
    let rules = [
        (Post, Kind::Order, is("pay"), CommandAction::PayOrder),
        (Post, Kind::Order, given, CommandAction::AmendOrder),
        (Post, Kind::Order, missing, CommandAction::PlaceOrder),
        (Put, Kind::Order, None, CommandAction::AmendOrder),
        (Patch, Kind::Order, None, CommandAction::AmendOrder),
        (Post, Kind::Listing, None, CommandAction::OfferListing),
        (Patch, Kind::Listing, None, CommandAction::AmendListing),
        (Delete, Kind::Payment, None, CommandAction::CancelOrder),
        (Post, Kind::Approval, None, CommandAction::GrantApproval),
        (Patch, Kind::Approval, None, CommandAction::RefuseApproval),
        (Post, Kind::Delivery, None, CommandAction::AdvanceDelivery),
        (Post, Kind::Payout, None, CommandAction::PayPayout),
    ];
    let rules = rules.into_iter().map(|(verb, kind, when, action)| {
        let when = when.map(|(field, test)| Condition {
            field: field.into(),
            test,
        });
        CommandRule {
            verb,
            kind,
            when: when.into_iter().collect(),
            action,
            step: (action == CommandAction::AdvanceDelivery).then_some(1),
            until: None,
            by: Role::Anyone,
            reply: Reply::Entity,
        }
    });
    rules.collect()
}
