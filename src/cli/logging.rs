//! Sets up the log: human lines on a terminal, JSON elsewhere, always on standard error.

use std::env;
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

/// How much is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    /// Decisions in which something was found, and what becomes of the process.
    Info,
    /// Every decision, and what failed and is tried again.
    Debug,
    Trace,
}

impl LogLevel {
    /// Of others only what matters: their details would bury ours. The client tells of each request that fails, which
    /// whoever sent it tells once.
    fn filter(self) -> &'static str {
        match self {
            Self::Error => "error,kube_client::client=off",
            Self::Warn => "warn,kube_client::client=off",
            Self::Info => "info,kube_client::client=off",
            Self::Debug => "info,stateward=debug",
            Self::Trace => "info,stateward=trace",
        }
    }
}

/// Starts logging in the given format, or in the one that suits standard error.
///
/// Without a level, `RUST_LOG` has it (default `info`); colour only on a terminal, and never against `NO_COLOR`.
///
/// # Errors
/// When `RUST_LOG` cannot be read, or logging was already started.
pub fn init(format: Option<LogFormat>, level: Option<LogLevel>) -> anyhow::Result<()> {
    let variable = env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let text = match (level, &variable) {
        (None, Some(variable)) => variable,
        (level, _) => level.unwrap_or(LogLevel::Info).filter(),
    };
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = builder.parse(text).context("RUST_LOG cannot be read")?;
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    // Whoever read standard error may be gone, and that it cannot be written could be told nowhere else: to try would end
    // whichever part of the process had something to say.
    let builder = builder.log_internal_errors(false);
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
