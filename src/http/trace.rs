//! W3C Trace Context: where a request stands in a trace that its caller began.

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName},
    },
};

use crate::{
    domain::{Origin, Trace},
    telemetry::spans::{self, Begun, Said, Spans},
};

pub(super) const NAME: HeaderName = HeaderName::from_static("traceparent");

/// `00-`, 32 hex digits, `-`, 16, `-`, 2. A later version may be longer, after another `-`.
const BYTES: usize = 55;

/// How many segments of a path are in the name of a span: no more than a storefront's paths have.
const NAMED_SEGMENTS_MAX: usize = 5;

/// The caller's span, as its `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) flags: u8,
}

impl Parent {
    /// The one in these headers. Of several, or of one that is not as it should be, none is taken.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(NAME);
        let only = all.next().filter(|_| all.next().is_none())?;
        Self::read(only.to_str().ok()?)
    }

    /// Our own place below it.
    pub(super) fn below(self) -> Trace {
        Trace {
            id: self.trace,
            span: fresh_span(),
            flags: self.flags,
        }
    }

    fn read(header: &str) -> Option<Self> {
        let (head, rest) = header.trim().as_bytes().split_at_checked(BYTES)?;
        let [version] = hex(&head[..2])?;
        let is_later = version != 0 && version != 0xFF;
        let is_whole = rest.is_empty() || (is_later && rest[0] == b'-');
        let are_apart = [2, 35, 52].iter().all(|place| head[*place] == b'-');
        if version == 0xFF || !is_whole || !are_apart {
            return None;
        }
        let parent = Self {
            trace: hex(&head[3..35])?,
            span: hex(&head[36..52])?,
            flags: hex::<1>(&head[53..])?[0],
        };
        let is_valid = parent.trace != [0; 16] && parent.span != [0; 8];
        is_valid.then_some(parent)
    }
}

/// A request has ended, as a span tells of it.
pub(super) fn record(
    spans: &Spans,
    request: &HttpRequest,
    origin: &Origin,
    begun: Begun,
    status: StatusCode,
) {
    if !spans.is_on() {
        return;
    }
    let parent = Parent::of(request.headers()).map(|parent| parent.span);
    spans.request(origin.trace, parent, begun, || {
        // Numbers would make as many names as there are orders.
        let path = request.path().split('/');
        let path = path.filter(|segment| segment.parse::<u64>().is_err());
        let name = path.take(NAMED_SEGMENTS_MAX).collect::<Vec<_>>().join("/");
        let trouble = status.is_server_error().then(|| status.to_string());
        Said::of(format!("{} {name}", request.method()))
            .whose(spans::Kind::Server)
            .about("http.request.method", request.method().as_str())
            .about("url.path", request.path())
            .about("http.response.status_code", u64::from(status.as_u16()))
            .about("correlation", origin.to_string())
            .failed(trouble)
    });
}

/// Unlike others, and never zero.
fn fresh_span() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

/// Lower case only, as it must be.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_specification_allows_is_taken() {
        let check = |header: &str, is_taken: bool| {
            assert_eq!(Parent::read(header).is_some(), is_taken, "{header}");
        };
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        check(good, true);
        check(&format!("01{}", &good[2..]), true);
        check(&format!("01{}-more", &good[2..]), true);
        check(&format!("01{}more", &good[2..]), false);
        check(&format!("{good}-more"), false);
        check(&format!("ff{}", &good[2..]), false);
        check(&good.to_uppercase(), false);
        check(&good[..54], false);
        check(&good.replace('-', "_"), false);
        let (no_trace, no_span) = ("0".repeat(32), "0".repeat(16));
        check(&format!("00-{no_trace}-b7ad6b7169203331-01"), false);
        check(&format!("00-{}-{no_span}-01", &good[3..35]), false);
        check("주문", false);
    }

    #[test]
    fn our_place_is_in_the_same_trace_and_below() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let ours = Parent::read(header).unwrap().below().to_string();
        assert_eq!((&ours[..36], &ours[52..]), (&header[..36], &header[52..]));
        assert_ne!(ours, header);
        assert!(Parent::read(&ours).is_some(), "{ours}");
    }
}
