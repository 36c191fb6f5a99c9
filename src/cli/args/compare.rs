//! The options of `slim compare`.

use clap::builder::NonEmptyStringValueParser;

use super::image::{ImageArgs, OutputArgs};
use super::trial::TrialArgs;
use crate::cli::values;
use crate::pipeline::{Base, LayersMode};

/// `slim compare`: tries several profiles on one image.
#[derive(clap::Args, Debug)]
pub struct CompareArgs {
    /// The image.
    #[command(flatten)]
    pub image: ImageArgs,

    /// A column: built-in profiles or paths of .toml files, with commas between those that add up (repeatable)
    #[arg(short = 'p', long = "profile", value_name = "PROFILES", required = true, value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub profiles: Vec<String>,

    /// Make a column for each value of a rule's key, such as strip.level=debug,all (repeatable)
    #[arg(long, value_name = "RULE.KEY=VALUES", value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub vary: Vec<String>,

    /// Turn on rules that are off by default
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub enable: Vec<String>,

    /// The command that runs the image's own Python, for rules that compile bytecode; slim adds its arguments
    #[arg(long, value_name = "COMMAND", value_parser = values::words, help_heading = "Rules")]
    pub run_with: Option<std::vec::Vec<String>>,

    /// Keep the layers, or squash them into one
    #[arg(long, value_name = "MODE", value_enum, default_value_t = LayersMode::Keep, help_heading = "Rules")]
    pub layers: LayersMode,

    /// Keep the lowest layers byte for byte, up to this one: a number of layers, or a diff_id or chain id
    #[arg(long, value_name = "N|DIGEST", value_parser = values::base, help_heading = "Rules")]
    pub base: Option<Base>,

    /// Do not compress the layers to measure what a pull would move
    #[arg(long, help_heading = "Measuring")]
    pub no_compress: bool,

    /// The bandwidth of a pull, in bits per second
    #[arg(long, value_name = "BITS", default_value = "100Mbit", value_parser = bandwidth, help_heading = "Measuring")]
    pub bandwidth: u64,

    /// The commands and sweeps to run.
    #[command(flatten)]
    pub trial: TrialArgs,

    /// Where the comparison goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Bits per second: `100Mbit`, `1Gbit`, `56kbit`, with or without `/s`.
fn bandwidth(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no bandwidth: give it as 100Mbit, 1Gbit or in bits per second");
    let rest = text.strip_suffix("/s").unwrap_or(text);
    let at = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let factor = match rest[at..].trim_start().to_ascii_lowercase().as_str() {
        "" | "bit" => 1,
        "kbit" => 1_000,
        "mbit" => 1_000_000,
        "gbit" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let bits: u64 = rest[..at].parse().map_err(|_| wrong())?;
    bits.checked_mul(factor).filter(|bits| *bits > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bandwidths() {
        for (text, bits) in [("100Mbit", 100_000_000), ("1 Gbit/s", 1_000_000_000), ("56kbit", 56_000), ("9", 9)] {
            assert_eq!(bandwidth(text), Ok(bits), "{text}");
        }
        for text in ["", "0", "Mbit", "100MB", "1.5Gbit", "-1", "99999999999Gbit"] {
            assert!(bandwidth(text).is_err(), "{text}");
        }
    }
}
