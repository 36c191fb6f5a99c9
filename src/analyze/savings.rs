//! What a profile would save: the sizes of a whole plan, to the byte, without writing it.

use crate::plan::{LayerPlan, Plan};
use crate::report::RuleReport;
use serde::Serialize;

/// What one profile would save.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Saving {
    /// Its name.
    pub profile: String,
    /// What all layers would be as plain tars, in bytes.
    pub output_bytes: u64,
    /// How many bytes that is less; 0 where it would be more.
    pub saved_bytes: u64,
    /// What each rule would take, most first.
    pub rules: Vec<RuleReport>,
}

/// What is left of `tars`, the sizes of the layers' tars, after a plan; in bytes.
#[must_use]
pub fn output_bytes(plan: &Plan, tars: &[u64]) -> u64 {
    let size = |out: &LayerPlan| match out {
        LayerPlan::Verbatim(from) => tars[*from as usize],
        LayerPlan::Splice { size, .. } => *size,
    };
    plan.outputs.iter().map(size).sum()
}
