//! The rules of `.dive-ci`, with dive 0.13.1's keys, defaults, comparisons and ways to read numbers.
//!
//! | key | default | fails where |
//! |---|---|---|
//! | `lowestEfficiency` | `0.9` | the efficiency is less |
//! | `highestWastedBytes` | `disabled` | more bytes are wasted; sizes such as `20MB` (powers of 1000) or `20MiB` (of 1024) |
//! | `highestUserWastedPercent` | `0.1` | the wasted share of the layers above the lowest is more (0.1 is 10%) |
//!
//! `disabled` turns a rule off. A value that cannot be read fails the whole gate, and then nothing is compared. Options on the
//! command line come before values in the file, and those before the defaults.

use super::dive::Metric;
use super::yaml::{Document, Found};
use crate::profile::nearest;
use serde::Serialize;
use std::borrow::Cow;

/// The keys, as they are sorted in tables.
pub const KEYS: [&str; 3] = ["highestUserWastedPercent", "highestWastedBytes", "lowestEfficiency"];
const DEFAULTS: [&str; 3] = ["0.1", "disabled", "0.9"];
/// The key that contains the rules.
const RULES: &str = "rules";
/// The value that turns a rule off.
const DISABLED: &str = "disabled";

/// The value of each rule, in the order of [`KEYS`], not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings([String; 3]);

impl Default for Settings {
    fn default() -> Self {
        Self(DEFAULTS.map(str::to_owned))
    }
}

impl Settings {
    /// Reads a `.dive-ci` file; the defaults stand for the keys that it lacks.
    ///
    /// # Errors
    /// Returns a sentence if the text is no YAML mapping.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = Document::parse(text)?;
        let mut out = Self::default();
        for (value, key) in out.0.iter_mut().zip(KEYS) {
            if let Found::Text(text) = document.get(RULES, key) {
                *value = text;
            }
        }
        Ok(out)
    }

    /// Returns the keys of a `.dive-ci` file that dive ignores silently although they are probably meant as rules, each with
    /// the likely rule.
    ///
    /// # Errors
    /// Returns the errors of [`Self::parse`].
    pub fn unknown(text: &str) -> Result<Vec<(String, Option<String>)>, String> {
        let is_rule = |key: &String| KEYS.iter().any(|known| known.eq_ignore_ascii_case(key));
        let [own, mut inner] = Document::parse(text)?.keys(RULES);
        inner.retain(|key| !is_rule(key));
        let inner = inner.into_iter().map(|key| (key.clone(), nearest(&key, &KEYS).map(str::to_owned)));
        // A rule outside of `rules`, or `rules` itself misspelt.
        let meant = |key: &String| {
            let rule = nearest(key, &KEYS).map(|rule| format!("{RULES}.{rule}"));
            if key.eq_ignore_ascii_case(RULES) {
                None
            } else {
                rule.or_else(|| nearest(key, &[RULES]).map(str::to_owned))
            }
        };
        let own = own.into_iter().filter_map(|key| meant(&key).map(|meant| (key, Some(meant))));
        Ok(inner.chain(own).collect())
    }

    /// Replaces some values, in the order of [`KEYS`].
    #[must_use]
    pub fn with(mut self, values: [Option<String>; 3]) -> Self {
        for (value, new) in self.0.iter_mut().zip(values) {
            *value = new.unwrap_or(std::mem::take(value));
        }
        self
    }
}

/// The result of checking a rule.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It is disabled.
    Skip,
    /// The value cannot be read.
    Misconfigured,
    /// The value can be read, but another rule's cannot.
    Unchecked,
}

/// A rule, checked.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The key; for budgets with `budget.` before it.
    pub rule: Cow<'static, str>,
    /// The result.
    pub status: Status,
    /// The value as given.
    pub threshold: String,
    /// The image's number; or the mistake in the value.
    pub found: String,
    /// The image's number in words, if there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Checked {
    /// True if the rule was checked and does not hold, or cannot be read.
    #[must_use]
    pub const fn fails(&self) -> bool {
        matches!(self.status, Status::Fail | Status::Misconfigured)
    }

    /// Returns the image's number as people read it: in words, or with four digits after the point.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        let rounded = || {
            let number: f64 = self.found.parse().ok()?;
            (number.fract() != 0.0).then(|| format!("{number:.4}"))
        };
        let found = || rounded().map_or(Cow::Borrowed(self.found.as_str()), Cow::Owned);
        self.detail.as_deref().map_or_else(found, Cow::Borrowed)
    }
}

/// All rules, checked.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// True if no rule fails.
    pub pass: bool,
    /// The rules, in the order of [`KEYS`], and the budgets after them.
    pub rules: Vec<Checked>,
}

impl Verdict {
    /// Adds rules.
    #[must_use]
    pub fn and(mut self, more: Vec<Checked>) -> Self {
        self.pass &= more.iter().all(|r| matches!(r.status, Status::Pass | Status::Skip));
        self.rules.extend(more);
        self
    }
}

/// A value that could be read.
enum Limit {
    Disabled,
    Share(f64),
    Bytes(u64),
}

/// Checks the rules.
#[must_use]
pub fn check(settings: &Settings, metric: &Metric) -> Verdict {
    let limits: Vec<Result<Limit, String>> =
        KEYS.iter().zip(&settings.0).map(|(key, value)| limit(key, value)).collect();
    let readable = limits.iter().all(Result::is_ok);
    let rules = KEYS.into_iter().zip(limits).zip(&settings.0);
    let rules: Vec<Checked> = rules
        .map(|((rule, limit), value)| {
            let (status, found) = match limit {
                Err(why) => (Status::Misconfigured, why),
                Ok(Limit::Disabled) => (Status::Skip, String::new()),
                Ok(_) if !readable => (Status::Unchecked, String::new()),
                Ok(limit) => compare(rule, &limit, metric),
            };
            Checked { rule: Cow::Borrowed(rule), status, threshold: value.clone(), found, detail: None }
        })
        .collect();
    let pass = rules.iter().all(|r| matches!(r.status, Status::Pass | Status::Skip));
    Verdict { pass: pass && readable, rules }
}

fn compare(rule: &str, limit: &Limit, metric: &Metric) -> (Status, String) {
    // With a value that is no number (nothing above the lowest layer, `NaN` as a threshold) no comparison is true, and so no
    // rule fails.
    let (failed, found) = match *limit {
        Limit::Bytes(most) => (metric.wasted_bytes > most, metric.wasted_bytes.to_string()),
        Limit::Share(least) if rule == KEYS[2] => (least > metric.efficiency, metric.efficiency.to_string()),
        Limit::Share(most) => (most < metric.user_wasted, metric.user_wasted.to_string()),
        Limit::Disabled => (false, String::new()),
    };
    (if failed { Status::Fail } else { Status::Pass }, found)
}

fn limit(rule: &str, value: &str) -> Result<Limit, String> {
    if value == DISABLED {
        return Ok(Limit::Disabled);
    }
    if rule == KEYS[1] {
        return bytes(value).map(Limit::Bytes);
    }
    let share = float(value).ok_or_else(|| format!("`{value}` is no number"))?;
    // dive accepts NaN as in range: no comparison with it is true.
    if !share.is_nan() && !(0.0..=1.0).contains(&share) {
        return Err(format!("`{value}` is not from 0 to 1"));
    }
    Ok(Limit::Share(share))
}

/// Reads a number as Go's `strconv.ParseFloat` does, except for hexadecimal ones.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let spelled = unsigned.starts_with(|c: char| c.is_ascii_alphabetic());
    if unsigned.eq_ignore_ascii_case("nan") && unsigned != text {
        return None;
    }
    // An underscore may stand between two digits.
    let bytes = unsigned.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let placed = |(at, _): (usize, &u8)| digit(at.checked_sub(1)) && digit(Some(at + 1));
    if !bytes.iter().enumerate().filter(|(_, c)| **c == b'_').all(placed) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    // A number in digits that is too large is an error, not infinity.
    (spelled || number.is_finite()).then_some(number)
}

/// Reads a size as go-humanize's `ParseBytes` does: digits with points and commas, which are ignored, and a unit.
fn bytes(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = float(&number.replace(',', "")).ok_or_else(|| format!("`{text}` is no size"))?;
    let unit = unit.trim().to_lowercase();
    let (prefix, base) = match unit.strip_suffix('b').unwrap_or(&unit) {
        prefix if prefix.ends_with('i') => (&prefix[..prefix.len() - 1], 1024_f64),
        prefix => (prefix, 1000_f64),
    };
    let power = match prefix {
        "" if base == 1000.0 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return Err(format!("`{unit}` is no unit of size")),
    };
    let size = number * base.powi(power);
    if size >= u64::MAX as f64 { Err(format!("`{text}` is too large")) } else { Ok(size as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_no_rules_are_known() {
        for (text, expected) in [
            (
                "rules:\n  lowestEfficency: 0.9\n  highestwastedbytes: 1\n",
                &[("lowestEfficency", Some("lowestEfficiency"))][..],
            ),
            ("rules: {x: 1}\nother: 1\nRULES.y: 2\n", &[("x", None), ("y", None)]),
            ("lowestEfficiency: 1\n", &[("lowestEfficiency", Some("rules.lowestEfficiency"))]),
            ("rule:\n  lowestEfficiency: 1\n", &[("rule", Some("rules"))]),
            ("Rules: {}\n", &[]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(key, near)| ((*key).to_owned(), near.map(str::to_owned))).collect();
            assert_eq!(Settings::unknown(text).unwrap(), expected, "{text}");
        }
        assert_eq!(Settings::unknown(""), Ok(Vec::new()));
    }

    #[test]
    fn numbers_are_read_as_dive_reads_them() {
        for (text, value) in [("0.9_5", 0.95), ("1e-1", 0.1), (".5", 0.5), ("+0.5", 0.5), ("1_0", 10.0)] {
            assert_eq!(float(text), Some(value), "{text}");
        }
        assert!(float("NaN").unwrap().is_nan());
        assert_eq!(float("-Infinity"), Some(f64::NEG_INFINITY));
        for text in ["", " 0.5", "0.5x", "0b1", "0x10", "1e400", "+nan", "_1", "1_", "1__0", "disabled", "0,5", "."] {
            assert_eq!(float(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_dive_reads_them() {
        for (text, size) in [
            ("20Mb", 20_000_000),
            ("20 MB", 20_000_000),
            ("1,000", 1000),
            ("1,0.5kb", 10_500),
            ("5", 5),
            ("10.5KiB", 10_752),
            (".5k", 500),
            ("5  gib ", 5 << 30),
            ("5e", 5_000_000_000_000_000_000),
            ("1ki", 1024),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in
            ["5x", "", "1e3", "-1", "18446744073709551615", "20eb", " 5", "1_0", "٣MB", "1.2.3", "5ib", "5i", "5bb"]
        {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_gate_fails_by_strict_comparisons_or_by_a_value_that_cannot_be_read() {
        let metric = Metric {
            layer_bytes: vec![10, 10],
            efficiency: 0.9,
            wasted_bytes: 1000,
            user_wasted: 0.1,
            inefficient: Vec::new(),
        };
        let statuses = |values: [&str; 3]| {
            let verdict = check(&Settings::default().with(values.map(|v| Some(v.to_owned()))), &metric);
            (verdict.pass, verdict.rules.into_iter().map(|r| r.status).collect::<Vec<_>>())
        };
        use Status::{Fail, Misconfigured, Pass, Skip, Unchecked};
        assert_eq!(statuses(["0.1", "1kB", "0.9"]), (true, vec![Pass, Pass, Pass]));
        assert_eq!(statuses(["0.09", "999", "0.91"]), (false, vec![Fail, Fail, Fail]));
        assert_eq!(statuses(["disabled", "disabled", "disabled"]), (true, vec![Skip, Skip, Skip]));
        assert_eq!(statuses(["0.1", "Disabled", "0.9"]), (false, vec![Unchecked, Misconfigured, Unchecked]));
        assert_eq!(statuses(["1.1", "disabled", "NaN"]), (false, vec![Misconfigured, Skip, Unchecked]));
        let nothing_above = Metric { user_wasted: f64::NAN, ..metric };
        assert!(check(&Settings::default(), &nothing_above).pass);
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let file = Settings::parse("rules:\n  lowestEfficiency: 0.5\n  highestWastedBytes: 1kB\n").unwrap();
        assert_eq!(file.0, ["0.1", "1kB", "0.5"]);
        assert_eq!(file.with([None, None, Some("0.7".into())]).0, ["0.1", "1kB", "0.7"]);
        assert!(Settings::parse("[").is_err());
    }
}
