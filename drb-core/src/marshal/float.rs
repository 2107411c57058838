//! Floats as Ruby writes them: in the shortest digits that mean the same number.

/// The text of a float.
pub(super) fn parse(text: &[u8]) -> f64 {
    if let Some(float) = few_digits(text) {
        return float;
    }
    // Ruby 1.8 has put the mantissa behind the text.
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    match text {
        b"nan" => return f64::NAN,
        b"inf" => return f64::INFINITY,
        b"-inf" => return f64::NEG_INFINITY,
        _ => {}
    }
    match std::str::from_utf8(text).ok().filter(|_| is_decimal(text)).and_then(|t| t.parse().ok()) {
        Some(float) => float,
        None => parse_prefix(text),
    }
}

/// Up to which number each whole one is a float.
const EXACT: u64 = 1 << 53;

/// The powers of ten that a short text can divide by; they are floats, too.
const TENS: [f64; 17] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16];

/// The float of a text of few digits, perhaps with a point among them, as most are.
///
/// The text is the quotient of two floats. So a division, which rounds but once, gives the float next to it.
#[inline]
pub(super) fn few_digits(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // So many digits fit 64 bits.
    if digits.len() >= TENS.len() {
        return None;
    }
    let mut number = 0;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at + 1),
            _ => return None,
        }
    }
    let decimals = digits.len() - point.unwrap_or(digits.len());
    if number > EXACT || digits.len() == usize::from(point.is_some()) {
        return None;
    }
    let value = number as f64 / TENS.get(decimals)?;
    Some(if negative { -value } else { value })
}

/// Whether std's parser means the same by the text: it takes words that C's doesn't.
fn is_decimal(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
}

/// What C's `strtod` makes of a text: the longest beginning that is a number, else zero.
fn parse_prefix(text: &[u8]) -> f64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        rest => (1.0, rest),
    };
    if let [b'0', b'x' | b'X', hex @ ..] = digits
        && let Some(float) = parse_hex(hex)
    {
        return sign * float;
    }
    let run = |from: usize| {
        digits.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count() + from
    };
    let mut end = run(0);
    if digits.get(end) == Some(&b'.') {
        end = run(end + 1);
    }
    if let Some(b'e' | b'E') = digits.get(end) {
        let signed = usize::from(matches!(digits.get(end + 1), Some(b'-' | b'+')));
        let start = end + 1 + signed;
        if run(start) > start {
            end = run(start);
        }
    }
    let number = digits.get(..end).and_then(|number| std::str::from_utf8(number).ok());
    sign * number.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// The float behind a `0x`: digits, perhaps a point, perhaps `p` and a power of two.
fn parse_hex(text: &[u8]) -> Option<f64> {
    let mut value = 0.0_f64;
    let mut exponent = 0_i32;
    let mut digits = 0;
    let mut point = false;
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match (*byte as char).to_digit(16) {
            Some(digit) => {
                value = value.mul_add(16.0, f64::from(digit));
                exponent = exponent.saturating_sub(if point { 4 } else { 0 });
                digits += 1;
            }
            None if *byte == b'.' && !point => point = true,
            None => break,
        }
        rest = tail;
    }
    if let [b'p' | b'P', power @ ..] = rest {
        let len = power.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+')).count();
        let power = power.get(..len).and_then(|power| std::str::from_utf8(power).ok());
        exponent = exponent.saturating_add(power.and_then(|p| p.parse().ok()).unwrap_or(0));
    }
    // Zero stays zero whatever the power of two is; with an infinite one it would be no number.
    if value == 0.0 {
        return (digits > 0).then_some(0.0);
    }
    // In two steps, as 2^exponent alone may not be a float.
    let half = exponent / 2;
    (digits > 0).then(|| value * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half))
}

/// Writes a float to the end of `out`, without its length.
pub(super) fn write(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"inf");
    }
    if value == 0.0 {
        return out.push(b'0');
    }
    if let Some(count) = hundredths(value.abs()) {
        return write_hundredths(out, count);
    }
    write_digits(out, &shortest(value.abs()));
}

fn write_digits(out: &mut Vec<u8>, (digits, exponent): &(Digits, i32)) {
    let (digits, exponent) = (digits.as_slice(), *exponent);
    let count = digits.len() as i32;
    // `exponent` is where the point is, counted from before the first digit.
    if !(-3..=count).contains(&exponent) {
        out.extend(digits.first());
        if let Some(rest @ [_, ..]) = digits.get(1..) {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.push(b'e');
        write_int(out, exponent - 1);
    } else if exponent <= 0 {
        out.extend_from_slice(b"0.");
        out.extend((exponent..0).map(|_| b'0'));
        out.extend_from_slice(digits);
    } else {
        let (whole, part) = digits.split_at(exponent as usize);
        out.extend_from_slice(whole);
        if !part.is_empty() {
            out.push(b'.');
            out.extend_from_slice(part);
        }
    }
}

/// The digits of a float without zeros around them, at most 17, and where its point is.
#[derive(Default)]
struct Digits {
    bytes: [u8; 24],
    len: usize,
}

impl Digits {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// How many hundredths a number is, if it is a number of hundredths, as most are that people use.
///
/// Of two decimals with up to 15 digits, no two mean the same float. So what is found here, is the
/// shortest.
#[inline]
fn hundredths(value: f64) -> Option<u64> {
    if value >= 1e13 {
        return None;
    }
    let count = (value * 100.0 + 0.5) as i64;
    (count as f64 / 100.0 == value).then_some(count.unsigned_abs())
}

/// Writes so many hundredths, which are some, from the last digit on: without a search.
fn write_hundredths(out: &mut Vec<u8>, count: u64) {
    // Up to 16 bytes, the first of them lowest: in registers.
    let mut text = 0_u128;
    let mut len = 0;
    let mut put = |byte: u8| {
        text = text << 8 | u128::from(byte);
        len += 1;
    };
    let digit = |number: u64| b'0' + (number % 10) as u8;
    let (mut whole, part) = (count / 100, count % 100);
    if part > 0 {
        if !part.is_multiple_of(10) {
            put(digit(part));
        }
        put(digit(part / 10));
        put(b'.');
    } else if let Some(exponent @ 1..) = whole.checked_ilog10()
        && whole.is_multiple_of(10)
    {
        // Where zeros are at the end, Ruby says how many digits follow the first one.
        put(digit(exponent.into()));
        if exponent >= 10 {
            put(digit(u64::from(exponent) / 10));
        }
        put(b'e');
        while whole.is_multiple_of(10) {
            whole /= 10;
        }
        while whole >= 10 {
            put(digit(whole));
            whole /= 10;
            if whole < 10 {
                put(b'.');
            }
        }
    }
    loop {
        put(digit(whole));
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    let end = out.len() + len;
    out.extend_from_slice(&text.to_le_bytes());
    out.truncate(end);
}

/// The digits of any number.
fn shortest(value: f64) -> (Digits, i32) {
    digits(ryu::Buffer::new().format_finite(value).as_bytes())
}

/// Takes a text such as `12.5`, `0.001` or `1.25e-7` apart.
fn digits(text: &[u8]) -> (Digits, i32) {
    let mut found = Digits::default();
    let mut point = None;
    let mut zeros = 0;
    let mut exponent = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0' if found.len == 0 => zeros += 1,
            b'0'..=b'9' => {
                if let Some(slot) = found.bytes.get_mut(found.len) {
                    *slot = *byte;
                    found.len += 1;
                }
            }
            b'.' => point = Some(at as i32),
            _ => {
                let power = text.get(at + 1..).and_then(|power| std::str::from_utf8(power).ok());
                exponent = power.and_then(|power| power.parse().ok()).unwrap_or(0);
                point = point.or(Some(at as i32));
                break;
            }
        }
    }
    let point = point.unwrap_or(text.len() as i32);
    while found.as_slice().last() == Some(&b'0') {
        found.len -= 1;
    }
    (found, point - zeros + exponent)
}

/// Writes an exponent, which has three digits at most.
fn write_int(out: &mut Vec<u8>, value: i32) {
    if value < 0 {
        out.push(b'-');
    }
    let value = value.unsigned_abs();
    for unit in [100, 10, 1] {
        if value >= unit {
            out.push(b'0' + (value / unit % 10) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        write(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_as_ruby_does() {
        for (value, expected) in [
            (1.5, "1.5"),
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "1e2"),
            (120.0, "1.2e2"),
            (123.0, "123"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (0.00012, "0.00012"),
            (1e-5, "1e-5"),
            (1.25e-5, "1.25e-5"),
            (1e22, "1e22"),
            (1e16, "1e16"),
            (123456789012345680.0, "1.2345678901234568e17"),
            (1234567890123456.0, "1234567890123456"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
            (std::f64::consts::PI, "3.141592653589793"),
        ] {
            assert_eq!(text(value), expected);
            assert_eq!(parse(expected.as_bytes()).to_bits(), value.to_bits());
        }
    }

    #[test]
    fn hundredths_are_what_the_search_finds() {
        let mut found = 0;
        let mut check = |value: f64| {
            if let Some(count) = hundredths(value) {
                let (mut few, mut all) = (Vec::new(), Vec::new());
                write_hundredths(&mut few, count);
                write_digits(&mut all, &shortest(value));
                assert_eq!(few, all, "{value}");
                found += 1;
            }
        };
        // Each with its neighbours, at which a float of hundredths must not be found.
        for count in (1..100_000).chain((1..15).map(|power| 10_u64.pow(power) - 1)) {
            for scale in [1.0, 10.0, 100.0, 12_345.0] {
                let value = count as f64 / scale;
                check(value);
                check(value.next_up());
                check(value.next_down());
            }
        }
        for power in 0..64 {
            check(2.0_f64.powi(power));
            check(10.0_f64.powi(power));
        }
        check(1e13_f64.next_down());
        check(9_999_999_999_999.99);
        check(9_000_000_000_000.0);
        assert!(found > 300_000, "{found}");
        assert!(hundredths(1e13).is_none());
        assert!(hundredths(f64::MAX).is_none());
    }

    #[test]
    fn few_digits_are_what_std_finds() {
        let mut found = 0;
        let mut check = |text: &str| {
            if let Some(few) = few_digits(text.as_bytes()) {
                let all: f64 = text.parse().unwrap();
                assert_eq!(few.to_bits(), all.to_bits(), "{text}");
                found += 1;
            }
        };
        // Digits without a pattern, as many as there can be and more, with a point anywhere.
        let mut digits = 1_u64;
        for _ in 0..20_000 {
            digits = digits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let text = (digits >> (digits % 64)).to_string();
            check(&text);
            for at in 0..=text.len() {
                let (whole, part) = text.split_at(at);
                check(&format!("{whole}.{part}"));
                check(&format!("-{whole}.{part}"));
            }
        }
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.00",
            "000.125",
            "9007199254740992",
            "9007199254740993",
            ".5",
            "5.",
        ] {
            check(text);
        }
        assert!(found > 100_000, "{found}");
        for none in
            ["", "-", ".", "-.", "1.2.3", "1e5", "+1", "1 ", "--1", "1\0", "99999999999999999"]
        {
            assert_eq!(few_digits(none.as_bytes()), None, "{none:?}");
        }
    }

    #[test]
    fn reads_what_strtod_reads() {
        for (text, expected) in [
            ("1.50", 1.5),
            ("  2", 2.0),
            ("1.5\0\u{1}", 1.5),
            ("3.5abc", 3.5),
            ("1e", 1.0),
            ("1e+", 1.0),
            ("1e+2x", 100.0),
            (".5", 0.5),
            ("0x1p3", 8.0),
            ("-0x1.8p1", -3.0),
            // Found by fuzzing: this was no number.
            ("0x00P50000", 0.0),
            ("abc", 0.0),
            ("", 0.0),
            ("infinity", 0.0),
            ("0x", 0.0),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
    }
}
