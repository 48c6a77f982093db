//! A plan for people: as plain text, and as Markdown with every command.

use std::fmt::Write as _;

use super::plan::{Check, Command, Plan, Step};
use super::script::command;
use crate::yaml::YamlError;

/// The plan in short.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut text = format!("{}\n", plan.title);
    if !plan.notes.is_empty() {
        text.push_str("\nBefore you begin:\n");
        for note in &plan.notes {
            let _ = writeln!(text, "  - {note}");
        }
    }
    for (number, step) in (1..).zip(&plan.steps) {
        let _ = write!(
            text,
            "\n{number}. {}\n   {}\n   down: {}\n   back: {}\n",
            step.title, step.why, step.down, step.back.says
        );
    }
    text
}

/// The plan with every command, to be pasted into one shell.
///
/// # Errors
/// When an object has no YAML form.
pub fn markdown(plan: &Plan) -> Result<String, YamlError> {
    let mut text = format!("# {}\n\n", plan.title);
    for note in &plan.notes {
        let _ = writeln!(text, "- {note}");
    }
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "The commands are for one shell, in this order. A check is done when its command prints what is said; wait for it.\n\n\
         ```sh\nnamespace={}\n```",
        plan.namespace
    );
    for (number, step) in (1..).zip(&plan.steps) {
        write_step(&mut text, number, step)?;
    }
    Ok(text)
}

fn write_step(text: &mut String, number: usize, step: &Step) -> Result<(), YamlError> {
    let _ = write!(
        text,
        "\n## {number}. {}\n\n{}\n\nDown: {}.\n",
        step.title, step.why, step.down
    );
    let learn: String = step
        .learn
        .iter()
        .map(|(name, command)| format!("{name}=$({command})\n"))
        .collect();
    fence(text, "", &learn);
    write_checks(text, "Before", &step.before);
    write_commands(text, &step.run)?;
    write_checks(text, "Afterwards", &step.after);
    let _ = write!(text, "\nTo go back: {}\n", step.back.says);
    write_commands(text, &step.back.run)?;
    write_checks(text, "Afterwards", &step.back.after);
    Ok(())
}

fn write_commands(text: &mut String, commands: &[Command]) -> Result<(), YamlError> {
    let lines = commands.iter().map(command).collect::<Result<String, _>>()?;
    fence(text, "", &lines);
    Ok(())
}

fn write_checks(text: &mut String, when: &str, checks: &[Check]) {
    for Check { says, command, prints } in checks {
        let prints = if prints.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{prints}`")
        };
        fence(
            text,
            &format!("{when}: {says}; prints {prints}"),
            &format!("{command}\n"),
        );
    }
}

fn fence(text: &mut String, above: &str, lines: &str) {
    if lines.is_empty() {
        return;
    }
    let above = if above.is_empty() {
        String::new()
    } else {
        format!("{above}\n\n")
    };
    let _ = write!(text, "\n{above}```sh\n{lines}```\n");
}
