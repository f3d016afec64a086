//! Tests that flip each bit of a token, including bits whose flip no header could carry.

use super::{
    sealed::Sealer,
    signed::{HashAlgorithm, Signer},
    split::SplitToken,
};
use crate::key::SecretKey;

/// Flips each bit of a token, and returns how many bits it has and how many flipped tokens are
/// accepted.
pub(super) fn flip_each_bit(token: String, accepts: impl Fn(&[u8]) -> bool) -> [usize; 2] {
    let mut token = token.into_bytes();
    assert!(accepts(&token));
    let [mut tried, mut accepted] = [0, 0];
    for at in 0..token.len() {
        for bit in 0..8 {
            token[at] ^= 1 << bit;
            tried += 1;
            accepted += usize::from(accepts(&token));
            token[at] ^= 1 << bit;
        }
    }
    [tried, accepted]
}

#[test]
fn every_single_bit_of_twenty_tokens_of_each_kind_counts() {
    let key = SecretKey::generate();
    let sealer = Sealer::new(&key, "a");
    let signers =
        [HashAlgorithm::Sha256, HashAlgorithm::Sha512].map(|it| Signer::new(&key, b"a", it));
    let mut totals = [[0; 2]; 4];
    for number in 0..20 {
        let payload = format!(r#"{{"user":"{}"}}"#, "x".repeat(number));
        let (payload, now) = (payload.as_bytes(), 1_700_000_000 + number as u64);
        let id = SplitToken::random().unwrap();
        let mut signed_id = id.to_text();
        signers[0].append_signature(&mut signed_id);
        let signed_id = signed_id.into_string();
        let counts = [
            flip_each_bit(signers[0].sign(payload, now), |it| {
                signers[0].verify(it).and_then(|it| it.decode()).is_ok()
            }),
            flip_each_bit(signers[1].sign(payload, now), |it| {
                signers[1].verify(it).and_then(|it| it.decode()).is_ok()
            }),
            flip_each_bit(sealer.seal(payload, now).unwrap(), |it| sealer.open(it).is_ok()),
            flip_each_bit(signed_id, |it| signers[0].signed_part(it).is_ok()),
        ];
        for (total, count) in totals.iter_mut().zip(counts) {
            *total = [total[0] + count[0], total[1] + count[1]];
        }
    }
    println!("bits flipped, accepted: signed, with SHA-512, encrypted, signed id: {totals:?}");
    assert!(totals.iter().all(|[tried, accepted]| *tried > 10_000 && *accepted == 0), "{totals:?}");
}
