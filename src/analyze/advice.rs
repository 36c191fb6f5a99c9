//! The steps to a size: what of the built-in profiles, and which opt-in rules, bring an image below a target; the cheapest risk
//! first, and each with what it costs.

use super::breakdown::Share;
use crate::profile::Risk;
use crate::report::units;
use serde::Serialize;
use std::borrow::Cow;
use std::cmp::Reverse;

/// The steps that bring an image to a size, or as near to it as they get.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// The size that is wanted: all layers as plain tars, in bytes.
    pub target_bytes: u64,
    /// The size of the image, likewise.
    pub before_bytes: u64,
    /// The size after all steps, likewise.
    pub after_bytes: u64,
    /// True if that is no more than the target.
    pub met: bool,
    /// The steps, in the order in which they should be considered.
    pub steps: Vec<Step>,
    /// The profiles that do all steps.
    pub profiles: Vec<String>,
    /// The opt-in rules to enable in them.
    pub enable: Vec<String>,
    /// The packages with most bytes in the image after all steps; empty if the target is met.
    pub holds: Vec<Share>,
}

/// One step.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What to choose: profiles, or the id of an opt-in rule.
    pub name: String,
    /// The risk.
    pub risk: Risk,
    /// The bytes of tar that it takes, after the steps before it.
    pub bytes: u64,
    /// The size of the image after this step, in bytes.
    pub left_bytes: u64,
    /// What stops working, in half a sentence; empty if nothing does.
    pub costs: String,
}

/// A size that somebody wants an image to have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At most this number of bytes.
    Bytes(u64),
    /// This percentage less than now.
    Less(f64),
}

impl Target {
    /// Reads `600MB`, or `-60%` for 60% less.
    ///
    /// # Errors
    /// Returns a sentence if the text is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(share) = text.strip_suffix('%') else {
            return units::parse(text).map(Self::Bytes).map_err(|e| format!("{e}, or as a share such as -60%"));
        };
        let less = share.strip_prefix('-').and_then(|number| number.parse::<f64>().ok());
        let less = less.filter(|less| (0.0..=100.0).contains(less));
        less.map(Self::Less)
            .ok_or_else(|| format!("`{text}` is no share: write -60% for 60% less, or a size such as 600MB"))
    }

    /// Returns the target in bytes for an image of this size.
    #[must_use]
    pub fn bytes(self, whole: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Less(less) => (whole as f64 * (100.0 - less) / 100.0) as u64,
        }
    }
}

impl Advice {
    /// Returns the command line that does all steps.
    #[must_use]
    pub fn command(&self, input: &str) -> String {
        let profiles: Vec<Cow<'_, str>> = self.profiles.iter().map(|name| input_of(name)).collect();
        let mut out = format!("slim {} -p {}", input_of(input), profiles.join(","));
        if !self.enable.is_empty() {
            out.push_str(&format!(" --enable {}", self.enable.join(",")));
        }
        out.push_str(" -o OUT");
        out
    }

    /// Returns a sentence: whether the target is met, and how near the steps get.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (after, target) = (units::bytes(self.after_bytes), units::bytes(self.target_bytes));
        let saved = units::part(self.before_bytes.saturating_sub(self.after_bytes), self.before_bytes);
        if self.steps.is_empty() && self.met {
            return format!("the image has {after} as it is, which is within {target}");
        }
        if self.met {
            return format!("{target} can be reached: this leaves {after} ({saved} less)");
        }
        let over = units::bytes(self.after_bytes.saturating_sub(self.target_bytes));
        format!("{target} cannot be reached: all steps together leave {after} ({saved} less), which is {over} too much")
    }
}

/// Returns an argument as a shell takes it.
pub(super) fn input_of(input: &str) -> Cow<'_, str> {
    shlex::try_quote(input).unwrap_or(Cow::Borrowed(input))
}

/// Something that may be chosen beyond the first steps, and what it takes if everything is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The profile, if it is one that is chosen by name; or the id of an opt-in rule.
    pub name: String,
    /// True if it is a profile.
    pub is_profile: bool,
    /// The profile that has to be chosen with it, if it is a rule of one that is chosen by name.
    pub within: Option<String>,
    /// The bytes that it takes.
    pub bytes: u64,
    /// What stops working.
    pub costs: String,
}

/// Chooses as few offers as take at least `wanted` bytes together; of as many, those that take least. A rule of a profile that is
/// chosen by name comes with that profile.
#[must_use]
pub fn choose(offers: &[Offer], wanted: u64) -> Vec<Offer> {
    let mut sorted: Vec<&Offer> = offers.iter().filter(|offer| offer.bytes > 0).collect();
    sorted.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let mut chosen: Vec<&Offer> = Vec::new();
    let sum = |chosen: &[&Offer]| chosen.iter().map(|offer| offer.bytes).sum::<u64>();
    for offer in sorted.iter().copied() {
        if sum(&chosen) >= wanted {
            break;
        }
        if chosen.iter().any(|known| known.name == offer.name) {
            continue;
        }
        let within = offer.within.as_ref().and_then(|name| offers.iter().find(|o| o.is_profile && o.name == *name));
        if let Some(within) = within.filter(|within| !chosen.iter().any(|known| known.name == within.name)) {
            chosen.push(within);
        }
        chosen.push(offer);
    }
    let needed = |chosen: &[&Offer], name: &str| chosen.iter().any(|offer| offer.within.as_deref() == Some(name));
    for index in (0..chosen.len()).rev() {
        if !needed(&chosen, &chosen[index].name) && sum(&chosen) - chosen[index].bytes >= wanted {
            chosen.remove(index);
        }
    }
    // What was chosen for its size may take far more than is missing.
    for index in 0..chosen.len() {
        let rest = sum(&chosen) - chosen[index].bytes;
        let free = |offer: &&&Offer| offer.within.is_none() && !chosen.iter().any(|known| known.name == offer.name);
        let enough = sorted.iter().rev().filter(free).find(|offer| rest + offer.bytes >= wanted);
        if let Some(less) =
            enough.filter(|less| less.bytes < chosen[index].bytes && !needed(&chosen, &chosen[index].name))
        {
            chosen[index] = less;
        }
    }
    chosen.sort_by_key(|offer| Reverse(offer.bytes));
    chosen.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(name: &str, bytes: u64, within: Option<&str>) -> Offer {
        let is_profile = name.starts_with("no-");
        Offer { name: name.into(), is_profile, within: within.map(str::to_owned), bytes, costs: String::new() }
    }

    fn chosen(wanted: u64) -> Vec<String> {
        let offers = [
            offer("stubs", 5, None),
            offer("bytecode", 140, None),
            offer("no-build-tools", 180, None),
            offer("uv", 30, Some("no-build-tools")),
            offer("nothing", 0, None),
        ];
        choose(&offers, wanted).into_iter().map(|offer| offer.name).collect()
    }

    #[test]
    fn the_fewest_offers_are_chosen() {
        assert_eq!(chosen(0), Vec::<String>::new());
        assert_eq!(chosen(1), ["stubs"]);
        assert_eq!(chosen(100), ["bytecode"]);
        assert_eq!(chosen(180), ["no-build-tools"]);
        assert_eq!(chosen(185), ["no-build-tools", "stubs"]);
        assert_eq!(chosen(325), ["no-build-tools", "bytecode", "stubs"]);
        assert_eq!(chosen(1000), ["no-build-tools", "bytecode", "uv", "stubs"]);
    }

    #[test]
    fn a_rule_brings_the_profile_that_it_is_in() {
        let offers =
            [offer("uv", 30, Some("no-build-tools")), offer("no-build-tools", 2, None), offer("stubs", 1, None)];
        let names =
            |offers: &[Offer]| -> Vec<String> { choose(offers, 20).into_iter().map(|offer| offer.name).collect() };
        assert_eq!(names(&offers), ["uv", "no-build-tools"]);
        // Also one that takes nothing by itself: without it the rule is not known.
        let offers = [offer("uv", 30, Some("no-build-tools")), offer("no-build-tools", 0, None)];
        assert_eq!(names(&offers), ["uv", "no-build-tools"]);
    }

    #[test]
    fn targets_are_sizes_or_shares() {
        assert_eq!(Target::parse("600MB"), Ok(Target::Bytes(600_000_000)));
        assert_eq!(Target::parse("-60%").unwrap().bytes(1000), 400);
        assert_eq!(Target::parse("-0%").unwrap().bytes(1000), 1000);
        for wrong in ["60%", "-101%", "-%", "x", "-x%", "%"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
