//! The rooms one by one: `cargo bench --manifest-path benches/Cargo.toml`.

use divan::{Bencher, black_box};
use sessions::{__benches::Signing, SecretKey, SessionState, interface::CookieValues};
use sessions_benches::payload::{self, COUNTER};

const NOW: u64 = 1_700_000_000;
/// Bytes of JSON: the small session and the large one.
const SIZES: [usize; 2] = [111, 2_048];

fn main() {
    divan::main();
}

fn json(bytes: usize) -> String {
    let members = if bytes == 111 { payload::small() } else { payload::of_size(bytes) };
    payload::json(&members)
}

#[divan::bench(args = [0, 10, 50])]
fn cookie_scan(bencher: Bencher<'_, '_>, others: usize) {
    let mut header = "other=0123456789abcdef; ".repeat(others);
    header.push_str("session=0123456789abcdef");
    bencher.bench(|| CookieValues::find([black_box(header.as_bytes())].into_iter(), "session"));
}

#[divan::bench(args = SIZES)]
fn sign(bencher: Bencher<'_, '_>, bytes: usize) {
    let (signing, json) = (Signing::new(&SecretKey::generate()), json(bytes));
    bencher.bench(|| signing.sign(black_box(json.as_bytes()), NOW));
}

#[divan::bench(args = SIZES)]
fn verify_and_decode(bencher: Bencher<'_, '_>, bytes: usize) {
    let signing = Signing::new(&SecretKey::generate());
    let token = signing.sign(json(bytes).as_bytes(), NOW);
    bencher.bench(|| signing.verify(black_box(token.as_bytes())).expect("it was just signed"));
}

#[divan::bench(args = SIZES)]
fn dictionary_open(bencher: Bencher<'_, '_>, bytes: usize) {
    let json = json(bytes);
    bencher
        .with_inputs(|| json.clone())
        .bench_values(|json| SessionState::from_json(json).expect("it is JSON"));
}

#[divan::bench(args = SIZES)]
fn dictionary_get(bencher: Bencher<'_, '_>, bytes: usize) {
    let dictionary = SessionState::from_json(json(bytes)).expect("it is JSON");
    bencher.bench(|| black_box(&dictionary).get::<u64>(COUNTER).expect("it is a number"));
}

#[divan::bench(args = SIZES)]
fn dictionary_set_and_save(bencher: Bencher<'_, '_>, bytes: usize) {
    let json = json(bytes);
    bencher
        .with_inputs(|| SessionState::from_json(json.as_str()).expect("it is JSON"))
        .bench_values(|mut dictionary| {
            dictionary.insert(COUNTER, &42).expect("it takes writes");
            dictionary.to_json()
        });
}
