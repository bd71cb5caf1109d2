//! Small ordered maps, sets and sorting for the wasm's weight.
//!
//! An engine keeps a dozen maps of tens to a few hundred entries. `std`'s B-trees and pattern-defeating
//! sorts are made for millions, and each key type brings its own copy: 100 of 441 KB of wasm. A
//! sorted vector with the same order of iteration does here what they do. Nothing in it grows by
//! a peer's word without a cap of its own; insertion in the middle moves at most a few KB.

/// Maps grow by one in so many of what they hold, and by so many at least: an engine has hundreds of them.
const GROWTH: usize = 4;
const LEAST: usize = 4;

/// A map as two vectors in the order of keys. Keys lie together, apart from values, so that a search looks at one or
/// two cache lines however large the values are.
#[derive(Clone, Debug)]
pub struct Map<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<K: Ord, V> Map<K, V> {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, key: &K) -> Result<usize, usize> {
        self.keys.binary_search(key)
    }

    fn insert_at(&mut self, at: usize, key: K, value: V) {
        if self.keys.len() == self.keys.capacity() {
            let more = (self.keys.len() / GROWTH).max(LEAST);
            self.keys.reserve_exact(more);
            self.values.reserve_exact(more);
        }
        self.keys.insert(at, key);
        self.values.insert(at, value);
    }

    fn remove_at(&mut self, at: usize) -> (K, V) {
        (self.keys.remove(at), self.values.remove(at))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.values.get(self.find(key).ok()?)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.values.get_mut(at)
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Sets a value; returns the one it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => self
                .values
                .get_mut(at)
                .map(|old| std::mem::replace(old, value)),
            Err(at) => {
                self.insert_at(at, key, value);
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key).ok()?;
        Some(self.remove_at(at).1)
    }

    /// Takes the entry with the lowest key out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| self.remove_at(0))
    }

    /// The value of a key, made by its default if it is not there.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.insert_at(at, key, V::default());
                at
            }
        };
        #[expect(clippy::indexing_slicing, reason = "found or just inserted there")]
        &mut self.values[at]
    }

    /// Keeps only the entries that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let mut at = 0;
        while let (Some(key), Some(value)) = (self.keys.get(at), self.values.get_mut(at)) {
            if keep(key, value) {
                at += 1;
            } else {
                self.remove_at(at);
            }
        }
    }

    /// Entries by ascending key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    /// Entries by ascending key, values to change.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.keys.iter().zip(&mut self.values)
    }

    /// Entries whose key is at least `from`.
    pub fn iter_from<'a>(
        &'a self,
        from: &K,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
        let (Ok(at) | Err(at)) = self.find(from);
        self.keys.iter().zip(&self.values).skip(at)
    }

    /// Keys in ascending order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.keys.iter()
    }

    /// Values by ascending key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.values.iter()
    }

    /// Values by ascending key, to change.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.values.iter_mut()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = std::iter::Zip<std::vec::IntoIter<K>, std::vec::IntoIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter().zip(self.values)
    }
}

/// A set as a vector in ascending order.
#[derive(Clone, Debug)]
pub struct Set<K>(Vec<K>);

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord> Set<K> {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is a member.
    pub fn contains(&self, key: &K) -> bool {
        self.0.binary_search(key).is_ok()
    }

    /// Makes it a member; whether it was none.
    pub fn insert(&mut self, key: K) -> bool {
        let Err(at) = self.0.binary_search(&key) else {
            return false;
        };
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact((self.0.len() / GROWTH).max(LEAST));
        }
        self.0.insert(at, key);
        true
    }

    /// Takes it out; whether it was a member.
    pub fn remove(&mut self, key: &K) -> bool {
        let at = self.0.binary_search(key);
        at.map(|at| self.0.remove(at)).is_ok()
    }

    /// Keeps only those that `keep` wants.
    pub fn retain(&mut self, keep: impl FnMut(&K) -> bool) {
        self.0.retain(keep);
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter()
    }

    /// The lowest member that is at least `from`.
    pub fn first_from(&self, from: &K) -> Option<&K> {
        let (Ok(at) | Err(at)) = self.0.binary_search(from);
        self.0.get(at)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Sorts a short list in place, stably: insertion sort.
pub fn sort<T: Ord>(list: &mut [T]) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && list.get(at) < list.get(at - 1) {
            list.swap(at, at - 1);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        /// Whatever is done to both, the map and the standard library's agree.
        #[test]
        fn as_the_standard_map(steps in prop::collection::vec((0_u8..4, 0_u8..32, any::<u8>()), 0..200)) {
            let (mut map, mut model) = (Map::new(), BTreeMap::new());
            for (step, key, value) in steps {
                match step {
                    0 => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                    1 => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    2 => prop_assert_eq!(map.pop_first(), model.pop_first()),
                    _ => *map.or_default(key) |= *model.entry(key).and_modify(|v| *v |= value).or_insert(value),
                }
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!(map.iter_from(&key).eq(model.range(key..)));
            }
        }

        #[test]
        fn as_the_standard_set(steps in prop::collection::vec((any::<bool>(), 0_u8..32), 0..200)) {
            let (mut set, mut model) = (Set::new(), BTreeSet::new());
            for (insert, key) in steps {
                if insert {
                    prop_assert_eq!(set.insert(key), model.insert(key));
                } else {
                    prop_assert_eq!(set.remove(&key), model.remove(&key));
                }
                prop_assert!(set.iter().eq(model.iter()));
                prop_assert_eq!(set.first_from(&key), model.range(key..).next());
            }
        }

        #[test]
        fn as_the_standard_sort(mut list in prop::collection::vec(any::<u16>(), 0..100)) {
            let mut model = list.clone();
            model.sort_unstable();
            sort(&mut list);
            prop_assert_eq!(list, model);
        }
    }
}
