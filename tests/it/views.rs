//! Views that stop and catch up, rows that remember, and who is told what.

use jumun::{
    app::{Options, definitions::Definition, verify::verify},
    config::Config,
    store::pages::Guard,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CANCEL, Client, ORDER, Process, Server, Setup, process::run};

const DELIVERY: &str = "/ops/components/flowers/delivery";

fn set(client: &Client, state: &str) {
    let body = json!({ "state": state }).to_string();
    client.request("PUT", DELIVERY).json(&body).expect(200);
}

/// Orders from `KIM` and from `LEE`, turn by turn; the second of each two is cancelled.
fn order(client: &Client, count: usize) {
    for at in 0..count {
        let reply = client.post(
            "/flowers/orders",
            &ORDER.replace("KIM", ["KIM", "LEE"][at % 2]),
        );
        let path = format!("/flowers/orders/{}", reply.number());
        if at % 2 == 1 {
            client.patch(&path, CANCEL);
        }
    }
}

/// The rows of the view that was paused are those of the one that was not.
fn are_alike(client: &Client, count: usize) {
    let rows = |path: &str| {
        let reply = client.get(&format!("/flowers/{path}"));
        let mut rows = reply.at(&format!("/_embedded/{path}"));
        for row in rows.as_array_mut().unwrap() {
            row.as_object_mut().unwrap().remove("_links");
        }
        rows
    };
    // Money may go back between two looks.
    let looks = std::iter::repeat_with(|| (rows("orderDetails"), rows("myPages")));
    let alike = looks.take(100).find(|(found, expected)| found == expected);
    let (found, _) = alike.unwrap_or_else(|| panic!("{}", rows("orderDetails")));
    assert_eq!(found.as_array().unwrap().len(), count);
}

fn is_verified(data: &TempDir) {
    let data = data.path().join("data");
    let output = run(&["verify", "--data", data.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_view_that_was_paused_has_every_row_once_it_runs_again() {
    let server = Server::start();
    let client = server.client();
    order(&client, 4);
    set(&client, "paused");
    order(&client, 40);
    client.request("GET", "/orderDetails").expect(503);
    let page = client.get("/myPages");
    let rows = page.at("/_embedded/myPages");
    assert_eq!(rows.as_array().unwrap().len(), 44);
    set(&client, "running");
    are_alike(&client, 44);
    order(&client, 2);
    are_alike(&client, 46);
    is_verified(&server.stop());
}

#[test]
fn a_pause_outlasts_restarts_and_kills_and_nothing_is_missed() {
    let server = Server::start();
    order(&server.client(), 3);
    set(&server.client(), "paused");
    order(&server.client(), 5);
    let data = server.stop();
    is_verified(&data);

    let path = data.path().join("data");
    let process = Process::serve(&path, &[]);
    order(&process.client(), 7);
    process.kill();
    is_verified(&data);
    let process = Process::serve(&path, &[]);
    order(&process.client(), 2);
    process
        .client()
        .request("GET", "/flowers/orderDetails")
        .expect(503);
    set(&process.client(), "running");
    are_alike(&process.client(), 17);
    process.kill();
    is_verified(&data);
    let process = Process::serve(&path, &[]);
    are_alike(&process.client(), 17);
}

#[test]
fn what_was_paused_when_the_views_were_made_again_has_everything_too() {
    let server = Server::start();
    set(&server.client(), "paused");
    order(&server.client(), 6);
    let data = server.stop();
    let path = data.path().join("data");
    let output = run(&["rebuild-views", "--data", path.to_str().unwrap()]);
    assert!(output.status.success());
    is_verified(&data);
    let server = Setup::new().on(data).start();
    order(&server.client(), 2);
    set(&server.client(), "running");
    are_alike(&server.client(), 8);
}

/// The flower shop, with another text of its file.
fn flowers(options: &mut Options, written: impl Fn(String) -> String) {
    let shops = options.storefronts.iter_mut();
    for shop in shops.filter(|shop| shop.name() == "flowers") {
        *shop = Definition::read(&written(shop.text().to_owned())).unwrap();
    }
}

/// Without whom it tells what.
fn quiet(text: &str) -> String {
    let (before, tells) = text.split_once("[notices]").unwrap();
    let (_, components) = tells.split_once("[components]").unwrap();
    let text = format!("{before}[components]{components}");
    let told = "notice   = [\"notifications\"]";
    assert!(text.contains(told), "{text}");
    text.replace(told, "")
}

/// The flower shop, whose pages remember, and which tells its customers other things.
fn talkative(options: &mut Options) {
    flowers(options, |text| {
        let changes = [
            (
                "path   = \"orderDetails\"",
                "path = \"orderDetails\"\nhistory = true",
            ),
            ("\"orderDetails\"]", "\"orderDetails\", \"notifications\"]"),
        ];
        let text = changes.iter().fold(quiet(&text), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let notify = r#"
[[notify]]
on   = ["payment.captured", "order.cancelled"]
to   = "customerName"
text = { ko = "{customerName}님, {flowerType} {price}원: {status}", en = "{number}: {status}" }
"#;
        text + notify
    });
}

/// With one shard, so that orders are counted 1, 2, 3.
fn talking() -> Setup {
    Setup::new()
        .config("[limits]\nshards = 1\n")
        .with(talkative)
}

#[test]
fn a_row_says_what_it_said_before() {
    let server = talking().start();
    let client = server.client();
    order(&client, 2);
    let row = client.get("/orderDetails/2");
    let history = format!("{}/orderDetails/2/history", client.base());
    row.has("/_links/history/href", history.as_str());
    let reply = client.get("/orderDetails/2/history");
    reply.has("/_links/self/href", history.as_str());
    let entries = reply.at("/_embedded/orderDetails");
    let said: Vec<(&str, &str, u64)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap();
            assert!(text("at").ends_with('Z'), "{entry}");
            (
                text("event"),
                text("status"),
                entry["orderId"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = ["Ordered", "PaymentConfirmed", "OrderCancelled"].map(|word| (word, word, 2));
    assert_eq!(said[..3], expected, "{said:?}");
    client.request("GET", "/orderDetails/3/history").expect(404);
    client.request("GET", "/myPages/2/history").expect(404);
    client.request("GET", "/orders/2/history").expect(404);
    client
        .request("DELETE", "/orderDetails/2/history")
        .expect(405);
    is_paused_with(&client, "/orderDetails/2/history");
}

fn is_paused_with(client: &Client, path: &str) {
    set(client, "paused");
    client.request("GET", path).expect(503);
    set(client, "running");
    client.get(path);
}

#[test]
fn everyone_can_read_again_what_they_were_told() {
    let server = talking().start();
    let client = server.client();
    order(&client, 2);
    is_paused_with(&client, "/notifications");
    set(&client, "paused");
    order(&client, 1);
    set(&client, "running");
    let told = |path: &str| {
        let told = client.get(path).at("/_embedded/notifications");
        let told = told.as_array().unwrap().iter();
        let told = told.map(|told| json!([told["number"], told["order"], told["text"]["ko"]]));
        told.collect::<Value>()
    };
    let kim = |number, order| json!([number, order, "KIM님, MixBox 10000원: PaymentConfirmed"]);
    let lee = |number, word: &str| json!([number, 2, format!("LEE님, MixBox 10000원: {word}")]);
    let all = [
        kim(1, 1),
        lee(2, "PaymentConfirmed"),
        lee(3, "OrderCancelled"),
        kim(4, 3),
    ];
    assert_eq!(told("/notifications"), json!(all));
    assert_eq!(
        told("/flowers/notifications?to=KIM"),
        json!([all[0], all[3]])
    );
    assert_eq!(told("/notifications?page=1&size=3"), json!([all[3]]));
    let one = client.get("/notifications/3");
    one.has("/event", "OrderCancelled")
        .has("/to", "LEE")
        .has("/listing", Value::Null)
        .has("/text/en", "2: OrderCancelled")
        .has(
            "/_links/self/href",
            format!("{}/notifications/3", client.base()),
        );
    client.request("GET", "/notifications/5").expect(404);
    let link = client.get("/flowers").at("/_links/notifications/href");
    assert!(
        link.as_str().unwrap().contains("/flowers/notifications{?"),
        "{link}"
    );
    client
        .request("POST", "/notifications")
        .json("{}")
        .expect(405);

    let data = server.stop();
    let config = Config::read(None).unwrap();
    let mut options = Options::new(&config).unwrap();
    talkative(&mut options);
    let path = data.path().join("data");
    let report = verify(&path, &options.storefronts, &Guard::InProcess).unwrap();
    assert_eq!(report.problems, [""; 0]);
}

#[test]
fn who_tells_nobody_anything_has_no_notifications() {
    let silent = |options: &mut Options| flowers(options, |text| quiet(&text));
    let server = Setup::new().with(silent).start();
    server.client().request("GET", "/notifications").expect(404);
}
