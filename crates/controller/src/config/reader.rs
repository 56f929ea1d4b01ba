//! Reading a parsed file key by key, with every mistake noted and none thrown.
//!
//! What lives here: places (line and key), what every part of the reading shares, the list of mistakes. What does not:
//! tables and values, see [`super::table`], their forms, see [`super::value`], and what any key means.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::problem::Problem;
use super::{Env, Errors};

/// Where something stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    line: Option<usize>,
    key: String,
}

impl Place {
    /// The place of a key within this one.
    pub(super) fn below(&self, name: &str, line: Option<usize>) -> Self {
        let key = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        Self { line, key }
    }

    /// The place of an item of the list that stands here.
    pub(super) fn item(&self, index: usize, line: Option<usize>) -> Self {
        Self { line, key: format!("{}[{index}]", self.key) }
    }

    /// The key, with its path.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The line, from 1.
    pub(super) fn line(&self) -> Option<usize> {
        self.line
    }
}

/// What every part of the reading shares.
pub(super) struct Reader<'a> {
    file: PathBuf,
    base: PathBuf,
    starts: Vec<usize>,
    env: Env<'a>,
    now: Timestamp,
    errors: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl<'a> Reader<'a> {
    /// A reader of this text, which came from this file.
    pub(super) fn new(file: &Path, text: &str, env: Env<'a>, now: Timestamp) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            file: file.to_owned(),
            base: file.parent().map(Path::to_owned).unwrap_or_default(),
            starts: std::iter::once(0).chain(newlines).collect(),
            env,
            now,
            errors: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// The file that is read.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The moment the configuration is read at.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// A variable of the environment.
    pub(super) fn env(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }

    /// A path of the configuration: relative ones start at its folder.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// Notes a mistake.
    pub(super) fn error(&self, place: &Place, what: impl Into<String>) {
        self.errors.borrow_mut().push(self.problem(place, what.into()));
    }

    /// Notes what is probably not meant.
    pub(super) fn warn(&self, place: &Place, what: impl Into<String>) {
        self.warnings.borrow_mut().push(self.problem(place, what.into()));
    }

    /// The place of the file as a whole.
    pub(super) fn whole(&self) -> Place {
        Place { line: None, key: String::new() }
    }

    /// Notes what the TOML parser complains about.
    pub(super) fn syntax(&self, error: &toml::de::Error) {
        let place = Place { line: error.span().map(|span| self.line(span.start)), key: String::new() };
        self.error(&place, error.message().replace('\n', ", "));
    }

    /// The mistakes noted so far, where there are some.
    pub(super) fn failed(self) -> Errors {
        Errors::new(self.errors.into_inner())
    }

    /// Every mistake, if there is one; otherwise the warnings.
    pub(super) fn finish(self) -> Result<Vec<Problem>, Errors> {
        let errors = self.errors.into_inner();
        if !errors.is_empty() {
            return Err(Errors::new(errors));
        }
        let mut warnings = self.warnings.into_inner();
        warnings.sort_by_key(|warning| warning.line);
        Ok(warnings)
    }

    /// The line of a byte of the text, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn problem(&self, place: &Place, what: String) -> Problem {
        Problem { file: self.file.clone(), line: place.line, key: place.key.clone(), what }
    }
}
