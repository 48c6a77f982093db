//! The counts of findings over time, as a picture.

use std::fmt::Write as _;

use super::history::{Counts, Trend};
use super::page::counted;
use crate::markup::escaped;
use crate::time::Time;

const WIDTH: i64 = 640;
const HEIGHT: i64 = 120;
/// Free above and below the lines.
const PAD: i64 = 8;

/// A level as it is drawn: class, word, count.
type Level = (&'static str, &'static str, fn(&Counts) -> u64);

/// The levels.
const LEVELS: [Level; 3] = [
    ("error", "error", |counts| counts.errors),
    ("warning", "warning", |counts| counts.warnings),
    ("note", "note", |counts| counts.notes),
];

/// Draws the trend, with the same in words below it.
pub(super) fn figure(trend: &Trend) -> String {
    let (Some((begin, first)), Some((end, last))) = (trend.points.first(), trend.points.last()) else {
        return "<p class=\"mute\">Everything is being judged for the first time.</p>\n".to_owned();
    };
    let words = LEVELS.map(|(_, word, count)| {
        let (then, now) = (count(first), count(last));
        let more = match now.checked_sub(then) {
            Some(0) => "as many as at first".to_owned(),
            Some(more) => format!("{more} more than at first"),
            None => format!("{} fewer than at first", then - now),
        };
        format!("{}, {more}", counted(usize::try_from(now).unwrap_or(usize::MAX), word))
    });
    let words = format!("Since {}: {}", begin.in_words(), words.join("; "));
    let highest = trend
        .points
        .iter()
        .flat_map(|(_, counts)| LEVELS.map(|(_, _, count)| count(counts)));
    let highest = highest.max().unwrap_or_default().max(1);
    let mut text = format!(
        "<figure class=\"trend\">\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         preserveAspectRatio=\"none\">\n<path class=\"axis\" d=\"M0 {}H{WIDTH}\"/>\n",
        escaped(&words),
        HEIGHT - PAD
    );
    for (class, _, count) in LEVELS {
        let points = trend
            .points
            .iter()
            .map(|(at, counts)| (x(*at, *begin, *end), y(count(counts), highest)));
        let mut line = String::new();
        for (x, y) in points {
            // As steps: between two moments nobody has looked.
            let _ = if line.is_empty() {
                write!(line, "M{x} {y}")
            } else {
                write!(line, "H{x}V{y}")
            };
        }
        let _ = writeln!(text, "<path class=\"{class}\" d=\"{line}H{WIDTH}\"/>");
    }
    let _ = write!(
        text,
        "</svg>\n<figcaption>{}</figcaption>\n</figure>\n",
        escaped(&words)
    );
    text
}

fn x(at: Time, begin: Time, end: Time) -> i64 {
    let whole = (end.seconds() - begin.seconds()).max(1);
    (at.seconds() - begin.seconds()) * WIDTH / whole
}

fn y(count: u64, highest: u64) -> i64 {
    let room = HEIGHT - 2 * PAD;
    let share = u128::from(count) * u128::from(room.unsigned_abs()) / u128::from(highest);
    HEIGHT - PAD - i64::try_from(share).unwrap_or(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_frame_and_says_what_changed() {
        let counts = |errors| Counts {
            errors,
            ..Counts::default()
        };
        let trend = Trend {
            points: vec![(Time::from_seconds(0), counts(2)), (Time::from_seconds(60), counts(5))],
            ..Trend::default()
        };
        let text = figure(&trend);
        assert!(
            text.contains("5 errors, 3 more than at first; 0 warnings, as many as at first"),
            "{text}"
        );
        assert!(text.contains("d=\"M0 71H640V8H640\""), "{text}");
    }
}
