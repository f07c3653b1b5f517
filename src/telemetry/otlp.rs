//! Spans on their way to a collector: batched and bounded by OpenTelemetry's own processor, sent as
//! OTLP/JSON over plain HTTP.
//!
//! The environment is heard as its specification has it: `OTEL_SERVICE_NAME`,
//! `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_*`.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    pin::Pin,
    time::{Duration, UNIX_EPOCH},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor},
};

use super::spans::{Begun, Error, Kind, PER_MILLE, Said, Value};
use crate::{clock::system_us, domain::Trace};

/// How long a collector has for each step of an exchange.
const WAIT: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes. It says little.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// More headers than an answer has.
const HEADERS_MAX: usize = 32;

/// Whether the environment names a collector.
pub(super) fn is_in_environment() -> bool {
    let names = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ];
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    names.into_iter().any(is_set)
}

/// Takes spans, and sends them from a thread of its own. What finds no room is dropped.
#[derive(Debug)]
pub(super) struct Exporter {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    per_mille: u16,
}

impl Exporter {
    pub(super) fn to(collector: Option<&str>, per_mille: u16) -> Result<Self, Error> {
        let wrong = |what: String| Error::Collector {
            collector: collector
                .unwrap_or("OTEL_EXPORTER_OTLP_ENDPOINT")
                .to_owned(),
            what,
        };
        let mut builder = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_http_client(Plain);
        if let Some(collector) = collector {
            if !collector.starts_with("http://") {
                return Err(wrong("it does not begin with http://".to_owned()));
            }
            let base = collector.trim_end_matches('/');
            let base = base.strip_suffix("/v1/traces").unwrap_or(base);
            builder = builder.with_endpoint(format!("{base}/v1/traces"));
        }
        let exporter = builder.build().map_err(|error| wrong(error.to_string()))?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("jumun");
        }
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        processor.set_resource(&resource.with_attribute(version).build());
        Ok(Self {
            processor,
            scope: InstrumentationScope::builder("jumun").build(),
            per_mille,
        })
    }

    /// Whether a trace that begins here is recorded: always the same for the same id, wherever it is
    /// asked.
    pub(super) fn takes(&self, id: [u8; 16]) -> bool {
        let [.., a, b, c, d] = id;
        let drawn = u32::from_be_bytes([a, b, c, d]) % u32::from(PER_MILLE);
        drawn < u32::from(self.per_mille)
    }

    /// Records a span; with the span above it, and whether that is somebody else's.
    pub(super) fn record(
        &self,
        trace: Trace,
        begun: Begun,
        parent: Option<([u8; 8], bool)>,
        said: Said,
    ) {
        let context = SpanContext::new(
            TraceId::from_bytes(trace.id),
            SpanId::from_bytes(begun.id),
            TraceFlags::new(trace.flags),
            false,
            TraceState::default(),
        );
        let (above, is_remote) = parent.unwrap_or_default();
        let at = |us| UNIX_EPOCH + Duration::from_micros(us);
        let about = said.about.into_iter();
        self.processor.on_end(SpanData {
            span_context: context,
            parent_span_id: SpanId::from_bytes(above),
            parent_span_is_remote: is_remote,
            span_kind: match said.kind {
                Kind::Server => SpanKind::Server,
                Kind::Internal => SpanKind::Internal,
                Kind::Client => SpanKind::Client,
            },
            name: said.name,
            start_time: at(begun.at_us),
            end_time: at(system_us().max(begun.at_us)),
            attributes: about.map(attribute).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: said.trouble.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }

    pub(super) fn close(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(WAIT) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn attribute((name, value): (&'static str, Value)) -> KeyValue {
    match value {
        Value::Number(number) => KeyValue::new(name, number),
        Value::Text(text) => KeyValue::new(name, text),
    }
}

/// An HTTP client for a collector nearby: one connection for each batch, no TLS.
#[derive(Debug)]
struct Plain;

type Answered<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Plain {
    /// Called on the processor's own thread, which may wait.
    fn send_bytes<'a, 'b>(&'a self, request: Request<Bytes>) -> Answered<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(exchange(&request)))
    }
}

fn exchange(request: &Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (uri, body) = (request.uri(), request.body());
    let host = uri.host().ok_or("the collector's address has no host")?;
    if uri.scheme_str() != Some("http") {
        return Err("only http:// is spoken; put a collector beside it that speaks TLS".into());
    }
    let mut stream = connect(host, uri.port_u16().unwrap_or(80))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let method = request.method();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n").into_bytes();
    let own = ["host", "content-length", "connection"];
    let given = request.headers().iter();
    for (name, value) in given.filter(|(name, _)| !own.contains(&name.as_str())) {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let rest = format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    head.extend(rest.as_bytes());
    stream.write_all(&head)?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    let end = match parsed.parse(&answer)? {
        httparse::Status::Complete(end) => end,
        httparse::Status::Partial => return Err("the collector's answer is cut short".into()),
    };
    let status = parsed.code.unwrap_or_default();
    let body = Bytes::copy_from_slice(&answer[end..]);
    Ok(Response::builder().status(status).body(body)?)
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, WAIT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(WAIT))?;
                stream.set_write_timeout(Some(WAIT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
