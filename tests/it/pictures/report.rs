//! `--format html` and `--format markdown` of `check` and `audit`.

use super::command::{run, stderr, stdout};
use super::{EXCEPTION, claim, deployment};
use crate::check::Repository;

fn page(repository: &Repository, arguments: &[&str]) -> String {
    let output = run(repository.path(), &[&["check", "--format", "html"], arguments].concat());
    assert!(stdout(&output).starts_with("<!DOCTYPE html>"), "{}", stderr(&output));
    stdout(&output)
}

/// The elements of a page: every one in it is closed, so that a parser of XML reads them too.
fn elements(page: &str) -> Vec<String> {
    let body = page
        .split_once("<body>")
        .and_then(|(_, rest)| rest.split_once("<script>"))
        .expect("a body")
        .0;
    // HTML has attributes without a value, and elements without an end.
    let body = body
        .replace(" hidden>", " hidden=\"\">")
        .replace("type=\"search\">", "type=\"search\"/>");
    let parsed = roxmltree::Document::parse(body.trim());
    assert!(parsed.is_ok(), "{parsed:?}: {body}");
    let parsed = parsed.expect("asserted");
    let elements = parsed.descendants().filter(roxmltree::Node::is_element);
    elements.map(|element| element.tag_name().name().to_owned()).collect()
}

#[test]
fn a_page_has_everything_and_asks_nobody() {
    let web = deployment("web", 1, &["data"]).replace("{name: web}", "{name: web, labels: {team: front}}");
    let text = [&claim("data"), &*web, &deployment("worker", 1, &["data"])].concat();
    let repository = Repository::new(&[("shop.yaml", &text)]);
    let page = page(&repository, &["--assume-complete", "-n", "shop", "."]);
    for part in [
        "<h1>1 error</h1>",
        "data-rule=\"rwo-consumers\"",
        "data-namespace=\"shop\"",
        "data-team=\"front\"",
        "shop.yaml:",
        "^^^^",
        "<b>Fix:</b>",
        "<figure id=\"p0\"",
        "default-src 'none'; style-src 'sha256-",
        "policies: baseline (built in)",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    for foreign in ["src=", "@import", "url(", "style=\"", "onclick"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let elements = elements(&page);
    assert_eq!(elements.iter().filter(|name| *name == "svg").count(), 1);
    assert_eq!(
        page,
        self::page(&repository, &["--assume-complete", "-n", "shop", "."]),
        "twice the same"
    );
}

#[test]
fn what_stands_in_files_is_text_in_the_page() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
    let web = deployment("web", 3, &["data"]).replace(
        "{name: web}",
        &format!("{{name: web, annotations: {{stateward.dev/allow: 'rwo-replicas: {hostile}'}}, labels: {{team: '{hostile}'}}}}"),
    );
    let text = [&claim("data"), &*web].concat();
    let repository = Repository::new(&[("<b>.yaml", &text)]);
    let page = page(&repository, &["--assume-complete", "-n", "shop", "."]);
    assert_eq!(page.matches("<script>").count(), 1, "only our own: {page}");
    assert_eq!(page.matches("</script>").count(), 1);
    assert!(!page.contains("<img") && !page.contains("<b>.yaml"), "{page}");
    assert!(page.contains("&lt;img src=x onerror=alert(2)&gt;"), "{page}");
    elements(&page);
    let output = run(
        repository.path(),
        &[
            "check",
            "--format",
            "markdown",
            "-v",
            "--assume-complete",
            "-n",
            "shop",
            ".",
        ],
    );
    let comment = stdout(&output);
    assert!(!comment.contains("<img") && !comment.contains("<script"), "{comment}");
}

#[test]
fn a_thousand_findings_are_a_page_of_some_hundred_kilobytes() {
    let mut text = String::new();
    for number in 0..1000 {
        let name = format!("data-{number}");
        text.push_str(&claim(&name));
        text.push_str(&deployment(&format!("web-{number}"), 3, &[&name]));
    }
    let repository = Repository::new(&[("shop.yaml", &text)]);
    let page = page(&repository, &["--assume-complete", "-n", "shop", "."]);
    assert!(page.contains("<h1>1000 errors</h1>"));
    assert_eq!(page.matches("<article ").count(), 1000);
    assert_eq!(page.matches("<figure ").count(), 50);
    assert!(page.len() < 800_000, "{} bytes", page.len());
    let output = run(
        repository.path(),
        &["check", "--format", "markdown", "--assume-complete", "-n", "shop", "."],
    );
    let comment = stdout(&output);
    assert!(comment.starts_with("### stateward: 1000 errors\n"), "{comment}");
    assert_eq!(comment.matches("\n| \u{2716} error |").count(), 20, "short by default");
    assert!(comment.contains("and 980 more."), "{comment}");
    let whole = run(
        repository.path(),
        &[
            "check",
            "--format",
            "markdown",
            "-v",
            "--assume-complete",
            "-n",
            "shop",
            ".",
        ],
    );
    assert!(stdout(&whole).len() < 65_536, "what GitHub takes");
}

#[test]
fn exceptions_stand_with_their_day() {
    let policy = "\
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: house}
spec: {exceptions: {allowed: true}}
";
    let text = [&claim("data"), &*deployment("web", 3, &["data"]), EXCEPTION].concat();
    let repository = Repository::new(&[("shop.yaml", &text), ("policy/house.yaml", policy)]);
    let page = page(
        &repository,
        &["--assume-complete", "-n", "shop", "--policy", "policy", "shop.yaml"],
    );
    assert!(page.contains("<h2>Exceptions</h2>"), "{page}");
    assert!(
        page.contains("<td>shop/legacy</td><td>team-shop</td><td>moves in May</td><td class=\"n\">1</td>"),
        "{page}"
    );
}
