//! Scripts as bytes: eight that choose, then six for every step. Any bytes are a script.

use super::choices::Choices;
use crate::input::Input;

/// Most steps of one script.
const MOST: usize = 320;

/// Something that happens: what, and details that every step reads in its own way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) what: u8,
    pub(super) a: u8,
    pub(super) b: u8,
    pub(super) c: u8,
    pub(super) d: u8,
    pub(super) e: u8,
}

/// The choices at the beginning, and the steps.
pub(super) fn read(bytes: &[u8]) -> (Choices, Vec<Step>) {
    let mut input = Input::new(bytes);
    let choices = Choices::read(&mut input);
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < MOST {
        let [what, a, b, c, d, e] = input.array();
        steps.push(Step {
            what,
            a,
            b,
            c,
            d,
            e,
        });
    }
    (choices, steps)
}
