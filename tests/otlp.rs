//! What a collector of traces is sent (feature `otlp`): a request, the turn that it opened, the commit
//! and the calls below it, in the trace of whoever asked.

#![cfg(test)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const ORDER: &str = r#"{"phoneNumber": "01012341234", "address": "SEOUL",
    "customerName": "KIM", "flowerType": "MixBox", "price": "10000"}"#;

const CANCEL: &str = r#"{"status": "OrderCancelled"}"#;

/// A running `jumun` that sends its traces here.
struct Traced {
    child: Child,
    url: String,
    received: Receiver<Value>,
    _data: TempDir,
}

/// What one request is answered.
struct Answer {
    status: u16,
    correlation: String,
    traceparent: String,
}

impl Traced {
    fn start(more: &[&str]) -> Self {
        let (collector, received) = collector();
        let data = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_jumun"))
            .args(["serve", "--listen", "127.0.0.1:0", "--otlp", &collector])
            .arg("--data")
            .arg(data.path())
            .args(more)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C") && out.read_line(&mut greeting).unwrap() > 0 {}
        child.stdout = Some(out.into_inner());
        let (_, rest) = greeting.split_once("http://").expect(&greeting);
        let url = format!("http://{}", rest.lines().next().unwrap());
        Self {
            child,
            url,
            received,
            _data: data,
        }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = agent.proxy(None).build().into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        Answer {
            status: answer.status().as_u16(),
            correlation: header("x-correlation-id"),
            traceparent: header("traceparent"),
        }
    }

    /// Asks it to end, which sends what is left. Everything that the collector got.
    fn ended(mut self) -> Vec<Value> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.received.try_iter().collect()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A collector that passes each span on, with whatever the service says of itself.
fn collector() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            for span in spans(stream.unwrap()) {
                sender.send(span).unwrap();
            }
        }
    });
    (format!("http://{address}"), received)
}

fn spans(stream: TcpStream) -> Vec<Value> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let header = line.to_ascii_lowercase();
        if let Some(given) = header.strip_prefix("content-length: ") {
            length = given.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let each = |of: &Value, member: &str| of[member].as_array().unwrap().clone();
    let resources = each(&body, "resourceSpans").into_iter();
    let spans = resources.flat_map(|resource| {
        let service = attribute(&resource["resource"], "service.name");
        assert_eq!(service.as_deref(), Some("jumun"));
        let scopes = each(&resource, "scopeSpans").into_iter();
        let spans = scopes.flat_map(|scope| each(&scope, "spans"));
        spans.collect::<Vec<_>>()
    });
    spans.collect()
}

fn attribute(of: &Value, name: &str) -> Option<String> {
    let all = of["attributes"].as_array()?;
    let found = all.iter().find(|own| own["key"] == name)?;
    let value = found["value"].as_object()?.values().next()?;
    Some(
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    )
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

#[test]
fn a_trace_has_the_request_and_what_it_led_to() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const CALLER: &str = "b7ad6b7169203331";
    let traced = Traced::start(&[]);
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [
        ("traceparent", traceparent.as_str()),
        ("x-correlation-id", "till-4/881"),
    ];
    let placed = traced.send("POST", "/flowers/orders", &headers, ORDER);
    assert_eq!((placed.status, &*placed.correlation), (201, "till-4/881"));
    let unsaid = traced.send("POST", "/flowers/orders", &[], ORDER);
    let cancelled = traced.send("PATCH", "/flowers/orders/1", &[], CANCEL);
    assert_eq!((unsaid.status, cancelled.status), (201, 200));
    // Until what follows from it by itself has happened.
    while traced
        .send(
            "GET",
            "/flowers/events?type=PaymentCancelled&wait_ms=1000",
            &[],
            "",
        )
        .status
        != 200
    {}
    let untraced = format!("00-{TRACE}-{CALLER}-00");
    traced.send(
        "POST",
        "/flowers/orders",
        &[("traceparent", &untraced)],
        ORDER,
    );
    let spans = traced.ended();

    let requests = named(&spans, "POST /flowers/orders");
    assert_eq!(
        requests.len(),
        2,
        "what its caller does not record is not sent: {spans:#?}"
    );
    let of_till = requests
        .iter()
        .find(|span| span["traceId"] == TRACE)
        .unwrap();
    assert_eq!(of_till["parentSpanId"], CALLER);
    assert_eq!(
        placed.traceparent,
        format!("00-{TRACE}-{}-01", of_till["spanId"].as_str().unwrap())
    );
    assert_eq!(
        attribute(of_till, "correlation").as_deref(),
        Some("till-4/881")
    );
    assert_eq!(
        attribute(of_till, "http.response.status_code").as_deref(),
        Some("201")
    );

    led_to_its_turn(&spans, of_till);

    // Whoever brings no trace is in one of the request's own id.
    let trace = unsaid.correlation.replace('-', "");
    assert!(
        requests
            .iter()
            .any(|span| span["traceId"] == trace.as_str())
    );
    assert_eq!(&unsaid.traceparent[3..35], trace);
}

/// Below the request there is its turn, and below that what it waited for.
fn led_to_its_turn(spans: &[Value], request: &Value) {
    let own = |name: &str| -> Vec<&Value> {
        let all = named(spans, name).into_iter();
        all.filter(|span| span["traceId"] == request["traceId"])
            .collect()
    };
    let turn = own("order.place")[0];
    assert_eq!(turn["parentSpanId"], request["spanId"]);
    assert_eq!(attribute(turn, "order").as_deref(), Some("1"));
    assert!(
        own("commit")
            .iter()
            .any(|span| span["parentSpanId"] == turn["spanId"])
    );
    assert!(
        own("payment provider")
            .iter()
            .any(|span| span["parentSpanId"] == turn["spanId"])
    );
    // The refund was asked for by another request, and confirmed without any: in the first trace.
    assert_eq!(own("provider-answered").len(), 1, "{spans:#?}");
    for span in spans {
        let at = |member: &str| span[member].as_str().unwrap().parse::<u64>().unwrap();
        assert!(
            at("startTimeUnixNano") <= at("endTimeUnixNano"),
            "{span:#?}"
        );
    }
}

#[test]
fn only_the_wanted_share_of_traces_is_sent() {
    let traced = Traced::start(&["--otlp-per-mille", "0"]);
    let answer = traced.send("POST", "/flowers/orders", &[], ORDER);
    assert!(
        answer.traceparent.ends_with("-00"),
        "{}",
        answer.traceparent
    );
    assert!(traced.ended().is_empty());
}
