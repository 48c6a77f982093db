//! `stateward man`: the manual, a page a command.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::Cli;

/// Write the manual, a page a command.
///
/// To read one: man DIRECTORY/stateward-check.1
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write the pages; it is made if it is not there
    directory: PathBuf,
}

impl Args {
    /// Writes the pages.
    ///
    /// # Errors
    /// The directory or a page cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let cannot = || format!("cannot write the manual into {}", self.directory.display());
        fs::create_dir_all(&self.directory).with_context(cannot)?;
        for page in pages() {
            page.generate_to(&self.directory).with_context(cannot)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn pages() -> Vec<Man> {
    let mut root = Cli::command().disable_help_subcommand(true);
    // Gives subcommands the names that their pages have.
    root.build();
    let below: Vec<_> = root.get_subcommands().cloned().collect();
    let source = concat!("stateward ", env!("CARGO_PKG_VERSION"));
    let commands = std::iter::once(root).chain(below);
    commands.map(|command| Man::new(command).source(source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> Vec<(String, String)> {
        let text = |page: &Man| {
            let mut text = Vec::new();
            page.render(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        pages().iter().map(|page| (page.get_filename(), text(page))).collect()
    }

    #[test]
    fn every_command_has_a_page_with_every_flag() {
        let pages = rendered();
        let command = Cli::command();
        assert_eq!(pages.len(), 1 + command.get_subcommands().count());
        for command in command.get_subcommands() {
            assert!(
                !command.has_subcommands(),
                "{}: pages go one level down",
                command.get_name()
            );
            let name = format!("stateward-{}", command.get_name());
            let file = format!("{name}.1");
            let (_, page) = pages.iter().find(|(found, _)| *found == file).expect("a page");
            let title = format!(".TH {name} 1  \"stateward {}\"", env!("CARGO_PKG_VERSION"));
            assert!(page.contains(&title), "{title} in {page}");
            for part in [".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n"] {
                assert!(page.contains(part), "{file}: {part}");
            }
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let shown = match argument.get_long() {
                    Some(long) => format!("--{long}").replace('-', "\\-"),
                    None => argument.get_value_names().expect("a name")[0].to_string(),
                };
                let (_, options) = page.split_once(".SH OPTIONS\n").expect("options");
                assert!(options.contains(&shown), "{file}: {shown}");
            }
        }
    }

    #[test]
    fn the_first_page_names_the_others() {
        let pages = rendered();
        let (_, first) = pages.iter().find(|(file, _)| file == "stateward.1").unwrap();
        for (file, _) in pages.iter().filter(|(file, _)| file != "stateward.1") {
            let named = file.replace(".1", "(1)").replace('-', "\\-");
            assert!(first.contains(&named), "{named}");
        }
    }
}
