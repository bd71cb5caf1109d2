//! 32 bytes from base64url without padding: 43 characters, one spelling for each value.

/// The bytes; `None` for anything else than their one spelling.
pub fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != 43 {
        return None;
    }
    let mut bytes = [0; 32];
    let mut free = bytes.iter_mut();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes() {
        bits = bits << 6 | value(digit)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            *free.next()? = (bits >> count) as u8;
            bits &= (1 << count) - 1;
        }
    }
    // The two bits left over belong to no byte.
    (bits == 0).then_some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::decode;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_what_others_write(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(decode(&URL_SAFE_NO_PAD.encode(bytes)), Some(bytes));
        }

        /// Mostly legal characters, and lengths around the right one.
        #[test]
        fn takes_what_others_take(text in "[A-Za-z0-9_-]{40,45}|[A-Za-z0-9_+/=é-]{43}|[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048+=]") {
            let model = URL_SAFE_NO_PAD.decode(&text).ok();
            prop_assert_eq!(decode(&text), model.and_then(|bytes| bytes.try_into().ok()));
        }
    }
}
