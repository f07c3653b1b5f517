//! The complete example of the manual reads, and each kind of mistake in it is found at its line.

use super::{super::*, check_in};
use crate::domain::{
    Value, order, payout,
    storefront::{
        Action, Channel, Choice, CommandAction, FieldType, Granting, Mode, Reply, Role, Rows,
        Source, Test, Way,
    },
};

const MANUAL: &str = include_str!("../../../../../docs/storefronts.md");

/// The one example of the manual.
fn example() -> &'static str {
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

#[test]
fn mistakes_in_listings_are_found() {
    check_in(
        example(),
        r#"
        numbers = "shared"    ==> numbers = "share"      ==> did you mean `shared`?
        numbers = "shared"    ==> #                      ==> numbers = "shared" ==> approval = true
        approval = true       ==> aproval = true         ==> did you mean `approval`?
        returns = true        ==> returns = "yes"        ==> must be true or false
        unknown = "refuse"    ==> unknown = "reject"     ==> expected one of `refuse`, `accept`
        draft    = "Waiting"  ==> #                      ==> a word for `draft` ==> -1
        closed   = "Closed"   ==> #                      ==> a word for `closed` ==> [listing.words]
        sold_out = "Full"     ==> soldout = "Full"       ==> did you mean `sold_out`?
        opened  = "RoomOpened" ==> open  = "RoomOpened"  ==> did you mean `opened`?
        [[listing.row]]       ==> [listing.row]          ==> begin each with [[row]]
        hostId = "host-1"     ==> hostid = "host-1"      ==> did you mean `hostId`?
        hostId = "host-1"     ==> #                      ==> needs its field `hostId` ==> -1
        places = 4            ==> places = -4            ==> a whole number from 0
        price  = 30000        ==> price  = "30000"       ==> a whole number from 0
        "37.5172,126.9366"    ==> "137.5,126.9"          ==> is not a position
        "37.5172,126.9366"    ==> "Seoul"                ==> is not a position
        "#,
    );
}

#[test]
fn mistakes_in_fields_are_found() {
    check_in(
        example(),
        r#"
        "quantity", default = 1 } ==> "quantity", default = -1 } ==> a whole number from 0
        "quantity", default = 1 } ==> "quantity", max = 1 }  ==> has no key `max`
        "key", max = 40 }     ==> "key", max = 0 }       ==> from 1 to 4096
        bookingKey = { type = "key", max = 40 } ==> # ==> this finds no order ==> bookingKey = { type = "key" }
        wish       = { type = "text", max = 500 } ==> k = { type = "key" } ==> another field of this type
        { type = "listing" }  ==> { type = "lines", listing = "room" } ==> needs `quantity`
        { type = "listing" }  ==> { type = "lines", listing = "a", quantity = "a" } ==> two names
        { type = "listing" }  ==> { type = "role" }      ==> cannot be of type `role`
        of = "delivery"       ==> of = "deliveries"      ==> nothing shows fields of
        of = "delivery"       ==> of = "payment"         ==> [payment] has no field `doorCode`
        from = "title"        ==> from = "titel"         ==> did you mean `title`?
        of = "listing", from = "title" ==> from = "title" ==> add whose
        of = "listing", from = "title" ==> of = "listing", from = "price" ==> expected type = "money"
        hidden = true         ==> hidden = 1             ==> must be true or false
        guestId    = { type = "text" } ==> guest = { type = "text" } ==> [order] has no field `guest`
        guestId    = { type = "text" } ==> guestId = { type = "integer" } ==> expected type = "text"
        price  = { type = "money" } ==> price = { type = "money", of = "order" } ==> a listing has many orders
        fee       = { type = "commission" } ==> fee = { type = "money" } ==> another field of this type
        "#,
    );
}

#[test]
fn mistakes_in_approvals_payouts_and_parties_are_found() {
    check_in(
        example(),
        r#"
        granted   = "Granted" ==> #                      ==> a word for `granted` ==> -2
        refused   = "Refused" ==> refuzed = "Refused"    ==> did you mean `refused`?
        path = "payouts"      ==> item = "payout"        ==> has no `path`
        commission = "10 %"   ==> #                      ==> needs `commission` ==> -2
        commission = "10 %"   ==> commission = "10"      ==> is not a commission
        commission = "10 %"   ==> commission = "100.01 %" ==> is not a commission
        commission = "10 %"   ==> commission = "1.005 %" ==> is not a commission
        after      = "7 d"    ==> after = "7 days"       ==> is not a time
        after      = "7 d"    ==> after = "d"            ==> is not a time
        after      = "7 d"    ==> after = "9999 d"       ==> ten years at most
        paid       = "Remitted" ==> #                    ==> a word for `paid` ==> -2
        field    = "userId"   ==> field = "userID"       ==> did you mean `userId`?
        customer = {          ==> custommer = {          ==> did you mean `customer`?
        field = "guestId", role ==> field = "guest", role ==> [order] has no such field
        field = "hostId", role ==> field = "hostid", role ==> did you mean `hostId`?
        role = "host"         ==> role = "guest"         ==> different names
        [delivery.parties]    ==> [delivery.party]       ==> say in [delivery.parties] ==> [delivery]
        "#,
    );
}

#[test]
fn mistakes_in_the_new_steps_are_found() {
    check_in(
        example(),
        r#"
        do   = "reserve"      ==> do = "reserv"          ==> did you mean `reserve`?
        do   = "reserve"      ==> do = "assign"          ==> needs `choose` ==> -1
        do   = "reserve"      ==> choose = "next"\ndo = "assign" ==> `choose` cannot be `next`
        do   = "reserve"      ==> choose = "nearest"\ndo = "assign" ==> [order] with type = "position" ==> 1
        do   = "reserve"      ==> choose = "first"\ndo = "reserve" ==> of the step `assign` only
        room       = { type = "listing" } ==> #          ==> "listing" or "lines" ==> do   = "reserve"
        mode = "sync"  ==> mode = "hold"                 ==> no mode `hold`
        mode = "sync"  ==> mode = "async"                ==> only a step with mode = "sync" ==> 1
        fallback = "accept"   ==> fallback = "acept"     ==> did you mean `accept`?
        by   = "person"       ==> by = "somebody"        ==> `by` cannot be `somebody`
        only_if = "wish"      ==> only_if = "wisch"      ==> did you mean `wish`?
        only_if = "wish"      ==> only_if = "price"      ==> has no such field
        only_if = "wish"      ==> only_if = "wish"\nunless = "wish" ==> not both ==> 1
        mode = "hold"         ==> mode = "holt"          ==> did you mean `hold`?
        mode = "hold"         ==> mode = "command"       ==> do = "order.pay" ==> -1
        held      =           ==> helt =                 ==> a word for `held` ==> -2
        do   = "pay"          ==> do = "approve"         ==> once at most
        do   = "pay"          ==> do = "payout"          ==> put it after a step
        do   = "pay"          ==> within_s = 60\ndo   = "pay" ==> how long a person is awaited
        within_s = 172800     ==> within_s = 0             ==> a whole number from 1 to 31536000
        for_s = 86400         ==> for_s = 0                ==> a whole number from 1 to 31536000
        approval = true       ==> approval = true\nwithin_s = 9 ==> only orders expire ==> 1
        "#,
    );
    let (before, after) = example().split_once("[[flow]]").unwrap();
    let (_, commands) = after.split_once("# ---- Which").unwrap();
    let last = "[[flow]]\ndo = \"approve\"\nmode = \"async\"\nby = \"flow\"\n";
    check_in(
        &format!("{before}{last}# ---- Which{commands}"),
        "do = \"approve\" ==> do = \"approve\" ==> it is the last",
    );
}

#[test]
fn mistakes_in_the_new_rules_are_found() {
    check_in(
        example(),
        r#"
        given = ["roomId"]    ==> given = ["room"]       ==> [approval] has no field `room`
        given = ["roomId"]    ==> given = ["roomId"]\nmissing = ["roomId"] ==> looked at twice ==> 1
        on = "DELETE approvals/{id}" ==> given = ["roomId"]\non = "DELETE approvals/{id}" ==> a DELETE has no fields
        by      = "owner"     ==> by = "ovner"           ==> did you mean `owner`?
        reply   = "nothing"   ==> reply = "none"         ==> expected one of `entity`, `nothing`
        to   = "Left"         ==> to = "Lefd"            ==> did you mean `Left`?
        do   = "order.cancel" ==> do = "order.cancel"\nto = "Left" ==> only `delivery.advance` ==> 1
        until = "Left"        ==> until = "Lefd"         ==> did you mean `Left`?
        to   = "Left"         ==> until = "Left"         ==> only `order.amend`, `order.pay`
        do = "listing.offer"  ==> do = "listing.amend"   ==> which listing?
        do = "listing.offer"  ==> do = "order.cancel"    ==> expected POST, PUT, PATCH, DELETE on the path of [order], [payment]
        roomId    = { type = "listing" } ==> #           ==> has no field `roomId` ==> given = ["roomId"]
        "POST approvals"      ==> "PUT approvals"        ==> expected `PUT approvals/{id}`
        "#,
    );
    check_in(
        example(),
        r#"
        do   = "payout"       ==> do = "pey"             ==> needs a [[flow]] with do = "payout" ==> do = "payout.pay"
        do = "approval.refuse" ==> do = "aproval.refuse" ==> did you mean `approval.refuse`?
        { status = "Left" }   ==> { status = "Lefd" }    ==> has no word `Lefd`
        "#,
    );
}

#[test]
fn mistakes_in_the_new_views_and_notices_are_found() {
    check_in(
        example(),
        r#"
        rows   = "listing"    ==> rows   = "listings"    ==> did you mean `listing`?
        rows   = "listing"    ==> rows   = "order"       ==> has no row here ==> 3
        history = true        ==> only = { state = "x" } ==> did you mean `status`?
        history = true        ==> only = { status = "x", door = "y" } ==> looks at one field
        { granted = "Admitted" } ==> { grantet = "Admitted" } ==> did you mean `granted`?
        { granted = "Admitted" } ==> "Admitted"          ==> must be a table
        price  = { type = "money" } ==> # ==> needs a field of [listing] with type = "money" ==> priced = true
        history = true        ==> history = "yes"        ==> must be true or false
        "$event" }            ==> "$events" }            ==> did you mean `$event`?
        on.order.held        = { set = ["status"] } ==> on.order.held = { set = { room = "$listing" } } ==> expected it of `placed`, `itemised`
        on.order.held        = { set = ["status"] } ==> on.order.held = { } ==> needs `set`
        door = "doorCode"     ==> door = "bookingId"     ==> the row's key
        put = { bookings = 0 } ==> put = { booking = 0 } ==> did you mean `bookings`?
        put = { bookings = 0 } ==> put = { bookings = true } ==> a whole number
        add = { bookings = 1 } ==> add = { bookings = "1" } ==> a whole number
        on.listing.opened   = { set = ["status"] } ==> on.listing.opened = { set = ["title"] } ==> does not carry `title`
        "order.confirmed"     ==> "order.confirm"        ==> did you mean `confirmed`?
        "order.confirmed"     ==> "bookings.confirmed"   ==> nothing has the event
        to   = "guestId"      ==> to = "guest"           ==> who is told
        {status} ({price}원)  ==> {state} ({price}원)    ==> nothing is known as `{state}`
        {status} ({price}원)  ==> {status ({price}원)    ==> nothing is known as
        {title}: {status}     ==> {title}: {status       ==> has no `}` after it
        {title}: {status}     ==> {guestId}: {status}    ==> nothing is known as `{guestId}`
        channels = ["mail"]   ==> channels = ["post"]    ==> there is no channel `post`
        channels = ["mail"]   ==> channels = ["mail"]\nchannel = "log" ==> say the same ==> 1
        channels = ["mail"]   ==> channels = ["kakao"]   ==> KakaoTalk needs `template` ==> [[notify]]
        mail     = "email"    ==> mail = "emial"         ==> did you mean `email`?
        mail     = "email"    ==> language = "frame"     ==> neither a language nor a field
        mail     = "email"    ==> text = { ko = "", en = "" } ==> [notices] has no key `text`
        subject  = {          ==> #                      ==> a mail needs `subject` ==> [[notify]]
        No. {number}          ==> No. {numbers}          ==> did you mean `number`?
        to   = "hostId"       ==> to = "hostId"\nchannel = "kakao"\ntemplate = "t"\nkakao = "fax" ==> who is told ==> 3
        to   = "hostId"       ==> channel = "mail"       ==> the channel `mail` needs an address ==> -2
        to   = "hostId"       ==> template = "012345678901234567890123456789012" ==> 1 to 32 characters
        to   = "hostId"       ==> language = "fr"        ==> neither a language nor a field
        en = "{title} is      ==> an = "{title} is       ==> needs `en` ==> 0
        "#,
    );
}
