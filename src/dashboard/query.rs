//! What a form or a link asks for.

use std::borrow::Cow;

/// The words that are looked for, and the page of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) words: String,
    pub(super) page: usize,
    /// Only what ended like this.
    pub(super) outcome: String,
}

impl Query {
    /// Reads the query of a URL; what makes no sense is left out.
    pub(super) fn parse(query: Option<&str>) -> Self {
        let mut parsed = Self::default();
        for (key, value) in pairs(query.unwrap_or_default().as_bytes()) {
            match &*key {
                "q" => parsed.words = value.trim().to_owned(),
                "page" => parsed.page = value.parse().unwrap_or_default(),
                "outcome" => parsed.outcome = value.into_owned(),
                _ => {}
            }
        }
        parsed
    }

    /// Whether a text has all of the words.
    pub(super) fn meets(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.words
            .split_whitespace()
            .all(|word| text.contains(&word.to_lowercase()))
    }
}

/// The fields of a form.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_there() {
        let query = Query::parse(Some("q=Shop+db&page=2&else=1"));
        assert_eq!((&*query.words, query.page), ("Shop db", 2));
        assert!(query.meets("db of shop") && !query.meets("shop"));
        assert_eq!(Query::parse(Some("page=-1")), Query::default());
    }
}
