//! JSON objects from the page, read by the browser and checked here field by field.
//!
//! Invariants: text is measured before it is read; a field nobody asked for is refused, so that a
//! misspelt one cannot go unnoticed; numbers are finite, and whole where they count something.

use super::error::ApiError;
use js_sys::{Array, JSON, JsString, Object, Reflect};
use std::cell::Cell;
use wasm_bindgen::prelude::*;

/// What whole numbers are called in errors.
pub(super) const WHOLE: &str = "a whole number, not negative";

/// Longest value an error repeats, in UTF-16 units.
const MAX_SHOWN: u32 = 200;

/// JavaScript's largest exact integer.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

#[wasm_bindgen]
extern "C" {
    /// As [`JSON::parse`], but of a text that stays in JavaScript.
    #[wasm_bindgen(catch, js_namespace = JSON, js_name = parse)]
    fn parse(json: &JsString) -> Result<JsValue, JsValue>;
}

/// One object being read. End with [`Fields::end`].
pub(super) struct Fields {
    what: &'static str,
    object: Object,
    found: Cell<u32>,
    known: &'static [&'static str],
}

impl Fields {
    /// Reads JSON of at most `most` UTF-16 units: an object with these fields.
    pub(super) fn parse(
        what: &'static str,
        json: &JsString,
        most: u32,
        known: &'static [&'static str],
    ) -> Result<Self, ApiError> {
        // A caller without types may hand in anything.
        if !json.is_string() {
            return Err(ApiError::Unreadable(what));
        }
        match json.length() {
            len if len > most => Err(ApiError::TooLong { what, len, most }),
            _ => {
                let value = parse(json).map_err(|_| ApiError::Unreadable(what))?;
                Self::of(what, value, known)
            }
        }
    }

    /// An object inside another.
    pub(super) fn of(
        what: &'static str,
        value: JsValue,
        known: &'static [&'static str],
    ) -> Result<Self, ApiError> {
        if !value.is_object() || Array::is_array(&value) {
            return Err(ApiError::Unreadable(what));
        }
        Ok(Self {
            what,
            object: value.unchecked_into(),
            found: Cell::new(0),
            known,
        })
    }

    /// A field that has to be there.
    pub(super) fn need<T>(
        &self,
        name: &str,
        read: impl FnOnce(&JsValue) -> Option<T>,
        allowed: &'static str,
    ) -> Result<T, ApiError> {
        let value = self.get(name);
        read(&value).ok_or_else(|| self.wrong(name, &value, allowed))
    }

    /// A field that may be missing or null.
    pub(super) fn may<T>(
        &self,
        name: &str,
        read: impl FnOnce(&JsValue) -> Option<T>,
        allowed: &'static str,
    ) -> Result<Option<T>, ApiError> {
        let value = self.get(name);
        if value.is_undefined() || value.is_null() {
            return Ok(None);
        }
        let read = read(&value).ok_or_else(|| self.wrong(name, &value, allowed));
        read.map(Some)
    }

    /// A field that changes what is there, if it is given.
    pub(super) fn change<T>(
        &self,
        target: &mut T,
        name: &str,
        read: impl FnOnce(&JsValue) -> Option<T>,
        allowed: &'static str,
    ) -> Result<(), ApiError> {
        let value = self.get(name);
        if !value.is_undefined() {
            *target = read(&value).ok_or_else(|| self.wrong(name, &value, allowed))?;
        }
        Ok(())
    }

    /// Refuses the object if it has fields that are not known.
    pub(super) fn end(self) -> Result<(), ApiError> {
        let names = Object::keys(&self.object);
        if names.length() == self.found.get() {
            return Ok(());
        }
        let names = names.iter().filter_map(|name| name.as_string());
        let unknown = names
            .into_iter()
            .find(|name| !self.known.contains(&&**name));
        unknown.map_or(Ok(()), |name| {
            Err(self.wrong(&name, &self.get(&name), "no such field"))
        })
    }

    fn get(&self, name: &str) -> JsValue {
        // A plain object: it cannot throw.
        let value = Reflect::get(&self.object, &name.into()).unwrap_or_default();
        if !value.is_undefined() {
            self.found.set(self.found.get() + 1);
        }
        value
    }

    fn wrong(&self, name: &str, value: &JsValue, allowed: &'static str) -> ApiError {
        ApiError::Field {
            what: self.what,
            field: name.to_owned(),
            value: shown(value),
            allowed,
        }
    }
}

fn shown(value: &JsValue) -> String {
    let json = JSON::stringify(value).map(JsValue::from);
    let text = if value.is_string() {
        value
    } else {
        &json.unwrap_or_default()
    };
    let text = text.dyn_ref::<JsString>();
    text.map_or("nothing".to_owned(), |text| text.slice(0, MAX_SHOWN).into())
}

/// A finite number.
pub(super) fn number(value: &JsValue) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// A whole number that JavaScript holds exactly.
pub(super) fn whole(value: &JsValue) -> Option<u64> {
    let number = value.as_f64().filter(|number| number.trunc() == *number)?;
    (0.0..=MAX_INTEGER)
        .contains(&number)
        .then_some(number as u64)
}

/// A whole number of 32 bits.
pub(super) fn whole32(value: &JsValue) -> Option<u32> {
    whole(value)?.try_into().ok()
}

/// A list of texts.
pub(super) fn texts(value: &JsValue) -> Option<Vec<String>> {
    let list = value.dyn_ref::<Array>()?;
    list.iter().map(|text| text.as_string()).collect()
}
