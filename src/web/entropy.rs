//! The only source of randomness: `crypto.getRandomValues`, there in insecure contexts too.

use crate::web::globals::scope;

/// `N` unpredictable bytes; `None` where the browser has no random numbers at all.
pub fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let crypto = scope().crypto()?;
    crypto.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(bytes)
}
