//! The text format of Prometheus, for those who do not ask for OpenMetrics.

use std::fmt::Write as _;

/// Writes OpenMetrics text in the older format: every sample stays as it is, while the names of families that tell
/// of counters and infos get the suffix of their samples, and types that the older format lacks become those it has.
pub(super) fn plain(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help = None;
    for line in open.lines() {
        if let Some(told) = line.strip_prefix("# HELP ") {
            // Written with the type, which decides on its name.
            help = told.split_once(' ').map(|(_, told)| told);
        } else if let Some((family, kind)) = line.strip_prefix("# TYPE ").and_then(|told| told.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            let help = help.take().unwrap_or_default();
            let _ = writeln!(text, "# HELP {family}{suffix} {help}\n# TYPE {family}{suffix} {kind}");
        } else if !line.starts_with("# ") {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_named_as_their_samples_and_have_types_of_the_older_format() {
        let open = "# HELP a Counts.\n# TYPE a counter\n# UNIT a seconds\na_total{b=\"c # d\"} 1\n\
                    # HELP e What runs.\n# TYPE e info\ne_info{version=\"1\"} 1\n\
                    # HELP f How long.\n# TYPE f histogram\nf_sum 0.5\nf_count 1\nf_bucket{le=\"+Inf\"} 1\n\
                    # HELP g What.\n# TYPE g unknown\ng 1\n# EOF\n";
        assert_eq!(
            plain(open),
            "# HELP a_total Counts.\n# TYPE a_total counter\na_total{b=\"c # d\"} 1\n\
             # HELP e_info What runs.\n# TYPE e_info gauge\ne_info{version=\"1\"} 1\n\
             # HELP f How long.\n# TYPE f histogram\nf_sum 0.5\nf_count 1\nf_bucket{le=\"+Inf\"} 1\n\
             # HELP g What.\n# TYPE g untyped\ng 1\n"
        );
    }
}
