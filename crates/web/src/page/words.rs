//! What the pages say, in the languages of those who read them: which language, and the sentence behind a key. The
//! sentences are in `crates/web/words`. Not here: names and texts of the world, which are shown as they came.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    /// English, also for whoever reads none of the three.
    En,
    /// French.
    Fr,
    /// Portuguese.
    Pt,
}

impl Lang {
    /// Every language.
    pub(crate) const ALL: [Self; 3] = [Self::En, Self::Fr, Self::Pt];

    /// Its code, as in `?lang=` and `<html lang>`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Pt => "pt",
        }
    }

    /// What those who speak it call it.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Fr => "Français",
            Self::Pt => "Português",
        }
    }

    /// Reads a code or a tag that begins with one (`fr-CA`).
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next()?;
        Self::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(primary))
    }

    /// The language a browser asks for. Weights count, and among equals the order does.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        let mut best: Option<(f32, Self)> = None;
        for item in lines.flat_map(|line| line.split(',')) {
            let (tag, rest) = item.split_once(';').unwrap_or((item, ""));
            let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
            let (Some(lang), Some(weight)) = (Self::parse(tag), weight) else {
                continue;
            };
            if weight > best.map_or(0.0, |(most, _)| most) {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::En, |(_, lang)| lang)
    }

    fn text(self) -> &'static str {
        match self {
            Self::En => include_str!("../../words/en.ftl"),
            Self::Fr => include_str!("../../words/fr.ftl"),
            Self::Pt => include_str!("../../words/pt.ftl"),
        }
    }

    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::En => &EN,
            Self::Fr => &FR,
            Self::Pt => &PT,
        }
    }
}

type Catalogue = FluentBundle<FluentResource>;

static EN: LazyLock<Catalogue> = LazyLock::new(|| read(Lang::En));
static FR: LazyLock<Catalogue> = LazyLock::new(|| read(Lang::Fr));
static PT: LazyLock<Catalogue> = LazyLock::new(|| read(Lang::Pt));

/// The catalogue of a language. What of it cannot be read is left out; a test sees to it that nothing is.
fn read(lang: Lang) -> Catalogue {
    let mut catalogue = Catalogue::new_concurrent(lang.code().parse().into_iter().collect());
    // Names stand in elements of their own; marks of direction in the middle of a text would only be copied along.
    catalogue.set_use_isolating(false);
    let resource = FluentResource::try_new(lang.text().to_owned()).unwrap_or_else(|(resource, _)| resource);
    catalogue.add_resource_overriding(resource);
    catalogue
}

/// The words of one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words(pub(crate) Lang);

impl Words {
    /// The text behind a key.
    pub(crate) fn say(self, key: &str) -> String {
        self.with(key, [])
    }

    /// The text behind a key, with what belongs into it.
    pub(crate) fn with<'a, const N: usize>(
        self,
        key: &str,
        about: [(&'a str, FluentValue<'a>); N],
    ) -> String {
        let mut args = FluentArgs::with_capacity(N);
        for (name, value) in about {
            args.set(name, value);
        }
        said(self.0, key, &args)
            .or_else(|| said(Lang::En, key, &args))
            // Loud on purpose: a test looks for it on every page.
            .unwrap_or_else(|| format!("⟦{key}⟧"))
    }

    /// The text for a number of things.
    pub(crate) fn count(self, key: &str, n: usize) -> String {
        self.with(key, [("n", n.into())])
    }

    /// A word of the API (`timed_out`) as people say it; itself, where it has no other form.
    pub(crate) fn word(self, family: &str, word: &str) -> String {
        let key = format!("{family}-{}", word.replace('_', "-").to_ascii_lowercase());
        said(self.0, &key, &FluentArgs::new()).unwrap_or_else(|| super::text::clean(word).into_owned())
    }
}

fn said(lang: Lang, key: &str, args: &FluentArgs<'_>) -> Option<String> {
    let catalogue = lang.catalogue();
    let pattern = catalogue.get_message(key)?.value()?;
    let mut errors = Vec::new();
    let text = catalogue.format_pattern(pattern, Some(args), &mut errors).into_owned();
    errors.is_empty().then_some(text)
}

#[cfg(test)]
mod tests;
