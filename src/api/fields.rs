//! JSON objects from the page, read by the browser and checked here field by field.
//!
//! Invariants: text is measured before it is read; a field nobody asked for is refused, so that a
//! misspelt one cannot go unnoticed; numbers are finite, and whole where they count something.

use super::error::ApiError;
use crate::core::list::List;
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

/// Which fields one kind of object has.
pub(super) struct Shape {
    what: &'static str,
    /// In JavaScript too: long playlists ask for the same few names thousands of times.
    names: Vec<(&'static str, JsValue)>,
}

impl Shape {
    /// `what` is the object's name in errors.
    pub(super) fn new(what: &'static str, names: &[&'static str]) -> Self {
        let names = names.iter().map(|name| (*name, JsValue::from_str(name)));
        Self {
            what,
            names: names.list(),
        }
    }

    fn key(&self, name: &str) -> Option<&JsValue> {
        let found = self.names.iter().find(|(known, _)| *known == name);
        found.map(|(_, key)| key)
    }
}

/// One object being read. End with [`Fields::end`].
pub(super) struct Fields<'a> {
    shape: &'a Shape,
    object: Object,
    found: Cell<u32>,
}

impl<'a> Fields<'a> {
    /// Reads JSON of at most `most` UTF-16 units.
    pub(super) fn parse(shape: &'a Shape, json: &JsString, most: u32) -> Result<Self, ApiError> {
        let what = shape.what;
        // A caller without types may hand in anything.
        if !json.is_string() {
            return Err(ApiError::unreadable(what));
        }
        match json.length() {
            len if len > most => Err(ApiError::too_long(what, len, most)),
            _ => {
                let value = parse(json).map_err(|_| ApiError::unreadable(what))?;
                Self::of(shape, value)
            }
        }
    }

    /// An object inside another.
    pub(super) fn of(shape: &'a Shape, value: JsValue) -> Result<Self, ApiError> {
        if !value.is_object() || Array::is_array(&value) {
            return Err(ApiError::unreadable(shape.what));
        }
        Ok(Self {
            shape,
            object: value.unchecked_into(),
            found: Cell::new(0),
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
        let mut names = names.iter();
        let unknown = names.find(|name| {
            let name = name.as_string();
            name.is_none_or(|name| self.shape.key(&name).is_none())
        });
        unknown.map_or(Ok(()), |key| {
            let name = key.as_string().unwrap_or_default();
            Err(self.wrong(&name, &value(&self.object, &key), "no such field"))
        })
    }

    fn get(&self, name: &str) -> JsValue {
        let Some(key) = self.shape.key(name) else {
            return JsValue::UNDEFINED;
        };
        let value = value(&self.object, key);
        if !value.is_undefined() {
            self.found.set(self.found.get() + 1);
        }
        value
    }

    fn wrong(&self, name: &str, value: &JsValue, allowed: &'static str) -> ApiError {
        ApiError::field(self.shape.what, name, &shown(value), allowed)
    }
}

fn value(object: &Object, key: &JsValue) -> JsValue {
    // A plain object: it cannot throw.
    Reflect::get(object, key).unwrap_or_default()
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
