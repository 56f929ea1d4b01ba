//! A command that failed: what, why, and what to do.

use std::fmt::Write as _;
use std::process::ExitCode;

/// An error with the advice that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(error: anyhow::Error, hint: Option<&str>) -> Self {
        Self { error, hint: hint.map(str::to_owned) }
    }

    /// Says it on standard error. The exit code of every failed command is 2.
    pub(crate) fn show(&self) -> ExitCode {
        let bold = anstyle::Style::new().bold();
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let mut text = String::new();
        // Each cause that says something new, once.
        for (depth, cause) in self.error.chain().enumerate() {
            let line = cause.to_string();
            if depth == 0 {
                // Writing to a String cannot fail.
                let _ = write!(text, "{red}error:{red:#} {line}");
            } else if !text.contains(&line) {
                let _ = write!(text, "\n  because: {line}");
            }
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n{bold}hint:{bold:#} {hint}");
        }
        anstream::eprintln!("{text}");
        ExitCode::from(2)
    }
}

/// An error and its causes in one sentence.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Turns any error into a failure, with advice.
pub(crate) trait OrFail<T> {
    fn or_fail(self, hint: &str) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, hint: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(error.into(), Some(hint)))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), hint: None }
    }
}
