//! Canonical base64url: no padding, no spare bits, no other characters.

use std::sync::LazyLock;

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurposeConfig},
};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use self::scalar::Codec;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Codec;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(false);

/// The codec for texts of any length. It uses the processor's vector instructions.
pub(crate) static CANONICAL: LazyLock<Codec> = LazyLock::new(|| Codec::url_safe(CONFIG));

/// The alphabet of RFC 4648, section 5.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The length of the longest short text: an HMAC of SHA-512.
pub(crate) const SHORT_TEXT: usize = 86;

/// The six bits of each character, or a larger value for a character outside the alphabet.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 64 {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// Decodes a text of any length.
#[expect(
    clippy::slow_vector_initialization,
    reason = "`vec!` calls `calloc`, which caches no blocks in glibc before 2.41"
)]
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // The decoder needs room for whole groups of three.
    let room = text.len().div_ceil(4) * 3;
    let mut bytes = Vec::with_capacity(room);
    bytes.resize(room, 0);
    let length = CANONICAL.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// Decodes a big-endian number of at most 16 bytes, in a third of the time of [`CANONICAL`].
pub(crate) fn decode_short(text: &[u8]) -> Option<u128> {
    let Some((last, others)) = text.split_last() else { return Some(0) };
    // 16 bytes take 22 characters. One character after a group of four holds no whole byte.
    if text.len() > 22 || text.len() % 4 == 1 {
        return None;
    }
    let value = |character: &u8| VALUES[usize::from(*character)];
    let mut all = value(last);
    let mut bits = 0;
    for character in others {
        all |= value(character);
        bits = bits << 6 | u128::from(value(character));
    }
    // A spare bit of the last character would be another spelling of the same bytes.
    let spare = text.len() * 6 % 8;
    let is_canonical = all < 64 && value(last) & ((1 << spare) - 1) == 0;
    is_canonical.then(|| bits << (6 - spare) | u128::from(value(last) >> spare))
}

/// Decodes 16 bytes.
pub(crate) fn decode_16(text: &[u8]) -> Option<[u8; 16]> {
    // `decode_short` accepts shorter texts too.
    let text: &[u8; 22] = text.try_into().ok()?;
    decode_short(text).map(u128::to_be_bytes)
}

/// Encodes few bytes into `buffer`, in a third of the time of [`CANONICAL`].
///
/// # Panics
///
/// When `buffer` is too short.
pub(crate) fn encode_short<'t>(bytes: &[u8], buffer: &'t mut [u8]) -> &'t [u8] {
    let text = &mut buffer[..(bytes.len() * 8).div_ceil(6)];
    let mut write = |at: usize, bits: u32, characters: usize| {
        for (number, character) in text[at..at + characters].iter_mut().enumerate() {
            *character = ALPHABET[(bits >> (18 - 6 * number)) as usize % 64];
        }
    };
    let (groups, rest) = bytes.as_chunks::<3>();
    for (number, [one, two, three]) in groups.iter().enumerate() {
        write(number * 4, u32::from_be_bytes([0, *one, *two, *three]), 4);
    }
    match rest {
        [one, two] => write(groups.len() * 4, u32::from_be_bytes([0, *one, *two, 0]), 3),
        [one] => write(groups.len() * 4, u32::from_be_bytes([0, *one, 0, 0]), 2),
        _ => {}
    }
    text
}

/// Returns how many bytes have an encoding of at most so many characters.
pub(crate) fn longest_input(characters: usize) -> usize {
    // One character after a group of four holds no whole byte.
    characters / 4 * 3 + (characters % 4).saturating_sub(1)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod scalar {
    use base64::{
        alphabet::URL_SAFE,
        engine::{GeneralPurpose, GeneralPurposeConfig},
    };

    /// Has the same constructor as the vectorised engine.
    pub(crate) struct Codec;

    impl Codec {
        pub(crate) const fn url_safe(config: GeneralPurposeConfig) -> GeneralPurpose {
            GeneralPurpose::new(&URL_SAFE, config)
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, alphabet::URL_SAFE, engine::GeneralPurpose};

    use super::{CANONICAL, CONFIG, decode, decode_short, encode_short};

    /// Returns `length` bytes of many values.
    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at * 151 % 256).unwrap()).collect()
    }

    #[test]
    fn writes_and_refuses_as_the_plain_decoder_does() {
        let plain = GeneralPurpose::new(&URL_SAFE, CONFIG);
        for length in [0, 1, 2, 3, 16, 23, 24, 32, 48, 95, 96, 97, 200] {
            let bytes = bytes(length);
            let text = CANONICAL.encode(&bytes).into_bytes();
            assert_eq!(text, plain.encode(&bytes).as_bytes());
            assert_eq!(CANONICAL.decode(&text).unwrap(), bytes);
            assert_eq!(decode(&text), Some(bytes.clone()));
            for at in 0..text.len() {
                for byte in 0..=255u8 {
                    let mut other = text.clone();
                    other[at] = byte;
                    assert_eq!(
                        CANONICAL.decode(&other).ok(),
                        plain.decode(&other).ok(),
                        "{other:?}"
                    );
                }
            }
            for cut in 0..text.len() {
                assert_eq!(CANONICAL.decode(&text[..cut]).ok(), plain.decode(&text[..cut]).ok());
                assert_eq!(decode(&text[..cut]), plain.decode(&text[..cut]).ok());
            }
        }
    }

    #[test]
    fn few_bytes_are_read_and_written_as_any_are() {
        for length in 0..=16 {
            let bytes = bytes(length);
            let text = CANONICAL.encode(&bytes);
            let mut buffer = [0; 22];
            assert_eq!(encode_short(&bytes, &mut buffer), text.as_bytes());
            for at in 0..text.len() {
                for byte in 0..=255u8 {
                    let mut other = text.clone().into_bytes();
                    other[at] = byte;
                    let read = CANONICAL.decode(&other).ok();
                    let number = |bytes: Vec<u8>| {
                        bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
                    };
                    assert_eq!(decode_short(&other), read.map(number), "{other:?}");
                }
            }
            for cut in 0..text.len() {
                let cut = &text.as_bytes()[..cut];
                assert_eq!(decode_short(cut).is_some(), CANONICAL.decode(cut).is_ok());
            }
        }
        assert_eq!(decode_short(&[b'A'; 23]), None);
    }

    #[test]
    fn each_text_has_one_spelling() {
        for text in ["AA==", "AA=", "AB", "AAB", "A", "+/+/", "AA\n", " AA", "A A"] {
            assert!(CANONICAL.decode(text).is_err(), "{text}");
        }
        assert_eq!(CANONICAL.decode("-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
    }
}
