//! A plan as a script for any POSIX shell: it asks before every step, checks what comes of it, remembers how far it is,
//! and goes back.

use std::fmt::Write as _;

use super::plan::{Check, Command, Plan, Step};
use crate::yaml::{self, YamlError};

/// What all scripts have in common.
const FRAME: &str = include_str!("script.sh");
/// No line of what is written here can be this one.
const END: &str = "END_OF_MANIFESTS";

/// Writes the script.
///
/// # Errors
/// When an object has no YAML form.
pub fn script(plan: &Plan) -> Result<String, YamlError> {
    let Plan { namespace, id, .. } = plan;
    let mut text = format!("#!/bin/sh\n# {}.\n", plan.title);
    text.push_str("# Written by `stateward convert`. Run it without arguments; `back` undoes what was done.\n\n");
    let count = plan.steps.len();
    let _ = writeln!(text, "namespace={namespace}\nmemory=stateward-{id}\nsteps={count}\n");
    for (number, step) in (1..).zip(&plan.steps) {
        write_step(&mut text, number, step)?;
    }
    text.push_str(FRAME);
    Ok(text)
}

fn write_step(text: &mut String, number: usize, step: &Step) -> Result<(), YamlError> {
    let told = [
        format!("Step {number}: {}.", step.title),
        step.why.clone(),
        format!("Down: {}.", step.down),
    ];
    function(text, &format!("tell_{number}"), told.iter().map(|line| says(line)));
    let learn = step
        .learn
        .iter()
        .map(|(name, command)| format!("learn {name} {command}\n"));
    function(text, &format!("learn_{number}"), learn);
    function(
        text,
        &format!("before_{number}"),
        step.before.iter().map(|check| expect("must", check)),
    );
    let run = step.run.iter().map(command).collect::<Result<Vec<_>, _>>()?;
    function(text, &format!("run_{number}"), run);
    function(
        text,
        &format!("after_{number}"),
        step.after.iter().map(|check| expect("holds", check)),
    );
    let told = format!("Back from step {number} ({}): {}", step.title, step.back.says);
    function(text, &format!("tell_back_{number}"), [says(&told)]);
    let run = step.back.run.iter().map(command).collect::<Result<Vec<_>, _>>()?;
    let after = step.back.after.iter().map(|check| expect("holds", check));
    function(text, &format!("back_{number}"), run.into_iter().chain(after));
    Ok(())
}

fn function(text: &mut String, name: &str, body: impl IntoIterator<Item = String>) {
    let body: String = body.into_iter().collect();
    let body = if body.is_empty() { ":\n".to_owned() } else { body };
    let _ = write!(text, "{name}() {{\n{body}}}\n\n");
}

fn says(line: &str) -> String {
    format!("say '{}'\n", line.replace('\'', "'\\''"))
}

fn expect(how: &str, check: &Check) -> String {
    let Check { says, command, prints } = check;
    format!("{how} '{says}' \"{prints}\" {command}\n")
}

/// A command as the shell takes it.
pub(super) fn command(command: &Command) -> Result<String, YamlError> {
    Ok(match command {
        Command::Line(line) => format!("{line}\n"),
        Command::Apply(objects, variables) => {
            let yaml = yaml::stream("", objects)?;
            let yaml = yaml.strip_prefix("---\n").unwrap_or(&yaml);
            let namespace = "kubectl -n \"$namespace\" apply -f -";
            if variables.is_empty() {
                return Ok(format!("{namespace} <<'{END}'\n{yaml}{END}\n"));
            }
            let values: Vec<String> = variables
                .iter()
                .map(|name| format!("-e \"s|@{name}@|${name}|\""))
                .collect();
            format!("sed {} <<'{END}' | {namespace}\n{yaml}{END}\n", values.join(" "))
        }
    })
}
