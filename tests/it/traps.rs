//! Every line of the list of traps, by its sections. Each test goes through all modes (keep, squash, `--base` at every height,
//! with and without the rule `shadowed`) and several layouts, unless its comment says otherwise; see [`crate::case`].

mod drops;
mod hardlinks;
mod images;
mod layouts;
mod metadata;
mod names;
mod sparse;
mod types;
mod whiteouts;
