//! Tables of the file and the values in them: what may stand there, what is missing, what was meant.
//!
//! What lives here: looking keys up and noting the unknown ones. What does not: the forms of values, see
//! [`super::value`], and what any key means.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Absent, Key, Section, habit, meant};
use super::reader::{Place, Reader};
use super::value::Read;

/// A table of the file; one that is not written reads as empty.
pub(super) struct Table<'r> {
    reader: &'r Reader<'r>,
    place: Place,
    section: &'static Section,
    entries: Option<&'r DeTable<'r>>,
}

impl<'r> Table<'r> {
    /// The file itself.
    pub(super) fn root(reader: &'r Reader<'r>, table: &'r DeTable<'r>, section: &'static Section) -> Self {
        let place = reader.whole();
        Self::known(reader, place, Some(table), section)
    }

    fn known(
        reader: &'r Reader<'r>,
        place: Place,
        entries: Option<&'r DeTable<'r>>,
        section: &'static Section,
    ) -> Self {
        let table = Self { reader, place, section, entries };
        for (key, _) in entries.into_iter().flatten() {
            let name: &str = key.get_ref();
            if section.all().any(|known| known.name == name) {
                continue;
            }
            let place = table.place.below(name, Some(reader.line(key.span().start)));
            reader.error(&place, unknown(name, section));
        }
        table
    }

    /// Who reads.
    pub(super) fn reader(&self) -> &'r Reader<'r> {
        self.reader
    }

    /// Where the table begins.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Where a key stands, or would stand.
    pub(super) fn place_of(&self, key: &Key) -> Place {
        let line = self.entry(key).map(|(name, _)| self.reader.line(name.span().start));
        self.place.below(key.name, line.or(self.place.line()))
    }

    /// Notes every written key that none of these lists, for a table whose keys depend on one of them.
    pub(super) fn refuse_beyond(&self, sections: &[&'static Section]) {
        let known =
            |name: &str| sections.iter().flat_map(|section| section.all()).any(|key| key.name == name);
        for key in self.section.all().filter(|key| self.has(key) && !known(key.name)) {
            let header = sections.last().map_or("this table", |section| section.header);
            let names: Vec<_> =
                sections.iter().flat_map(|section| section.all()).map(|key| key.name).collect();
            self.wrong(key, format!("is not a key of {header}; it takes {}", names.join(", ")));
        }
    }

    /// Whether the key is written.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.entry(key).is_some()
    }

    /// Whether the key may stand in this table.
    pub(super) fn knows(&self, key: &Key) -> bool {
        self.section.all().any(|known| known.name == key.name)
    }

    /// The value of a key, or its default. `None` where the key may be left out and is, and where there is a mistake,
    /// which is noted.
    pub(super) fn get<T: Read>(&self, key: &Key) -> Option<T> {
        let place = self.place_of(key);
        if let Some((_, value)) = self.entry(key) {
            return T::read(&Value { reader: self.reader, place, value: value.get_ref() });
        }
        match key.absent {
            Absent::Means(_) => None,
            Absent::Required => {
                // Where another key was meant to be this one, that is said already.
                if !self.is_misspelt(key) {
                    let what = format!("is missing; write {} {} here", article(key.form), key.form);
                    self.reader.error(&place, what);
                }
                None
            }
            Absent::Default(text) => {
                let Ok(value) = DeValue::parse(text) else {
                    self.reader.error(&place, format!("has a default that cannot be read: {text}"));
                    return None;
                };
                T::read(&Value { reader: self.reader, place, value: value.get_ref() })
            }
        }
    }

    /// The text of a key, where one is written, without noting anything.
    pub(super) fn written_text(&self, key: &Key) -> Option<&'r str> {
        self.entry(key).and_then(|(_, value)| value.get_ref().as_str())
    }

    /// Whether the key holds a list without an entry.
    pub(super) fn is_empty_list(&self, key: &Key) -> bool {
        self.entry(key).and_then(|(_, value)| value.get_ref().as_array()).is_some_and(|list| list.is_empty())
    }

    /// As [`Table::get`], for a value that must satisfy more than its form; `check` says what is wrong and what to do.
    pub(super) fn checked<T: Read>(
        &self,
        key: &Key,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Option<T> {
        let value = self.get(key)?;
        match check(&value) {
            Ok(()) => Some(value),
            Err(what) => {
                self.wrong(key, what);
                None
            }
        }
    }

    /// Notes a mistake about a key.
    pub(super) fn wrong(&self, key: &Key, what: impl Into<String>) {
        self.reader.error(&self.place_of(key), what);
    }

    /// A table within this one; empty if it is not written.
    pub(super) fn table(&self, key: &Key, section: &'static Section) -> Table<'r> {
        let place = self.place_of(key);
        let entries = match self.entry(key).map(|(_, value)| value.get_ref()) {
            None => None,
            Some(DeValue::Table(table)) => Some(table),
            Some(other) => {
                let what = format!("must be a table ({}), not {}", section.header, kind_of(other));
                self.reader.error(&place, what);
                None
            }
        };
        Table::known(self.reader, place, entries, section)
    }

    /// The tables of a list (`[[docker]]`).
    pub(super) fn tables(&self, key: &Key, section: &'static Section) -> Vec<Table<'r>> {
        let place = self.place_of(key);
        match self.entry(key).map(|(_, value)| value.get_ref()) {
            None => Vec::new(),
            Some(DeValue::Array(items)) => {
                let tables = items.iter().enumerate().filter_map(|(i, item)| {
                    let place = place.item(i, Some(self.reader.line(item.span().start)));
                    Value { reader: self.reader, place, value: item.get_ref() }.table(section)
                });
                tables.collect()
            }
            Some(other) => {
                let what = format!("is a list of tables; write {} with two brackets", section.header);
                let what = if other.is_table() { what } else { format!("{what}, not {}", kind_of(other)) };
                self.reader.error(&place, what);
                Vec::new()
            }
        }
    }

    /// The entries of a table whose keys are the operator's own.
    pub(super) fn entries(&self, key: &Key) -> Vec<(String, Value<'r>)> {
        let place = self.place_of(key);
        match self.entry(key).map(|(_, value)| value.get_ref()) {
            None => Vec::new(),
            Some(DeValue::Table(table)) => {
                let entries = table.iter().map(|(name, value)| {
                    let line = Some(self.reader.line(name.span().start));
                    let place = place.below(name.get_ref(), line);
                    (name.get_ref().to_string(), Value { reader: self.reader, place, value: value.get_ref() })
                });
                entries.collect()
            }
            Some(other) => {
                self.reader.error(&place, format!("must be a table, not {}", kind_of(other)));
                Vec::new()
            }
        }
    }

    fn is_misspelt(&self, key: &Key) -> bool {
        let names = || self.section.all().map(|known| known.name);
        let written = self.entries.into_iter().flat_map(|entries| entries.keys());
        written
            .map(|name| name.get_ref())
            .filter(|name| names().all(|known| known != name.as_ref()))
            .any(|name| meant(name, names()) == Some(key.name))
    }

    fn entry(&self, key: &Key) -> Option<(&'r Spanned<toml::de::DeString<'r>>, &'r Spanned<DeValue<'r>>)> {
        self.entries?.get_key_value(key.name)
    }
}

/// A value and where it stands.
pub(super) struct Value<'r> {
    reader: &'r Reader<'r>,
    place: Place,
    value: &'r DeValue<'r>,
}

impl<'r> Value<'r> {
    /// Who reads.
    pub(super) fn reader(&self) -> &'r Reader<'r> {
        self.reader
    }

    /// The value as parsed.
    pub(super) fn raw(&self) -> &'r DeValue<'r> {
        self.value
    }

    /// The text, where it is one.
    pub(super) fn as_str(&self) -> Option<&'r str> {
        self.value.as_str()
    }

    /// Notes what is wrong with it.
    pub(super) fn wrong<T>(&self, what: impl Into<String>) -> Option<T> {
        self.reader.error(&self.place, what);
        None
    }

    /// Notes that another form is needed.
    pub(super) fn expected<T>(&self, form: &str) -> Option<T> {
        self.wrong(format!("must be {form}, not {}", kind_of(self.value)))
    }

    /// The table this value must be, with the keys of `section`.
    pub(super) fn table(&self, section: &'static Section) -> Option<Table<'r>> {
        match self.value.as_table() {
            Some(table) => Some(Table::known(self.reader, self.place.clone(), Some(table), section)),
            None => self.expected("a table"),
        }
    }

    /// The items of the list this value must be; a single text or table stands for a list of one.
    pub(super) fn items(&self) -> Option<Vec<Value<'r>>> {
        match self.value {
            DeValue::Array(items) => {
                let items = items.iter().enumerate().map(|(i, item)| Value {
                    reader: self.reader,
                    place: self.place.item(i, self.place.line().map(|_| self.reader.line(item.span().start))),
                    value: item.get_ref(),
                });
                Some(items.collect())
            }
            DeValue::String(_) | DeValue::Table(_) => {
                Some(vec![Value { reader: self.reader, place: self.place.clone(), value: self.value }])
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                self.expected("a list")
            }
        }
    }
}

/// What a value is, with its article.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

fn unknown(name: &str, section: &Section) -> String {
    if let Some(instead) = habit(name) {
        return format!("is not a key of {}: {instead}", section.header);
    }
    let names = || section.all().map(|key| key.name);
    match meant(name, names()) {
        Some(word) => format!("is not a key of {}; did you mean `{word}`?", section.header),
        None => {
            let known: Vec<_> = names().collect();
            format!("is not a key of {}; it takes {}", section.header, known.join(", "))
        }
    }
}
