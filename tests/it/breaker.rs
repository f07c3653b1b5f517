//! A payment provider that fails too often is left alone, and none is asked more often at once than
//! its shop allows: who waits is told so at once, and what can wait goes on by itself.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use jumun::{
    actors::provider::{Answer, Call, Provider, Settles, Trouble},
    app::definitions::Definition,
};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::support::{Client, Server, Setup};

const POSIES: &str = include_str!("../shops/posies.toml");

const ORDER: &str = r#"{"customerName": "KIM", "price": 100}"#;

const FISH_ORDER: &str = r#"{"customerName": "LEE", "fishName": "flatfish", "qty": 1,
    "telephone": "01012341234", "address": "SEOUL", "status": "paid"}"#;

const BREAKER: &str = "/ops/breakers/posies";

/// Much longer than it takes to come to a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

type Reply = oneshot::Sender<Result<(), Trouble>>;

/// A provider that answers when and as the test says.
#[derive(Debug, Default)]
struct Bank {
    state: Mutex<State>,
    /// Told of each call.
    called: Condvar,
    keeps_no_books: bool,
}

#[derive(Debug, Default)]
struct State {
    /// What it answers at once; nothing if the test wants to answer itself.
    answer: Option<Result<(), Trouble>>,
    keys: Vec<String>,
    waiting: VecDeque<(String, Reply)>,
}

impl Bank {
    fn answers(&self, answer: Option<Result<(), Trouble>>) {
        self.state.lock().unwrap().answer = answer;
    }

    fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().keys.clone()
    }

    /// The keys of those it has not answered, once there are so many.
    fn waiting(&self, count: usize) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let are_missing = |state: &mut State| state.waiting.len() < count;
        let waited = self
            .called
            .wait_timeout_while(state, CALL_TIMEOUT, are_missing);
        let (state, timed_out) = waited.unwrap();
        assert!(!timed_out.timed_out(), "nobody makes {count} calls");
        state.waiting.iter().map(|(key, _)| key.clone()).collect()
    }

    fn answer_first(&self, result: Result<(), Trouble>) {
        let first = self.state.lock().unwrap().waiting.pop_front();
        first.unwrap().1.send(result).unwrap();
    }
}

impl Provider for Bank {
    fn settles(&self) -> Settles {
        if self.keeps_no_books {
            Settles::InJournal
        } else {
            Settles::Elsewhere
        }
    }

    fn call(&self, call: Call) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.keys.push(call.key());
        self.called.notify_all();
        if let Some(answer) = &state.answer {
            return Answer::Now(answer.clone());
        }
        let (reply, answer) = oneshot::channel();
        state.waiting.push_back((call.key(), reply));
        Answer::Later(Box::pin(async {
            answer.await.unwrap_or(Err(Trouble::Unavailable))
        }))
    }
}

/// The flower shop beside a shop of the tests' own, which pays like this.
fn shop(pay: &str, breaker: &str) -> (Server, Client, Arc<Bank>) {
    shop_of(Bank::default(), pay, breaker)
}

fn shop_of(bank: Bank, pay: &str, breaker: &str) -> (Server, Client, Arc<Bank>) {
    let bank = Arc::new(bank);
    bank.answers(Some(Ok(())));
    let deadline = format!("deadline_ms = 60000\nbreaker = {{ {breaker} }}");
    let text = POSIES
        .replace("deadline_ms = 300", &deadline)
        .replace("mode = \"sync\"", pay)
        .replace("confirmed = ", "held = \"Pending\"\nconfirmed = ");
    let posies = Definition::read(&text).unwrap();
    let own = Arc::clone(&bank);
    let setup = Setup::new().with(move |options| {
        options.storefronts.push(posies);
        let each = options.storefronts.iter();
        let bank = each.map(|_| Arc::clone(&own) as Arc<dyn Provider>);
        options.providers = Some(bank.collect());
    });
    let server = setup.start();
    let client = server.client();
    let client = client.under("/posies");
    (server, client, bank)
}

fn place(client: &Client, status: u16) -> crate::support::client::Reply {
    client
        .request("POST", "/purchases")
        .json(ORDER)
        .expect(status)
}

fn decide(server: &Server, state: &str) {
    let body = format!("{{\"state\": \"{state}\"}}");
    let request = server.client();
    request.request("PUT", BREAKER).json(&body).expect(200);
}

#[test]
fn a_provider_that_fails_too_often_is_left_alone_and_nothing_is_stored() {
    let bank = Bank {
        keeps_no_books: true,
        ..Bank::default()
    };
    let breaker = "calls_min = 4, open_ms = 3600000";
    let (server, client, bank) = shop_of(bank, "mode = \"sync\"", breaker);
    let ops = server.client();
    bank.answers(Some(Err(Trouble::Unavailable)));
    for _ in 0..4 {
        place(&client, 503).has("/code", "payment_unavailable");
    }
    assert_eq!(bank.keys().len(), 4);
    ops.get(BREAKER)
        .has("/state", "open")
        .has("/decided", "automatic")
        .has("/errorsInWindow", 4);
    for _ in 0..3 {
        let reply = place(&client, 503);
        reply.has("/code", "payment_suspended");
        let seconds: u32 = reply.header("retry-after").parse().unwrap();
        assert!((3_000..=3_600).contains(&seconds), "{seconds}");
    }
    assert_eq!(bank.keys().len(), 4, "nobody asked it again");

    // The neighbour's provider has trouble of its own, if any.
    bank.answers(Some(Ok(())));
    ops.post("/flowers/orders", r#"{"customerName": "LEE", "price": 1}"#);
    decide(&server, "closed");
    place(&client, 201);
    decide(&server, "open");
    place(&client, 503)
        .has("/code", "payment_suspended")
        .has("/status", 503);
    ops.get(BREAKER).has("/nextTrial", Value::Null);
    decide(&server, "automatic");
    place(&client, 201);
    client.get("/purchases").has("/page/totalElements", 2);
    server.records(&[
        ("order.placed", 3),
        ("payment.captured", 3),
        ("payment.requested", 3),
    ]);
}

#[test]
fn who_finds_no_room_is_told_so_at_once() {
    let (server, client, bank) = shop("mode = \"sync\"", "calls_max = 2");
    bank.answers(None);
    thread::scope(|scope| {
        let placed =
            [(); 2].map(|()| scope.spawn(|| place(&server.client().under("/posies"), 201)));
        bank.waiting(2);
        place(&client, 503).has("/code", "payment_overloaded").has(
            "/detail",
            "as many payments are under way as may be; nothing was done, try again shortly",
        );
        let gauge = server.client().get(BREAKER);
        gauge
            .has("/underWay", 2)
            .has("/callsMax", 2)
            .has("/errorsInWindow", 1);
        bank.answers(Some(Ok(())));
        bank.answer_first(Ok(()));
        bank.answer_first(Ok(()));
        for reply in placed {
            reply.join().unwrap();
        }
    });
    place(&client, 201);
    server.records(&[("order.placed", 3), ("payment.requested", 3)]);
}

#[test]
fn what_can_wait_goes_on_in_order_as_fast_as_the_provider_may_be_asked() {
    let (server, client, bank) = shop("mode = \"hold\"", "calls_max = 2, calls_min = 100");
    bank.answers(None);
    decide(&server, "open");
    for number in 1..=6 {
        let placed = place(&client, 201);
        assert_eq!(placed.number(), number);
        client.until(&format!("/purchases/{number}"), "/status", "Pending");
    }
    assert_eq!(bank.keys().len(), 0);
    decide(&server, "automatic");
    for turn in 0..6 {
        let waiting = bank.waiting((6 - turn).min(2));
        assert!(waiting.len() <= 2, "{waiting:?}");
        bank.answer_first(Ok(()));
        client.until(&format!("/purchases/{}", turn + 1), "/status", "Settled");
    }
    let in_order: Vec<String> = (1..=6)
        .map(|number| format!("posies/pay_{number}/charge"))
        .collect();
    assert_eq!(bank.keys(), in_order);
    server.records(&[
        ("order.held", 6),
        ("payment.captured", 6),
        ("payment.requested", 6),
    ]);
}

#[test]
fn a_breaker_lets_a_trial_through_by_itself_and_the_backlog_after_it() {
    let (server, client, bank) = shop(
        "mode = \"async\"\nretry = { first_ms = 1, longest_ms = 5 }",
        "calls_min = 2, open_ms = 20",
    );
    bank.answers(Some(Err(Trouble::Unavailable)));
    for _ in 0..5 {
        place(&client, 201);
    }
    server.client().until(BREAKER, "/state", "open");
    bank.answers(Some(Ok(())));
    for number in 1..=5 {
        client.until(&format!("/purchases/{number}"), "/status", "Settled");
    }
    server.client().get(BREAKER).has("/state", "closed");
    server.records(&[
        ("order.confirmed", 5),
        ("payment.requested", 5),
        ("payment.captured", 5),
    ]);
}

#[test]
fn where_the_shop_says_so_an_order_is_accepted_unpaid_and_paid_later_under_the_same_key() {
    let (server, client, bank) = shop(
        "mode = \"sync\"\nfallback = \"accept\"\nretry = { first_ms = 1, longest_ms = 5 }",
        "calls_min = 3, open_ms = 20",
    );
    for (trouble, number) in [(Trouble::Unavailable, 1), (Trouble::TimedOut, 2)] {
        bank.answers(Some(Err(trouble)));
        assert_eq!(place(&client, 201).number(), number);
        client.until(&format!("/purchases/{number}"), "/status", "Pending");
    }
    decide(&server, "open");
    assert_eq!(place(&client, 201).number(), 3);
    client.until("/purchases/3", "/status", "Pending");
    bank.answers(Some(Ok(())));
    decide(&server, "automatic");
    for number in 1..=3 {
        client.until(&format!("/purchases/{number}"), "/status", "Settled");
        let own = format!("posies/pay_{number}/");
        let others = |key: &String| key.starts_with(&own) && !key.ends_with("/charge");
        assert!(!bank.keys().iter().any(others), "it is never undone");
    }
    bank.answers(Some(Err(Trouble::Declined("no".to_owned()))));
    place(&client, 402).has("/code", "payment_declined");
    server.records(&[
        ("order.placed", 3),
        ("order.held", 3),
        ("order.confirmed", 3),
        ("payment.requested", 4),
        ("payment.captured", 3),
        ("payment.failed", 1),
        ("payment.voiding", 0),
    ]);
}

#[test]
fn one_shops_provider_can_be_down_alone() {
    let config = "[payment.storefronts.fish]\ndown = true\n";
    let server = Setup::new().config(config).start();
    let client = server.client();
    client.post("/flowers/orders", ORDER);
    let refused = client.request("POST", "/fish/orders").json(FISH_ORDER);
    refused.expect(503).has("/code", "payment_unavailable");

    let config = "[payment.storefronts.fsh]\ndown = true\n";
    let error = Setup::new().config(config).try_start().err().unwrap();
    let told = error.to_string();
    assert!(told.contains("there is no storefront `fsh`"), "{told}");
}
