//! A comparison of policies: a table for people, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::audit::comparison::{Comparison, Newly, Row};

/// The table, and a line that sums it up.
pub(super) fn human(comparison: &Comparison) -> String {
    let mut lines = vec![["rule", "namespace", "denied", "warned", "owners"].map(str::to_owned)];
    for row in &comparison.rows {
        lines.push([
            row.rule.to_owned(),
            row.namespace.clone(),
            row.denied.to_string(),
            row.warned.to_string(),
            owners(row),
        ]);
    }
    let wide = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; 4] = [0, 1, 2, 3].map(wide);
    let mut text = String::new();
    if !comparison.rows.is_empty() {
        for [rule, namespace, denied, warned, owners] in &lines {
            let [one, two, three, four] = widths;
            let line = format!("{rule:one$}  {namespace:two$}  {denied:>three$}  {warned:>four$}  {owners}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text.push('\n');
    }
    let sum = |of: fn(&Row) -> usize| comparison.rows.iter().map(of).sum::<usize>();
    let (denied, warned) = (sum(|row| row.denied), sum(|row| row.warned));
    let _ = writeln!(text, "newly denied: {denied}, newly warned about: {warned}");
    text
}

pub(super) fn json(comparison: &Comparison) -> String {
    let rows = comparison.rows.iter().map(|row| {
        json!({
            "rule": row.rule,
            "namespace": row.namespace,
            "denied": row.denied,
            "warned": row.warned,
            "owners": row.owners,
            "unowned": row.unowned,
        })
    });
    let findings = comparison.entries.iter().map(finding);
    let document = json!({
        "version": "v1",
        "rows": rows.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding(newly: &Newly) -> Value {
    let Newly { entry, owner } = newly;
    json!({
        "rule": entry.rule,
        "level": entry.level.as_str(),
        "object": {
            "apiVersion": entry.object.api_version.as_str(),
            "kind": entry.object.kind.as_str(),
            "namespace": entry.object.namespace.as_str(),
            "name": entry.object.name.as_str(),
        },
        "owner": owner,
        "path": entry.path,
        "message": entry.message,
    })
}

fn owners(row: &Row) -> String {
    let unowned = (row.unowned > 0).then(|| format!("{} without", row.unowned));
    let owners = row
        .owners
        .iter()
        .map(|owner| owner.replace(|c: char| c.is_control(), "\u{fffd}"));
    owners.chain(unowned).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_summed_up() {
        let row = |rule, namespace: &str, denied, owners: &[&str], unowned| Row {
            rule,
            namespace: namespace.to_owned(),
            denied,
            warned: 1,
            owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
            unowned,
        };
        let comparison = Comparison {
            rows: vec![
                row("rwo-surge", "shop", 12, &["team-b", "team-a"], 0),
                row("a", "payments", 0, &[], 2),
            ],
            entries: Vec::new(),
        };
        assert_eq!(
            human(&comparison),
            "rule       namespace  denied  warned  owners\n\
             rwo-surge  shop           12       1  team-a, team-b\n\
             a          payments        0       1  2 without\n\
             \n\
             newly denied: 12, newly warned about: 2\n"
        );
        assert_eq!(
            human(&Comparison::default()),
            "newly denied: 0, newly warned about: 0\n"
        );
    }
}
