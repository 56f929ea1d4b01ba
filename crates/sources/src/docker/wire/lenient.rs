//! Values of any JSON type, read straight from the bytes into what is made of them: nothing in between is kept, and a
//! value of a type that nobody expects is one odd value, never an error for the whole body.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What is made of a JSON value of each type. Whatever is not overridden is odd.
pub(super) trait Lenient<'de>: Sized {
    /// The value is `what`, which means nothing here.
    fn odd(what: &'static str) -> Self;

    fn null() -> Self {
        Self::odd("null")
    }

    fn text(_: Cow<'de, str>) -> Self {
        Self::odd("a string")
    }

    fn integer(_: i128) -> Self {
        Self::odd("a number")
    }

    fn list<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::odd("a list"))
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::odd("an object"))
    }
}

/// Text, where it is text.
impl<'de> Lenient<'de> for Option<Cow<'de, str>> {
    fn odd(_: &'static str) -> Self {
        None
    }

    fn text(text: Cow<'de, str>) -> Self {
        Some(text)
    }
}

/// Text of its own, where it is text.
impl<'de> Lenient<'de> for Option<String> {
    fn odd(_: &'static str) -> Self {
        None
    }

    fn text(text: Cow<'de, str>) -> Self {
        Some(text.into_owned())
    }
}

/// The next key of an object.
pub(super) fn key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    // Borrowed unless it has escapes; serde's own reading of a `Cow` always allocates.
    #[derive(Deserialize)]
    struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(map.next_key::<Key<'de>>()?.map(|Key(key)| key))
}

/// The value of the key just read.
pub(super) fn value<'de, T: Lenient<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value_seed(Reader(PhantomData))
}

/// Steps over the value of the key just read.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|IgnoredAny| ())
}

/// The one member of this name, of an object of which nothing else is wanted.
pub(super) fn member<'de, T: Lenient<'de>, A: MapAccess<'de>>(
    mut map: A,
    name: &str,
) -> Result<Option<T>, A::Error> {
    let mut found = None;
    while let Some(key) = key(&mut map)? {
        if key == name {
            found = Some(value(&mut map)?);
        } else {
            skip(&mut map)?;
        }
    }
    Ok(found)
}

/// The next element of a list.
pub(super) fn element<'de, T: Lenient<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<T>, A::Error> {
    seq.next_element_seed(Reader(PhantomData))
}

/// Carries [`Lenient`] to serde.
struct Reader<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for Reader<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Lenient<'de>> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::null())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Ok(T::odd("a boolean"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::integer(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(T::integer(number.into()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::odd("a number"))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::list(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::object(map)
    }
}
