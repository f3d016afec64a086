//! Comparison in constant time.

use subtle::ConstantTimeEq;

/// Whether the bytes are equal, in a time that depends only on their lengths. Compares eight at a
/// time, while `ct_eq` of slices compares them one by one.
pub(crate) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let differ =
        |(one, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other);
    let of_words = words.iter().zip(other_words).map(differ).fold(0, |all, one| all | one);
    let of_rest = rest.iter().zip(other_rest).fold(0, |all, (one, other)| all | (one ^ other));
    (of_words | u64::from(of_rest)).ct_eq(&0).into()
}

#[cfg(test)]
mod tests {
    use super::same_bytes;

    #[test]
    fn every_bit_counts() {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).map(|at: u8| at.wrapping_mul(151)).collect();
            assert!(same_bytes(&bytes, &bytes.clone()));
            for at in 0..bytes.len() {
                assert!(!same_bytes(&bytes, &bytes[..at]));
                for bit in 0..8 {
                    let mut other = bytes.clone();
                    other[at] ^= 1 << bit;
                    assert!(!same_bytes(&bytes, &other));
                }
            }
        }
    }
}
