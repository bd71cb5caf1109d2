//! A fixed number of bits with a running count: which leaves of a segment are there. Scans go a
//! 64-bit word at a time, so a whole segment (at most 16,384 leaves) costs at most 256 steps. Engines keep
//! and combine hundreds of these; up to [`SMALL`] positions (2 MiB of media) lie in the bitmap itself.
//!
//! Invariants: `set` is the number of bits that are set; bits past `size` are never set. Positions
//! past the end read as not set, and ranges are cut at the end: a position is data, not a promise.

use crate::core::list::List;
use std::ops::Range;

const WORD: u32 = u64::BITS;

/// Words that need no memory of their own.
const INLINE: usize = 2;

/// Most positions that need no memory of their own.
const SMALL: u32 = INLINE as u32 * WORD;

/// A set of positions `0..size`. Takes `size / 8` bytes: whoever takes `size` from a stranger caps
/// it first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bitmap {
    /// Position 0 is the highest bit of the first word, as on the wire.
    words: Words,
    size: u32,
    set: u32,
}

/// As many words as the size needs; which of the two they are is settled by it too.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Words {
    /// Words that are not needed are zero.
    Small([u64; INLINE]),
    Large(Vec<u64>),
}

impl Default for Words {
    fn default() -> Self {
        Self::Small([0; INLINE])
    }
}

impl Words {
    fn new(size: u32) -> Self {
        if size <= SMALL {
            Self::default()
        } else {
            Self::Large(vec![0; size.div_ceil(WORD) as usize])
        }
    }

    fn as_slice(&self) -> &[u64] {
        match self {
            Self::Small(words) => words,
            Self::Large(words) => words,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [u64] {
        match self {
            Self::Small(words) => words,
            Self::Large(words) => words,
        }
    }
}

impl Bitmap {
    /// No position set.
    pub fn new(size: u32) -> Self {
        let words = Words::new(size);
        Self {
            words,
            size,
            set: 0,
        }
    }

    /// Every position set.
    pub fn full(size: u32) -> Self {
        let mut bitmap = Self::new(size);
        bitmap.set_range(0..size);
        bitmap
    }

    /// From its bytes on the wire; `None` if their number is wrong or a spare bit is set.
    pub fn from_bytes(size: u32, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size.div_ceil(8) as usize {
            return None;
        }
        let mut words = Words::new(size);
        for (word, bytes) in words.as_mut_slice().iter_mut().zip(bytes.chunks(8)) {
            *word = word_of(bytes);
        }
        let last = size.div_ceil(WORD).saturating_sub(1) as usize;
        let spare = words.as_slice().get(last).copied().unwrap_or(0) & !mask(0..tail(size));
        let set = words.as_slice().iter().map(|word| word.count_ones()).sum();
        (spare == 0).then_some(Self { words, size, set })
    }

    /// Its bytes on the wire: ⌈size / 8⌉ of them, position 0 the highest bit of the first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = self
            .words
            .as_slice()
            .iter()
            .flat_map(|word| word.to_be_bytes());
        bytes.take(self.size.div_ceil(8) as usize).list()
    }

    /// Number of positions, set or not.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Number of positions that are set.
    pub fn count(&self) -> u32 {
        self.set
    }

    /// Whether every position is set.
    pub fn is_full(&self) -> bool {
        self.set == self.size
    }

    /// Whether no position is set.
    pub fn is_clear(&self) -> bool {
        self.set == 0
    }

    /// Whether `at` is set.
    pub fn get(&self, at: u32) -> bool {
        self.word(at / WORD) & bit(at) != 0
    }

    /// Sets `at`; whether that changed anything.
    pub fn set(&mut self, at: u32) -> bool {
        self.set_range(at..at.saturating_add(1)) > 0
    }

    /// Clears `at`; whether that changed anything.
    pub fn clear(&mut self, at: u32) -> bool {
        self.clear_range(at..at.saturating_add(1)) > 0
    }

    /// Sets a range; how many positions that changed.
    pub fn set_range(&mut self, range: Range<u32>) -> u32 {
        let before = self.set;
        self.update(range, |word, mask| word | mask);
        self.set - before
    }

    /// Clears a range; how many positions that changed.
    pub fn clear_range(&mut self, range: Range<u32>) -> u32 {
        let before = self.set;
        self.update(range, |word, mask| word & !mask);
        before - self.set
    }

    /// How many positions of a range are set.
    pub fn count_range(&self, range: Range<u32>) -> u32 {
        let parts = words_of(&self.cut(range));
        parts
            .map(|(i, mask)| (self.word(i) & mask).count_ones())
            .sum()
    }

    /// Whether all of a non-empty range is set.
    pub fn contains_range(&self, range: Range<u32>) -> bool {
        !range.is_empty() && range.end <= self.size && self.next(range.start, false) >= range.end
    }

    /// First position at or after `from` that is set.
    pub fn first_set(&self, from: u32) -> Option<u32> {
        Some(self.next(from, true)).filter(|at| *at < self.size)
    }

    /// First position at or after `from` that is not set.
    pub fn first_missing(&self, from: u32) -> Option<u32> {
        Some(self.next(from, false)).filter(|at| *at < self.size)
    }

    /// The longest runs of set positions inside `within`, in order.
    pub fn runs(&self, within: Range<u32>) -> Runs<'_> {
        self.scan(within, true)
    }

    /// The longest runs of positions not set inside `within`, in order.
    pub fn gaps(&self, within: Range<u32>) -> Runs<'_> {
        self.scan(within, false)
    }

    /// The part from the first position that is set to the last, and where it begins.
    pub fn trimmed(&self) -> Option<(u32, Self)> {
        let first = self.first_set(0)?;
        let last = self.words.as_slice().iter().rposition(|word| *word != 0)? as u32;
        let end = (last + 1) * WORD - self.word(last).trailing_zeros();
        let mut part = Self::new(end - first);
        let (skip, shift) = (first / WORD, first % WORD);
        for (index, word) in (skip..).zip(part.words.as_mut_slice()) {
            // What lies before the first position, or past the last, is not set.
            let next = self.word(index + 1).checked_shr(WORD - shift);
            *word = self.word(index) << shift | next.unwrap_or(0);
        }
        part.set = self.set;
        Some((first, part))
    }

    /// All positions that are set, in order.
    pub fn ones(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs(0..self.size).flatten()
    }

    /// Sets every position that is set in `other`.
    pub fn union_with(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine | theirs);
    }

    /// Keeps only positions that are set in `other` too.
    pub fn intersect_with(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine & theirs);
    }

    /// Clears every position that is set in `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine & !theirs);
    }

    /// Whether some position is set in both.
    pub fn intersects(&self, other: &Self) -> bool {
        let mut pairs = self.words.as_slice().iter().zip(other.words.as_slice());
        pairs.any(|(mine, theirs)| mine & theirs != 0)
    }

    fn combine(&mut self, other: &Self, f: impl Fn(u64, u64) -> u64) {
        let (size, theirs) = (self.size, other.words.as_slice());
        let mut set = 0;
        for (index, word) in self.words.as_mut_slice().iter_mut().enumerate() {
            let theirs = theirs.get(index).copied().unwrap_or(0);
            let left = size.saturating_sub(index as u32 * WORD);
            *word = f(*word, theirs) & mask(0..left.min(WORD));
            set += word.count_ones();
        }
        self.set = set;
    }

    fn word(&self, index: u32) -> u64 {
        let words = self.words.as_slice();
        words.get(index as usize).copied().unwrap_or(0)
    }

    fn cut(&self, range: Range<u32>) -> Range<u32> {
        range.start..range.end.min(self.size)
    }

    fn update(&mut self, range: Range<u32>, f: impl Fn(u64, u64) -> u64) {
        for (index, mask) in words_of(&self.cut(range)) {
            if let Some(word) = self.words.as_mut_slice().get_mut(index as usize) {
                self.set -= word.count_ones();
                *word = f(*word, mask);
                self.set += word.count_ones();
            }
        }
    }

    /// First position at or after `from` in the state asked for; `size` if there is none.
    fn next(&self, from: u32, state: bool) -> u32 {
        let mut wanted = mask(from % WORD..WORD);
        let words = self.words.as_slice().iter().enumerate();
        let words = words.skip((from / WORD) as usize);
        for (index, word) in words {
            let hits = wanted & if state { *word } else { !*word };
            if hits != 0 {
                let at = index as u32 * WORD + hits.leading_zeros();
                return at.min(self.size);
            }
            wanted = u64::MAX;
        }
        self.size
    }

    fn scan(&self, within: Range<u32>, state: bool) -> Runs<'_> {
        let Range { start, end } = self.cut(within);
        Runs {
            bitmap: self,
            at: start,
            end,
            state,
        }
    }
}

/// Runs of equal bits, from [`Bitmap::runs`] or [`Bitmap::gaps`].
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    bitmap: &'a Bitmap,
    at: u32,
    end: u32,
    state: bool,
}

impl Iterator for Runs<'_> {
    type Item = Range<u32>;

    fn next(&mut self) -> Option<Range<u32>> {
        let start = self.bitmap.next(self.at, self.state).min(self.end);
        let stop = self.bitmap.next(start, !self.state).min(self.end);
        self.at = stop;
        (start < stop).then_some(start..stop)
    }
}

/// The words that a range touches, each with the bits of it that lie in the range.
fn words_of(range: &Range<u32>) -> impl Iterator<Item = (u32, u64)> + use<> {
    let Range { start, end } = *range;
    let words = if start < end {
        start / WORD..end.div_ceil(WORD)
    } else {
        0..0
    };
    words.map(move |index| {
        let base = index * WORD;
        let from = start.saturating_sub(base);
        (index, mask(from..(end - base).min(WORD)))
    })
}

/// The bits of a word at positions `range`, with both ends at most [`WORD`].
fn mask(range: Range<u32>) -> u64 {
    let from = |at: u32| u64::MAX.checked_shr(at).unwrap_or(0);
    from(range.start) & !from(range.end)
}

fn bit(at: u32) -> u64 {
    1 << (WORD - 1 - at % WORD)
}

/// How many bits of the last word count.
fn tail(size: u32) -> u32 {
    match size % WORD {
        0 => WORD,
        part => part,
    }
}

fn word_of(bytes: &[u8]) -> u64 {
    let word = bytes
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    word << (8 * (8 - bytes.len() as u32).min(7))
}
