//! Spans: what of a request took how long, for a collector of traces (OpenTelemetry).
//!
//! A span is recorded once it has ended. Whatever a request leads to is found below it, also much later:
//! its place in the trace is kept with what it made. Without the feature `otlp`, or without a collector,
//! nothing of this is made, and [`Spans`] is empty.

use std::borrow::Cow;
#[cfg(feature = "otlp")]
use std::sync::Arc;

use crate::domain::{Origin, Trace};
#[cfg(feature = "otlp")]
use crate::{clock::system_us, telemetry::otlp::Exporter};

/// All of a thousand traces: the share that is recorded unless it is said.
pub const PER_MILLE: u16 = 1_000;

/// Where spans go, if anywhere. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    #[cfg(feature = "otlp")]
    to: Option<Arc<Exporter>>,
}

/// Spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot do it.
    #[error(
        "this jumun was built without OpenTelemetry; leave --otlp away, or build one that has it: \
         cargo build --release --features otlp"
    )]
    NotBuilt,
    /// The collector's address is none.
    #[error(
        "traces cannot be sent to `{collector}`: {what}; say where a collector takes OTLP over HTTP, \
         such as http://127.0.0.1:4318"
    )]
    Collector {
        /// As it was given.
        collector: String,
        /// What is wrong with it.
        what: String,
    },
}

/// The beginning of a span, and its id. Nothing, where nobody records it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begun {
    /// In microseconds since 1970.
    #[cfg(feature = "otlp")]
    pub(super) at_us: u64,
    #[cfg(feature = "otlp")]
    pub(super) id: [u8; 8],
}

impl Begun {
    /// Not begun, or nobody wants to know.
    pub const NONE: Self = Self {
        #[cfg(feature = "otlp")]
        at_us: 0,
        #[cfg(feature = "otlp")]
        id: [0; 8],
    };
}

/// Whose work a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that came in.
    Server,
    /// Something of ours.
    Internal,
    /// A request of ours to somebody else.
    Client,
}

/// What a span says beside when and where.
#[derive(Clone, Debug)]
pub struct Said {
    /// What was done; few different ones.
    pub name: Cow<'static, str>,
    /// Whose work it is.
    pub kind: Kind,
    /// What went wrong, if anything did.
    pub trouble: Option<String>,
    /// About what it was, and how it ended.
    pub about: Vec<(&'static str, Value)>,
}

/// What a span says about something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Said {
    /// Something of ours, about nothing yet.
    pub fn of(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Internal,
            trouble: None,
            about: Vec::with_capacity(6),
        }
    }

    /// With this about it.
    #[must_use]
    pub fn about(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.about.push((name, value.into()));
        self
    }

    /// Somebody's work.
    #[must_use]
    pub fn whose(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Which failed, if there is a reason.
    #[must_use]
    pub fn failed(self, trouble: Option<String>) -> Self {
        Self { trouble, ..self }
    }
}

#[cfg(not(feature = "otlp"))]
#[expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the same questions are answered where there is a collector"
)]
impl Spans {
    /// Spans to a collector: not by this program.
    pub const fn to(_collector: Option<&str>, _per_mille: u16) -> Result<Self, Error> {
        Err(Error::NotBuilt)
    }

    /// Spans to the collector that the environment names: to none.
    pub fn of_environment(_per_mille: u16) -> Result<Self, Error> {
        Ok(Self::default())
    }

    /// Whether anybody takes them.
    pub const fn is_on(&self) -> bool {
        false
    }

    /// Where a request stands whose caller did not say.
    pub const fn place(&self, _origin: &mut Origin) {}

    /// Something begins.
    pub const fn begin(&self) -> Begun {
        Begun {}
    }

    /// What is below something that has begun.
    pub const fn below(&self, trace: Option<Trace>, _begun: Begun) -> Option<Trace> {
        trace
    }

    /// A request has ended.
    pub fn request(
        &self,
        _trace: Option<Trace>,
        _parent: Option<[u8; 8]>,
        _begun: Begun,
        _say: impl FnOnce() -> Said,
    ) {
    }

    /// Something has ended.
    pub fn record(&self, _trace: Option<Trace>, _begun: Begun, _say: impl FnOnce() -> Said) {}

    /// Nothing more is recorded; sends what there is.
    pub const fn close(&self) {}
}

#[cfg(feature = "otlp")]
impl Spans {
    /// Spans to this collector, or to the one that the environment names
    /// (`OTEL_EXPORTER_OTLP_ENDPOINT`); `per_mille` of the traces that begin here.
    pub fn to(collector: Option<&str>, per_mille: u16) -> Result<Self, Error> {
        let exporter = Exporter::to(collector, per_mille)?;
        Ok(Self {
            to: Some(Arc::new(exporter)),
        })
    }

    /// Spans to the collector that the environment names, or to none.
    pub fn of_environment(per_mille: u16) -> Result<Self, Error> {
        if super::otlp::is_in_environment() {
            Self::to(None, per_mille)
        } else {
            Ok(Self::default())
        }
    }

    /// Whether anybody takes them.
    pub const fn is_on(&self) -> bool {
        self.to.is_some()
    }

    /// Where a request stands whose caller did not say: at the beginning of a trace that has the
    /// request's own id.
    pub fn place(&self, origin: &mut Origin) {
        if let Some(exporter) = &self.to
            && origin.trace.is_none()
        {
            let id = origin.correlation.0;
            origin.trace = Some(Trace {
                id,
                span: fresh(),
                flags: u8::from(exporter.takes(id)),
            });
        }
    }

    /// Something begins.
    pub fn begin(&self) -> Begun {
        if self.is_on() {
            Begun {
                at_us: system_us(),
                id: fresh(),
            }
        } else {
            Begun::default()
        }
    }

    /// What is below something that has begun.
    pub fn below(&self, trace: Option<Trace>, begun: Begun) -> Option<Trace> {
        if !self.is_on() {
            return trace;
        }
        trace.map(|trace| Trace {
            span: begun.id,
            ..trace
        })
    }

    /// A request has ended. Its span has the place's own id, below the `parent` that its caller named.
    pub fn request(
        &self,
        trace: Option<Trace>,
        parent: Option<[u8; 8]>,
        begun: Begun,
        say: impl FnOnce() -> Said,
    ) {
        let own = trace.map(|trace| Begun {
            id: trace.span,
            ..begun
        });
        if let Some((trace, own, exporter)) = self.recorded(trace, own) {
            exporter.record(trace, own, parent.map(|id| (id, true)), say());
        }
    }

    /// Something has ended that is below this place.
    pub fn record(&self, trace: Option<Trace>, begun: Begun, say: impl FnOnce() -> Said) {
        if let Some((trace, begun, exporter)) = self.recorded(trace, Some(begun)) {
            exporter.record(trace, begun, Some((trace.span, false)), say());
        }
    }

    /// Nothing more is recorded; sends what there is, for a few seconds at most.
    pub fn close(&self) {
        if let Some(exporter) = &self.to {
            exporter.close();
        }
    }

    fn recorded(
        &self,
        trace: Option<Trace>,
        begun: Option<Begun>,
    ) -> Option<(Trace, Begun, &Exporter)> {
        let exporter = self.to.as_deref()?;
        let trace = trace.filter(|trace| trace.flags & 1 == 1)?;
        // What began before somebody took spans has no beginning.
        let begun = begun.filter(|begun| begun.at_us != 0)?;
        Some((trace, begun, exporter))
    }
}

#[cfg(feature = "otlp")]
fn fresh() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}
