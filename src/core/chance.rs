//! Random numbers below a bound.
//!
//! `fastrand`'s own ranges can be empty, and for the words it says of that then, the wasm would hold a good part of the
//! standard library's formatting.

use fastrand::Rng;

/// A number below `bound`, each with the same chance but for one in 2⁶⁴ or so; 0 if there is none.
pub fn below(rng: &mut Rng, bound: u64) -> u64 {
    let product = u128::from(rng.u64(..)) * u128::from(bound);
    (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::below;
    use fastrand::Rng;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_generators_own(seed: u64, bound in 1_u64..1 << 40) {
            let (mut rng, mut other) = (Rng::with_seed(seed), Rng::with_seed(seed));
            prop_assert_eq!(below(&mut rng, bound), other.u64(0..bound));
        }
    }
}
