//! The files that `slim analyze` reads beside an image: budgets, and what an earlier analysis said.

use crate::analyze::budget::Settings;
use crate::analyze::growth::Baseline;
use crate::cli::args::AnalyzeArgs;
use crate::{Error, ErrorKind, Result};
use std::io;
use std::path::Path;

/// The file with a project's budgets.
const BUDGETS: &str = "slim.toml";

/// The budgets; none without `--ci`, or where there is no such file and none was named.
pub(super) fn settings(args: &AnalyzeArgs) -> Result<Settings> {
    if !args.ci {
        return Ok(Settings::default());
    }
    let path = args.budget.as_deref().unwrap_or(Path::new(BUDGETS));
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && args.budget.is_none() => Ok(Settings::default()),
        Err(e) => Err(Error::io("the budgets cannot be read", e).archive(&name)),
        Ok(text) => Ok(Settings::parse(&name, &text)?),
    }
}

/// The earlier analysis, where one is named.
pub(super) fn baseline(args: &AnalyzeArgs) -> Result<Option<Baseline>> {
    let Some(path) = &args.baseline else { return Ok(None) };
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|e| Error::io("the baseline cannot be read", e).archive(&name))?;
    let wrong = |what: String| {
        Error::new(ErrorKind::Usage, what).archive(&name).hint("make one with `slim analyze OLD --json FILE`")
    };
    Baseline::parse(&text).map(Some).map_err(wrong)
}
