//! `slim analyze`: the phases up to the tree, a plan for each built-in profile, and what there is to say, on standard output.

use super::args::AnalyzeArgs;
use super::files::Outputs;
use super::linter::Linter;
use super::output::{FAILED, OK, prepare_threads};
use super::progress;
use super::values::{Color, Verbosity};
use crate::analyze::gate::{self, Settings};
use crate::analyze::{self, Analysis, Head, Layer, Request, json, lint, markdown, text, waste};
use crate::layer::LayerIndex;
use crate::page;
use crate::pipeline::{self, Profiles, Ui, estimate, transfer};
use crate::profile::{self, Profile};
use crate::report::escape;
use crate::report::paint::Paint;
use crate::scan::{Flags, Needs, Scanned};
use crate::source::{Image, Input};
use crate::{Error, ErrorKind, Result, Warning};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::io;
use std::path::Path;

mod budget;
mod html;

/// The file that dive looks for.
const CI_CONFIG: &str = ".dive-ci";

/// Runs `slim analyze`; the exit code.
///
/// # Errors
/// What is wrong with the request, the input or the host.
pub fn analyze(args: AnalyzeArgs, color: Color, stderr: Paint) -> Result<u8> {
    let (settings, unknown) = settings(&args)?;
    let (budget, baseline) = (budget::settings(&args)?, budget::baseline(&args)?);
    prepare_threads(args.threads);
    let wanted = [
        ("--json", args.json.as_deref()),
        ("--markdown", args.budget.markdown.as_deref()),
        ("--html", args.html.as_deref()),
        ("--sarif", args.sarif.as_deref()),
    ];
    let mut outputs = Outputs::open(&[("IN", &args.input)], &wanted)?;
    let verbosity = if args.quiet { Verbosity::Quiet } else { Verbosity::Normal };
    let ui = progress::Stderr::new(verbosity, stderr);
    let input = pipeline::open_image(&args.input, args.platform.as_deref(), &ui)?;
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
    let needs = linter.iter().map(Linter::needs).fold(needed(&profiles, packages), Needs::and);
    let done = pipeline::scan(&input, &needs, &ui);
    ui.done();
    let scans = done?;
    let scanned: Vec<&Scanned> = image.layers.iter().map(|l| &scans[&pipeline::key(l)]).collect();
    let layers: Vec<&LayerIndex> = scanned.iter().map(|s| &s.index).collect();
    let merged = pipeline::merge_layers(&input, image, &scans)?;

    let instructions = analyze::shown(&image.facts, image.layers.len());
    let (facts, depth) = (&image.facts, args.depth);
    let request = Request { facts, layers: &layers, merged: &merged, instructions: &instructions, depth };
    let picked = profiles.iter().map(|p| p.pick(std::iter::once((&merged.tree, layers.clone()))));
    let picked = estimate::fitting(picked.collect::<Result<_>>()?);
    let mut analysis = found(&args.input, &input, image, &request, &picked, packages, linter.as_ref())?;
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

    outputs.fill("--json", |out| json::write(&analysis, &request, out))?;
    outputs.fill("--markdown", |out| out.write_all(markdown::render(&analysis, findings).as_bytes()))?;
    outputs.fill("--sarif", |out| linter.as_ref().map_or(Ok(()), |linter| linter.sarif(&analysis, out)))?;
    if outputs.wants("--html") {
        let page = html::page(&analysis, &request, image, (&input, &picked)).map_err(|e| e.archive(&input.name))?;
        outputs.fill("--html", |out| page::write(&page, out))?;
    }
    let options = |width, paint| text::Options { width, paint, detail: args.verbose };
    outputs.finish(args.quiet, color, |width, paint| text::render(&analysis, &options(width, paint)))?;
    Ok(if analysis.verdict.is_none_or(|v| v.pass) { OK } else { FAILED })
}

/// The rules of the gate: the command line's, then the file's, then the defaults. None without `--ci`. And a word about keys that
/// are none, which dive passes over in silence.
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

/// What to estimate: each profile on its own, or those that were asked for together.
fn asked(args: &AnalyzeArgs) -> Vec<Vec<String>> {
    if args.profiles.is_empty() {
        return profile::builtins().map(|(name, _)| vec![name.to_owned()]).collect();
    }
    vec![args.profiles.clone()]
}

/// The profiles of each estimate; without those that have no rules.
fn profiles(asked: &[Vec<String>]) -> Result<Vec<Profiles<'_>>> {
    let requests = asked.par_iter().map(|names| profile::Request { profiles: names, ..Default::default() });
    let all: Vec<Profiles<'_>> = requests.map(Profiles::of).collect::<Result<_>>()?;
    Ok(all.into_iter().filter(|p| p.widest().rules.iter().any(|r| r.enabled)).collect())
}

/// What any of the profiles and a breakdown by package need, so that one scan is for all.
fn needed(profiles: &[Profiles<'_>], packages: bool) -> Needs {
    let mut own = Needs::of(Flags::SIZES_ONLY);
    own.flags.set(Flags::RECORDS | Flags::PACKAGES, packages);
    profiles.iter().map(|p| pipeline::needs(p.widest())).fold(own, Needs::and)
}

/// Puts together what there is to know.
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
        findings,
        growth: None,
        verdict: None,
    })
}
