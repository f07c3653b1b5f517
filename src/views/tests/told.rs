//! Histories, notifications, and views that stopped.

use super::*;

#[test]
fn an_orders_row_takes_what_its_lines_its_payout_and_its_delivery_say() {
    let mut shop = posies();
    let listing_and_price = [("room", Source::Listing), ("price", Source::Amount)];
    let shares = [("share", Source::Amount), ("fee", Source::Commission)];
    let photo = [("photo", Source::Field("photo".into()))];
    let rules = vec![
        rule(Kind::Order, "placed", &listing_and_price),
        rule(Kind::Order, "priced", &listing_and_price[1..]),
        rule(Kind::Payout, "paid", &shares),
        rule(Kind::Delivery, "noted", &photo),
    ];
    shop.views = vec![view("plans", Rows::Orders, rules)];
    let mut desk = Desk::new(shop);
    let noted = delivery::Event::Noted {
        fields: fields(&[("photo", "a.jpg".into())]),
    };
    let paid = payout::Event::Paid {
        amount: won(8_000),
        commission: won(1_000),
    };
    let priced = order::Event::Priced { amount: won(9_500) };
    desk.commit(&[placed(6, "KIM"), itemised(6, &[(5, 2), (7, 1)])]);
    desk.commit(&[
        (OrderId(6).key(), priced.into()),
        (EntityKey::new(Kind::Payout, 6), paid.into()),
        (OrderId(6).delivery().key(), noted.into()),
    ]);
    let expected = [
        ("room", 5.into()),
        ("price", 9_500.into()),
        ("share", 8_000.into()),
        ("fee", 1_000.into()),
        ("photo", "a.jpg".into()),
    ];
    desk.has(0, 6, &expected);
    desk.is_what_a_replay_gives();
}
fn with_history() -> Storefront {
    let mut shop = posies();
    shop.views[0].history = true;
    shop.notices = vec![
        notice(&[(Kind::Order, "placed"), (Kind::Payment, "captured")]),
        notice(&[(Kind::Order, "cancelled")]),
    ];
    shop
}

fn notice(on: &[(Kind, &str)]) -> Notice {
    Notice {
        on: on
            .iter()
            .map(|(kind, event)| (*kind, (*event).into()))
            .collect(),
        to: Some("customerName".into()),
        ways: vec![Way {
            channel: Channel::Log,
            address: None,
        }],
        spoken: Spoken::In(Language::Korean),
        subject: None,
        template: None,
        text: Title {
            ko: "{customerName}님: {status}".into(),
            en: "{event} {number} of { customerName }: {amount}{nothing} {".into(),
        },
    }
}

#[test]
fn a_history_has_each_row_as_it_was_under_the_storefronts_names() {
    let mut desk = Desk::new(with_history());
    desk.commit(&[placed(1, "KIM"), captured(1)]);
    desk.commit(&[(OrderId(1).key(), order::Event::Cancelled.into())]);
    let entry = |event: &str, at, status: &str| (event.to_owned(), at, Some(status.into()));
    let expected = [
        entry("Asked", 1_000, "Asked"),
        entry("Settled", 1_000, "Settled"),
        entry("CalledOff", 3_000, "CalledOff"),
    ];
    assert_eq!(desk.history(0, 1), expected);
    assert_eq!(desk.layout.history(0, 1), None, "only the view that asks");
    desk.is_what_a_replay_gives();
}

#[test]
fn a_notification_mentions_what_earlier_events_said() {
    let mut desk = Desk::new(with_history());
    desk.commit(&[placed(1, "KIM"), captured(1)]);
    desk.commit(&[placed(2, "LEE"), captured(2)]);
    let amended = order::Event::Amended {
        fields: Arc::new(fields(&[("customerName", "PARK".into())])),
    };
    desk.commit(&[(OrderId(1).key(), amended.into())]);
    desk.commit(&[(OrderId(1).key(), order::Event::Cancelled.into())]);
    let told: Vec<(Option<String>, String, String)> = desk
        .told()
        .into_iter()
        .map(|told| (told.to, told.ko, told.en))
        .collect();
    let expected = [
        ("KIM", "KIM님: Asked", "Asked 1 of KIM: 9000 {"),
        ("KIM", "KIM님: Settled", "Settled 1 of KIM: 9000 {"),
        ("LEE", "LEE님: Asked", "Asked 2 of LEE: 9000 {"),
        ("LEE", "LEE님: Settled", "Settled 2 of LEE: 9000 {"),
        ("PARK", "PARK님: CalledOff", "CalledOff 1 of PARK: 9000 {"),
    ]
    .map(|(to, ko, en)| (Some(to.to_owned()), ko.to_owned(), en.to_owned()));
    assert_eq!(told, expected);
    desk.is_what_a_replay_gives();
}

#[test]
fn what_stopped_misses_nothing_and_takes_nothing_twice_whatever_crashes() {
    // Crashes after so many batches; a checkpoint before each, or none.
    let check = |crashes: &[usize], checkpoint: bool, slice: usize| {
        let mut shop = with_history();
        for view in &mut shop.views {
            for rule in &mut view.rules {
                rule.add = vec![("events".into(), 1)];
            }
        }
        let mut desk = Desk::new(shop);
        let models = [Model::view(0, 0), Model::notifications(0)];
        for number in 1..=30 {
            let at = usize::try_from(number).unwrap();
            desk.commit(&[placed(number, "KIM"), captured(number)]);
            desk.commit(&[(OrderId(number).key(), order::Event::Cancelled.into())]);
            if number == 10 {
                for model in models {
                    desk.projector.stop(model).unwrap();
                }
            }
            if crashes.contains(&at) {
                if checkpoint {
                    desk.pages.checkpoint(desk.end()).unwrap();
                }
                desk = desk.after_crash();
            }
        }
        let stopped = desk.projector.progress().of(models[0]);
        if checkpoint || crashes.is_empty() {
            assert_eq!(stopped, 30, "{crashes:?}");
            assert_eq!(desk.row(0, 11), None);
            assert_eq!(desk.told().len(), 30);
        }
        assert!(desk.row(1, 30).is_some(), "the other view went on");
        desk.go_on(slice);
        assert_eq!(desk.projector.progress().of(models[0]), desk.end());
        assert_eq!(desk.row(0, 30).unwrap().get("events"), Some(&3.into()));
        desk.is_what_a_replay_gives();
        let desk = desk.after_crash();
        desk.go_on(slice);
        desk.is_what_a_replay_gives();
    };
    check(&[], false, 1_000);
    check(&[], false, 7);
    check(&[5, 12, 20], true, 7);
    check(&[12, 20], true, 1);
    check(&[5, 12, 20], false, 7);
}

#[test]
fn notifications_have_the_path_that_a_component_lists() {
    let shop = with_history();
    let models: Vec<&str> = Model::all(0, &shop)
        .map(|model| model.path(&shop))
        .collect();
    assert_eq!(models, ["pages", "sheets", NOTIFICATIONS]);
    assert_eq!(Model::all(0, &posies()).count(), 2);
}

#[test]
fn a_delivery_is_what_the_subscriber_of_its_own_channel_settled() {
    let mut shop = with_history();
    let to = Some("customerName".into());
    let way = |channel| Way {
        channel,
        address: to.clone(),
    };
    shop.notices[0].ways = vec![way(Channel::Mail), way(Channel::Kakao)];
    let mut desk = Desk::new(shop);
    desk.commit(&[placed(1, "KIM"), captured(1)]);
    let names: Vec<u64> = desk.told().iter().map(Notification::name).collect();
    assert_eq!(names, [16, 17, 32, 33], "by the event, and its place there");
    let mail = |event| {
        let number = number_of(Role::Channel, Channel::Mail.name());
        let event = Event::Subscriber(event);
        (EntityKey::new(Kind::Subscriber, number), event)
    };
    let given = Given {
        at: Timestamp(7),
        // Not its own, and one that never was.
        new: [16, 17, 99].map(|item| (item, OrderId(1).key())).into(),
        behind: vec![(32, OrderId(1).key())],
        ..Given::default()
    };
    let (items, at) = (vec![16], Timestamp(8));
    desk.commit(&[mail(subscriber::Event::Leased(Box::new(given)))]);
    let now = |stage, attempts, why: Option<&str>, at| Delivery {
        stage,
        attempts,
        why: why.map(Into::into),
        at: Timestamp(at),
    };
    assert_eq!(desk.delivery(1), Some(now(Stage::Sending, 1, None, 7)));
    assert_eq!(desk.delivery(2), None);
    assert_eq!(desk.delivery(3), Some(now(Stage::Waiting, 0, None, 7)));
    desk.commit(&[mail(subscriber::Event::Deferred {
        items: items.clone(),
        until: Timestamp(9),
        why: "busy".into(),
        at,
    })]);
    assert_eq!(
        desk.delivery(1),
        Some(now(Stage::Waiting, 1, Some("busy"), 8))
    );
    let given = Given {
        at: Timestamp(9),
        again: items.clone(),
        ..Given::default()
    };
    let (parked, why) = (items.clone(), "no".to_owned());
    desk.commit(&[
        mail(subscriber::Event::Leased(Box::new(given))),
        mail(subscriber::Event::Parked {
            items: parked,
            why,
            at,
        }),
    ]);
    assert_eq!(desk.delivery(1), Some(now(Stage::Failed, 2, Some("no"), 8)));
    let mut desk = desk.after_crash();
    desk.commit(&[mail(subscriber::Event::Acknowledged { items, at })]);
    assert_eq!(desk.delivery(1), Some(now(Stage::Sent, 2, None, 8)));
    desk.is_what_a_replay_gives();
}
