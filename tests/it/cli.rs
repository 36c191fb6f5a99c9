//! The command line's contract: exit codes, pipes, refusals, and outputs that depend on nothing but input and options.

mod options;
mod output;

use crate::archives::small;
use crate::builder::{Archive, Comp, Form};
use crate::run::Dir;

/// A directory with `in.tar`, an OCI archive of gzip layers.
pub fn dir() -> Dir {
    let dir = Dir::new();
    Archive::new(small().comp(Comp::Gzip), Form::OciTar).write(dir.path());
    dir
}

pub const RUN: [&str; 5] = ["in.tar", "-p", "shadowed.toml", "-o", "out.tar"];

pub fn with(more: &[&'static str]) -> Vec<&'static str> {
    RUN.iter().chain(more).copied().collect()
}
