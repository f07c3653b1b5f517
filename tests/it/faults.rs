//! What goes wrong on purpose, and what still goes well beside it.

use tempfile::TempDir;

use crate::support::{Client, ORDER, Process, Server, server::Setup};

const FAULTS: &str = "/ops/faults";

/// A server where faults may be set.
fn faulty() -> Server {
    Setup::new().config("fault_injection = true\n").start()
}

/// From now on, only this goes wrong.
fn set(client: &Client, faults: &str) {
    client.request("PUT", FAULTS).json(faults).expect(200);
}

fn clear(client: &Client) {
    client.request("DELETE", FAULTS).expect(204);
}

#[test]
fn faults_are_set_only_where_the_start_allowed_it_and_says_so() {
    let server = Server::start();
    for method in ["GET", "PUT", "DELETE"] {
        let request = server.client();
        let request = request.request(method, FAULTS).json("[]");
        request.expect(404).has("/code", "path_unknown");
    }
    let data = TempDir::new().unwrap();
    let process = Process::serve(&data.path().join("data"), &["--fault-injection"]);
    assert!(process.greeting.contains("Not for real orders"));
    let client = process.client();
    client
        .get(FAULTS)
        .has("", serde_json::json!({ "faults": [] }));
    for (wrong, code) in [
        ("{}", "body_invalid"),
        (r#"[{"at": "nowhere", "do": "panic"}]"#, "body_invalid"),
        (
            r#"[{"at": "shard", "do": "panic", "per": 1}]"#,
            "body_invalid",
        ),
        (r#"[{"at": "decide", "do": "fail"}]"#, "field_invalid"),
    ] {
        let refused = client.request("PUT", FAULTS).json(wrong).expect(400);
        refused.has("/code", code);
    }
}

#[test]
fn what_is_struck_fails_and_nobody_else_does() {
    let server = faulty();
    let client = server.client();
    client.post("/orders", ORDER);
    client.post("/orders", ORDER);
    set(
        &client,
        r#"[{"at": "decide", "kind": "order", "number": 1, "do": "panic"}]"#,
    );
    let cancel = |number: u64, status| {
        let path = format!("/orders/{number}");
        drop(client.request("DELETE", &path).expect(status));
    };
    cancel(1, 500);
    cancel(2, 204);
    client.get(FAULTS).has("/faults/0/struck", 1);
    set(&client, r#"[{"at": "provider", "do": "fail"}]"#);
    let refused = client.request("POST", "/orders").json(ORDER).expect(503);
    refused.has("/code", "payment_unavailable");
    clear(&client);
    client.post("/orders", ORDER);
    cancel(1, 204);
}
