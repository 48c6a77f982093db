//! Times of the day as people write them, and spans between them. Time is an argument: nothing in the core asks a clock.

use std::fmt;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A moment, to the second: seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A length of time in whole hours or days, such as `90d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Time {
    /// Before everything that can be written.
    pub const ALWAYS: Self = Self(i64::MIN);

    /// What is no more than this is a time, but for days that a month does not have.
    pub(crate) const PATTERN: &str =
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";

    /// The moment so many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the beginning of 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339: `2026-12-24T18:00:00+01:00`. Fractions of a second do not count; a leap second is the next one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |at: usize, digits: usize| -> Option<i64> {
            let digits = bytes.get(at..at + digits)?;
            let value = |sum: i64, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'));
            digits.iter().try_fold(0, value)
        };
        let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
        let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt") && is(13, b":") && is(16, b":");
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        let mut zone = 19;
        if is(zone, b".") {
            let digits = bytes[zone + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            zone += 1 + digits;
            if digits == 0 {
                return None;
            }
        }
        let (offset, end) = match *bytes.get(zone)? {
            b'Z' | b'z' => (0, zone + 1),
            sign @ (b'+' | b'-') if is(zone + 3, b":") => {
                let (hours, minutes) = (number(zone + 1, 2)?, number(zone + 4, 2)?);
                let offset = (hours <= 23 && minutes <= 59).then_some(hours * HOUR + minutes * MINUTE)?;
                (if sign == b'+' { offset } else { -offset }, zone + 6)
            }
            _ => return None,
        };
        let valid = separated
            && end == bytes.len()
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour <= 23
            && minute <= 59
            && second <= 60;
        valid.then(|| Self(days_to(year, month, day) * DAY + hour * HOUR + minute * MINUTE + second - offset))
    }

    /// The moment `span` later.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// How many midnights in UTC lie between; negative where `self` comes first.
    #[must_use]
    pub const fn days_after(self, earlier: Self) -> i64 {
        self.0.div_euclid(DAY) - earlier.0.div_euclid(DAY)
    }

    /// Whether it comes within a week: early enough to be warned of.
    #[must_use]
    pub const fn is_soon(self, now: Self) -> bool {
        self.days_after(now) <= 7
    }

    /// As one says it: `2026-12-24`, and with the time of the day where that is not midnight: `2026-12-24 18:00 UTC`.
    #[must_use]
    pub fn in_words(self) -> String {
        let text = self.to_string();
        let date = text.split('T').next().unwrap_or_default();
        if self.0.rem_euclid(DAY) == 0 {
            date.to_owned()
        } else {
            let clock = text.get(date.len() + 1..date.len() + 6).unwrap_or_default();
            format!("{date} {clock} UTC")
        }
    }

    /// How far off it is, for a person who reads it at `now`: `today`, `tomorrow`, `in 25 days`.
    #[must_use]
    pub fn seen_from(self, now: Self) -> String {
        match self.days_after(now) {
            ..=0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            days => format!("in {days} days"),
        }
    }
}

/// RFC 3339 in UTC: `2026-12-24T17:00:00Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        let (hour, minute, second) = (second / HOUR, second % HOUR / MINUTE, second % MINUTE);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Span {
    /// As a regular expression, for the schema.
    pub(crate) const PATTERN: &str = "^[1-9][0-9]{0,4}[dh]$";

    /// Parses a whole number of days or hours, of five digits at most: `90d`, `12h`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unit = match text.bytes().last()? {
            b'd' => DAY,
            b'h' => HOUR,
            _ => return None,
        };
        let digits = &text[..text.len() - 1];
        let valid = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = digits.parse().ok().filter(|_| valid && !digits.starts_with('0'))?;
        Some(Self(number * unit))
    }
}

/// As it is written, in days where it can be.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % DAY {
            0 => write!(f, "{}d", self.0 / DAY),
            _ => write!(f, "{}h", self.0 / HOUR),
        }
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the odd day is the last one, and
/// repeat every 400 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day: the inverse (`civil_from_days`, ibid.).
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).expect(text)
    }

    /// Counted day by day, as a calendar on the wall is.
    #[test]
    fn every_day_of_ten_thousand_years_has_its_number_and_its_date() {
        let mut number = -719_528;
        for year in 0..10_000 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    assert_eq!(days_to(year, month, day), number, "{year}-{month}-{day}");
                    assert_eq!(date_of(number), (year, month, day));
                    number += 1;
                }
            }
        }
        assert_eq!(time("9999-12-31T00:00:00Z"), Time((number - 1) * DAY));
    }

    #[test]
    fn every_second_of_a_day_is_read_as_it_is_written() {
        let day = time("2028-02-29T00:00:00Z");
        for second in 0..DAY {
            let moment = Time(day.0 + second);
            assert_eq!(Time::parse(&moment.to_string()), Some(moment));
        }
    }

    #[test]
    fn zones_and_fractions_are_understood() {
        assert_eq!(time("1970-01-01T00:00:00Z"), Time(0));
        assert_eq!(time("2026-11-29T03:10:09Z"), Time(1_795_921_809));
        let noon = time("2026-12-24T12:00:00Z");
        for same in [
            "2026-12-24t12:00:00z",
            "2026-12-24T12:00:00.999Z",
            "2026-12-24T13:00:00+01:00",
            "2026-12-24T06:30:00-05:30",
            "2026-12-25T11:59:00+23:59",
            "2026-12-24T11:59:60-00:00",
        ] {
            assert_eq!(time(same), noon, "{same}");
        }
        assert_eq!(time("2026-12-24T13:00:00+01:00").to_string(), "2026-12-24T12:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-12-24",
            "2026-12-24T12:00:00",
            "2026-12-24 12:00:00Z",
            "2026-12-24T12:00Z",
            "2026-12-24T12:00:00.Z",
            "2026-12-24T12:00:00Z ",
            "2026-12-24T12:00:00+0100",
            "2026-12-24T12:00:00+24:00",
            "2026-12-24T12:00:00+01:60",
            "2026-12-24T12:00:00+01",
            "2026-00-24T12:00:00Z",
            "2026-13-24T12:00:00Z",
            "2026-02-29T12:00:00Z",
            "2100-02-29T12:00:00Z",
            "2026-12-32T12:00:00Z",
            "2026-12-00T12:00:00Z",
            "2026-12-24T24:00:00Z",
            "2026-12-24T12:60:00Z",
            "2026-12-24T12:00:61Z",
            "26-12-24T12:00:00Z",
            "+026-12-24T12:00:00Z",
            "２026-12-24T12:00:00Z",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert!(Time::parse("2000-02-29T12:00:00Z").is_some());
    }

    #[test]
    fn distances_are_told_in_days_of_the_calendar() {
        let from = |now: &str| time("2026-12-24T18:30:00Z").seen_from(time(now));
        assert_eq!(from("2026-11-29T23:59:59Z"), "in 25 days");
        assert_eq!(from("2026-12-23T00:00:00Z"), "tomorrow");
        assert_eq!(from("2026-12-24T18:29:59Z"), "today");
        assert_eq!(time("2026-12-24T18:30:00Z").in_words(), "2026-12-24 18:30 UTC");
        assert_eq!(time("2026-12-24T00:00:00Z").in_words(), "2026-12-24");
        assert!(Time::ALWAYS < time("0000-01-01T00:00:00+23:59"));
        assert!(Time::ALWAYS.days_after(Time(0)) < 0);
    }

    #[test]
    fn spans_are_days_or_hours() {
        assert_eq!(Span::parse("90d"), Some(Span(90 * DAY)));
        assert_eq!(Span::parse("36h").map(|span| span.to_string()), Some("36h".to_owned()));
        assert_eq!(Span::parse("48h").map(|span| span.to_string()), Some("2d".to_owned()));
        assert_eq!(
            time("2026-11-29T03:10:09Z").plus(Span(60 * DAY)).to_string(),
            "2027-01-28T03:10:09Z"
        );
        for text in [
            "", "d", "90", "0d", "090d", "-1d", "+1d", "1.5d", "1w", "90 d", "100000d", "90D", "١d",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
