//! A mistake in the configuration: where it is, what is wrong, what to do. What does not live here: finding it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake, or one thing that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; `None` where no line is at fault (a file that cannot be read, a key that is not there).
    pub line: Option<usize>,
    /// The key (`docker[1].endpoint`); empty for the file as a whole.
    pub key: String,
    /// What is wrong and what to do, as a lower-case sentence.
    pub what: String,
}

impl fmt::Display for Problem {
    /// `evenkeel.toml:12: docker[1].endpoint: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// Every mistake of a configuration, in the order of its lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(Vec<Problem>);

impl Errors {
    /// Takes what was found, sorted by line.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        Self(problems)
    }

    /// A mistake of the file as a whole.
    pub(super) fn one(file: &Path, what: impl Into<String>) -> Self {
        Self(vec![Problem { file: file.to_owned(), line: None, key: String::new(), what: what.into() }])
    }

    /// The mistakes.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Errors {
    /// One line per mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
