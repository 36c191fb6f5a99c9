//! The values of options, from text. Each parser says what it takes when it is given something else.

use crate::Digest;
use crate::codec::Compression;
use crate::explain::{Sort, Verdict};
use crate::pipeline::{Base, Encoding, LayersMode};

impl clap::ValueEnum for LayersMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Keep, Self::Squash]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let help = match self {
            Self::Keep => "The same layers in order, each less what goes",
            Self::Squash => "One layer",
        };
        Some(clap::builder::PossibleValue::new(self.name()).help(help))
    }
}

impl clap::ValueEnum for Verdict {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

impl clap::ValueEnum for Sort {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Name, Self::Size]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(match self {
            Self::Name => clap::builder::PossibleValue::new("name"),
            Self::Size => clap::builder::PossibleValue::new("size").help("What takes most with it first"),
        })
    }
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `--referrer`: what is attached to an image in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Referrer {
    /// The report, as JSON
    Report,
    /// The provenance, as an in-toto statement
    Provenance,
}

/// The amount of output; each level adds to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// The report, notes, warnings, progress.
    Normal,
    /// `-v`: more of every list, and rules that matched nothing.
    Verbose,
    /// `-vv`: everything, uncut.
    All,
}

/// `--min-saving`: how much the output must save.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Saving {
    /// A share of the input, from 0 to 100.
    Percent(f64),
    /// Bytes.
    Bytes(u64),
}

pub use crate::report::units::parse as size;

/// A saving: `5%`, or a size.
///
/// # Errors
/// A sentence for anything else.
pub fn saving(text: &str) -> Result<Saving, String> {
    let Some(number) = text.strip_suffix('%') else {
        return size(text).map(Saving::Bytes).map_err(|e| format!("{e}, or as a share such as 5%"));
    };
    let plain = number.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    match number.parse::<f64>() {
        Ok(percent) if plain && percent <= 100.0 => Ok(Saving::Percent(percent)),
        _ => Err(format!("`{text}` is no share: expected 0% to 100%")),
    }
}

/// A compression: `none`, `gzip[:1-9]` or `zstd[:1-19]`.
///
/// # Errors
/// A sentence for anything else.
pub fn encoding(text: &str) -> Result<Encoding, String> {
    let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
    let (codec, highest) = match name {
        "none" => (Compression::None, 0),
        "gzip" => (Compression::Gzip, 9),
        "zstd" => (Compression::Zstd, 19),
        _ => {
            return Err(format!("`{name}` is no compression: expected none, gzip[:1-9] or zstd[:1-19]"));
        }
    };
    let Some(level) = level else { return Ok((codec, None)) };
    if highest == 0 {
        return Err("none has no level".to_owned());
    }
    match decimal(level) {
        Some(n) if (1..=highest).contains(&n) => Ok((codec, Some(n))),
        _ => Err(format!("`{level}` is no level of {name}: expected 1 to {highest}")),
    }
}

/// A base: a number of layers, or a diff id or chain id.
///
/// # Errors
/// A sentence for anything else.
pub fn base(text: &str) -> Result<Base, String> {
    if text.contains(':') {
        let digest = Digest::parse(text).map(Base::Digest);
        return digest.ok_or_else(|| format!("`{text}` is no digest: expected sha256: and 64 lower-case hex digits"));
    }
    let count = decimal(text).and_then(|n| usize::try_from(n).ok()).map(Base::Count);
    count.ok_or_else(|| format!("`{text}` is no base: expected a number of layers, or sha256: and 64 hex digits"))
}

/// A label: `KEY=VALUE`; the value may be empty and hold more `=`.
///
/// # Errors
/// A sentence for anything else.
pub fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is no label: expected KEY=VALUE")),
    }
}

/// The most threads that may be asked for: far more than help, far fewer than a process may have.
pub const MAX_THREADS: u32 = 1024;

/// A command that a person typed, as words: blanks split, but within quotes and after a backslash. No shell ever sees it, so
/// nothing else means anything.
///
/// # Errors
/// A sentence where a quote has no end, or there is no word.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => out.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote in the command has no end".to_owned());
    }
    out.extend(word);
    if out.first().is_none_or(String::is_empty) {
        return Err("a command begins with the name of a program".to_owned());
    }
    Ok(out)
}

/// A number of threads.
///
/// # Errors
/// A sentence for anything else.
pub fn threads(text: &str) -> Result<usize, String> {
    let count = decimal(text).filter(|n| (1..=MAX_THREADS).contains(n)).and_then(|n| usize::try_from(n).ok());
    count.ok_or_else(|| format!("`{text}` is no number of threads: expected 1 to {MAX_THREADS}"))
}

/// The last second of the year 9999: RFC 3339 has no later time.
const LAST_SECOND: i64 = 253_402_300_799;

/// SOURCE_DATE_EPOCH: seconds since 1970.
/// Source: <https://reproducible-builds.org/specs/source-date-epoch/>.
///
/// # Errors
/// A sentence for anything else.
pub fn epoch(text: &str) -> Result<i64, String> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(seconds) if digits && seconds <= LAST_SECOND => Ok(seconds),
        _ => Err(format!("SOURCE_DATE_EPOCH is `{text}`: expected seconds since 1970, from 0 to {LAST_SECOND}")),
    }
}

/// Digits alone: no sign, no blanks.
fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_a_shell_does() {
        let split = |text| words(text).unwrap();
        assert_eq!(split("docker run --rm  -i x python3"), ["docker", "run", "--rm", "-i", "x", "python3"]);
        assert_eq!(split(r#" a 'b c' "d \" e" f\ g '' h'i'j "#), ["a", "b c", "d \" e", "f g", "", "hij"]);
        for bad in ["", "  ", "a 'b", "''"] {
            assert!(words(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("123456", 123_456),
            ("700MB", 700_000_000),
            ("700 mb", 700_000_000),
            ("1.2GB", 1_200_000_000),
            ("1.25kB", 1_250),
            ("1.0001kB", 1_000),
            ("500MiB", 500 << 20),
            ("0.5GiB", 1 << 29),
            ("10B", 10),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        let wrong =
            ["", "MB", "-1", "+1", ".5GB", "5.GB", "1.2.3GB", "1.5", "1.5B", "1e3", "5XB", "5MBs", "5 5", "1,5GB"];
        for text in wrong {
            assert!(size(text).unwrap_err().contains("is no size"), "{text}");
        }
        for text in ["18446744073709551616", "99999999TB"] {
            assert!(size(text).unwrap_err().contains("2^64"), "{text}");
        }
        assert_eq!(size("700m"), Err("`M` may mean two sizes: give 700MB (decimal) or 700MiB (binary)".into()));
    }

    #[test]
    fn savings() {
        assert_eq!(saving("5%"), Ok(Saving::Percent(5.0)));
        assert_eq!(saving("12.5%"), Ok(Saving::Percent(12.5)));
        assert_eq!(saving("100%"), Ok(Saving::Percent(100.0)));
        assert_eq!(saving("20MB"), Ok(Saving::Bytes(20_000_000)));
        for text in ["", "%", "101%", "-1%", "+5%", "nan%", "inf%", "1e1%", "5 %", "five"] {
            assert!(saving(text).is_err(), "{text}");
        }
    }

    #[test]
    fn encodings() {
        assert_eq!(encoding("none"), Ok((Compression::None, None)));
        assert_eq!(encoding("gzip"), Ok((Compression::Gzip, None)));
        assert_eq!(encoding("gzip:9"), Ok((Compression::Gzip, Some(9))));
        assert_eq!(encoding("zstd:19"), Ok((Compression::Zstd, Some(19))));
        for text in ["", "gz", "GZIP", "none:1", "none:", "gzip:", "gzip:0", "gzip:10", "zstd:20", "zstd:-1", "zstd:+1"]
        {
            assert!(encoding(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bases() {
        let digest = Digest::of(b"");
        assert_eq!(base("3"), Ok(Base::Count(3)));
        assert_eq!(base(&digest.to_string()), Ok(Base::Digest(digest)));
        for text in ["", "-1", "+1", "x", "sha256:", "sha256:00", "sha512:00", "99999999999", &digest.hex()] {
            assert!(base(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_threads_and_epochs() {
        assert_eq!(label("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(label("a="), Ok(("a".into(), String::new())));
        assert!(label("a").is_err() && label("=a").is_err());
        assert_eq!((threads("1"), threads("1024")), (Ok(1), Ok(1024)));
        assert!(["0", "", "-1", "1025", "two"].into_iter().all(|t| threads(t).is_err()));
        assert_eq!((epoch("0"), epoch("1700000000")), (Ok(0), Ok(1_700_000_000)));
        assert!(["", "-1", "+1", "1.5", "253402300800", "now"].into_iter().all(|t| epoch(t).is_err()));
    }
}
