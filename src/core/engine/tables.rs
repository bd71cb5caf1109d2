//! How much an engine remembers: what must not grow with time.

use super::Engine;

impl Engine {
    /// How many entries each of its tables has now, by name; those of all neighbours added up. Media bytes are in
    /// [`crate::core::engine::Stats::cache_bytes`].
    pub fn tables(&self) -> Vec<(&'static str, usize)> {
        let mut tables = vec![
            ("gets", self.gets.len()),
            ("cache", self.cache.iter().count()),
            ("fresh", self.fresh.len()),
            ("fetches", self.fetches.len()),
            ("loads", self.loads.len()),
            ("playlists", self.playlists.len()),
            ("last loads", self.last_loads.len()),
            ("shortfalls", self.shortfalls.len()),
            ("waiting", self.waiting.len()),
        ];
        tables.extend(self.swarm.tables());
        tables
    }
}
