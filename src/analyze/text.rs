//! An analysis as text.

use super::advice::input_of;
use super::breakdown::Share;
use super::gate::{Status, Verdict};
use super::savings::Saving;
use super::waste::{Cause, Waste};
use super::{Analysis, Layer, lint};
use crate::profile::Risk;
use crate::report::paint::Paint;
use crate::report::table::{Table, wrap};
use crate::report::{escape, instruction, printable, units};

/// Options of the text.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of columns of a line.
    pub width: usize,
    /// The colours.
    pub paint: Paint,
    /// 0 shows the largest of each list, 1 (`-v`) more, 2 (`-vv`) everything uncut.
    pub detail: u8,
}

/// The share of the image, in parts of a thousand, below which waste is shown only with `-v`.
const WORTH_TELLING: u64 = 1;

/// The number of rules that are shown beside a profile.
const MOST: usize = 3;

/// The width of a column of the gate's table that is always available, in characters.
const SHORT: usize = 24;

impl Options {
    const fn rows(&self) -> usize {
        match self.detail {
            0 => 8,
            1 => 25,
            _ => usize::MAX,
        }
    }

    fn table(&self, table: &Table) -> String {
        table.render(2, if self.detail > 1 { usize::MAX } else { self.width }, self.paint)
    }

    fn heading(&self, text: &str) -> String {
        format!("\n{}\n", self.paint.bold(text))
    }
}

/// Renders the whole analysis as text.
#[must_use]
pub fn render(analysis: &Analysis, options: &Options) -> String {
    let mut out = head(analysis, options);
    out.push_str(&layers(analysis, options));
    out.push_str(&waste(analysis, options));
    if let Some(breakdown) = &analysis.breakdown {
        for (what, list) in
            [("kind", &breakdown.kinds), ("package", &breakdown.packages), ("directory", &breakdown.directories)]
        {
            out.push_str(&shares(what, list, analysis.bytes(), options));
        }
    }
    out.push_str(&savings(analysis, options));
    out.push_str(&advice(analysis, options));
    out.push_str(&lint(analysis, options));
    if let Some(verdict) = &analysis.verdict {
        out.push_str(&gate(analysis, verdict, options));
    }
    out
}

fn head(analysis: &Analysis, options: &Options) -> String {
    let head = &analysis.head;
    let tags = if head.tags.is_empty() { "untagged".to_owned() } else { head.tags.join(", ") };
    let title = format!("image {}, {}", printable(&tags, false), printable(&head.platform, false));
    let mut out = format!("{}\n", options.paint.bold(&title));
    let mut row = |name: &str, text: String| out.push_str(&format!("  {name:<13}{text}\n"));
    if let Some(bytes) = head.archive_bytes {
        row("archive", units::bytes(bytes));
    }
    let compressed = match analysis.compressed_bytes() {
        None => {
            let plain = analysis.layers.iter().filter(|l| l.compressed_bytes.is_none()).count();
            let all = analysis.layers.len();
            format!("not known: {plain} of {all} layers are stored plain (--compress measures it)")
        }
        Some(bytes) if bytes == analysis.blob_bytes() => format!("{} as stored", units::bytes(bytes)),
        Some(bytes) => format!("{}: what a pull moves, with gzip", units::bytes(bytes)),
    };
    let count = analysis.layers.len();
    let layers = format!("{count} layer{}", if count == 1 { "" } else { "s" });
    row("uncompressed", format!("{} in {layers}", units::bytes(analysis.bytes())));
    row("compressed", compressed);
    row("paths", units::count(analysis.paths));
    let wasted = analysis.wasted.bytes();
    let share = units::part(wasted, analysis.bytes());
    row("reclaimable", format!("{} ({share}): stored and pulled, and no container sees it", units::bytes(wasted)));
    let metric = &analysis.metric;
    let efficiency =
        format!("{:.4}% efficient, {} wasted", metric.efficiency * 100.0, units::bytes(metric.wasted_bytes));
    row("dive says", format!("{efficiency}: it counts only paths that several layers have"));
    if let Some(growth) = &analysis.growth {
        let all = if options.detail > 0 { options.rows() } else { 3 };
        // The growth names packages, and may take several lines.
        let text = format!("{} since the baseline", printable(&growth.sentence(all), false));
        out.push_str(&format!("  growth       {}", wrap(&text, 15, options.width).trim_start()));
    }
    out
}

fn layers(analysis: &Analysis, options: &Options) -> String {
    let mut table = Table::new(">>>><").header(&["layer", "size", "files", "wasted", "instruction"]);
    for layer in &analysis.layers {
        let wasted = if layer.wasted_bytes == 0 { "-".to_owned() } else { units::bytes(layer.wasted_bytes) };
        let (size, files) = (units::bytes(layer.bytes), units::count(layer.files));
        table.row([layer.index.to_string(), size, files, wasted, made_by(layer)]);
    }
    format!("\n{}", options.table(&table))
}

fn made_by(layer: &Layer) -> String {
    let shown = instruction::clean(&layer.instruction);
    if shown.is_empty() { "(no history)".to_owned() } else { printable(&shown, false).into_owned() }
}

/// Renders the waste, step by step in sentences, and the largest paths.
fn waste(analysis: &Analysis, options: &Options) -> String {
    let wasted = &analysis.wasted;
    let least = if options.detail == 0 { analysis.bytes() * WORTH_TELLING / 1000 } else { 1 };
    let told: Vec<&Waste> = wasted.steps.iter().filter(|w| w.bytes() >= least.max(1)).collect();
    if told.is_empty() {
        return String::new();
    }
    let mut out = options.heading("waste");
    for step in told.iter().take(options.rows()) {
        out.push_str(&wrap(&sentence(analysis, step), 2, options.width));
    }
    let paths: Vec<&Waste> = wasted.paths.iter().filter(|w| w.bytes() >= least.max(1)).collect();
    let mut table = Table::new(">>><").header(&["wasted", "files", "layers", "path"]);
    for one in paths.iter().take(options.rows()) {
        let layers: Vec<String> = one.parts.iter().map(|p| p.layer.to_string()).collect();
        let path = format!("{} ({})", escape(&one.path), why(one));
        table.row([units::bytes(one.bytes()), units::count(one.files()), layers.join(","), path]);
    }
    out.push('\n');
    out.push_str(&options.table(&table));
    out
}

pub(super) fn why(waste: &Waste) -> String {
    let what = match waste.cause {
        Cause::Deleted => "deleted",
        Cause::Replaced => "replaced",
        Cause::Touched => "stored again",
        Cause::Marker => return "a marker".to_owned(),
    };
    waste.by.map_or_else(|| what.to_owned(), |by| format!("{what} in layer {by}"))
}

/// Returns a sentence about the waste of one step.
#[must_use]
pub fn sentence(analysis: &Analysis, waste: &Waste) -> String {
    let layer = waste.by.and_then(|by| analysis.layers.get(by - 1));
    let step = match layer {
        None => "A later entry".to_owned(),
        Some(layer) if layer.instruction.trim().is_empty() => format!("Layer {}", layer.index),
        Some(layer) => format!("`{}` in layer {}", made_by(layer), layer.index),
    };
    let (bytes, files) = (units::bytes(waste.bytes()), units::files(waste.files()));
    let layers = places(waste);
    let stay = if layers.contains(" and ") || layers.contains(',') { "layers" } else { "layer" };
    let path = escape(&waste.path);
    let largest = if waste.files() > 1 { format!(", the largest /{path}") } else { format!(" (/{path})") };
    match waste.cause {
        Cause::Deleted => format!("{step} frees nothing: {bytes} stay in {stay} {layers} ({files} below /{path})."),
        Cause::Replaced => format!("{step} replaces {files}{largest}: {bytes} of the old stay in {stay} {layers}."),
        Cause::Touched => {
            format!("{step} stores {files} again for another owner or mode{largest}: {bytes} stay in {stay} {layers}.")
        }
        Cause::Marker => {
            let say = if waste.files() == 1 { "says" } else { "say" };
            format!("{} of {stay} {layers} {say} what is hidden: {bytes}.", markers(waste.files()))
        }
    }
}

fn markers(n: u64) -> String {
    format!("{} whiteout{}", units::count(n), if n == 1 { "" } else { "s" })
}

/// Returns the layers that carry the waste; if there are several, each with its bytes.
fn places(waste: &Waste) -> String {
    if let [only] = waste.parts.as_slice() {
        return only.layer.to_string();
    }
    let one = |p: &super::waste::Part| format!("{} ({})", p.layer, units::bytes(p.bytes));
    let all: Vec<String> = waste.parts.iter().map(one).collect();
    match all.split_last() {
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn shares(what: &str, list: &[Share], whole: u64, options: &Options) -> String {
    let mut table = Table::new(">>><").header(&["bytes", "share", "files", what]);
    let shown = if list.len() <= options.rows().saturating_add(1) { list.len() } else { options.rows() };
    let mut row = |bytes: u64, files: u64, name: &str| {
        let name = printable(name, false).into_owned();
        table.row([units::bytes(bytes), units::part(bytes, whole), units::count(files), name]);
    };
    list[..shown].iter().for_each(|s| row(s.bytes, s.files, &s.name));
    let rest = &list[shown..];
    if !rest.is_empty() {
        let more = format!("{} more", units::count(rest.len() as u64));
        row(rest.iter().map(|s| s.bytes).sum(), rest.iter().map(|s| s.files).sum(), &more);
    }
    format!("\n{}", options.table(&table))
}

fn savings(analysis: &Analysis, options: &Options) -> String {
    let Some(best) = analysis.advised() else { return String::new() };
    let mut out = options.heading("what the built-in profiles would save, the lowest risk first");
    let mut table = Table::new(">><<<").header(&["saved", "", "risk", "profile", "most of it"]);
    for saving in analysis.by_risk() {
        let share = units::part(saving.saved_bytes, analysis.bytes());
        let rules = saving.rules.iter().filter(|r| r.bytes > 0).take(MOST);
        let rules: Vec<String> = rules.map(|r| format!("{} {}", r.id, units::bytes(r.bytes))).collect();
        let (saved, risk) = (units::bytes(saving.saved_bytes), saving.risk.name().to_owned());
        table.row([saved, share, risk, saving.profile.clone(), rules.join(", ")]);
    }
    out.push_str(&options.table(&table));
    let mut rules = Table::new(">><<").header(&["saved", "files", "risk", &format!("rule of {}", best.profile)]);
    for rule in best.rules.iter().filter(|r| r.bytes > 0).take(options.rows()) {
        let (saved, files) = (units::bytes(rule.bytes), units::count(rule.files));
        rules.row([saved, files, rule.risk.name().to_owned(), rule.id.clone()]);
    }
    out.push_str(&format!("\n{}\n\n", options.table(&rules).trim_end()));
    let mut tell = |saving: &Saving, more: &str| {
        let share = units::part(saving.saved_bytes, analysis.bytes());
        let (profile, saved) = (&saving.profile, units::bytes(saving.saved_bytes));
        let line = format!("{profile} saves {saved} ({share}), risk {}{more}:", saving.risk.name());
        let command = command(&analysis.head.path, profile);
        out.push_str(&format!("{}\n  {}\n", options.paint.green(&line), printable(&command, false)));
    };
    for saving in analysis.levels() {
        tell(saving, if saving.risk == Risk::OptIn { ", so read what it costs" } else { "" });
    }
    if analysis.advice.is_none() && analysis.savings.len() > 1 {
        out.push_str("`--target SIZE` lists the steps to a size, with opt-in rules and what they cost.\n");
    }
    out
}

/// Renders the steps to the size that is wanted.
fn advice(analysis: &Analysis, options: &Options) -> String {
    let Some(advice) = &analysis.advice else { return String::new() };
    let mut out = options.heading(&format!("the way to {}", units::bytes(advice.target_bytes)));
    if advice.steps.is_empty() {
        out.push_str(&format!("  {}\n", advice.sentence()));
        return out;
    }
    let mut table = Table::new(">><<<").header(&["saved", "left", "risk", "step", "what it costs"]);
    for step in &advice.steps {
        let (saved, left) = (units::bytes(step.bytes), units::bytes(step.left_bytes));
        table.row([saved, left, step.risk.name().to_owned(), step.name.clone(), step.costs.clone()]);
    }
    // The costs are what has to be read: they are never cut.
    out.push_str(&table.render(2, usize::MAX, options.paint));
    let line = format!("{}:", advice.sentence());
    let line = if advice.met { options.paint.green(&line) } else { options.paint.red(&line) };
    let command = advice.command(&analysis.head.path);
    out.push_str(&format!("\n{line}\n  {}\n", printable(&command, false)));
    if !advice.holds.is_empty() {
        let mut table = Table::new(">>><").header(&["bytes", "share", "files", "package that holds the rest"]);
        for share in &advice.holds {
            let (bytes, part) = (units::bytes(share.bytes), units::part(share.bytes, advice.after_bytes));
            table.row([bytes, part, units::count(share.files), printable(&share.name, false).into_owned()]);
        }
        out.push_str(&format!("\n{}", options.table(&table)));
    }
    out
}

/// Returns the command that does what was estimated.
pub(super) fn command(input: &str, profile: &str) -> String {
    format!("slim {} -p {profile} -o OUT", input_of(input))
}

fn lint(analysis: &Analysis, options: &Options) -> String {
    let Options { width, paint, detail } = *options;
    let width = if detail > 1 { usize::MAX } else { width };
    let options = lint::text::Options { width, rows: options.rows().saturating_mul(2), notes: detail > 0, paint };
    lint::text::render(analysis.findings.as_deref().unwrap_or_default(), &options)
}

/// Renders the rules of `.dive-ci`, and whether all of them hold.
fn gate(analysis: &Analysis, verdict: &Verdict, options: &Options) -> String {
    let metric = &analysis.metric;
    let mut out = options.heading("rules");
    out.push_str(&format!("  efficiency: {:.4} %\n", metric.efficiency * 100.0));
    out.push_str(&format!("  wastedBytes: {} bytes ({})\n", metric.wasted_bytes, units::bytes(metric.wasted_bytes)));
    out.push_str(&format!("  userWastedPercent: {:.4} %\n\n", metric.user_wasted * 100.0));
    let mut table = Table::new("<<><").header(&["", "rule", "threshold", "found"]);
    for rule in &verdict.rules {
        let status = match rule.status {
            Status::Pass => "PASS",
            Status::Fail => "FAIL",
            Status::Skip => "SKIP",
            Status::Misconfigured => "WRONG",
            Status::Unchecked => "-",
        };
        let threshold = printable(&rule.threshold, false).into_owned();
        let found = printable(&rule.shown(), false).into_owned();
        table.row([status.to_owned(), printable(&rule.rule, false).into_owned(), threshold, found]);
    }
    out.push_str(&options.table(&table));
    out.push_str(&failed(verdict, options));
    let count = |status| verdict.rules.iter().filter(|r| r.status == status).count();
    let line = if count(Status::Misconfigured) > 0 && count(Status::Pass) + count(Status::Fail) == 0 {
        "Result: misconfigured, nothing was checked".to_owned()
    } else {
        let (pass, fail, skip) = (count(Status::Pass), count(Status::Fail), count(Status::Skip));
        let word = if verdict.pass { "PASS" } else { "FAIL" };
        let unchecked = count(Status::Misconfigured) + count(Status::Unchecked);
        let unchecked = if unchecked == 0 { String::new() } else { format!(", {unchecked} not checked") };
        format!("Result: {word} ({pass} passed, {fail} failed, {skip} skipped{unchecked})")
    };
    let line = if verdict.pass { options.paint.green(&line) } else { options.paint.red(&line) };
    out.push_str(&format!("\n{line}\n"));
    out
}

/// Renders in full the budgets that do not hold and that the table may have cut.
fn failed(verdict: &Verdict, options: &Options) -> String {
    let failed = verdict.rules.iter().filter(|r| r.fails());
    let long = failed.filter_map(|r| Some((r, r.detail.as_ref().filter(|d| d.chars().count() > SHORT)?)));
    let told = long.map(|(r, detail)| {
        let line = format!("{} ({}): {detail}", r.rule, r.threshold);
        wrap(&printable(&line, false), 2, options.width)
    });
    let told: String = told.collect();
    if told.is_empty() { told } else { format!("\n{told}") }
}
