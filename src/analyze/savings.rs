//! The savings of a profile: the sizes of a whole plan, to the byte, without writing it.

use crate::plan::{LayerPlan, Plan};
use crate::profile::Risk;
use crate::report::RuleReport;
use serde::Serialize;

/// The savings of one profile.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Saving {
    /// The profile's name.
    pub profile: String,
    /// The highest risk of the rules that would take anything; opt-in if the profile is for those who choose it by name.
    pub risk: Risk,
    /// What stops working, each in half a sentence.
    pub costs: Vec<String>,
    /// The size of all layers as plain tars after the profile, in bytes.
    pub output_bytes: u64,
    /// The number of bytes saved; 0 if the image would grow.
    pub saved_bytes: u64,
    /// The bytes that each rule would take, most first.
    pub rules: Vec<RuleReport>,
}

/// Returns the size of all layers' tars after a plan, in bytes; `tars` are their sizes before.
#[must_use]
pub fn output_bytes(plan: &Plan, tars: &[u64]) -> u64 {
    let size = |out: &LayerPlan| match out {
        LayerPlan::Verbatim(from) => tars[*from as usize],
        LayerPlan::Splice { size, .. } => *size,
    };
    plan.outputs.iter().map(size).sum()
}
