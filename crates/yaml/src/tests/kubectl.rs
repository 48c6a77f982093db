//! Values are those of a real kubectl.
//!
//! `kubectl.txt` was written by `sigs.k8s.io/yaml` 1.6.0 (which kubectl uses) and compared with the output of
//! `kubectl label --local -o json` 1.20.5; they agree.

use super::{json, read};

#[test]
fn every_recorded_case_is_read_as_by_kubectl() {
    let lines: Vec<&str> = include_str!("kubectl.txt").lines().skip(1).collect();
    let mut wrong = String::new();
    for case in lines.chunks(2) {
        let text: String = serde_json::from_str(case[0]).unwrap();
        let reading = read(text);
        let broken = reading.problems().iter().any(|problem| !problem.is_warning());
        let read = match &json(&reading)[..] {
            _ if broken => "error".to_owned(),
            [] => "null".to_owned(),
            [one] => one.clone(),
            several => several.join(" "),
        };
        let same = match (
            serde_json::from_str::<serde_json::Value>(case[1]),
            serde_json::from_str::<serde_json::Value>(&read),
        ) {
            (Ok(theirs), Ok(ours)) => theirs == ours,
            _ => read == case[1],
        };
        if !same {
            wrong += &format!(
                "{}\n  kubectl: {}\n  ours:    {read} {:?}\n",
                case[0],
                case[1],
                reading.problems()
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(lines.len() > 100);
}
