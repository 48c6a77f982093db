//! How much is sent at once.

use std::collections::VecDeque;

use super::item::Item;

/// So many are sent at once at most; the SDKs of OpenTelemetry send as many.
const ITEMS: usize = 512;
/// And no more bytes of them: collectors and what is before them refuse large bodies.
const BYTES: usize = 512 << 10;

/// Takes as many of the oldest as are sent at once.
pub(super) fn take(items: &mut VecDeque<Item>) -> Vec<Item> {
    let mut bytes = 0;
    let fits = |item: &&Item| {
        bytes += item.len();
        bytes <= BYTES
    };
    let count = items.iter().take(ITEMS).take_while(fits).count();
    // One that is larger than all should be goes alone.
    let count = count.max(1).min(items.len());
    items.drain(..count).collect()
}

/// Whether there are enough for a whole batch.
pub(super) fn is_full(items: &VecDeque<Item>) -> bool {
    items.len() >= ITEMS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_in_items_and_in_bytes() {
        let mut small: VecDeque<Item> = (0..ITEMS + 1).map(|number| number.to_string().into()).collect();
        assert!(is_full(&small));
        let first = take(&mut small);
        assert_eq!((first.len(), &*first[0]), (ITEMS, "0"));
        assert_eq!(take(&mut small), [Item::from(ITEMS.to_string())]);
        assert!(take(&mut small).is_empty());

        let large = |bytes: usize| Item::from("x".repeat(bytes));
        let mut large = VecDeque::from([large(BYTES / 2), large(BYTES / 2), large(1), large(BYTES + 1), large(1)]);
        let sizes: Vec<usize> = std::iter::from_fn(|| Some(take(&mut large).len()).filter(|size| *size > 0)).collect();
        assert_eq!(sizes, [2, 1, 1, 1]);
    }
}
