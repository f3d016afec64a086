//! Numbers as Python writes them.

use std::fmt::Write;

/// Appends a number: an integer as it is, a float as Python's `repr` writes it.
pub(super) fn push_number(out: &mut String, text: &str) -> Option<()> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse().ok()?),
        None => (unsigned, 0_i32),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    if mantissa.len() == unsigned.len() && !mantissa.contains('.') {
        out.push_str(text);
        return Some(());
    }
    if unsigned.len() < text.len() {
        out.push('-');
    }
    push_float(
        out,
        &[whole, fraction].concat(),
        exponent.checked_add(i32::try_from(whole.len()).ok()?)?,
    );
    Some(())
}

/// Appends the number `0.digits` · 10^`point`.
fn push_float(out: &mut String, digits: &str, point: i32) {
    let significant = digits.trim_start_matches('0');
    let zeros = i32::try_from(digits.len() - significant.len()).unwrap_or(i32::MAX);
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        out.push_str("0.0");
        return;
    }
    let point = point.saturating_sub(zeros);
    let length = i32::try_from(significant.len()).unwrap_or(i32::MAX);
    let push_zeros = |out: &mut String, number: i32| (0..number).for_each(|_| out.push('0'));
    if point <= -4 || point > 16 {
        let (first, others) = significant.split_at(1);
        out.push_str(first);
        if !others.is_empty() {
            out.push('.');
            out.push_str(others);
        }
        write!(out, "e{:+03}", point - 1).expect("writing to a string does not fail");
    } else if point <= 0 {
        out.push_str("0.");
        push_zeros(out, -point);
        out.push_str(significant);
    } else if length <= point {
        out.push_str(significant);
        push_zeros(out, point - length);
        out.push_str(".0");
    } else {
        let (whole, fraction) = significant.split_at(usize::try_from(point).unwrap_or_default());
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
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
            ("12345678901234567.0", "1.2345678901234567e+16"),
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
}
