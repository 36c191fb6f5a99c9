//! The checks `--max-size` and `--min-saving`, made once the output is written, or planned.

use super::job::Job;
use super::values::Saving;
use crate::report::{Report, Side, units};

/// Returns a sentence for each check that failed, with the difference. In a dry run sizes are those of the layers as plain tars.
#[must_use]
pub fn failed(job: &Job, report: &Report) -> Vec<String> {
    let (before, after) = match &report.output {
        Some(output) => (size(&report.input), size(output)),
        None => report.planned_bytes(),
    };
    let has = if report.dry_run { "would have" } else { "has" };
    let mut failed = Vec::new();
    if let Some(max) = job.max_size.filter(|max| after > *max) {
        let (over, after, max) = (amount(after - max), units::bytes(after), units::bytes(max));
        failed.push(format!("--max-size: the output {has} {after}, {over} more than {max}"));
    }
    match job.min_saving {
        Some(Saving::Bytes(min)) if i128::from(before) - i128::from(after) < i128::from(min) => {
            let short = i128::from(min) - (i128::from(before) - i128::from(after));
            let short = amount(u64::try_from(short).unwrap_or(u64::MAX));
            let (saved, min) = (units::saved(before, after), units::bytes(min));
            failed.push(format!("--min-saving: saved {saved}, {short} less than {min}"));
        }
        Some(Saving::Percent(min)) if units::share(before, after) < min => {
            let share = units::share(before, after);
            let (saved, of) = (units::saved(before, after), units::bytes(before));
            let short = min - share;
            // Two decimals could say that nothing is missing.
            let short = if short < 0.01 { "less than 0.01".to_owned() } else { format!("{short:.2}") };
            failed.push(format!("--min-saving: saved {share:.2}% ({saved} of {of}), {short} points short of {min}%"));
        }
        _ => {}
    }
    failed
}

/// Bytes of the archive; of a directory whose size is not known, its compressed blobs, or else its layers.
fn size(side: &Side) -> u64 {
    side.archive_bytes.or(side.pulled_bytes).unwrap_or(side.uncompressed_bytes)
}

/// A difference that may be small beside the sizes: with its exact bytes.
fn amount(bytes: u64) -> String {
    if bytes < 1000 { units::bytes(bytes) } else { format!("{} ({} bytes)", units::bytes(bytes), units::count(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &[&str], before: u64, after: Option<u64>) -> Vec<String> {
        use clap::FromArgMatches;
        let line = ["slim", "i", "-p", "none", "-o", "o"].iter().chain(options);
        let matches = super::super::args::command().try_get_matches_from(line).unwrap();
        let args = super::super::args::Args::from_arg_matches(&matches).unwrap();
        let side = |bytes| Side {
            path: "x".into(),
            form: crate::source::ImageFormat::OciDir,
            archive_bytes: Some(bytes),
            moved: None,
            uncompressed_bytes: 7,
            pulled_bytes: None,
            digest: None,
        };
        let report = Report {
            schema_version: crate::report::SCHEMA_VERSION,
            slim_version: String::new(),
            dry_run: after.is_none(),
            profiles: Vec::new(),
            picked: Vec::new(),
            layers_mode: "keep".into(),
            notes: Vec::new(),
            input: side(before),
            output: after.map(side),
            images: Vec::new(),
            warnings: Vec::new(),
            timings: Vec::new(),
        };
        failed(&Job::resolve(args, None).unwrap(), &report)
    }

    #[test]
    fn a_check_is_met_at_its_very_limit() {
        assert!(check(&["--max-size", "500"], 1_000, Some(500)).is_empty());
        assert!(check(&["--min-saving", "50%"], 1_000, Some(500)).is_empty());
        assert!(check(&["--min-saving", "500"], 1_000, Some(500)).is_empty());
        assert!(check(&["--min-saving", "0%"], 0, Some(0)).is_empty());
    }

    #[test]
    fn a_miss_says_by_how_much() {
        let size = check(&["--max-size", "1MB"], 0, Some(3_500_000));
        assert_eq!(size, ["--max-size: the output has 3.5 MB, 2.5 MB (2,500,000 bytes) more than 1.0 MB"]);
        let share = check(&["--min-saving", "5%"], 1_000, Some(968));
        assert_eq!(share, ["--min-saving: saved 3.20% (32 B of 1.0 kB), 1.80 points short of 5%"]);
        let bytes = check(&["--min-saving", "100"], 1_000, Some(1_200));
        assert_eq!(bytes, ["--min-saving: saved -200 B, 300 B less than 100 B"]);
        assert_eq!(check(&["--max-size", "1", "--min-saving", "99%"], 100, Some(50)).len(), 2);
        let narrow = check(&["--min-saving", "50%"], 1_000_000_000, Some(500_000_001));
        assert!(narrow[0].ends_with("less than 0.01 points short of 50%"), "{narrow:?}");
    }

    #[test]
    fn a_growth_never_meets_a_saving() {
        assert_eq!(check(&["--min-saving", "0%"], 100, Some(101)).len(), 1);
        assert_eq!(check(&["--min-saving", "1%"], 0, Some(0)).len(), 1);
        assert!(check(&["--max-size", "1"], 100, None).is_empty());
    }
}
