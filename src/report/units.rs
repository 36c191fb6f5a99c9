//! Sizes, counts and shares as people read them.

/// Powers of 1000, as docker prints sizes, with the decimals that each is shown with.
const UNITS: [(&str, u128, usize); 5] = [
    ("kB", 1_000, 1),
    ("MB", 1_000_000, 1),
    ("GB", 1_000_000_000, 2),
    ("TB", 1_000_000_000_000, 2),
    ("PB", 1_000_000_000_000_000, 2),
];

/// Formats a size as `999 B`, `205.3 MB` or `1.87 GB`: rounded half up.
#[must_use]
pub fn bytes(n: u64) -> String {
    magnitude(u128::from(n))
}

fn magnitude(n: u128) -> String {
    if n < 1000 {
        return format!("{n} B");
    }
    let last = UNITS.len() - 1;
    for (i, (name, unit, decimals)) in UNITS.into_iter().enumerate() {
        let scale = if decimals == 1 { 10 } else { 100 };
        let rounded = (n * scale + unit / 2) / unit;
        // 999,960 bytes round to 1000.0 kB, which is 1.0 MB.
        if rounded < 1000 * scale || i == last {
            return format!("{}.{:0decimals$} {name}", rounded / scale, rounded % scale);
        }
    }
    format!("{n} B")
}

/// Formats the bytes that `after` saves of `before`; with a minus if it is larger.
#[must_use]
pub fn saved(before: u64, after: u64) -> String {
    let sign = if after > before { "-" } else { "" };
    format!("{sign}{}", bytes(before.abs_diff(after)))
}

/// Formats the change from `before` to `after`: `+1.0 kB`, `-1.0 kB`, `0 B`.
#[must_use]
pub fn change(before: u64, after: u64) -> String {
    let sign = match after.cmp(&before) {
        std::cmp::Ordering::Greater => "+",
        std::cmp::Ordering::Less => "-",
        std::cmp::Ordering::Equal => "",
    };
    format!("{sign}{}", bytes(before.abs_diff(after)))
}

/// Formats the change as a share of `before`: `+3.1%`; `-` if there was nothing.
#[must_use]
pub fn change_percent(before: u64, after: u64) -> String {
    match before {
        _ if before == after => "0.0%".to_owned(),
        0 => "-".to_owned(),
        _ => format!("{:+.1}%", -share(before, after)),
    }
}

/// Returns a part of a whole as `12.3%`; `-` if the whole is nothing.
#[must_use]
pub fn part(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1}%", part as f64 * 100.0 / whole as f64) }
}

/// Formats the share of `before` that `after` saves; `-` if there is nothing to save from.
#[must_use]
pub fn percent(before: u64, after: u64) -> String {
    if before == 0 { "-".to_owned() } else { format!("{:.1}%", share(before, after)) }
}

/// Returns this share as a number of percent; 0 if there is nothing to save from.
#[must_use]
pub fn share(before: u64, after: u64) -> f64 {
    if before == 0 {
        return 0.0;
    }
    (i128::from(before) - i128::from(after)) as f64 * 100.0 / before as f64
}

/// Formats a number with commas: `12,345`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Formats a number of files: `1 file`, `12,345 files`.
#[must_use]
pub fn files(n: u64) -> String {
    format!("{} file{}", count(n), if n == 1 { "" } else { "s" })
}

const SIZE_UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Reads a size: `700MB`, `1.2GB`, `500MiB` or plain bytes. Parts of a byte are cut off.
///
/// # Errors
/// Returns a sentence for anything else.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: give it as 700MB, 1.2GB, 500MiB or in bytes");
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..unit_at], text[unit_at..].trim_start().to_ascii_lowercase());
    if matches!(unit.as_str(), "k" | "m" | "g" | "t") {
        let unit = unit.to_ascii_uppercase();
        return Err(format!(
            "`{unit}` may mean two sizes: give {number}{unit}B (decimal) or {number}{unit}iB (binary)"
        ));
    }
    let factor = SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let fits = |digits: &str, max: usize| !digits.is_empty() && digits.len() <= max && !digits.contains('.');
    if !fits(whole, 20) || !fits(part, 9) || (factor == 1 && number.contains('.')) {
        return Err(wrong());
    }
    let parse = |digits: &str| digits.parse::<u128>().map_err(|_| wrong());
    let factor = u128::from(factor);
    // Both products are far below 2^128: 20 and 9 digits times 2^40.
    let bytes = parse(whole)? * factor + parse(part)? * factor / 10_u128.pow(part.len() as u32);
    u64::try_from(bytes).map_err(|_| format!("`{text}` is more than 2^64 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_and_round_into_the_next_unit() {
        for (n, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_049, "1.0 kB"),
            (1_050, "1.1 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (205_300_000, "205.3 MB"),
            (999_950_000, "1.00 GB"),
            (1_868_000_000, "1.87 GB"),
            (999_995_000_000, "1.00 TB"),
            (u64::MAX, "18446.74 PB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn savings_have_a_sign_and_a_share() {
        assert_eq!((saved(1000, 400), percent(1000, 400)), ("600 B".into(), "60.0%".into()));
        assert_eq!((saved(400, 1000), percent(400, 1000)), ("-600 B".into(), "-150.0%".into()));
        assert_eq!((saved(0, 0), percent(0, 0)), ("0 B".into(), "-".into()));
        assert_eq!(share(u64::MAX, 0), 100.0);
        assert_eq!([change(1, 1001), change(1001, 1), change(5, 5)], ["+1.0 kB", "-1.0 kB", "0 B"]);
        assert_eq!(
            [change_percent(1000, 1031), change_percent(1000, 400), change_percent(0, 1)],
            ["+3.1%", "-60.0%", "-"]
        );
    }

    #[test]
    fn counts_have_separators() {
        let counts = [0, 999, 1000, 12_345, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([files(0), files(1), files(2)], ["0 files", "1 file", "2 files"]);
    }
}
