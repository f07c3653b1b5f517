//! `/metrics`: what is measured, in the forms that Prometheus reads.

#[path = "../../support/exposition.rs"]
mod exposition;
mod queries;

use exposition::Exposition;

use crate::support::{CANCEL, Client, ORDER, Process, process::run};

/// What Prometheus sends.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                      version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// One order of each storefront, with what must be there first.
const ORDERS: [(&str, &str); 8] = [
    (
        "/flowers/orders",
        r#"{"customerName": "KIM", "price": 100}"#,
    ),
    (
        "/fish/orders",
        r#"{"customerName": "KIM", "price": 100, "status": "paid"}"#,
    ),
    ("/stays/rooms", r#"{"roomName": "SEA", "roomQty": 3}"#),
    (
        "/stays/reservations",
        r#"{"customerName": "KIM", "roomNumber": 1, "paymentPrice": 100}"#,
    ),
    (
        "/repairs/ascalls",
        r#"{"tel": "010", "position": "37.1,127.1"}"#,
    ),
    (
        "/tutoring/lessons",
        r#"{"sellerId": "teacher", "title": "Piano", "price": 100}"#,
    ),
    ("/tutoring/managements", r#"{"lessonId": 1}"#),
    (
        "/tutoring/reservations",
        r#"{"userId": "pupil", "reserveId": "a", "price": 100, "lessonId": 1}"#,
    ),
];

fn scrape(client: &Client) -> Exposition {
    let request = client.request("GET", "/metrics").accept(Some(ACCEPT));
    let reply = request.expect(200);
    let kind = reply.header("content-type");
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    Exposition::openmetrics(&reply.text)
}

/// A running binary in which each storefront has had an order.
fn busy() -> (tempfile::TempDir, Process) {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(&data.path().join("data"), &[]);
    let client = process.client();
    for (path, body) in ORDERS {
        client.post(path, body);
    }
    client.get("/flowers/orders");
    let group = client.request("PUT", "/flowers/consumers/engineers");
    group.json("{}").expect(201);
    // Nobody listens there.
    let nobody = r#"{"url": "http://127.0.0.1:9/"}"#;
    client.post("/flowers/webhooks", nobody);
    (data, process)
}

#[test]
fn what_is_measured_is_valid_in_both_forms_and_named_as_prometheus_wants_it() {
    let (_data, process) = busy();
    let client = process.client();
    let scraped = scrape(&client);
    let reply = client.get("/metrics");
    assert_eq!(
        reply.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let older = Exposition::prometheus(&reply.text);
    assert_eq!(older.families.len(), scraped.families.len());
    assert!(
        scraped.families.len() > 60,
        "only {}",
        scraped.families.len()
    );
    for (name, family) in &scraped.families {
        let is_ours = name.starts_with("jumun_") || name.starts_with("process_");
        assert!(is_ours, "{name}");
        assert!(
            !name.ends_with("_total") && !name.ends_with("_count"),
            "{name}"
        );
        assert!(
            family.help.ends_with('.'),
            "{name} is not told in a sentence: {}",
            family.help
        );
    }
    let most = scraped
        .samples()
        .filter(|own| !own.name.ends_with("_bucket"))
        .count();
    assert!(most < 1_500, "{most} series are too many for five shops");
}

#[test]
fn what_happens_is_counted_where_it_belongs() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(&data.path().join("data"), &[]);
    let client = process.client();
    let before = scrape(&client);
    let check = |now: &Exposition, name: &str, labels: &[(&str, &str)], more: f64| {
        let was = before.sum(name, labels).unwrap_or(0.0);
        let is = now.sum(name, labels).unwrap_or(0.0);
        assert!(
            (is - was - more).abs() < 0.5,
            "{name} {labels:?}: {was}, then {is}"
        );
    };
    for _ in 0..3 {
        client.post("/flowers/orders", ORDER);
    }
    client.patch("/flowers/orders/1", CANCEL);
    client.request("GET", "/flowers/orders/9").expect(404);
    client.request("GET", "/nowhere").expect(404);
    let now = scrape(&client);

    let flowers = ("storefront", "flowers");
    let requests = |labels: &[_], more| check(&now, "jumun_http_requests_total", labels, more);
    requests(&[flowers, ("method", "POST"), ("status", "2xx")], 3.0);
    requests(&[flowers, ("method", "PATCH"), ("status", "2xx")], 1.0);
    requests(&[flowers, ("method", "GET"), ("status", "4xx")], 1.0);
    requests(&[("storefront", ""), ("status", "4xx")], 1.0);
    requests(&[("storefront", "fish")], 0.0);
    let took = "jumun_http_request_duration_seconds_count";
    check(&now, took, &[flowers, ("method", "POST")], 3.0);
    check(&now, "jumun_http_requests_in_flight", &[], 0.0);
    let refusals = "jumun_http_refusals_total";
    check(&now, refusals, &[("code", "not_found")], 1.0);
    check(&now, refusals, &[("code", "path_unknown")], 1.0);
    for (outcome, more) in [("placed", 3.0), ("confirmed", 3.0), ("cancelled", 1.0)] {
        let labels = [flowers, ("outcome", outcome)];
        check(&now, "jumun_orders_total", &labels, more);
        check(&now, "jumun_orders_total", &labels[1..], more);
    }
    let calls = "jumun_provider_calls_total";
    assert!(now.sum(calls, &[flowers, ("outcome", "answered")]) >= Some(3.0));

    let batches = |at: &Exposition| at.sum("jumun_commit_batches_total", &[]).unwrap();
    assert!(batches(&now) - batches(&before) >= 4.0);
    let groups = now.sum("jumun_commit_groups_total", &[]);
    assert_eq!(
        groups,
        now.sum("jumun_commit_sync_duration_seconds_count", &[])
    );
    assert_eq!(groups, now.sum("jumun_commit_group_batches_count", &[]));
    assert_eq!(now.sum("jumun_ready", &[]), Some(1.0));
    assert_eq!(
        now.sum("jumun_stored_entities", &[flowers, ("kind", "order")]),
        Some(3.0)
    );
    assert!(now.sum("process_resident_memory_bytes", &[]) > Some(1e6));
    assert!(now.sum("jumun_journal_size_bytes", &[]) > Some(1e3));
}

#[test]
fn who_follows_is_behind_until_it_settles() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::serve(&data.path().join("data"), &[]);
    let client = process.client();
    let group = client.request("PUT", "/flowers/consumers/engineers");
    group.json("{}").expect(201);
    let own = [("kind", "group"), ("name", "engineers")];
    let figure = |name: &str| scrape(&client).sum(name, &own).expect(name);
    assert!(figure("jumun_subscriber_lag_events") < 0.5);
    client.post("/flowers/orders", ORDER);
    let behind = figure("jumun_subscriber_lag_events");
    assert!(behind > 1.5, "placed and paid, but {behind}");
    assert!(
        figure("jumun_subscriber_open") < 0.5,
        "nothing is given out"
    );

    let request = client.request("POST", "/flowers/consumers/engineers/leases");
    let leased = request.json(r#"{"member": "kim", "max": 100}"#).expect(200);
    assert!(figure("jumun_subscriber_open").total_cmp(&behind).is_eq());
    let lease = leased.at("/lease");
    let settled = format!(r#"{{"lease": {lease}}}"#);
    let request = client.request("POST", "/flowers/consumers/engineers/acknowledgements");
    request.json(&settled).expect(200);
    assert!(figure("jumun_subscriber_lag_events") < 0.5);
    assert!(figure("jumun_subscriber_oldest_seconds") <= 0.0);
    assert!(
        figure("jumun_subscriber_acknowledged_total")
            .total_cmp(&behind)
            .is_eq()
    );
}

#[test]
fn top_shows_a_server_as_text_where_there_is_no_terminal_and_says_so_if_there_is_none() {
    let (_data, process) = busy();
    let address = process.address().to_string();
    let arguments = ["top", "--interval-ms", "100", "--server"];
    let output = run(&[&arguments[..], &[&address]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let shops = ["flowers", "fish", "stays", "repairs", "tutoring"];
    for shown in ["  ready", "shards", "0     up", "engineers"]
        .iter()
        .chain(&shops)
    {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    process.kill();
    let output = run(&[&arguments[..], &[&address]].concat());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&address) && said.contains("--server"),
        "{said}"
    );
}
