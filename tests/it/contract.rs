//! The contract that all five originals had in common, table by table (SEED API 1.2 to 1.10).

use serde_json::{Value, json};

use crate::support::{CANCEL, Client, DELIVER, ORDER, Server};

/// A server with one order, delivered.
fn shop() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    client.post("/orders", ORDER);
    client.post("/deliveries", DELIVER);
    (server, client)
}

#[test]
fn each_verb_has_its_status_at_each_place() {
    let (_server, client) = shop();
    let check = |request: &str, status: u16| {
        let (method, path) = request.split_once(' ').unwrap();
        let request = client.request(method, path);
        let has_body = ["POST", "PUT", "PATCH"].contains(&method);
        let request = if has_body {
            request.json("{}")
        } else {
            request
        };
        let reply = request.expect(status);
        if status == 204 {
            assert_eq!(reply.text, "", "{method} {path}");
        }
        if status == 405 {
            assert!(
                reply.header("allow").contains("GET"),
                "{method} {path} says what is allowed"
            );
        }
    };
    for collection in [
        "orders",
        "payments",
        "deliveries",
        "myPages",
        "orderDetails",
    ] {
        check(&format!("GET /{collection}"), 200);
        check(&format!("GET /{collection}/"), 200);
        check(&format!("HEAD /{collection}"), 204);
        check(&format!("OPTIONS /{collection}"), 200);
        check(&format!("GET /{collection}/1"), 200);
        check(&format!("GET /{collection}/1/"), 200);
        check(&format!("HEAD /{collection}/1"), 204);
        check(&format!("OPTIONS /{collection}/1"), 200);
        check(&format!("GET /{collection}/999"), 404);
        check(&format!("HEAD /{collection}/999"), 404);
        check(&format!("GET /profile/{collection}"), 200);
        check(&format!("DELETE /{collection}"), 405);
        check(&format!("PATCH /{collection}"), 405);
        check(&format!("POST /{collection}/1"), 405);
    }
    for read_only in ["payments", "myPages", "orderDetails"] {
        check(&format!("POST /{read_only}"), 405);
        check(&format!("PUT /{read_only}/1"), 405);
        check(&format!("DELETE /{read_only}/1"), 405);
    }
    check("POST /orders", 201);
    check("POST /orders/", 201);
    check("PATCH /orders/1", 200);
    check("PATCH /orders/999", 404);
    check("PUT /orders/1", 200);
    check("PUT /orders/999", 404);
    let other = client.post("/orders", ORDER).number();
    check(&format!("DELETE /orders/{other}"), 204);
    check(&format!("DELETE /orders/{other}"), 404);
    check("DELETE /orders/999", 404);
    check(&format!("GET /orders/{other}"), 404);
    check("GET /profile", 200);
    check("GET /orders/search", 200);
}

#[test]
fn options_and_head_say_what_is_possible_and_linked() {
    let (_server, client) = shop();
    let allow = |path: &str, expected: &str| {
        let reply = client.request("OPTIONS", path).expect(200);
        assert_eq!(reply.header("allow"), expected, "{path}");
        reply.header("accept-patch").to_owned()
    };
    allow("/orders", "GET,HEAD,POST,OPTIONS");
    let patches = allow("/orders/1", "GET,HEAD,PUT,PATCH,DELETE,OPTIONS");
    assert!(patches.contains("merge-patch+json"), "{patches}");
    assert_eq!(allow("/payments/1", "GET,HEAD,OPTIONS"), "");
    let base = client.base();
    let link = |path: &str, expected: &str| {
        let reply = client.request("HEAD", path).expect(204);
        assert!(
            reply.header("link").contains(expected),
            "{path}: {}",
            reply.header("link")
        );
    };
    link(
        "/orders",
        &format!("<{base}/orders{{?page,size,sort}}>;rel=\"self\""),
    );
    link("/orders/1", &format!("<{base}/orders/1>;rel=\"order\""));
    link("/myPages/1", &format!("<{base}/myPages/1>;rel=\"myPage\""));
}

#[test]
fn changes_are_answered_with_a_body_only_if_one_is_accepted() {
    let (_server, client) = shop();
    let check = |method: &str, path: &str, accept: Option<&str>, status: u16, has_body: bool| {
        let request = client
            .request(method, path)
            .accept(accept)
            .json(r#"{"price": 10000}"#);
        let reply = request.expect(status);
        assert_eq!(
            !reply.text.is_empty(),
            has_body,
            "{method} {path} {accept:?}: {}",
            reply.text
        );
        if status == 201 {
            assert!(
                reply.header("location").contains("/orders/"),
                "{method} {path}"
            );
        }
    };
    check("POST", "/orders", None, 201, false);
    check("POST", "/orders", Some(" "), 201, false);
    check("POST", "/orders", Some("application/json"), 201, true);
    check("PATCH", "/orders/1", None, 204, false);
    check("PATCH", "/orders/1", Some("*/*"), 200, true);
    check("PUT", "/orders/1", None, 204, false);
    check("PUT", "/orders/1", Some("*/*"), 200, true);

    let replaced = client.get("/orders/1");
    replaced
        .has("/customerName", Value::Null)
        .has("/price", 10_000);
    let typed = |accept: &str| {
        let reply = client
            .request("GET", "/orders/1")
            .accept(Some(accept))
            .expect(200);
        reply.header("content-type").to_owned()
    };
    assert_eq!(typed("*/*"), "application/hal+json;charset=UTF-8");
    assert_eq!(typed("application/json"), "application/json;charset=UTF-8");
}

#[test]
fn collections_are_paged_sorted_and_linked() {
    let server = Server::start();
    let client = server.client();
    let empty = client.get("/orders");
    empty
        .has("/_embedded/orders", json!([]))
        .has("/page/totalPages", 0);
    empty.has(
        "/page",
        json!({"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}),
    );
    client
        .get("/myPages")
        .has("/_embedded/myPages", json!([]))
        .has("/page", Value::Null);
    for price in [30, 10, 20, 50, 40] {
        client.post("/orders", &format!(r#"{{"price": {price}}}"#));
    }
    let prices = |query: &str| {
        let found = client
            .get(&format!("/orders{query}"))
            .at("/_embedded/orders");
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|order| order["price"].clone())
            .collect::<Value>()
    };
    assert_eq!(prices("?sort=price"), json!([10, 20, 30, 40, 50]));
    assert_eq!(prices("?sort=price,desc&size=2"), json!([50, 40]));
    assert_eq!(prices("?sort=price&page=1&size=2"), json!([30, 40]));
    assert_eq!(prices("?page=9&size=2"), json!([]));

    let base = client.base();
    let whole = client.get("/orders");
    whole.has(
        "/_links/self/href",
        format!("{base}/orders{{?page,size,sort}}"),
    );
    whole
        .has("/_links/self/templated", true)
        .has("/_links/next", Value::Null);
    whole.has("/_links/profile/href", format!("{base}/profile/orders"));
    let middle = client.get("/orders?page=1&size=2");
    middle.has(
        "/page",
        json!({"size": 2, "totalElements": 5, "totalPages": 3, "number": 1}),
    );
    for (rel, page) in [
        ("self", 1),
        ("first", 0),
        ("prev", 0),
        ("next", 2),
        ("last", 2),
    ] {
        let href = format!("{base}/orders?page={page}&size=2");
        middle.has(&format!("/_links/{rel}/href"), href);
        let linked = client.get(&format!("/orders?page={page}&size=2"));
        linked.has("/page/number", page);
    }
    client.get("/orders?size=5000").has("/page/size", 1_000);
}

#[test]
fn query_methods_find_one_thing_or_answer_404() {
    let (_server, client) = shop();
    let base = client.base();
    for collection in ["payments", "deliveries", "myPages", "orderDetails"] {
        let method = format!("/{collection}/search/findByOrderId");
        client
            .get(&format!("{method}?orderId=1"))
            .has("/orderId", 1);
        client
            .request("GET", &format!("{method}?orderId=2"))
            .expect(404);
        client.request("GET", &method).expect(400);
        let template = format!("{base}{method}{{?orderId}}");
        client
            .get(&format!("/{collection}/search"))
            .has("/_links/findByOrderId/href", template);
        let links = client.get(&format!("/{collection}"));
        links.has("/_links/search/href", format!("{base}/{collection}/search"));
    }
}

#[test]
fn bodies_look_as_the_originals_did() {
    let (_server, client) = shop();
    let base = client.base();
    let order = client.get("/orders/1");
    let expected = format!(
        "{{\n  \"phoneNumber\" : \"01012341234\",\n  \"address\" : \"SEOUL\",\n  \
         \"customerName\" : \"KIM\",\n  \"status\" : \"Delivered\",\n  \
         \"flowerType\" : \"MixBox\",\n  \"price\" : 10000,\n  \"_links\" : {{\n    \
         \"self\" : {{\n      \"href\" : \"{base}/orders/1\"\n    }},\n    \
         \"order\" : {{\n      \"href\" : \"{base}/orders/1\"\n    }}\n  }}\n}}"
    );
    assert_eq!(order.text, expected);
    for item in ["/orders/1", "/payments/1", "/deliveries/1", "/myPages/1"] {
        client.get(item).has("/id", Value::Null);
    }
    client.get("/payments/1").has("/orderId", 1);
    let loose = r#"{"price": "500", "phoneNumber": 1012, "customerName": 12.5, "id": 1, "x": {}}"#;
    let coerced = client.post("/orders", loose);
    coerced
        .has("/price", 500)
        .has("/phoneNumber", "1012")
        .has("/customerName", "12.5");
    coerced.has("/address", Value::Null).has("/x", Value::Null);
    assert_ne!(coerced.number(), 1, "the id in the body is not taken");
}

#[test]
fn errors_carry_what_the_originals_clients_read_and_a_code() {
    let (_server, client) = shop();
    let wrong = client
        .request("POST", "/orders")
        .json(r#"{"price": "many"}"#)
        .expect(400);
    wrong
        .has("/code", "field_invalid")
        .has("/status", 400)
        .has("/title", wrong.at("/title"));
    wrong
        .has("/message", wrong.at("/detail"))
        .has("/cause/message", wrong.at("/detail"));
    let described = client.get(wrong.at("/type").as_str().unwrap());
    described
        .has("/code", "field_invalid")
        .has("/status", 400)
        .has("/meaning", wrong.at("/title"));
    let instance = wrong.at("/instance");
    assert_eq!(
        instance,
        format!("urn:uuid:{}", wrong.header("x-correlation-id"))
    );
    client.patch("/orders/1", CANCEL);
    let late = client
        .request("PATCH", "/orders/1")
        .json(r#"{"address": "Busan"}"#)
        .expect(409);
    late.has("/code", "order_cancelled")
        .has("/cause/message", late.at("/message"));
    let all = client.get("/problems").json();
    assert_eq!(all.as_array().unwrap().len(), jumun::http::CODES.len());
}

#[test]
fn what_is_running_is_told_to_people_and_programs() {
    let (_server, client) = shop();
    let base = client.base();
    let links = client.get("/");
    links.has(
        "/_links/orders/href",
        format!("{base}/orders{{?page,size,sort}}"),
    );
    links.has("/_links/flowers/href", format!("{base}/flowers"));
    client
        .get("/flowers")
        .has("/_links/myPages/href", format!("{base}/flowers/myPages"));
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = client.request("GET", "/").accept(Some(accept)).expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.text.contains("href=\"/orders\"") && page.text.contains("curl"),
        "{}",
        page.text
    );
    for probe in ["/livez", "/readyz", "/actuator/health"] {
        client.get(probe).has("/status", "UP");
    }
    let profile = client.get("/profile/orders");
    assert_eq!(profile.header("content-type"), "application/alps+json");
    profile
        .has("/alps/version", "1.0")
        .has("/alps/descriptor/0/id", "order-representation");
    client
        .get("/profile")
        .has("/_links/myPages/href", format!("{base}/profile/myPages"));
}

#[test]
fn any_page_may_call_and_every_answer_can_be_found_again() {
    let (_server, client) = shop();
    let origin = "http://shop.example";
    let preflight = client
        .request("OPTIONS", "/orders")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, x-anything")
        .expect(200);
    assert_eq!(preflight.header("access-control-allow-origin"), origin);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("x-anything")
    );
    assert!(
        preflight
            .header("access-control-allow-methods")
            .contains("POST")
    );
    let request = client
        .request("GET", "/orders/999")
        .header("origin", origin);
    assert_eq!(
        request.expect(404).header("access-control-allow-origin"),
        origin
    );

    let id = "0192f0c4-7b5a-7c3e-9d2f-1a2b3c4d5e6f";
    for (path, status) in [("/orders/1", 200), ("/orders/999", 404), ("/livez", 200)] {
        let request = client.request("GET", path).header("x-correlation-id", id);
        assert_eq!(request.expect(status).header("x-correlation-id"), id);
    }
    let fresh = |path| client.get(path).header("x-correlation-id").to_owned();
    assert_ne!(fresh("/orders"), fresh("/orders"));
}

#[test]
fn a_repeated_command_with_a_key_is_carried_out_once() {
    let (_server, client) = shop();
    let place = |key: &str, body: &str, status| {
        client
            .request("POST", "/orders")
            .header("idempotency-key", key)
            .json(body)
            .expect(status)
    };
    let first = place("till-1/7", ORDER, 201);
    let again = place("till-1/7", ORDER, 201);
    assert_eq!(
        (again.text.as_str(), again.number()),
        (first.text.as_str(), first.number())
    );
    place("till-1/7", r#"{"price": 1}"#, 422).has("/code", "idempotency_key_reused");
    assert_ne!(place("till-1/8", ORDER, 201).number(), first.number());

    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let racing = || place("till-2/1", ORDER, 201).number();
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(racing)).collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect()
    });
    assert!(
        numbers.iter().all(|number| *number == numbers[0]),
        "one order: {numbers:?}"
    );
    client.get("/orders").has("/page/totalElements", 4);
    client.get("/payments").has("/page/totalElements", 4);
}

#[test]
fn a_key_is_kept_through_a_restart() {
    let server = Server::start();
    let place = |client: &Client| {
        let request = client
            .request("POST", "/orders")
            .header("idempotency-key", "k");
        request.json(ORDER).expect(201).number()
    };
    let first = place(&server.client());
    let server = crate::support::Setup::new().on(server.stop()).start();
    let client = server.client();
    assert_eq!(place(&client), first);
    client.get("/orders").has("/page/totalElements", 1);
}

#[test]
fn a_change_of_what_was_changed_meanwhile_is_refused() {
    let (_server, client) = shop();
    let read = client.get("/orders/1");
    let tag = read.header("etag").to_owned();
    let change = |tag: &str, status| {
        let request = client.request("PATCH", "/orders/1").header("if-match", tag);
        request.json(r#"{"address": "Busan"}"#).expect(status)
    };
    change(&tag, 200);
    change(&tag, 412).has("/code", "version_mismatch");
    change("*", 200);
    // What is no version of ours fits nothing.
    change("2", 412);
    change("W/\"2\", \"nonsense\"", 412);
    assert_ne!(client.get("/orders/1").header("etag"), tag);
    let request = client
        .request("DELETE", "/orders/1")
        .header("if-match", &tag);
    request.expect(412);
    client.get("/orders/1").has("/address", "Busan");

    // The answer to a change that did arrive is repeated, although the version is another one now.
    let tag = client.get("/orders/1").header("etag").to_owned();
    for _ in 0..2 {
        let request = client.request("PATCH", "/orders/1");
        let request = request
            .header("if-match", &tag)
            .header("idempotency-key", "k");
        request.json(r#"{"address": "Jeju"}"#).expect(200);
    }
}

#[test]
fn a_mistyped_number_places_and_charges_nothing() {
    let (server, client) = shop();
    let before = client.get("/payments").at("/page/totalElements");
    client
        .request("PUT", "/orders/999")
        .json(ORDER)
        .expect(404)
        .has("/code", "not_found");
    client.get("/payments").has("/page/totalElements", before);
    assert_eq!(server.recorded().count("payment.captured"), 1);
}

#[test]
fn changes_of_different_fields_at_once_are_all_kept() {
    let (_server, client) = shop();
    let fields = ["address", "customerName", "phoneNumber", "flowerType"];
    for round in 0..20 {
        std::thread::scope(|scope| {
            for field in fields {
                let client = &client;
                scope.spawn(move || {
                    client.patch("/orders/1", &format!(r#"{{"{field}": "{round}"}}"#));
                });
            }
        });
        let order = client.get("/orders/1");
        for field in fields {
            order.has(&format!("/{field}"), round.to_string());
        }
    }
}
