//! Secrets in the config: in the environment, and in the instructions of the history. No value is ever shown.

use super::look::Look;
use crate::secrets::{Word, secret, words};
use bstr::BString;
use std::collections::BTreeSet;

const SECRET: &str = "secret";

pub(super) fn look(look: &mut Look<'_>) {
    let facts = look.request.plan.facts;
    let severity = look.rules().in_config;
    let mut known = BTreeSet::new();
    for (name, value) in &facts.env {
        if let Some(what) = secret(name, value)
            && known.insert(name.clone())
        {
            let message = format!("the environment has {what} in {name}, for everybody who can pull");
            look.add(SECRET, severity, BString::default(), None, name, message);
        }
    }
    let mut layer = 0;
    for entry in &facts.history {
        layer += usize::from(!entry.empty_layer);
        for Word { name, what, .. } in words(entry.created_by.raw()) {
            if known.insert(name.to_owned()) {
                let place = (!entry.empty_layer && layer <= look.request.plan.layers.len()).then_some(layer);
                let message = format!("the history has {what} in {name}, for everybody who can pull");
                look.add(SECRET, severity, BString::default(), place, name, message);
            }
        }
    }
}
