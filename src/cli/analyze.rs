//! `slim analyze`: the phases up to the tree, a plan for each built-in profile, and what there is to say, on standard output.

use super::args::AnalyzeArgs;
use super::files::{Forms, Outputs};
use super::linter::Linter;
use super::output::{FAILED, OK, prepare_threads, show};
use super::progress;
use super::values::Color;
use crate::analyze::gate::{self, Settings};
use crate::analyze::manifest::Manifests;
use crate::analyze::{self, Analysis, Head, Layer, Request, json, lint, markdown, text, waste};
use crate::layer::LayerIndex;
use crate::page::Page;
use crate::pipeline::advise::Advisor;
use crate::pipeline::{self, Profiles, Ui, estimate, transfer};
use crate::profile::{self, Profile};
use crate::report::paint::Paint;
use crate::report::{escape, printable};
use crate::scan::{Flags, Needs, Scanned};
use crate::source::{Image, Input};
use crate::{Error, ErrorKind, Result, Warning};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::Path;

mod budget;
mod html;

/// The name of the file with dive's rules.
const CI_CONFIG: &str = ".dive-ci";

/// Runs `slim analyze` and returns the exit code.
///
/// # Errors
/// Returns any error of the request, the input or the host.
pub fn analyze(args: AnalyzeArgs, color: Color, stderr: Paint) -> Result<u8> {
    let (settings, unknown) = settings(&args)?;
    let (budget, baseline) = (budget::settings(&args)?, budget::baseline(&args)?);
    prepare_threads(args.image.reading.threads);
    let name = args.image.name();
    let mut outputs = Outputs::of_forms(&[("IN", name)], &args.output, &[("--sarif", args.sarif.as_deref())])?;
    let ui = progress::Stderr::new(args.output.verbosity(), stderr);
    let reading = args.image.reading.resolve(&[name])?;
    // The documents of all platforms are small.
    let open = if args.manifest { pipeline::open_image } else { pipeline::open_one };
    let input = open(name, &reading, &ui)?;
    if args.manifest {
        let manifests = Manifests::new(name, &input);
        outputs.fill("--json", |out| manifests.json(out))?;
        if outputs.has_text() && !args.output.quiet {
            show(color, |width, paint| manifests.text(width, paint))?;
        }
        return outputs.publish().map(|()| OK);
    }
    unknown.iter().for_each(|w| ui.warn(w));
    let image = input.only("analyzed")?;

    // A gate alone needs nothing but names and sizes, unless a budget is about packages.
    let gate_alone =
        settings.is_some() && !["--json", "--markdown", "--html"].into_iter().any(|option| outputs.wants(option));
    let names = if gate_alone { Vec::new() } else { asked(&args) };
    let packages = !gate_alone || baseline.is_some() || budget.needs_packages();
    let lints = !names.is_empty() || outputs.wants("--sarif") || (args.ci && budget.needs_lint());
    let linter = || lints.then(|| Linter::new(&args.lint_ignore)).transpose();
    let (profiles, linter) = rayon::join(|| profiles(&names), linter);
    let (profiles, linter) = (profiles?, linter?);
    let advisor = args.target.map(|_| Advisor::new(&args.profiles)).transpose()?;
    let more = linter.iter().map(Linter::needs).chain(advisor.iter().map(Advisor::needs));
    let needs = more.fold(needed(&profiles, packages), Needs::and);
    let done = pipeline::scan(&input, &needs, &ui);
    ui.done();
    let scans = done?;
    let scanned: Vec<&Scanned> = image.layers.iter().map(|l| &scans[&pipeline::key(l)]).collect();
    let layers: Vec<&LayerIndex> = scanned.iter().map(|s| &s.index).collect();
    let merged = pipeline::merge_layers(&input, image, &scans)?;

    let instructions = analyze::shown(&image.facts, image.layers.len());
    let (facts, depth) = (&image.facts, args.depth);
    let notes = args.lint_notes;
    let request = Request { facts, layers: &layers, merged: &merged, instructions: &instructions, depth, notes };
    let picked = profiles.iter().map(|p| p.pick(&merged.tree, &layers));
    let picked = estimate::fitting(picked.collect::<Result<_>>()?);
    let mut analysis = found(name, &input, image, &request, &picked, packages, linter.as_ref())?;
    if let (Some(target), Some(advisor)) = (args.target, &advisor) {
        let target = target.bytes(analysis.bytes());
        analysis.advice = Some(advisor.advise(target, &input, image, &request).map_err(|e| e.archive(&input.name))?);
    }
    let measure = args.compress || (args.ci && budget.needs_compressed(analysis.blob_bytes()));
    let compressed = transfer::compressed(&input, image, measure, &ui)?;
    analysis.layers.iter_mut().zip(compressed).for_each(|(layer, bytes)| layer.compressed_bytes = bytes);
    analysis.growth = baseline.map(|baseline| baseline.growth(&analysis));
    let verdict = settings.map(|settings| gate::check(&settings, &analysis.metric));
    let findings = analysis.findings.clone();
    let findings: Option<Vec<_>> = findings.as_ref().map(|found| found.iter().map(lint::Finding::told).collect());
    let findings = findings.as_deref();
    analysis.verdict =
        verdict.map(|v| budget.check(&analysis, &layers, findings).map(|rows| v.and(rows))).transpose()?;

    outputs.fill("--sarif", |out| {
        linter.as_ref().map_or(Ok(()), |linter| linter.sarif(&analysis, args.lint_notes, out))
    })?;
    let told = Told { analysis: &analysis, request: &request, findings, input: &input, image, profiles: &picked };
    let silent = !outputs.has_text() && !args.output.quiet;
    outputs.write(&told, &args.output, color)?;
    // Without the text a red step in a pipeline would not say why.
    for rule in
        analysis.verdict.iter().filter(|_| silent).flat_map(|verdict| &verdict.rules).filter(|rule| rule.fails())
    {
        let line = format!("{}: found {}, the threshold is {}", rule.rule, rule.shown(), rule.threshold);
        let _ = writeln!(io::stderr(), "{} {}", stderr.red("check failed:"), printable(&line, false));
    }
    Ok(if analysis.verdict.is_none_or(|v| v.pass) { OK } else { FAILED })
}

/// An analysis with what its forms need beside it.
struct Told<'a> {
    analysis: &'a Analysis,
    request: &'a Request<'a>,
    findings: Option<&'a [analyze::budget::Finding<'a>]>,
    input: &'a Input,
    image: &'a Image,
    profiles: &'a [Profile],
}

impl Forms for Told<'_> {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(self.analysis, self.request, out)
    }

    fn markdown(&self) -> String {
        markdown::render(self.analysis, self.findings, self.request.notes)
    }

    fn page(&self) -> Result<Page> {
        let page = html::page(self.analysis, self.request, self.image, (self.input, self.profiles));
        page.map_err(|e| e.archive(&self.input.name))
    }

    fn text(&self, width: usize, paint: Paint, detail: u8) -> String {
        text::render(self.analysis, &text::Options { width, paint, detail })
    }
}

/// Returns the rules of the gate: the command line's, then the file's, then the defaults; `None` without `--ci`. Also returns a
/// warning for each unknown key, which dive ignores in silence.
fn settings(args: &AnalyzeArgs) -> Result<(Option<Settings>, Vec<Warning>)> {
    if !args.ci {
        return Ok((None, Vec::new()));
    }
    let path = args.ci_config.as_deref().unwrap_or(Path::new(CI_CONFIG));
    let name = path.display().to_string();
    let read = match std::fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && args.ci_config.is_none() => Ok(String::new()),
        read => read,
    };
    let text = read.map_err(|e| Error::io("the rules cannot be read", e).archive(&name))?;
    let wrong = |what: String| {
        Error::new(ErrorKind::Usage, format!("no rules can be read from it: {what}"))
            .archive(&name)
            .hint("it is YAML: `rules:`, and below it `lowestEfficiency: 0.9` and the like")
    };
    let settings = Settings::parse(&text).map_err(wrong)?;
    let [user, bytes, least] = [&args.highest_user_wasted_percent, &args.highest_wasted_bytes, &args.lowest_efficiency];
    let warning = |(key, near): (String, Option<String>)| {
        let (key, near) = (escape(key.as_bytes()), near.map(|near| format!(", did you mean `{near}`?")));
        Warning::new("unknown-rule", format!("{name}: `{key}` is no rule, and not checked{}", near.unwrap_or_default()))
    };
    let unknown = Settings::unknown(&text).map_err(wrong)?.into_iter().map(warning).collect();
    Ok((Some(settings.with([user.clone(), bytes.clone(), least.clone()])), unknown))
}

/// Returns the sets of profiles to estimate: each built-in profile alone, or those that were asked for together.
fn asked(args: &AnalyzeArgs) -> Vec<Vec<String>> {
    if args.profiles.is_empty() {
        return profile::builtins().map(|builtin| vec![builtin.name.to_owned()]).collect();
    }
    vec![args.profiles.clone()]
}

/// Resolves the profiles of each estimate; leaves out those without rules.
fn profiles(asked: &[Vec<String>]) -> Result<Vec<Profiles<'_>>> {
    let requests = asked.par_iter().map(|names| profile::Request { profiles: names, ..Default::default() });
    let all: Vec<Profiles<'_>> = requests.map(Profiles::of).collect::<Result<_>>()?;
    Ok(all.into_iter().filter(|p| p.widest().rules.iter().any(|r| r.enabled)).collect())
}

/// Returns the needs of all profiles and of the breakdown by package together, so that one scan is enough.
fn needed(profiles: &[Profiles<'_>], packages: bool) -> Needs {
    let mut own = Needs::of(Flags::SIZES_ONLY);
    own.flags.set(Flags::RECORDS | Flags::PACKAGES, packages);
    profiles.iter().map(|p| pipeline::needs(p.widest())).fold(own, Needs::and)
}

/// Measures the image and returns the analysis.
fn found(
    path: &str,
    input: &Input,
    image: &Image,
    request: &Request<'_>,
    profiles: &[Profile],
    packages: bool,
    linter: Option<&Linter>,
) -> Result<Analysis> {
    let needed = waste::needed(request.layers, &request.merged.tree);
    let plans = || estimate::savings(profiles, input, image, request);
    let findings = || linter.map(|linter| linter.lint(request, &needed));
    let breakdown = || packages.then(|| analyze::break_down(request, &needed)).transpose();
    let measures = || rayon::join(|| analyze::measure(request, &needed), breakdown);
    let ((savings, findings), ((metric, wasted), breakdown)) = rayon::join(|| rayon::join(plans, findings), measures);
    let mut savings = savings.map_err(|e| e.archive(&input.name))?;
    savings.sort_by_key(|s| Reverse(s.saved_bytes));
    let layers = request.instructions.iter().zip(request.layers).zip(&image.layers).enumerate();
    let layers = layers.map(|(index, ((instruction, layer), stored))| Layer {
        index: index + 1,
        instruction: instruction.clone().unwrap_or_default(),
        diff_id: stored.diff_id.to_string(),
        bytes: layer.tar_bytes,
        blob_bytes: stored.size,
        compressed_bytes: None,
        files: layer.members.len() as u64,
        wasted_bytes: wasted.layers[index],
    });
    Ok(Analysis {
        layers: layers.collect(),
        head: Head::new(path, input, image),
        paths: request.merged.tree.len() as u64 - 1,
        metric,
        wasted,
        breakdown: breakdown.map_err(|what| Error::new(ErrorKind::Profile, what))?,
        savings,
        advice: None,
        findings,
        growth: None,
        verdict: None,
    })
}
