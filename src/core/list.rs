//! Vectors from iterators, for the wasm's weight.
//!
//! `collect` brings code of its own for every kind of iterator: the first item, a guess at how many there are, the rest.
//! A loop that pushes is a fifth of that, and these lists are short.

/// Iterators that can be listed.
pub trait List: Iterator + Sized {
    /// All that comes, in this order.
    fn list(self) -> Vec<Self::Item> {
        let mut list = Vec::new();
        self.for_each(|item| list.push(item));
        list
    }
}

impl<I: Iterator> List for I {}
