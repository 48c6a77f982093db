//! `stateward completions`: the script by which a shell completes commands and flags.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;

/// Print a script that makes a shell complete commands and flags.
///
/// For bash: source <(stateward completions bash). docs/ci.md has the other shells.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    /// Prints the script to standard output.
    ///
    /// # Errors
    /// A standard output that cannot be written to.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        super::print(&script(self.shell))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stateward", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn bash_and_zsh_complete_the_rules() {
        for shell in [Shell::Bash, Shell::Zsh] {
            let script = String::from_utf8(script(shell)).unwrap();
            assert!(script.contains("rwo-replicas"), "{shell}");
        }
    }

    #[test]
    fn every_shell_learns_every_subcommand() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }
}
