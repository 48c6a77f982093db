//! What a collector answers, and when to ask again: the rules of OTLP over HTTP. Pure.

use std::time::Duration;

use serde::Deserialize;

/// The pause after the first failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, and the longest that a collector may wish for: an outage ends without anybody knowing how long it
/// was meant to be.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// More of what a collector says of a failure helps nobody.
const WHY: usize = 200;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was taken, but for these.
    Taken { rejected: u64, why: String },
    /// Maybe later, after so long if the collector says so.
    Later { after: Option<Duration>, why: String },
    /// The same would be refused again.
    Refused { why: String },
}

/// The body of an answer.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Response {
    partial_success: Partial,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Partial {
    #[serde(alias = "rejectedLogRecords", alias = "rejectedSpans")]
    rejected: Number,
    error_message: String,
}

/// JSON has no 64-bit integers: writers choose between a number and a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Default for Number {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Answer {
    /// An answer of this status, with its `Retry-After` and its body.
    pub(super) fn of(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        match status {
            200..=299 => {
                // What cannot be read says nothing of what was not taken.
                let Partial {
                    rejected,
                    error_message,
                } = serde_json::from_slice::<Response>(body)
                    .unwrap_or_default()
                    .partial_success;
                Self::Taken {
                    rejected: match rejected {
                        Number::Number(number) => number,
                        Number::Text(text) => text.parse().unwrap_or_default(),
                    },
                    why: clipped(&error_message),
                }
            }
            429 | 502..=504 => Self::Later {
                after: retry_after.and_then(|seconds| seconds.trim().parse().ok().map(Duration::from_secs)),
                why: format!("status {status}"),
            },
            _ => Self::Refused {
                why: clipped(&format!("status {status}: {}", String::from_utf8_lossy(body))),
            },
        }
    }

    /// There was none.
    pub(super) fn none(error: &str) -> Self {
        Self::Later {
            after: None,
            why: clipped(error),
        }
    }
}

/// The failures in a row of one batch.
#[derive(Debug, Default)]
pub(super) struct Failures(u32);

impl Failures {
    /// One more; returns how long to wait. `random` spreads the wishes of many clusters, which one collector disappointed
    /// all at once.
    pub(super) fn pause(&mut self, wish: Option<Duration>, random: u64) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.0.min(16));
        self.0 += 1;
        if let Some(wish) = wish {
            return wish.clamp(FIRST_PAUSE, LONGEST_PAUSE);
        }
        let pause = doubled.min(LONGEST_PAUSE);
        let spread = u32::try_from(random % 1_000).unwrap_or_default();
        pause / 2 + pause / 2 * spread / 1_000
    }
}

fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(WHY)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [429, 502, 503, 504] {
            assert!(
                matches!(Answer::of(status, None, b""), Answer::Later { after: None, .. }),
                "{status}"
            );
        }
        for status in [100, 301, 400, 401, 404, 413, 500, 501, 505] {
            assert!(
                matches!(Answer::of(status, Some("1"), b"no"), Answer::Refused { .. }),
                "{status}"
            );
        }
        let wish = |text| match Answer::of(503, Some(text), b"") {
            Answer::Later { after, .. } => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(wish("7"), Some(Duration::from_secs(7)));
        assert_eq!(wish("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        let Answer::Refused { why } = Answer::of(400, None, "ü".repeat(1_000).as_bytes()) else {
            panic!("refused")
        };
        assert!(why.starts_with("status 400: ü") && why.len() <= WHY, "{why}");
    }

    #[test]
    fn what_was_rejected_of_a_batch_is_counted() {
        let taken = |body: &str| match Answer::of(200, None, body.as_bytes()) {
            Answer::Taken { rejected, why } => (rejected, why),
            other => panic!("{other:?}"),
        };
        let nothing = (0, String::new());
        assert_eq!(taken(""), nothing);
        assert_eq!(taken("{}"), nothing);
        assert_eq!(taken(r#"{"partialSuccess":{}}"#), nothing);
        let some = (3, "too old".to_owned());
        assert_eq!(
            taken(r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#),
            some
        );
        assert_eq!(
            taken(r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#),
            some
        );
        assert_eq!(
            taken(r#"{"partialSuccess":{"rejectedLogRecords":3,"errorMessage":"too old"}}"#),
            some
        );
    }

    #[test]
    fn pauses_grow_to_a_bound_and_a_wish_is_heard() {
        let mut failures = Failures::default();
        let longest: Vec<u64> = (0..8)
            .map(|_| failures.pause(None, 999).as_millis().try_into().unwrap())
            .collect();
        assert_eq!(longest, [999, 1_999, 3_998, 7_996, 15_992, 29_985, 29_985, 29_985]);
        let mut failures = Failures::default();
        assert_eq!(failures.pause(None, 0), FIRST_PAUSE / 2);
        assert_eq!(failures.pause(Some(Duration::from_secs(9)), 0), Duration::from_secs(9));
        assert_eq!(failures.pause(Some(Duration::from_secs(86_400)), 0), LONGEST_PAUSE);
        assert_eq!(failures.pause(Some(Duration::ZERO), 0), FIRST_PAUSE, "no busy loop");
        assert_eq!(failures.pause(None, 0), Duration::from_secs(8), "all of them count");
        for _ in 0..100 {
            failures.pause(None, 0);
        }
        assert_eq!(failures.pause(None, 0), LONGEST_PAUSE / 2);
    }
}
