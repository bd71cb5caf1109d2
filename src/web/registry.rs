//! Browser objects of one kind by their id.

use crate::core::list::List;
use std::cell::RefCell;
use std::rc::Rc;

/// Owns values by key. A list, for there are few of each kind, and a map's code for each of them
/// would weigh more than all of this.
///
/// Invariant: nothing is used or dropped while the registry is borrowed, so a value's destructor and
/// methods may lead back to it.
pub(super) struct Registry<K, V>(RefCell<Vec<(K, Rc<V>)>>);

impl<K: PartialEq, V> Registry<K, V> {
    pub(super) fn new() -> Self {
        Self(RefCell::default())
    }

    pub(super) fn get(&self, key: K) -> Option<Rc<V>> {
        let list = self.0.borrow();
        let (_, value) = list.iter().find(|(known, _)| *known == key)?;
        Some(value.clone())
    }

    /// Any value before under this key is dropped.
    pub(super) fn insert(&self, key: K, value: V) {
        let before = self.remove(&key);
        self.0.borrow_mut().push((key, Rc::new(value)));
        drop(before);
    }

    pub(super) fn remove(&self, key: &K) -> Option<Rc<V>> {
        let mut list = self.0.borrow_mut();
        let at = list.iter().position(|(known, _)| known == key)?;
        Some(list.swap_remove(at).1)
    }

    pub(super) fn all(&self) -> Vec<Rc<V>> {
        self.0
            .borrow()
            .iter()
            .map(|(_, value)| value.clone())
            .list()
    }

    pub(super) fn clear(&self) {
        drop(self.0.take());
    }
}
