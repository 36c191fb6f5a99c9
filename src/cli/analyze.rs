//! `slim analyze`: the phases up to the tree, a plan for each built-in profile, and what there is to say, on standard output.

use super::args::{AnalyzeArgs, BudgetArgs, DiffArgs};
use super::files;
use super::job::{Verbosity, is_stdout};
use super::linter::{self, Linter};
use super::picked::Profiles;
use super::progress::{self, Ui};
use super::values::Color;
use super::{FAILED, OK, diff, needs, prepare_threads, pulled, run, show, stack};
use crate::analyze::gate::{self, Settings};
use crate::analyze::lint::rules::Rules;
use crate::analyze::savings::{Saving, output_bytes};
use crate::analyze::{self, Analysis, Head, Layer, Request, budget as budgets, json, lint, markdown, text, waste};
use crate::image::Platform;
use crate::layer::LayerIndex;
use crate::page;
use crate::plan::matched::Named;
use crate::plan::{self, Plan};
use crate::profile::{self, Matcher, Profile};
use crate::report::build::Built;
use crate::report::escape;
use crate::report::paint::Paint;
use crate::scan::{Needs, Scanned};
use crate::source::{self, Image, Input, Location, OpenOptions};
use crate::transform::Checksums;
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
pub fn analyze(mut args: AnalyzeArgs, color: Color, stderr: Paint) -> Result<u8> {
    if let Some(second) = args.second.take() {
        return diff::diff(two(args, second), color, stderr);
    }
    let (settings, unknown) = settings(&args)?;
    let (budget, baseline) = (budget::settings(&args)?, budget::baseline(&args)?);
    prepare_threads(args.threads);
    let wanted = [
        ("--json", args.json.as_deref()),
        ("--markdown", args.budget.markdown.as_deref()),
        ("--html", args.html.as_deref()),
        ("--sarif", args.sarif.as_deref()),
    ];
    let [to_json, to_markdown, to_html, to_sarif] = files::open_all(&[("IN", &args.input)], wanted)?;
    let verbosity = if args.quiet { Verbosity::Quiet } else { Verbosity::Normal };
    let ui = progress::Stderr::new(verbosity, stderr);
    let platform = args.platform.as_deref().map(Platform::parse).transpose()?;
    let note = |message: &str| ui.note(message);
    let input = source::open(&Location::parse(&args.input)?, &OpenOptions { platform, spool_note: &note })?;
    input.warnings.iter().chain(&unknown).for_each(|w| ui.warn(w));
    let image = only(&input)?;

    // A gate alone needs nothing but names and sizes, unless a budget is about packages.
    let gate_alone = settings.is_some() && to_json.is_none() && to_markdown.is_none() && to_html.is_none();
    let names = if gate_alone { Vec::new() } else { asked(&args) };
    let packages = !gate_alone || baseline.is_some() || budget.needs_packages();
    let lints = !names.is_empty() || to_sarif.is_some() || (args.ci && budget.needs_lint());
    let linter = || lints.then(|| Linter::new(&args.lint_ignore)).transpose();
    let (profiles, linter) = rayon::join(|| profiles(&names), linter);
    let (profiles, linter) = (profiles?, linter?);
    let needs = linter.iter().map(Linter::needs).fold(needed(&profiles, packages), Needs::and);
    let done = run::scan_layers(&input, &needs, &ui);
    ui.done();
    let scans = done?;
    let scanned: Vec<&Scanned> = image.layers.iter().map(|l| &scans[&run::key(l)]).collect();
    let layers: Vec<&LayerIndex> = scanned.iter().map(|s| &s.index).collect();
    let merged = stack::merge_layers(&input, image, &scans)?;

    let instructions = instructions(image, linter.as_ref())?;
    let (facts, depth) = (&image.facts, args.depth);
    let request = Request { facts, layers: &layers, merged: &merged, instructions: &instructions, depth };
    let picked = profiles.iter().map(|p| p.pick(std::iter::once((&merged.tree, layers.clone()))));
    let picked = fitting(picked.collect::<Result<_>>()?);
    let mut analysis = found(&args.input, &input, image, &request, &picked, packages, linter.as_ref())?;
    let measure = args.compress || (args.ci && budget.needs_compressed(analysis.blob_bytes()));
    let compressed = pulled::compressed(&input, image, measure, &ui)?;
    analysis.layers.iter_mut().zip(compressed).for_each(|(layer, bytes)| layer.compressed_bytes = bytes);
    analysis.growth = baseline.map(|baseline| baseline.growth(&analysis));
    let verdict = settings.map(|settings| gate::check(&settings, &analysis.metric));
    let findings = analysis.findings.clone();
    let findings: Option<Vec<_>> = findings.as_ref().map(|found| found.iter().map(lint::Finding::told).collect());
    let findings = findings.as_deref();
    analysis.verdict =
        verdict.map(|v| budget.check(&analysis, &layers, findings).map(|rows| v.and(rows))).transpose()?;

    let told = Told { args: &args, color, analysis: &analysis, request: &request, findings, linter: linter.as_ref() };
    let page = || html::page(&analysis, &request, image, (&input, &picked)).map_err(|e| e.archive(&input.name));
    told.write([to_json, to_markdown, to_sarif, to_html], page)?;
    Ok(if analysis.verdict.is_none_or(|v| v.pass) { OK } else { FAILED })
}

/// The same of two images is a comparison.
fn two(args: AnalyzeArgs, second: String) -> DiffArgs {
    let AnalyzeArgs { input, json, html, depth, verbose, quiet, platform, threads, budget, .. } = args;
    let BudgetArgs { markdown, .. } = budget;
    DiffArgs {
        before: input,
        after: second,
        json,
        markdown,
        html,
        depth,
        verbose,
        quiet,
        exit_code: false,
        platform,
        threads,
    }
}

/// What made each layer, without secrets.
fn instructions(image: &Image, linter: Option<&Linter>) -> Result<Vec<Option<String>>> {
    let masked = |rules: &Rules| analyze::masked(&image.facts, image.layers.len(), rules);
    Ok(match linter {
        Some(linter) => masked(linter.rules()),
        None => masked(&linter::rules()?),
    })
}

/// What there is to tell.
struct Told<'a> {
    args: &'a AnalyzeArgs,
    color: Color,
    analysis: &'a Analysis,
    request: &'a Request<'a>,
    findings: Option<&'a [budgets::Finding<'a>]>,
    linter: Option<&'a Linter>,
}

impl Told<'_> {
    /// Writes JSON, Markdown, SARIF and the page, each where a file is given, and text unless one of them goes where that would.
    fn write(&self, files: [Option<files::Pending>; 4], page: impl FnOnce() -> Result<page::Page>) -> Result<()> {
        let Self { args, analysis, request, findings, linter, .. } = *self;
        let [to_json, to_markdown, to_sarif, to_html] = files;
        let mut filled = Vec::new();
        filled.extend(to_json.map(|file| file.fill(|out| json::write(analysis, request, out))).transpose()?);
        let comment = |out: &mut dyn io::Write| out.write_all(markdown::render(analysis, findings).as_bytes());
        filled.extend(to_markdown.map(|file| file.fill(comment)).transpose()?);
        let log = |out: &mut dyn io::Write| linter.map_or(Ok(()), |linter| linter.sarif(analysis, out));
        filled.extend(to_sarif.map(|file| file.fill(log)).transpose()?);
        if let Some(file) = to_html {
            let page = page()?;
            filled.push(file.fill(|out| page::write(&page, out))?);
        }
        let outputs = [&args.json, &args.budget.markdown, &args.sarif, &args.html];
        if !args.quiet && !outputs.iter().any(|path| path.as_deref().is_some_and(is_stdout)) {
            let options = |width, paint| text::Options { width, paint, detail: args.verbose };
            show(self.color, |width, paint| text::render(analysis, &options(width, paint)))?;
        }
        filled.into_iter().try_for_each(files::Filled::publish)
    }
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

/// The one image that there is to look at, in an input of one.
pub(super) fn only(input: &Input) -> Result<&Image> {
    if let [image] = input.images.as_slice() {
        return Ok(image);
    }
    let name = |image: &Image| format!("{} ({})", image.tags.join(", "), image.platform);
    let names: Vec<String> = input.images.iter().map(name).collect();
    Err(Error::new(ErrorKind::Usage, format!("there are {} images in it, and one can be analyzed", names.len()))
        .archive(&input.name)
        .hint(format!("name it, `IN:REF` or --platform: {}", names.join("; "))))
}

/// What is known of an image besides its layers; `path` is IN as given.
pub(super) fn head(path: &str, input: &Input, image: &Image) -> Head {
    Head {
        path: path.to_owned(),
        tags: image.tags.clone(),
        platform: image.platform.to_string(),
        config: image.config_digest.to_string(),
        archive_bytes: input.archive_bytes,
    }
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
    let own = Needs { sizes_only: true, records: packages, packages, ..Needs::default() };
    profiles.iter().map(|p| needs::needs(p.widest())).fold(own, Needs::and)
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
    let plans = || savings(profiles, input, image, request);
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
        head: head(path, input, image),
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

/// Without the profiles that another one (`auto`) would pick, but not for this image.
fn fitting(all: Vec<Profile>) -> Vec<Profile> {
    let choices: Vec<_> = all.iter().flat_map(|p| p.choices.clone()).collect();
    let used = |profile: &Profile, holds: bool| {
        let [name] = profile.names.as_slice() else { return false };
        choices.iter().any(|choice| choice.holds == holds && choice.uses.contains(name))
    };
    all.into_iter().filter(|profile| used(profile, true) || !used(profile, false)).collect()
}

/// What a plan for a profile is made from.
fn request_of<'a>(
    profile: &'a Profile,
    matcher: &'a Matcher,
    named: Option<&'a Named>,
    request: &Request<'a>,
) -> plan::Request<'a> {
    let Request { facts, layers, merged, .. } = *request;
    plan::Request { facts, layers, merged, profile, matcher, named, squash: false, base: 0, cut: &plan::cut::WHOLE }
}

/// The plan, with what texts of the image say of its files.
fn planned(request: &plan::Request<'_>, checksums: &Checksums<'_>) -> Result<Plan> {
    plan::plan_with(request, |verdicts| checksums.pinned(request, verdicts))
}

/// What each profile would save. Those that come to the same, as `auto` and what it picks, are planned once; those with most
/// rules come first, so that no thread is left with a long plan while the others have none.
fn savings(profiles: &[Profile], input: &Input, image: &Image, request: &Request<'_>) -> Result<Vec<Saving>> {
    let mut different: Vec<&Profile> = Vec::new();
    for profile in profiles {
        if !different.iter().any(|p| p.plans_like(profile)) {
            different.push(profile);
        }
    }
    different.sort_by_key(|p| Reverse(p.rules.iter().filter(|r| r.enabled).count()));
    let matchers = Matcher::all(&different)?;
    let named = matchers.first().map(|matcher| Named::new(&request.merged.tree, matcher));
    let pairs = || different.iter().copied().zip(&matchers);
    let requests: Vec<_> = pairs().map(|(p, matcher)| request_of(p, matcher, named.as_ref(), request)).collect();
    let Some(first) = requests.first() else { return Ok(Vec::new()) };
    let checksums = Checksums::new(input, &image.layers, first).ahead(first)?;
    let one =
        |plan: &plan::Request<'_>| planned(plan, &checksums).map(|found| saving(plan.profile, &found, image, request));
    let pairs = requests.par_iter().with_max_len(1);
    let found: Vec<Saving> = pairs.map(one).collect::<Result<_>>()?;
    let of = |profile: &Profile| {
        let (_, saving) = different.iter().zip(&found).find(|(p, _)| p.plans_like(profile))?;
        Some(Saving { profile: profile.names.join(","), ..saving.clone() })
    };
    Ok(profiles.iter().filter_map(of).collect())
}

/// What a profile would save, by its plan.
fn saving(profile: &Profile, plan: &Plan, image: &Image, request: &Request<'_>) -> Saving {
    let Request { layers, merged, .. } = *request;
    let tars: Vec<u64> = layers.iter().map(|l| l.tar_bytes).collect();
    let after = output_bytes(plan, &tars);
    let tree = &merged.tree;
    let built = Built { image, layers, tree, plan, profile, base: 0, squash: false, written: None, output: None };
    Saving {
        profile: profile.names.join(","),
        output_bytes: after,
        saved_bytes: tars.iter().sum::<u64>().saturating_sub(after),
        rules: built.rules(),
    }
}
