//! The risk of profiles that are used together.

use super::RuleReport;
use crate::profile::{Risk, builtins};

/// Returns the risk of profiles together, and what stops working; `rules` are those of the plan.
#[must_use]
pub fn risk(profiles: &[String], rules: &[RuleReport]) -> (Risk, Vec<String>) {
    let rules = || rules.iter().filter(|rule| rule.bytes > 0);
    let named = builtins().filter(|p| !p.costs.is_empty() && profiles.iter().any(|name| name == p.name));
    let mut costs: Vec<String> = named.map(|p| p.costs.to_owned()).collect();
    let highest = rules().map(|rule| rule.risk).max().unwrap_or(Risk::None);
    let risk = if costs.is_empty() { highest } else { Risk::OptIn };
    costs.extend(rules().map(|rule| rule.costs.clone()).filter(|costs| !costs.is_empty()));
    (risk, costs)
}
