//! Lint as `slim analyze` does it: its rules, what it needs of the scan, and a plan's request without rules of a profile.

use crate::analyze::lint::rules::Rules;
use crate::analyze::lint::{self, Finding, Ignore};
use crate::analyze::{Analysis, Request};
use crate::pipeline::{self, Profiles};
use crate::profile::{self, Matcher, Profile};
use crate::refs::signatures::Signatures;
use crate::scan::{Flags, Needs};
use crate::{Error, ErrorKind, Result};
use std::io::{self, Write};
use std::sync::Arc;

/// The profile without rules: its sets of paths are wanted.
const NONE: &str = "none";

/// The built-in rules.
///
/// # Errors
/// They are wrong, which a test rules out.
pub(super) fn rules() -> Result<Rules> {
    Rules::builtin().map_err(|what| Error::new(ErrorKind::Profile, what))
}

/// The rules of lint, and everything else that it needs before the image is read.
pub(super) struct Linter {
    rules: Rules,
    ignore: Vec<Ignore>,
    signatures: Arc<Signatures>,
    profile: Profile,
    matcher: Matcher,
}

impl Linter {
    /// Reads what is to be ignored.
    ///
    /// # Errors
    /// Of kind [`ErrorKind::Usage`] where that is wrong.
    pub fn new(ignore: &[String]) -> Result<Self> {
        let rules = rules()?;
        let ignore = ignore.iter().map(|text| {
            Ignore::parse(text, &rules).map_err(|what| Error::new(ErrorKind::Usage, format!("--lint-ignore: {what}")))
        });
        let ignore = ignore.collect::<Result<_>>()?;
        let signatures = Arc::new(rules.signatures().map_err(|what| Error::new(ErrorKind::Profile, what))?);
        let none = [NONE.to_owned()];
        let profile = Profiles::of(profile::Request { profiles: &none, ..Default::default() })?.widest().clone();
        let matcher = Matcher::new(&profile)?;
        Ok(Self { rules, ignore, signatures, profile, matcher })
    }

    /// Returns what the scan has to look for.
    pub fn needs(&self) -> Needs {
        let signatures = Some(self.signatures.clone());
        let flags = Flags::INTERPRETERS | Flags::PYTHON | Flags::OTHERS | Flags::SIZES_ONLY;
        Needs { signatures, ..Needs::of(flags) }
    }

    /// Returns the findings in an image. `needed` is true for members that containers see, by layer and member.
    pub fn lint(&self, request: &Request<'_>, needed: &[Vec<bool>]) -> Vec<Finding> {
        let plan = pipeline::request_of(&self.profile, &self.matcher, None, request);
        let instructions = request.instructions;
        lint::lint(&lint::Request { plan, needed, instructions, rules: &self.rules, ignore: &self.ignore })
    }

    /// Writes the findings of an analysis, and the rules of its gate that fail, as SARIF.
    pub fn sarif(&self, analysis: &Analysis, notes: bool, out: &mut dyn Write) -> io::Result<()> {
        let findings = analysis.findings.as_deref().unwrap_or_default();
        let told = lint::sarif::Told { findings, notes, verdict: analysis.verdict.as_ref(), head: &analysis.head };
        lint::sarif::write(&told, &self.rules, out)
    }
}
