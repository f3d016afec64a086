//! base64url in its one spelling: no padding, no spare bits, no foreign characters.

use std::sync::LazyLock;

use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use self::scalar::Codec;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Codec;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(false);

/// Uses what the processor has for many characters at once.
pub(crate) static CANONICAL: LazyLock<Codec> = LazyLock::new(|| Codec::url_safe(CONFIG));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod scalar {
    use base64::{
        alphabet::URL_SAFE,
        engine::{GeneralPurpose, GeneralPurposeConfig},
    };

    /// The constructor that the other engine has.
    pub(super) struct Codec;

    impl Codec {
        pub(super) const fn url_safe(config: GeneralPurposeConfig) -> GeneralPurpose {
            GeneralPurpose::new(&URL_SAFE, config)
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, alphabet::URL_SAFE, engine::GeneralPurpose};

    use super::{CANONICAL, CONFIG};

    /// Bytes of every value, of any length.
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
            }
        }
    }

    #[test]
    fn each_text_has_one_spelling() {
        for text in ["AA==", "AA=", "AB", "AAB", "A", "+/+/", "AA\n", " AA", "A A"] {
            assert!(CANONICAL.decode(text).is_err(), "{text}");
        }
        assert_eq!(CANONICAL.decode("-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
    }
}
