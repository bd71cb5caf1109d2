//! A set of byte positions as sorted, disjoint, non-touching half-open ranges.

/// A single range keeps room for so many.
const MOST_SPARE: usize = 8;

/// Byte positions inside one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Adds `from..to`; says how many positions are new.
    pub fn add(&mut self, from: u32, to: u32) -> u32 {
        if from >= to {
            return 0;
        }
        let first = self.0.partition_point(|&(_, end)| end < from);
        let last = self.0.partition_point(|&(start, _)| start <= to);
        let (mut start, mut end, mut had) = (from, to, 0);
        for &(a, b) in self.0.get(first..last).unwrap_or_default() {
            had += overlap((a, b), (from, to));
            start = start.min(a);
            end = end.max(b);
        }
        self.0.splice(first..last, [(start, end)]);
        // A set that has grown together stays so: full buffers are kept for long.
        if self.0.len() == 1 && self.0.capacity() > MOST_SPARE {
            self.0.shrink_to(1);
        }
        to - from - had
    }

    /// Takes `from..to` out.
    pub fn remove(&mut self, from: u32, to: u32) {
        if from >= to || !self.touches(from, to) {
            return;
        }
        let kept = self
            .0
            .iter()
            .flat_map(|&(a, b)| [(a, b.min(from)), (a.max(to), b)])
            .filter(|(a, b)| a < b)
            .collect();
        self.0 = kept;
    }

    /// Whether all of `from..to` is in the set; true for an empty range.
    pub fn covers(&self, from: u32, to: u32) -> bool {
        let at = self.0.partition_point(|&(_, end)| end < to);
        from >= to || self.0.get(at).is_some_and(|&(a, b)| a <= from && to <= b)
    }

    /// Whether any of `from..to` is in the set.
    pub fn touches(&self, from: u32, to: u32) -> bool {
        self.count(from, to) > 0
    }

    /// How many positions of `from..to` are in the set.
    pub fn count(&self, from: u32, to: u32) -> u32 {
        let first = self.0.partition_point(|&(_, end)| end <= from);
        self.0
            .iter()
            .skip(first)
            .take_while(|&&(start, _)| start < to)
            .map(|&range| overlap(range, (from, to)))
            .sum()
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn overlap(a: (u32, u32), b: (u32, u32)) -> u32 {
    a.1.min(b.1).saturating_sub(a.0.max(b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same set as plain booleans.
    fn check(ranges: &Ranges, truth: &[bool]) {
        for from in 0..truth.len() {
            for to in from..=truth.len() {
                let part = &truth[from..to];
                let (a, b) = (from as u32, to as u32);
                assert_eq!(ranges.covers(a, b), part.iter().all(|x| *x));
                assert_eq!(
                    ranges.count(a, b),
                    part.iter().filter(|x| **x).count() as u32
                );
            }
        }
        assert!(ranges.0.windows(2).all(|w| w[0].1 < w[1].0));
    }

    #[test]
    fn agrees_with_plain_booleans() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..50 {
            let mut ranges = Ranges::default();
            let mut truth = [false; 24];
            for _ in 0..20 {
                let from = rng.u32(0..24);
                let to = rng.u32(from..=24);
                let part = &mut truth[from as usize..to as usize];
                let add = rng.bool();
                let new = part.iter().filter(|x| !**x).count() as u32;
                part.fill(add);
                if add {
                    assert_eq!(ranges.add(from, to), new);
                } else {
                    ranges.remove(from, to);
                }
                check(&ranges, &truth);
            }
        }
    }
}
