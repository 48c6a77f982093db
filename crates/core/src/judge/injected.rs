//! Findings about a field that nobody wrote but us say so: whoever reads them looks for it in the manifest in vain.

use crate::graph::Workload;
use crate::rules::kit::Finding;
use crate::rules::kit::template::Record;

/// Says of each finding whose field was injected that it was.
pub(super) fn mark(workload: &Workload, findings: &mut [Finding]) {
    if findings.is_empty() {
        return;
    }
    let records: Vec<Record<'_>> = Record::of(workload).collect();
    if records.is_empty() {
        return;
    }
    let ours = findings.iter_mut().filter(|finding| {
        finding.object == workload.id && records.iter().any(|record| record.covers(&finding.path, workload))
    });
    for finding in ours {
        for words in [&mut finding.text, &mut finding.brief] {
            words.push_str(" (stateward injected this field)");
        }
    }
}
