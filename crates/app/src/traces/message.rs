//! The trace of a message, derived from its id, and `traceparent` (W3C Trace Context).

use domain::ids::MessageId;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::low_half;

/// How many bits decide, from the right: in a UUIDv7 those are chance alone, and a float holds them exactly.
const CHANCE_BITS: u32 = 53;

/// The trace of one message.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageTrace {
    message: MessageId,
    sampled: bool,
}

impl MessageTrace {
    /// Whether it is recorded depends on the id alone, so that all processes agree.
    pub(super) fn of(message: MessageId, share: f64) -> Self {
        Self { message, sampled: is_in_share(message.uuid().as_u128(), share) }
    }

    pub(super) const fn message(self) -> MessageId {
        self.message
    }

    pub(super) fn id(self) -> TraceId {
        TraceId::from(self.message.uuid().as_u128())
    }

    /// The span of the message's creation.
    pub(super) fn first_span(self) -> SpanId {
        SpanId::from(low_half(self.message.uuid().as_u128()))
    }

    /// One of its spans.
    pub(super) fn context(self, span: SpanId) -> SpanContext {
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        SpanContext::new(self.id(), span, flags, false, TraceState::default())
    }

    /// The header that tells N8N about one of its spans.
    pub(super) fn traceparent(self, span: SpanId) -> String {
        format!("00-{}-{span}-{:02x}", self.id(), u8::from(self.sampled))
    }
}

/// Whether a trace belongs to the share that is recorded.
pub(super) fn is_in_share(trace: u128, share: f64) -> bool {
    let chance = (trace & ((1 << CHANCE_BITS) - 1)) as f64 / (1_u64 << CHANCE_BITS) as f64;
    chance < share
}

/// Reads a `traceparent`; `None` when it is none.
pub(super) fn parent(header: &str) -> Option<SpanContext> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // A later version may say more at the end; this one may not.
    let known = version.len() == 2 && version != "ff" && (version != "00" || parts.next().is_none());
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !known || !is_hex(version, 2) || !is_hex(trace, 32) || !is_hex(span, 16) || !is_hex(flags, 2) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn trace(low: u64, share: f64) -> MessageTrace {
        MessageTrace::of(MessageId::new(Uuid::from_u64_pair(0x0197_0000_0000_7000, low)), share)
    }

    #[test]
    fn what_is_told_is_what_is_read() {
        let trace = trace(0x8123_4567_89ab_cdef, 1.0);
        let header = trace.traceparent(SpanId::from(7));
        assert_eq!(header, "00-01970000000070008123456789abcdef-0000000000000007-01");
        let read = parent(&header).unwrap();
        assert_eq!((read.trace_id(), read.span_id(), read.is_sampled()), (trace.id(), SpanId::from(7), true));
    }

    #[test]
    fn the_share_goes_by_chance_and_not_by_the_bits_that_every_id_has() {
        assert!(trace(0x8000_0000_0000_0000, 0.001).sampled && !trace(0x80ff_ffff_ffff_ffff, 0.999).sampled);
        assert!(trace(0xbf0f_ffff_ffff_ffff, 0.5).sampled && !trace(0x8010_0000_0000_0000, 0.5).sampled);
        assert!(trace(0x80ff_ffff_ffff_ffff, 1.0).sampled && !trace(0x8000_0000_0000_0000, 0.0).sampled);
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let trace = "0197000000007000812345678aabcdef";
        for wrong in [
            String::new(),
            "00".to_owned(),
            format!("00-{trace}-0000000000000000-01"),
            "00-00000000000000000000000000000000-0000000000000007-01".to_owned(),
            format!("ff-{trace}-0000000000000007-01"),
            format!("00-{trace}-0000000000000007-01-more"),
            format!("00-{}-0000000000000007-01", trace.to_uppercase()),
            format!("00-{trace}-7-01"),
            format!("00-{trace}-+000000000000007-01"),
        ] {
            assert!(parent(&wrong).is_none(), "{wrong}");
        }
        assert!(parent(&format!("01-{trace}-0000000000000007-00-more")).is_some_and(|one| !one.is_sampled()));
    }
}
