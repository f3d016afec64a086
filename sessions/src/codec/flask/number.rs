//! Numbers as Python writes them.

use std::fmt::Write;

/// Appends a number: an integer as it is, a float as Python's `repr` writes it.
///
/// Returns `None` for what is not a number of JSON.
pub(super) fn push_number(out: &mut String, text: &str) -> Option<()> {
    match kind(text.as_bytes())? {
        // Python reads `-0` as the integer 0.
        Kind::Integer if text == "-0" => out.push('0'),
        Kind::Integer => out.push_str(text),
        Kind::Float => push_float(out, text.parse().ok()?),
    }
    Some(())
}

enum Kind {
    Integer,
    Float,
}

/// Checks a number by the grammar of JSON (RFC 8259, section 6).
fn kind(text: &[u8]) -> Option<Kind> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = digits(unsigned)?;
    if whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let rest_of_fraction = match rest.strip_prefix(b".") {
        Some(fraction) => digits(fraction)?.1,
        None => rest,
    };
    let rest_of_exponent = match rest_of_fraction {
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            digits(exponent)?.1
        }
        other => other,
    };
    let kind = if rest.is_empty() { Kind::Integer } else { Kind::Float };
    rest_of_exponent.is_empty().then_some(kind)
}

/// Splits the text after its leading digits, of which there is at least one.
fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Appends a float. Beyond the range of a double, Python reads and writes an infinity.
fn push_float(out: &mut String, value: f64) {
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        out.push_str("Infinity");
        return;
    }
    push_decimal(out, value.abs());
}

/// Appends a number with the fewest digits that read as the same double. Of two such texts at the
/// same distance, `serde_json` and Python write the even one, and `Display` the other.
fn push_decimal(out: &mut String, value: f64) {
    let text = serde_json::to_string(&value).expect("a finite number is JSON");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let zeros = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        out.push_str("0.0");
        return;
    }
    // The value is `0.significant` times 10 to the power of `point`. Few digits and an exponent of
    // a double: nothing here is near a limit.
    let length = |text: &str| i32::try_from(text.len()).unwrap_or_default();
    let point =
        exponent.parse::<i32>().unwrap_or_default() + length(whole) - length(&digits[..zeros]);
    let push_zeros = |out: &mut String, number: i32| (0..number).for_each(|_| out.push('0'));
    if !(-3..=16).contains(&point) {
        let (first, others) = significant.split_at(1);
        let dot = if others.is_empty() { "" } else { "." };
        write!(out, "{first}{dot}{others}e{:+03}", point - 1)
            .expect("writing to a string does not fail");
    } else if point <= 0 {
        out.push_str("0.");
        push_zeros(out, -point);
        out.push_str(significant);
    } else if length(significant) <= point {
        out.push_str(significant);
        push_zeros(out, point - length(significant));
        out.push_str(".0");
    } else {
        let (whole, fraction) = significant.split_at(usize::try_from(point).unwrap_or_default());
        write!(out, "{whole}.{fraction}").expect("writing to a string does not fail");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        path::Path,
        process::{Command, Stdio},
    };

    use super::push_number;

    fn python(json: &str) -> String {
        let mut written = String::new();
        push_number(&mut written, json).unwrap();
        written
    }

    #[test]
    fn floats_are_written_as_python_does() {
        let cases = [
            ("0.0", "0.0"),
            ("-0.0", "-0.0"),
            ("0e7", "0.0"),
            ("1.50", "1.5"),
            ("1e1", "10.0"),
            ("1E+1", "10.0"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1234567890123456.0", "1234567890123456.0"),
            ("12345678901234567.0", "1.2345678901234568e+16"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("0.000012", "1.2e-05"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
            ("-1.5e-7", "-1.5e-07"),
            ("123.456", "123.456"),
        ];
        for (json, expected) in cases {
            assert_eq!(python(json), expected);
            assert_eq!(python(expected), expected);
        }
    }

    #[test]
    fn an_exponent_may_have_any_length() {
        let (many, zeros) = ("9".repeat(400), "0".repeat(70_000));
        let cases = [
            ("0.01e-2147483648".to_owned(), "0.0"),
            ("-0.01e-2147483649".to_owned(), "-0.0"),
            ("1e-9223372036854775808".to_owned(), "0.0"),
            ("1e18446744073709551616".to_owned(), "Infinity"),
            (format!("-1e{many}"), "-Infinity"),
            (format!("1e-{many}"), "0.0"),
            (format!("0e{many}"), "0.0"),
            (format!("{many}.5"), "Infinity"),
            (format!("0.{zeros}1e70001"), "1.0"),
            (format!("1{zeros}.0e-70000"), "1.0"),
            (format!("1.{zeros}"), "1.0"),
            (format!("0.5{zeros}1"), "0.5"),
            ("1e00000000000000000000000000000000000000000001".to_owned(), "10.0"),
        ];
        for (json, expected) in cases {
            assert_eq!(python(&json), expected, "{}", &json[..json.len().min(60)]);
        }
    }

    #[test]
    fn what_is_no_number_of_json_is_none() {
        for text in [
            "", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "1e+-1", "01", "-01", "00", "0x1",
            "1_0", "1e1.5", "1e5e5", "--1", "nan", "inf", "Infinity", " 1", "1 ", "١",
        ] {
            assert_eq!(push_number(&mut String::new(), text), None, "{text:?}");
        }
    }

    /// Returns numbers of JSON: random ones, and those near the limits of the types.
    fn numbers() -> Vec<String> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state ^ state >> 29
        };
        let limits = [i32::MIN.into(), i32::MAX.into(), i64::MIN.into(), i64::MAX.into()]
            .into_iter()
            .chain([u32::MAX.into(), u64::MAX.into(), -400, -324, -5, -4, 0, 15, 16, 17, 308, 309])
            .collect::<Vec<i128>>();
        let mut numbers = Vec::new();
        for mantissa in ["1", "-0.01", "0.0", "123456789012345678", "9.999999999999999e", "4.9"] {
            let mantissa = mantissa.trim_end_matches('e');
            for limit in &limits {
                numbers.extend((-1..=1).map(|more| format!("{mantissa}e{}", limit + more)));
            }
        }
        for _ in 0..20_000 {
            let float = f64::from_bits(random());
            if float.is_finite() {
                numbers.push(format!("{float:e}"));
                numbers.push(serde_json::to_string(&float).expect("a finite number"));
            }
            let digits: String = (0..random() % 40).map(|_| (random() % 10).to_string()).collect();
            let exponent = i64::try_from(random() % 700).expect("small") - 350;
            numbers.push(format!("{}.{digits}0e{exponent}", random() % 1_000));
            numbers.push(format!("-{}.{digits}1E+{}", random(), random() % 20));
            numbers.push((random() >> (random() % 64)).to_string());
        }
        numbers
    }

    #[test]
    #[ignore = "needs python3: run scripts/test"]
    fn every_number_is_written_as_python_writes_it() {
        let script = "import json, sys\nfor line in sys.stdin: print(json.dumps(json.loads(line)))";
        let python3 = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/python");
        let mut child = Command::new(python3)
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let numbers = numbers();
        let (mut input, lines) = (child.stdin.take().expect("its input"), numbers.join("\n"));
        let feeder = std::thread::spawn(move || input.write_all(lines.as_bytes()));
        let output = child.wait_with_output().expect("python ends");
        feeder.join().expect("no panic").expect("python reads");
        let written = String::from_utf8(output.stdout).expect("text");
        assert_eq!(written.lines().count(), numbers.len());
        for (json, expected) in numbers.iter().zip(written.lines()) {
            assert_eq!(python(json), expected, "{json}");
        }
    }
}
