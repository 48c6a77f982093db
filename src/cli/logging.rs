//! Sets up the log: human lines on a terminal, JSON elsewhere, always on standard error.

use std::io::{IsTerminal, stderr};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line, for log collectors.
    Json,
}

impl LogFormat {
    /// Returns the format for standard error: people read terminals, machines read the rest.
    fn detect() -> Self {
        if stderr().is_terminal() {
            Self::Human
        } else {
            Self::Json
        }
    }
}

/// Starts logging in the given format, or in the one that suits standard error.
///
/// Levels come from `RUST_LOG` (default `info`); colour only on a terminal, and never against `NO_COLOR`.
///
/// # Errors
/// When `RUST_LOG` cannot be read, or logging was already started.
pub fn init(format: Option<LogFormat>) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env()
        .context("RUST_LOG cannot be read")?;
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    match format.unwrap_or_else(LogFormat::detect) {
        LogFormat::Human => {
            let colour = AutoStream::choice(&stderr()) != ColorChoice::Never;
            builder.with_ansi(colour).with_target(false).try_init()
        }
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    }
    .map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
