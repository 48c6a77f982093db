//! The clock on the wall, read at the edge and passed in.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::Time;

/// What time it is.
#[must_use]
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The same in Unix nanoseconds, for what must stay in its order.
#[must_use]
pub fn nanoseconds() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}
