//! The complete example of the manual reads, and says what it means.

use super::super::*;
use crate::domain::{
    Value, order, payout,
    storefront::{
        Action, Channel, Choice, CommandAction, FieldType, Granting, Mode, Reply, Role, Rows,
        Source, Test, Way,
    },
};

const MANUAL: &str = include_str!("../../../../../docs/storefronts.md");

/// The one example of the manual.
pub(super) fn example() -> &'static str {
    let blocks: Vec<&str> = MANUAL.split("```toml\n").skip(1).collect();
    let [block] = blocks[..] else {
        panic!("the manual has one complete example, and its parts are not in blocks")
    };
    block.split_once("```").unwrap().0
}

fn studio(text: &str) -> Storefront {
    storefront(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

#[test]
fn the_complete_example_reads() {
    let studio = studio(example());
    assert!(studio.shares_numbers && studio.flow.returns && studio.listing.approval);
    assert!(!studio.listing.unknown_accepted);
    let [(row, on_hand)] = &studio.listing.rows[..] else {
        panic!("one room")
    };
    assert_eq!(*on_hand, Some(4));
    assert_eq!(row.get("price"), Some(&Value::Int(30_000)));
    assert_eq!(row.get("places"), None, "the count is not a field");

    let steps = &studio.flow.steps;
    let names: Vec<&str> = steps.iter().map(|step| step.action.name()).collect();
    assert_eq!(names, ["reserve", "approve", "pay", "payout", "deliver"]);
    assert!(steps[0].is_deferrable && !steps[1].is_deferrable);
    let only_if = steps[1].only_if.as_ref().unwrap();
    assert_eq!((&*only_if.field, only_if.given), ("wish", true));
    assert_eq!(steps[1].within_ms, Some(172_800_000));
    assert_eq!((steps[2].mode, steps[2].within_ms), (Mode::Hold, None));
    assert_eq!(steps[4].retry.for_ms, 86_400_000);
    let terms = payout::Terms {
        commission_bp: 1_000,
        after_ms: 7 * 86_400_000,
    };
    assert_eq!(steps[3].action, Action::PayOut(terms));
    assert_eq!(steps[4].then, Some(order::State::Completed));

    let parties = studio.parties.as_ref().unwrap();
    assert_eq!(&*parties.field, "userId");
    assert_eq!(parties.customer, ("guestId".into(), "guest".into()));
    assert_eq!(parties.seller, Some(("hostId".into(), "host".into())));

    let notice = &studio.notices[0];
    let on = [
        (Kind::Order, "confirmed".into()),
        (Kind::Order, "cancelled".into()),
    ];
    assert_eq!(notice.on, on);
    assert_eq!(notice.to.as_deref(), Some("guestId"));
    let way = |channel, address: Option<&str>| Way {
        channel,
        address: address.map(Into::into),
    };
    assert_eq!(notice.ways, [way(Channel::Mail, Some("email"))]);
    let rooms = &studio.notices[1];
    assert_eq!(rooms.ways, [way(Channel::Log, None)], "rooms have no mail");
}

#[test]
fn fields_know_what_they_hold_and_whose_they_are() {
    let studio = studio(example());
    let field = |kind, name: &str| {
        let mut fields = studio.resource(kind).unwrap().fields.iter();
        fields.find(|field| *field.name == *name).unwrap()
    };
    let title = field(Kind::Order, "roomTitle");
    assert_eq!(title.of, Some((Kind::Listing, "title".into())));
    assert!(!field(Kind::Order, "client").shown);
    assert_eq!(
        field(Kind::Payment, "guestId").of,
        None,
        "written to the order"
    );
    assert_eq!(field(Kind::Delivery, "part").holds, FieldType::Role);
    assert_eq!(field(Kind::Payout, "fee").holds, FieldType::Commission);
    let places = FieldType::Quantity { default: 1 };
    assert_eq!(field(Kind::Listing, "places").holds, places);
    assert_eq!(
        field(Kind::Order, "bookingKey").holds,
        FieldType::Key { max_chars: 40 }
    );
}

#[test]
fn rules_say_what_they_look_at_who_may_ask_and_how_they_are_answered() {
    let studio = studio(example());
    let rules = |action| {
        studio
            .commands
            .iter()
            .filter(move |rule| rule.action == action)
    };
    let grants: Vec<_> = rules(CommandAction::GrantApproval)
        .map(|rule| (&rule.when[0].test, rule.by, rule.reply))
        .collect();
    assert_eq!(
        grants,
        [
            (&Test::Given, Role::Operator, Reply::Entity),
            (&Test::Missing, Role::Owner, Reply::Nothing),
        ]
    );
    let steps: Vec<_> = rules(CommandAction::AdvanceDelivery)
        .map(|rule| rule.step)
        .collect();
    assert_eq!(steps, [Some(1), None]);
    let mut amends = rules(CommandAction::AmendOrder).map(|rule| rule.until);
    assert_eq!(amends.next(), Some(Some(1)));
    let mut cancels = rules(CommandAction::CancelOrder);
    let kinds = cancels.by_ref().map(|rule| rule.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Order, Kind::Payment]);
}

#[test]
fn views_have_rows_sources_constants_and_counts() {
    let studio = studio(example());
    let (_, bookings) = studio.view_at("myBookings").unwrap();
    assert!(bookings.history);
    assert_eq!(bookings.fields[0].holds, FieldType::Order);
    let placed = bookings.rules.iter().find(|rule| &*rule.event == "placed");
    let sources: Vec<&Source> = placed.unwrap().set.iter().map(|(_, from)| from).collect();
    assert_eq!(
        sources,
        [
            &Source::Field("guestId".into()),
            &Source::Amount,
            &Source::Status,
            &Source::Listing,
            &Source::Quantity,
            &Source::Event,
        ]
    );
    let (_, rooms) = studio.view_at("myRooms").unwrap();
    assert_eq!(rooms.rows, Rows::Listings);
    assert_eq!(rooms.fields[0].holds, FieldType::Order, "the row's number");
    let released = rooms.rules.iter().find(|rule| &*rule.event == "released");
    assert_eq!(released.unwrap().add, [("bookings".into(), -1)]);
    let (_, requests) = studio.view_at("requests").unwrap();
    assert_eq!(requests.rows, Rows::Both);
    let constant = Source::Constant("booking".into());
    assert_eq!(requests.rules[0].set[1], ("kind".into(), constant));
}

/// Other ways to say things, each read from the example with some texts changed.
#[test]
fn what_the_example_does_not_use_reads_too() {
    let changed = |changes: &[(&str, &str)]| {
        let mut text = example().to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        studio(&text)
    };
    let assigned = changed(&[
        (
            "do   = \"reserve\"\nmode = \"sync\" ",
            "do = \"assign\"\nchoose = \"nearest\"\nmode = \"async\" ",
        ),
        ("fallback = \"accept\"", "#"),
        (
            "phone      = { type = \"text\", max = 32 }",
            "at = { type = \"position\" }",
        ),
    ]);
    let action = assigned.flow.steps[0].action;
    assert_eq!(action, Action::Assign(Choice::Nearest));

    let by_flow = changed(&[
        ("by   = \"person\"", "by = \"flow\""),
        ("within_s = 172800 ", "#"),
        ("only_if = \"wish\"", "unless = \"room\""),
        ("mode = \"hold\"  ", "mode = \"command\"  "),
        ("do    = \"order.amend\"", "do = \"order.pay\""),
        ("unknown = \"refuse\"", "unknown = \"accept\""),
    ]);
    let granting = Action::Approve {
        by: Granting::NextStep,
    };
    assert_eq!(by_flow.flow.steps[1].action, granting);
    let only_if = by_flow.flow.steps[1].only_if.as_ref().unwrap();
    assert!(!only_if.given && only_if.of_lines);
    assert_eq!(by_flow.flow.steps[2].mode, Mode::Command);
    assert!(by_flow.listing.unknown_accepted);

    let lines = changed(&[
        (
            "room       = { type = \"listing\" }",
            "rooms = { type = \"lines\", listing = \"room\", quantity = \"qty\" }",
        ),
        (
            "wish      = { type = \"text\" }",
            "rooms = { type = \"lines\", of = \"order\" }",
        ),
    ]);
    let names = Some(("room".into(), "qty".into()));
    for kind in [Kind::Order, Kind::Approval] {
        let resource = lines.resource(kind).unwrap();
        let is_lines = |field: &&super::super::super::Field| field.holds == FieldType::Lines;
        let field = resource.fields.iter().find(is_lines).unwrap();
        assert_eq!(field.lines, names, "{kind}");
    }

    let unseen = changed(&[
        ("path = \"payouts\"\n", ""),
        (
            "on = \"PATCH payouts/{id}\"",
            "on = \"PATCH payments/{id}\"",
        ),
        ("payouts  = [\"payouts\"]", ""),
        ("\"10 %\"", "\"3.25%\""),
        ("\"7 d\"", "\"90min\""),
    ]);
    assert!(!unseen.resource(Kind::Payout).unwrap().is_exposed());
    let terms = payout::Terms {
        commission_bp: 325,
        after_ms: 5_400_000,
    };
    assert_eq!(unseen.flow.steps[3].action, Action::PayOut(terms));
}
