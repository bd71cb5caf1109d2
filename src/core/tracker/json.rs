//! JSON, as much of it as trackers and their clients write to each other.
//!
//! For these few messages a general library was a twelfth of the wasm. All of RFC 8259 is read, and what is no JSON is
//! refused; of what nobody here asks for (lists, true and false) only that it was there is kept. Of fields with the same
//! name the last one counts. Depth is limited, and who calls limits the length.

use std::str::Chars;

/// Objects and lists inside each other; more is refused.
const MAX_DEPTH: u32 = 128;

/// A larger exponent gives zero or no number at all.
const MAX_EXPONENT: u32 = 1_000;

/// What a text says.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Null,
    Number(f64),
    Text(String),
    Object(Object),
    /// A list, true or false.
    Other,
}

/// Fields in the order they came.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Object(Vec<(String, Value)>);

impl Object {
    /// Reads a text that is one object and nothing more.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader(text.chars());
        let value = reader.value(MAX_DEPTH)?;
        match (value, reader.next_token()) {
            (Value::Object(object), None) => Some(object),
            _ => None,
        }
    }

    /// A field's value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let mut fields = self.0.iter().rev();
        let field = fields.find(|(known, _)| known == name);
        field.map(|(_, value)| value)
    }

    /// A field's text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a>(Chars<'a>);

impl Reader<'_> {
    /// The next character that is no white space; it stays.
    fn next_token(&mut self) -> Option<char> {
        loop {
            let next = self.peek()?;
            if !matches!(next, ' ' | '\t' | '\n' | '\r') {
                return Some(next);
            }
            self.0.next();
        }
    }

    fn peek(&self) -> Option<char> {
        self.0.clone().next()
    }

    /// Takes this character, if it is the next.
    fn skip(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.0.next();
        }
        there
    }

    fn word(&mut self, word: &str) -> Option<()> {
        word.chars().all(|c| self.skip(c)).then_some(())
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        Some(match self.next_token()? {
            '"' => Value::Text(self.text()?),
            '{' => {
                let mut fields = Vec::new();
                self.items(depth, '}', &mut |reader, depth| {
                    reader.next_token()?;
                    let name = reader.text()?;
                    reader.next_token()?;
                    reader.word(":")?;
                    fields.push((name, reader.value(depth)?));
                    Some(())
                })?;
                Value::Object(Object(fields))
            }
            '[' => {
                self.items(depth, ']', &mut |reader, depth| {
                    reader.value(depth).map(drop)
                })?;
                Value::Other
            }
            'n' => self.word("null").map(|()| Value::Null)?,
            't' => self.word("true").map(|()| Value::Other)?,
            'f' => self.word("false").map(|()| Value::Other)?,
            _ => Value::Number(self.number()?),
        })
    }

    /// What stands between brackets, separated by commas.
    fn items(
        &mut self,
        depth: u32,
        end: char,
        read: &mut dyn FnMut(&mut Self, u32) -> Option<()>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1).filter(|depth| *depth > 0)?;
        self.0.next();
        self.next_token()?;
        if self.skip(end) {
            return Some(());
        }
        loop {
            read(self, depth)?;
            self.next_token()?;
            if self.skip(end) {
                return Some(());
            }
            self.word(",")?;
        }
    }

    fn text(&mut self) -> Option<String> {
        self.word("\"")?;
        let mut text = String::new();
        loop {
            text.push(match self.0.next()? {
                '"' => return Some(text),
                '\\' => self.escaped()?,
                '\0'..' ' => return None,
                other => other,
            });
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.0.next()? {
            plain @ ('"' | '\\' | '/') => plain,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return None,
        })
    }

    /// Four hexadecimal digits, or twice four for what needs two UTF-16 units.
    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        let Some(high) = first.checked_sub(0xd800).filter(|high| *high < 0x400) else {
            return char::from_u32(first);
        };
        self.word("\\u")?;
        let low = self.unit()?.checked_sub(0xdc00)?;
        (low < 0x400).then(|| char::from_u32(0x1_0000 + (high << 10) + low))?
    }

    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit << 4 | self.0.next()?.to_digit(16)?))
    }

    fn number(&mut self) -> Option<f64> {
        let negative = self.skip('-');
        let zero = self.peek() == Some('0');
        let (mut value, mut exponent) = (0.0, 0.0);
        if self.digits(&mut value)? > 1 && zero {
            return None;
        }
        let decimals = if self.skip('.') {
            self.digits(&mut value)?
        } else {
            0
        };
        if self.skip('e') || self.skip('E') {
            let small = self.skip('-');
            if !small {
                self.skip('+');
            }
            self.digits(&mut exponent)?;
            exponent = if small { -exponent } else { exponent };
        }
        let value = scaled(value, (exponent as i32).saturating_sub(decimals));
        value
            .is_finite()
            .then_some(if negative { -value } else { value })
    }

    /// Appends at least one digit to `value`; how many they were.
    fn digits(&mut self, value: &mut f64) -> Option<i32> {
        let mut count = 0_i32;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            *value = *value * 10.0 + f64::from(digit);
            count = count.saturating_add(1);
            self.0.next();
        }
        (count > 0).then_some(count)
    }
}

/// Step by step, for `powi` need not give the same on every target.
fn scaled(value: f64, exponent: i32) -> f64 {
    (0..exponent.unsigned_abs().min(MAX_EXPONENT)).fold(value, |value, _| {
        if exponent < 0 {
            value / 10.0
        } else {
            value * 10.0
        }
    })
}

/// Appends a text in quotes.
pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let short = match c {
            '"' | '\\' => c,
            // Lines of session descriptions end with these two: six characters each would be a tenth of a message.
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\0'..' ' => {
                escape(out, c as u32);
                continue;
            }
            _ => {
                out.push(c);
                continue;
            }
        };
        out.extend(['\\', short]);
    }
    out.push('"');
}

fn escape(out: &mut String, control: u32) {
    out.push_str("\\u00");
    for digit in [control >> 4, control & 15] {
        out.extend(char::from_digit(digit, 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value as Model;

    /// Whether it is what another reader found.
    fn alike(value: &Value, model: &Model) -> bool {
        match (value, model) {
            (Value::Null, Model::Null) => true,
            (Value::Other, Model::Bool(_) | Model::Array(_)) => true,
            (Value::Text(text), Model::String(model)) => text == model,
            (Value::Number(number), Model::Number(model)) => {
                let model = model.as_f64().unwrap_or(f64::NAN);
                (number - model).abs() <= model.abs() * 1e-12 + f64::MIN_POSITIVE
            }
            (Value::Object(object), Model::Object(model)) => model.iter().all(|(name, model)| {
                let value = object.get(name);
                value.is_some_and(|value| alike(value, model))
            }),
            _ => false,
        }
    }

    fn agree(text: &str) -> bool {
        let model: Option<Model> = serde_json::from_str(text).ok();
        match (Object::read(text), model.filter(Model::is_object)) {
            (Some(object), Some(model)) => alike(&Value::Object(object), &model),
            (read, model) => read.is_none() && model.is_none(),
        }
    }

    #[test]
    fn reads_and_refuses_what_others_do() {
        for text in [
            "",
            "{}",
            " {\t\n\r} ",
            "{}x",
            "{} {}",
            "[]",
            "7",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\" : [ ] , \"b\":[1 , [ 2,{}]],\"a\":\"last\"}",
            "{\"a\":[1,]}",
            "{\"a\":tru}",
            "{\"a\":nul",
            "{\"a\":\"\\ud83d\\ude00\\u00e9\\b\\f\\/\"}",
            "{\"a\":\"\\ud83d\"}",
            "{\"a\":\"\\ude00\"}",
            "{\"a\":\"\\ud83d\\u0041\"}",
            "{\"a\":\"\\u00g0\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"tab\there\"}",
            "{\"a\":\"\u{7f}\"}",
            "{\"a\":\"open",
            "{\"\\u0061\":1}",
        ] {
            assert!(agree(text), "{text}");
        }
        for number in [
            "0",
            "-0",
            "00",
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1.5",
            "1e",
            "1e+",
            "1e5",
            "1E-5",
            "2e+3",
            "1.25e2",
            "1e999",
            "0e999",
            "1e-999",
            "18446744073709551616",
            "123456789012345678901234567890",
            "0x1",
            "NaN",
            "1 2",
            "--1",
        ] {
            let text = format!("{{\"a\":{number}}}");
            assert!(agree(&text), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        for depth in [1, 100, 126, 127, 128, 60_000] {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let text = format!("{{\"a\":{open}{close}}}");
            assert!(agree(&text), "{depth}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_others_do(text in "\\{( ?\"(a|b|\\\\u00e9)\" ?: ?([0-9.eE+-]{1,6}|\"[a\\\\u\"nd8]{0,6}\"|true|null|\\[1?\\]|\\{\\}) ?,?){0,3}\\}") {
            prop_assert!(agree(&text));
        }

        #[test]
        fn any_number_is_read_as_others_do(number: f64) {
            prop_assume!(number.is_finite());
            let text = format!("{{\"a\":{number:e}}}");
            prop_assert!(agree(&text));
        }

        #[test]
        fn quoted_as_others_do(text in "(.|[\0-\u{1f}\"\\\\])*") {
            let mut quoted = String::new();
            quote(&mut quoted, &text);
            prop_assert_eq!(quoted, serde_json::to_string(&text).unwrap_or_default());
        }
    }
}
