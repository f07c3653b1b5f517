//! Shops with flows out of everything that a flow can be made of.

use std::sync::Arc;

use jumun::domain::storefront::{Storefront, read};

use super::super::chance;

/// How long a person is awaited at most, in seconds; those who may take for ever are awaited so.
pub(super) const WITHIN_S: u32 = 20;

/// For how long the provider is asked again, in seconds.
pub(super) const HORIZON_S: u32 = 60;

/// How much later than the promise a seller is paid, in seconds.
const PAYOUT_S: u32 = 15;

/// Everything but the flow.
const SHOP: &str = r#"
name = "sheds"
title = { ko = "창고", en = "Sheds" }
currency = "KRW"
[order]
path = "lets"
[order.fields]
shed = { type = "listing" }
status = { type = "status" }
price = { type = "money" }
[order.words]
placed = "asked"
held = "held"
confirmed = "sure"
completed = "over"
cancelled = "gone"
[listing]
path = "sheds"
returns = true
[listing.fields]
left = { type = "quantity" }
[approval]
path = "answers"
[approval.fields]
let = { type = "order" }
status = { type = "status" }
[approval.words]
granted = "yes"
refused = "no"
[payment]
path = "bills"
deadline_ms = 300
[payment.fields]
let = { type = "order" }
status = { type = "status" }
[payment.words]
captured = "paid"
refunding = "back"
refunded = "back"
[payout]
path = "shares"
commission = "10 %"
after = "PAYOUT s"
[payout.fields]
let = { type = "order" }
amount = { type = "money" }
status = { type = "status" }
[payout.words]
paid = "paid"
[delivery]
path = "keys"
steps = ["given", "taken"]
[delivery.fields]
let = { type = "order" }
[delivery.words]
cancelled = "gone"
[[command]]
on = "POST sheds"
do = "listing.offer"
[[command]]
on = "POST lets"
do = "order.place"
[[command]]
on = "DELETE lets/{id}"
do = "order.cancel"
[[command]]
on = "POST bills"
do = "order.pay"
"#;

/// Requests that mean something only where the flow has the step.
const ANSWERED: &str = r#"
[[command]]
on = "POST answers"
when = { status = "no" }
do = "approval.refuse"
[[command]]
on = "POST answers"
do = "approval.grant"
"#;
const PAID_OUT: &str = r#"
[[command]]
on = "POST shares"
do = "payout.pay"
"#;
const DELIVERED: &str = r#"
[[command]]
on = "POST keys"
do = "delivery.advance"
"#;

/// A shop of this chance, and its flow in a line.
pub(super) fn shop(random: &mut fastrand::Rng) -> (Arc<Storefront>, String) {
    let mut flow: Vec<String> = Vec::new();
    let within = |random: &mut fastrand::Rng| {
        if chance(random, 60) {
            format!("within_s = {}", random.u32(1..=WITHIN_S))
        } else {
            String::new()
        }
    };
    let lends = [
        "",
        "do = \"reserve\"\nmode = \"sync\"",
        "do = \"reserve\"\nmode = \"sync\"\nfallback = \"accept\"",
        "do = \"reserve\"\nmode = \"async\"",
        "do = \"assign\"\nmode = \"async\"\nchoose = \"first\"",
    ];
    let lend = random.choice(lends).expect("five");
    let approve = format!("do = \"approve\"\nmode = \"async\"\n{}", within(random));
    let (is_first, is_second) = match random.u32(0..5) {
        0 => (true, false),
        1 => (false, true),
        _ => (false, false),
    };
    let modes = ["sync", "async", "hold", "command", "fallback"];
    let pay = match random.choice(modes).expect("five") {
        "command" => format!("mode = \"command\"\n{}", within(random)),
        "fallback" => "mode = \"sync\"\nfallback = \"accept\"".to_owned(),
        mode => format!("mode = \"{mode}\""),
    };
    flow.push(lend.to_owned());
    flow.extend(is_first.then(|| approve.clone()));
    flow.push(format!(
        "do = \"pay\"\nthen = \"confirmed\"\n\
         retry = {{ first_ms = 500, longest_ms = 5000, for_s = {HORIZON_S} }}\n{pay}"
    ));
    flow.extend(is_second.then_some(approve));
    if chance(random, 30) {
        flow.push("do = \"payout\"\nmode = \"async\"".to_owned());
    }
    let deliver = random.choice(["", "async", "command"]).expect("three");
    if !deliver.is_empty() {
        flow.push(format!(
            "do = \"deliver\"\nmode = \"{deliver}\"\nthen = \"completed\""
        ));
    }
    flow.retain(|step| !step.is_empty());
    let breaker = if random.bool() {
        let (calls_min, calls_max) = (random.u32(2..6), random.u32(1..4));
        let (open_ms, trials) = (random.u32(100..3_000), random.u32(1..3));
        format!(
            "breaker = {{ calls_min = {calls_min}, calls_max = {calls_max}, open_ms = {open_ms}, \
             trials = {trials} }}"
        )
    } else {
        String::new()
    };
    let text = SHOP.replace("PAYOUT", &PAYOUT_S.to_string());
    let deadline = "deadline_ms = 300";
    let mut text = text.replace(deadline, &format!("{deadline}\n{breaker}"));
    for (does, requests) in [
        ("approve", ANSWERED),
        ("payout", PAID_OUT),
        ("deliver", DELIVERED),
    ] {
        let is_in = flow.iter().any(|step| step.contains(does));
        text.extend(is_in.then_some(requests));
    }
    text.extend(flow.iter().map(|step| format!("[[flow]]\n{step}\n")));
    let shop = read::storefront(&text);
    let shop = shop.unwrap_or_else(|mistakes| panic!("{mistakes:#?} in {text}"));
    (Arc::new(shop), flow.join("; ").replace('\n', ", "))
}
