//! Requests that nobody should send: each has its status, its code and a sentence, and none of them
//! is the server's trouble.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use tempfile::TempDir;

use crate::support::{Client, ORDER, Process, process::jumun};

/// The limits that the cases go just beyond.
const BODY_BYTES_MAX: usize = 64 * 1024;
const TEXT_CHARS_MAX: usize = 256;

fn check(client: &Client, method: &str, path: &str, body: Option<&str>, status: u16, code: &str) {
    let request = client.request(method, path);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let reply = request.expect(status);
    reply.has("/code", code).has("/status", status);
    let detail = reply.at("/detail");
    let sentence = detail.as_str().unwrap_or_default();
    assert!(
        sentence.split(' ').count() > 3,
        "{method} {path}: no sentence: {sentence:?}"
    );
    assert_eq!(reply.header("content-type"), "application/problem+json");
}

fn bodies(client: &Client) {
    let check = |body: &str, status: u16, code: &str| {
        check(client, "POST", "/orders", Some(body), status, code);
    };
    check("", 400, "body_missing");
    check(" \r\n", 400, "body_missing");
    check("{", 400, "body_invalid");
    check("{\"price\": 1} more", 400, "body_invalid");
    check("customerName=KIM&price=1", 400, "body_invalid");
    check("<order/>", 400, "body_invalid");
    check("\0", 400, "body_invalid");
    check("{\"customerName\": \"a\0b\"}", 400, "body_invalid");
    for not_an_object in ["[]", "1", "\"order\"", "null", "true"] {
        check(not_an_object, 400, "body_invalid");
    }
    check(r#"{"price": "many"}"#, 400, "field_invalid");
    check(r#"{"price": 10.5}"#, 400, "field_invalid");
    check(r#"{"price": true}"#, 400, "field_invalid");
    check(r#"{"price": {"amount": 1}}"#, 400, "field_invalid");
    check(r#"{"price": 9223372036854775808}"#, 400, "field_invalid");
    check(r#"{"customerName": ["KIM"]}"#, 400, "field_invalid");
    check(r#"{"price": -1}"#, 400, "amount_negative");
    let text = "꽃".repeat(TEXT_CHARS_MAX + 1);
    check(
        &format!(r#"{{"address": "{text}"}}"#),
        400,
        "field_too_long",
    );
    let deep = format!(r#"{{"x": {}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    check(&deep, 400, "body_invalid");
    let large = format!(r#"{{"x": "{}"}}"#, "x".repeat(BODY_BYTES_MAX));
    check(&large, 413, "body_too_large");
}

fn paths(client: &Client) {
    let get = |path: &str, status, code| check(client, "GET", path, None, status, code);
    get("/flower", 404, "path_unknown");
    get("/flowers/orders/1/items", 404, "path_unknown");
    get("/a/b/c/d/e/f/g", 404, "path_unknown");
    get("/orders%2F1", 404, "path_unknown");
    get("/%00", 404, "path_unknown");
    get("/orders/2", 404, "not_found");
    get("/orders/one", 404, "not_found");
    get("/orders/-1", 404, "not_found");
    get("/orders/18446744073709551615", 404, "not_found");
    get("/orders/18446744073709551616", 404, "not_found");
    get("/myPages/99999999999999999999999", 404, "not_found");
    get("/orders/search/findByName?name=KIM", 404, "path_unknown");
    get("/payments/search/findByOrderId", 400, "parameter_invalid");
    get(
        "/payments/search/findByOrderId?orderId=one",
        400,
        "parameter_invalid",
    );
    get("/payments/search/findByOrderId?orderId=7", 404, "not_found");
    client
        .get("/orders?page=-1&size=many")
        .has("/page/number", 0)
        .has("/page/size", 20);
    client
        .get("/orders?page=18446744073709551615")
        .has("/page/totalElements", 1);
}

fn commands(client: &Client) {
    let check = |method: &str, path: &str, body: &str, status: u16, code: &str| {
        check(client, method, path, Some(body), status, code);
    };
    check("POST", "/flower", ORDER, 404, "path_unknown");
    check("POST", "/payments", "{}", 405, "method_not_allowed");
    check("POST", "/orders/1", ORDER, 405, "method_not_allowed");
    check("PUT", "/orders", ORDER, 405, "method_not_allowed");
    check("BREW", "/orders", "{}", 405, "method_not_allowed");
    check("PATCH", "/orders/7", "{}", 404, "not_found");
    check(
        "PATCH",
        "/orders/18446744073709551615",
        "{}",
        404,
        "not_found",
    );
    check("PATCH", "/orders/1", "{", 400, "body_invalid");
    check(
        "PATCH",
        "/orders/1",
        r#"{"status": "Delivered"}"#,
        409,
        "status_not_settable",
    );
    check("PATCH", "/orders/1", r#"{"price": 1}"#, 409, "amount_fixed");
    check("POST", "/deliveries", "{}", 400, "field_required");
    check(
        "POST",
        "/deliveries",
        r#"{"orderId": 7}"#,
        422,
        "unknown_order",
    );
    check(
        "POST",
        "/deliveries",
        r#"{"orderId": -1}"#,
        400,
        "field_invalid",
    );
    check(
        "POST",
        "/deliveries",
        r#"{"orderId": 9223372036854775807}"#,
        422,
        "unknown_order",
    );
}

/// What is not even HTTP must cost nobody else anything.
fn malformed(process: &Process) {
    let check = |request: &[u8], status: &str| {
        let mut stream = TcpStream::connect(process.address()).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let request = String::from_utf8_lossy(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request:?}: {answer:?}"
        );
    };
    check(
        b"GET /orders/% HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "404",
    );
    check(
        b"GET /%zz%00%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "404",
    );
    check(
        b"GET /orders?page=%zz&size=%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "200",
    );
    check(b"GET /orders\0 HTTP/1.1\r\nHost: a\r\n\r\n", "400");
    check(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello \r\n\r\n",
        "400",
    );
    let orders = "POST /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    check(
        format!("{orders}Content-Length: -1\r\n\r\n{{}}").as_bytes(),
        "400",
    );
    check(
        format!("{orders}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{{}} ").as_bytes(),
        "400",
    );
    let no_utf_8 = [
        format!("{orders}Content-Length: 9\r\n\r\n").as_bytes(),
        b"{\"a\xff\":1}\n",
    ]
    .concat();
    check(&no_utf_8, "400");
    let idempotent = format!("{orders}Idempotency-Key: {}\r\n", "k".repeat(256));
    check(
        format!("{idempotent}Content-Length: 2\r\n\r\n{{}}").as_bytes(),
        "400",
    );
    // The server stops reading in the middle, so that its answer may be lost on the way.
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "x".repeat(256 * 1024)
    );
    let mut stream = TcpStream::connect(process.address()).unwrap();
    drop(stream.write_all(long.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
        "{answer:?}"
    );
}

#[test]
fn bad_requests_are_answered_and_are_not_the_servers_trouble() {
    let data = TempDir::new().unwrap();
    let mut command = jumun(&[
        "serve",
        "--root",
        "flowers",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ]);
    let filter = format!("{},jumun=debug", jumun::telemetry::DEFAULT_FILTER);
    command
        .arg(data.path().join("data"))
        .env("RUST_LOG", filter);
    let process = Process::start(&mut command);
    let client = process.client();
    client.post("/orders", ORDER);
    bodies(&client);
    paths(&client);
    commands(&client);
    malformed(&process);
    client.get("/orders/1").has("/status", "PaymentConfirmed");
    client.get("/orders").has("/page/totalElements", 1);

    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{status}");
    assert!(
        log.contains("body_too_large"),
        "refusals are logged at debug: {log}"
    );
    let trouble: Vec<&str> = log
        .lines()
        .filter(|line| {
            ["WARN", "ERROR", "panicked"]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect();
    assert!(trouble.is_empty(), "{trouble:#?}");
}

#[test]
fn json_under_another_name_is_read_all_the_same() {
    let server = crate::support::Server::start();
    let client = server.client();
    let types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
    ];
    for kind in types {
        let request = client
            .request("POST", "/orders")
            .header("content-type", kind);
        request.body(ORDER).expect(201).has("/price", 10_000);
    }
    client.request("POST", "/orders").body(ORDER).expect(201);
}
