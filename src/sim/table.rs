//! A small map for a viewer's few connections, buffers and transfers.
//!
//! Keys lie together, apart from values: at almost every event another viewer's memory is looked at for the first
//! time, and a search must not touch one cache line for each entry. Entries keep the order in which they came.

/// A map of few entries.
#[derive(Clone, Debug)]
pub(super) struct Table<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<K: Copy + PartialEq, V> Table<K, V> {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn position(&self, key: &K) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn contains_key(&self, key: &K) -> bool {
        self.keys.contains(key)
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(self.position(key)?)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.position(key)?;
        self.values.get_mut(at)
    }

    /// The former value, if there was one.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(place) = self.get_mut(&key) {
            return Some(std::mem::replace(place, value));
        }
        self.keys.push(key);
        self.values.push(value);
        None
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.position(key)?;
        self.keys.remove(at);
        Some(self.values.remove(at))
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        let values = &self.values;
        let mut at = 0..;
        self.keys.retain(|_| {
            let value = at.next().and_then(|at: usize| values.get(at));
            value.is_some_and(&keep)
        });
        self.values.retain(keep);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter()
    }

    /// All values; nothing is left.
    pub(super) fn take_values(&mut self) -> Vec<V> {
        self.keys = Vec::new();
        std::mem::take(&mut self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_keeps_its_order() {
        let mut table = Table::new();
        for key in [5, 1, 9, 3] {
            assert_eq!(table.insert(key, key * 10), None);
        }
        assert_eq!(table.insert(9, 91), Some(90));
        assert_eq!(table.remove(&1), Some(10));
        assert_eq!(table.remove(&1), None);
        assert_eq!(table.get(&9), Some(&91));
        assert!(table.contains_key(&3) && !table.contains_key(&4));
        table.retain(|value| *value != 50);
        let all: Vec<_> = table.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(all, [(9, 91), (3, 30)]);
        assert_eq!((table.len(), table.take_values()), (2, vec![91, 30]));
        assert!(table.is_empty());
    }
}
