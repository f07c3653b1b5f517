//! Each shop tells its customers what becomes of their orders, in their language.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

use jumun::app::{Options, definitions::Definition};
use serde_json::json;

use super::{server, setup, texts, told, until};
use crate::support::{
    Client, DELIVER, Server,
    kakao::Kakao,
    mailbox::Mailbox,
    receiver::{Manners, Receiver},
};

/// What a shop's own receiver of messages knows them by.
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

const KIM: &str = "kim@example.org";
const LEE: &str = "lee@example.org";

/// A shop that sends mails.
fn mailed(shop: &str) -> (Mailbox, Server, Client) {
    let mailbox = Mailbox::open();
    let server = server(&[mailbox.settings()]);
    let client = server.client().under(&format!("/{shop}"));
    (mailbox, server, client)
}

#[test]
fn flowers_mails_what_became_of_an_order_in_korean_or_english() {
    let (mailbox, server, client) = mailed("flowers");
    client.post(
        "/orders",
        &json!({"price": 10_000, "phoneNumber": "01012341234", "email": KIM}).to_string(),
    );
    client.post("/deliveries", DELIVER);
    let english = json!({"price": 20_000, "phoneNumber": "1", "email": LEE, "language": "en-GB"});
    let order = client.post("/orders", &english.to_string());
    assert!(
        order.at("/email").is_null(),
        "it is not answered: {}",
        order.text
    );
    client.patch("/orders/2", r#"{"status": "OrderCancelled"}"#);
    let mails = mailbox.kept(3);
    assert_eq!(
        texts(&mails, KIM),
        ["[꽃 구독] 주문 1번의 꽃이 배송되었습니다."]
    );
    assert_eq!(
        texts(&mails, LEE),
        [
            "[Flower subscription] Your order 2 is cancelled.",
            "[Flower subscription] 20000 won for your order 2 went back to you.",
        ]
    );
    server.verified();
}

#[test]
fn a_mail_says_who_it_is_from_what_it_is_called_and_that_nobody_wrote_it() {
    let (mailbox, _server, client) = mailed("flowers");
    let order = json!({"price": 10_000, "phoneNumber": "01012341234", "email": KIM});
    client.post("/orders", &order.to_string());
    client.post("/deliveries", DELIVER);
    let mail = &mailbox.kept(1)[0];
    assert_eq!(mail.header("Subject"), "[꽃 구독] 주문 1번");
    assert_eq!(mail.from, "shop@example.org");
    assert_eq!(mail.header("From"), "점문 <shop@example.org>");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Content-Type"), "text/plain; charset=utf-8");
    assert!(
        mail.header("Message-ID").starts_with("<flowers-"),
        "{}",
        mail.text
    );
    assert!(
        mail.header("Message-ID").ends_with("@example.org>"),
        "{}",
        mail.text
    );
    assert!(mail.is_known, "it said who it was");
}

#[test]
fn fish_mails_each_step_of_an_order() {
    let (mailbox, server, client) = mailed("fish");
    let order = json!({"customerName": "한용선", "fishName": "광어", "qty": 1, "status": "paid",
        "telephone": "01012341234", "address": "성남시", "price": 30_000, "email": "fish@example.org"});
    client.post("/orders", &order.to_string());
    client.until("/fishstores/1", "/status", "paid");
    client.patch("/fishstores/1", r#"{"status": "prepared"}"#);
    let mails = mailbox.kept(3);
    let expected = [
        "한용선님, 주문 1번(광어 1개)이 결제되었습니다. 가게의 확인을 기다립니다.",
        "한용선님, 가게에서 주문 1번을 준비하고 있습니다.",
        "한용선님, 주문 1번이 성남시(으)로 출발했습니다.",
    ];
    assert_eq!(texts(&mails, "fish@example.org"), expected);
    server.verified();
}

#[test]
fn tutoring_mails_its_buyers_and_its_sellers() {
    let (mailbox, server, client) = mailed("tutoring");
    let lesson = json!({"sellerId": "s1", "title": "수학", "price": 50_000, "sellerEmail": "s1@example.org"});
    client.post("/lessons", &lesson.to_string());
    client.post("/managements", r#"{"lessonId": 1}"#);
    let purchase =
        json!({"reserveId": "r1", "userId": "u1", "lessonId": 1, "email": "u1@example.org"});
    let number = client.post("/reservations", &purchase.to_string()).number();
    client.until(
        &format!("/remittances/{number}"),
        "/status",
        "RemittanceScheduled",
    );
    client.patch(
        &format!("/remittances/{number}"),
        r#"{"status": "Remitted"}"#,
    );
    let mails = mailbox.kept(5);
    assert_eq!(
        texts(&mails, "u1@example.org"),
        [
            "u1님, 신청 r1이(가) 접수되었습니다. 수학",
            "u1님, 신청 r1의 50000원이 결제되었습니다.",
        ]
    );
    let mut seller = texts(&mails, "s1@example.org");
    let remitted = "s1님, '수학' 수업료 45000원이 지급되었습니다.";
    seller.retain(|text| text != remitted);
    assert_eq!(
        seller,
        [
            "s1님, 수업 1번 '수학': SaleRequested",
            "s1님, 수업 1번 '수학': SaleApproved",
        ]
    );
    assert_eq!(
        texts(&mails, "s1@example.org").len(),
        3,
        "and the remittance"
    );
    server.verified();
}

#[test]
fn stays_mails_each_change_of_a_reservation() {
    let (mailbox, server, client) = mailed("stays");
    client.post("/rooms", r#"{"roomName": "DERUX ROOM", "roomQty": 1}"#);
    let reserve = json!({"customerName": "PARK", "roomNumber": 1, "reserveStatus": "reserve",
        "paymentPrice": 50_000, "email": "park@example.org"});
    client.post("/reservations", &reserve.to_string());
    for status in ["payment", "checkOut"] {
        let body = json!({"reservationNumber": 1, "reserveStatus": status});
        client.post("/reservations", &body.to_string());
    }
    let mails = mailbox.kept(3);
    let expected = [
        "PARK님, 예약 1번이 접수되었습니다.",
        "PARK님, 예약 1번이 50000원 결제되어 확정되었습니다.",
        "PARK님, 예약 1번의 체크아웃이 끝났습니다.",
    ];
    assert_eq!(texts(&mails, "park@example.org"), expected);
    server.verified();
}

#[test]
fn repairs_mails_each_step_of_a_call() {
    let (mailbox, server, client) = mailed("repairs");
    let call =
        json!({"tel": "01023456789", "status": "호출", "cost": 25_500, "email": "tel@example.org"});
    client.post("/ascalls", &call.to_string());
    client.until("/ascalls/1", "/status", "호출확정");
    client.patch("/asassigns/1", r#"{"status": "수리완료"}"#);
    let mails = mailbox.kept(7);
    let texts = texts(&mails, "tel@example.org");
    assert_eq!(texts.first().unwrap(), "수리 요청이 접수되었습니다. (호출)");
    assert_eq!(texts.last().unwrap(), "수리가 끝났습니다. (수리완료)");
    assert!(texts.contains(&"김수리 기사님이 방문합니다. 연락처: 010-0000-0001".to_owned()));
    server.verified();
}

#[test]
fn a_reservation_is_told_of_by_kakaotalk_and_repeated_under_the_same_name_until_it_is_taken() {
    let kakao = Kakao::open();
    kakao.plan(&[503, 200, 200]);
    let server = server(&[kakao.settings()]);
    let client = server.client().under("/stays");
    let reserve = json!({"customerName": "PARK", "reserveStatus": "reserve", "paymentPrice": 50_000,
        "phoneNumber": "010-9805-9805"});
    client.post("/reservations", &reserve.to_string());
    client.patch("/reservations/1", r#"{"reserveStatus": "payment"}"#);
    let asked = kakao.asked(3);
    let statuses: Vec<u16> = asked.iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [503, 200, 200]);
    let id = |at: usize| asked[at].body["requestId"].as_str().unwrap().to_owned();
    assert!(id(0) == id(1) && id(1) != id(2), "{asked:#?}");
    let expected = json!({
        "requestId": id(0),
        "senderKey": "the shop's key",
        "templateCode": "stays_reserved",
        "recipientList": [{
            "recipientNo": "01098059805",
            "content": "PARK님, 예약 1번이 접수되었습니다.",
            "recipientGroupingKey": id(0),
        }],
    });
    assert_eq!(asked[1].body, expected);
    assert!(
        asked[1].head.contains("x-secret-key: of the shop"),
        "{asked:#?}"
    );
    assert!(
        asked[1]
            .head
            .contains(&format!("idempotency-key: {}", id(0))),
        "{asked:#?}"
    );
    assert_eq!(asked[2].body["templateCode"], "stays_paid");
    let first = until(&client, 1, "sent");
    assert_eq!(
        (&first["channel"], &first["attempts"]),
        (&json!("kakao"), &json!(2))
    );
    assert_eq!(first["address"], "010-9805-9805");
    server.verified();
}

#[test]
fn what_was_told_before_a_channel_was_set_up_is_not_told_again() {
    let order = json!({"price": 1, "phoneNumber": "01012341234", "email": KIM}).to_string();
    let server = server(&[]);
    let client = server.client();
    client.post("/orders", &order);
    client.post("/deliveries", DELIVER);
    let channels: Vec<_> = told(&client)
        .iter()
        .map(|told| told["channel"].clone())
        .collect();
    assert_eq!(channels, ["kakao", "mail"]);
    let states: Vec<_> = told(&client)
        .iter()
        .map(|told| told["state"].clone())
        .collect();
    assert_eq!(states, ["logged", "logged"]);
    let request = client.request("POST", "/notifications/2/resend").json("");
    request.expect(409).has("/code", "notification_not_failed");

    let mailbox = Mailbox::open();
    let server = setup(&[mailbox.settings()]).on(server.stop()).start();
    let client = server.client();
    // Not always 2: the mails' channel may keep the quieter shard busy just then.
    let second = client.post("/orders", &order).number();
    let cancelled = r#"{"status": "OrderCancelled"}"#;
    client.patch(&format!("/orders/{second}"), cancelled);
    let mails = mailbox.kept(2);
    assert!(
        texts(&mails, KIM)[0].contains(&format!("주문 {second}번이 취소")),
        "{mails:#?}"
    );
    let of_two = client.get(&format!("/notifications?order={second}"));
    let of_two = of_two.at("/_embedded/notifications");
    assert_eq!(of_two.as_array().unwrap().len(), 4);
    server.verified();
}

#[test]
fn a_message_to_an_address_of_the_shops_own_is_signed_and_repeated_under_its_name() {
    let failures = AtomicU32::new(0);
    let receiver = Receiver::start(move |_| match failures.fetch_add(1, Ordering::SeqCst) {
        0 => Manners::Answer(500),
        1 => Manners::Close,
        _ => Manners::Answer(204),
    });
    receiver.knows(&json!(SECRET));
    let url = receiver.url();
    let settings = format!("[channels.webhook]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n");
    let server = setup(&[settings]).with(by_webhook).start();
    let client = server.client();
    client.post("/orders", r#"{"price": 10000, "phoneNumber": "0101"}"#);
    client.post("/deliveries", DELIVER);
    let messages = receiver.until(|received| received.len() == 3);
    let ids = messages.iter().map(|one| &one.headers["webhook-id"]);
    let ids: BTreeSet<_> = ids.map(|id| id.to_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let sent = until(&client, 1, "sent");
    assert_eq!(
        (&sent["channel"], &sent["attempts"]),
        (&json!("webhook"), &json!(3))
    );
    let text = "[꽃 구독] 주문 1번의 꽃이 배송되었습니다.";
    let said = serde_json::to_string(&messages[2].body).unwrap();
    assert!(said.contains(text), "{said}");
    server.verified();
}

/// The flower shop, which tells everybody by a request.
fn by_webhook(options: &mut Options) {
    let shops = options.storefronts.iter_mut();
    for shop in shops.filter(|shop| shop.name() == "flowers") {
        let own = "channels = [\"kakao\", \"mail\"]";
        assert!(shop.text().contains(own), "{}", shop.text());
        let text = shop.text().replace(own, "channels = [\"webhook\"]");
        *shop = Definition::read(&text).unwrap();
    }
}
