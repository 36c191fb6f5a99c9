//! The report as text: sizes before and after, then for each image its layers, rules, packages and directories, the paths that
//! were held, and the digests of the output. The sum comes last, where the eye is.

use std::collections::BTreeMap;

use super::instruction;
use super::paint::Paint;
use super::table::{Table, wrap};
use super::{Fate, Held, ImageReport, LayerReport, Named, Report, Side, escape, form_name, order, printable, units};
use crate::registry::Moved;

/// Options of the report.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of columns of a line.
    pub width: usize,
    /// True if it goes to a terminal: only there lines about packages are cut.
    pub terminal: bool,
    /// The colours.
    pub paint: Paint,
    /// 0 shows the largest of each list, 1 (`-v`) more of them and further facts, 2 (`-vv`) everything uncut.
    pub detail: u8,
}

impl Options {
    /// Returns the number of rows of a list that are shown.
    const fn rows(&self) -> usize {
        match self.detail {
            0 => 5,
            1 => 20,
            _ => usize::MAX,
        }
    }

    /// Returns the largest width of a table, in columns.
    const fn table_width(&self) -> usize {
        if self.detail > 1 { usize::MAX } else { self.width }
    }

    fn render(&self, table: &Table) -> String {
        table.render(2, self.table_width(), self.paint)
    }
}

/// Renders the report as text; its lists must be in the order of [`Report::sort`].
#[must_use]
pub fn render(report: &Report, options: &Options) -> String {
    let mut out = head(report, options);
    let same = report.has_same_picks();
    for image in &report.images {
        let picked = (!same).then_some(image.picked.as_slice());
        out.push_str(&self::image(image, picked, options));
    }
    out.push_str(&digest_of_all(report));
    out.push_str(&timings(report, options));
    out.push('\n');
    out.push_str(&sum(report, options));
    out
}

/// Renders the input, the output, and the sizes.
fn head(report: &Report, options: &Options) -> String {
    let side = |side: &Side| format!("{} ({})", printable(&side.path, false), form_name(side.form));
    let mut out = format!("input     {}\n", side(&report.input));
    match &report.output {
        Some(output) => out.push_str(&format!("output    {}\n", side(output))),
        None => out.push_str("output    none, this is a dry run\n"),
    }
    let mut profiles = printable(&report.profiles.join(", "), false).into_owned();
    if report.has_same_picks() && !report.picked.is_empty() {
        profiles.push_str(&format!(" (picked: {})", printable(&report.picked.join(", "), false)));
    }
    out.push_str(&format!("profiles  {profiles}; layers: {}\n", report.layers_mode));
    report.notes.iter().for_each(|note| out.push_str(&format!("note      {}\n", printable(note, false))));
    out.push('\n');
    let mut table = Table::new("<>>>>").header(&["", "before", "after", "saved", ""]);
    let mut row = |name: &str, before: u64, after: u64| {
        let (saved, percent) = (units::saved(before, after), units::percent(before, after));
        table.row([name.to_owned(), units::bytes(before), units::bytes(after), saved, percent]);
    };
    if let Some(output) = &report.output {
        let input = &report.input;
        if let (Some(before), Some(after)) = (input.archive_bytes, output.archive_bytes) {
            row("archive", before, after);
        }
        row("uncompressed", input.uncompressed_bytes, output.uncompressed_bytes);
        if let (Some(before), Some(after)) = (input.pulled_bytes, output.pulled_bytes) {
            row("as pulled", before, after);
        }
    } else {
        let (before, after) = report.planned_bytes();
        row("uncompressed", before, after);
    }
    out.push_str(&table.render(0, options.width, options.paint));
    if let Some(Moved { sent_bytes, mounted_bytes, present_bytes }) = report.output.as_ref().and_then(|o| o.moved) {
        let [sent, mounted, present] = [sent_bytes, mounted_bytes, present_bytes].map(units::bytes);
        out.push_str(&format!("\nsent {sent}; {mounted} mounted from another repository, {present} were there\n"));
    }
    out
}

fn heading(name: &str, options: &Options) -> String {
    format!("\n{}\n", options.paint.bold(name))
}

/// Renders an image; `picked` are the profiles that were picked for it, if images differ in them.
fn image(image: &ImageReport, picked: Option<&[String]>, options: &Options) -> String {
    let tags = if image.tags.is_empty() { "untagged".to_owned() } else { image.tags.join(", ") };
    let mut out =
        heading(&format!("image {}, {}", printable(&tags, false), printable(&image.platform, false)), options);
    if let Some(picked) = picked {
        let picked = if picked.is_empty() { "none".to_owned() } else { picked.join(", ") };
        out.push_str(&format!("  picked: {}\n", printable(&picked, false)));
    }
    out.push_str(&layers(&image.layers, options));
    out.push_str(&rules(image, options));
    out.push_str(&packages(image, options));
    out.push_str(&bytecode(image, options));
    out.push_str(&named("from package", &image.packages, options));
    out.push_str(&named("from directory", &image.directories, options));
    out.push_str(&left_alone(image, options));
    out.push_str(&unchanged(image, options));
    out.push_str(&held(image, options));
    if !image.idle_rules.is_empty() {
        out.push_str(&heading("rules of yours that matched nothing: is there a typo in them?", options));
        out.push_str(&wrap(&printable(&image.idle_rules.join(", "), false), 2, options.width));
    }
    let built_in = image.unmatched_rules.len() - image.idle_rules.len();
    if options.detail > 1 && built_in > 0 {
        out.push_str(&format!("\n  {built_in} built-in rules found nothing to do in this image\n"));
    }
    if let Some(output) = &image.output {
        // A digest with its name has 80 columns and must never be cut.
        out.push('\n');
        if let Some(manifest) = &output.manifest {
            out.push_str(&format!("manifest {manifest}\n"));
        }
        out.push_str(&format!("config   {}\n", output.config));
    }
    out
}

fn layers(layers: &[LayerReport], options: &Options) -> String {
    let mut table = Table::new(">>>><").header(&["layer", "before", "after", "saved", "instruction"]);
    for layer in layers {
        let saved = units::saved(layer.input_bytes, layer.output_bytes);
        let (after, saved) = match layer.fate {
            Fate::Dropped => ("dropped".to_owned(), saved),
            Fate::Base => (units::bytes(layer.output_bytes), "base".to_owned()),
            Fate::Unchanged => (units::bytes(layer.output_bytes), "-".to_owned()),
            Fate::Rewritten | Fate::Squashed => (units::bytes(layer.output_bytes), saved),
        };
        let shown = instruction::clean(&layer.instruction);
        let shown = if shown.is_empty() { "(no history)".into() } else { printable(&shown, false) };
        table.row([layer.index.to_string(), units::bytes(layer.input_bytes), after, saved, shown.into_owned()]);
    }
    options.render(&table)
}

fn rules(image: &ImageReport, options: &Options) -> String {
    let rules: Vec<_> = image.rules.iter().filter(|r| r.files > 0 || r.bytes > 0).collect();
    if rules.is_empty() {
        return "\n  no rule found anything to remove\n".to_owned();
    }
    let mut table = Table::new(">><<").header(&["saved", "files", "risk", "rule"]);
    for rule in rules {
        let name = if options.detail == 0 {
            rule.id.clone()
        } else {
            format!("{} ({}): {}", rule.id, rule.profile, rule.about)
        };
        let (saved, files) = (units::bytes(rule.bytes), units::count(rule.files));
        table.row([saved, files, rule.risk.name().to_owned(), printable(&name, false).into_owned()]);
    }
    format!("\n{}", options.render(&table))
}

/// Renders the packages that were removed, and those that a rule asked for and that stay, by reason.
fn packages(image: &ImageReport, options: &Options) -> String {
    let rows = image.removed_packages.iter().map(|p| {
        let orphan = if p.orphan { ", needed by nothing else" } else { "" };
        let breaks = if p.breaks.is_empty() { String::new() } else { format!(", BREAKS {}", p.breaks.join(", ")) };
        let name = format!("{} {} ({}{orphan}{breaks})", p.name, p.version, p.manager.name());
        [units::bytes(p.bytes), units::count(p.files), printable(&name, false).into_owned()]
    });
    let width = if options.terminal { options.width } else { usize::MAX };
    let options = &Options { width, ..*options };
    let mut out = limited(["saved", "files", "packages removed"], rows, options);
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kept in &image.kept_packages {
        reasons.entry(&kept.why).or_default().push(&kept.name);
    }
    let rows = reasons.iter().map(|(why, names)| {
        let names = names.join(", ");
        [String::new(), String::new(), printable(&format!("{names}: {why}"), false).into_owned()]
    });
    out.push_str(&limited(["", "", "packages kept"], rows, options));
    out
}

/// Renders the packages or directories of which something went.
fn named(what: &str, list: &[Named], options: &Options) -> String {
    let rows =
        list.iter().map(|n| [units::bytes(n.bytes), units::count(n.files), printable(&n.name, false).into_owned()]);
    limited(["saved", "files", what], rows, options)
}

/// Renders a table of at most as many rows as the detail allows, and the number of the others.
fn limited(names: [&str; 3], rows: impl ExactSizeIterator<Item = [String; 3]>, options: &Options) -> String {
    let total = rows.len();
    if total == 0 {
        return String::new();
    }
    let mut table = Table::new(">><").header(&names);
    // A line that says `1 more` is not shorter than the row itself.
    let shown = if total <= options.rows().saturating_add(1) { total } else { options.rows() };
    rows.take(shown).for_each(|row| table.row(row));
    if total > shown {
        let more = if options.detail == 0 { "-v" } else { "-vv" };
        let rest = units::count((total - shown) as u64);
        table.row([String::new(), String::new(), format!("and {rest} more (see {more})")]);
    }
    format!("\n{}", options.render(&table))
}

/// Renders the executables and shared objects that were not stripped, by reason. Those that had nothing to strip are shown with
/// `-v`.
fn left_alone(image: &ImageReport, options: &Options) -> String {
    let shown: Vec<_> = image.stripped.left.iter().filter(|l| options.detail > 0 || !l.usual).collect();
    let rows = shown.iter().map(|l| {
        let text = format!("{}, such as {}", printable(&l.reason, false), escape(&l.example));
        [units::bytes(l.bytes), units::count(l.files), text]
    });
    limited(["bytes", "files", "not stripped"], rows, options)
}

/// Renders the cost of dropping bytecode, in words.
fn bytecode(image: &ImageReport, options: &Options) -> String {
    let price = image.bytecode;
    // A cost that nobody would notice is shown with `-v`.
    if price.modules == 0 || (price.start_seconds < 0.05 && options.detail == 0) {
        return String::new();
    }
    let modules = if price.modules == 1 { "module" } else { "modules" };
    let text = format!(
        "bytecode of {} {modules} ({}) went: each start compiles those that it imports, about {:.1} s of CPU more (an \
         estimate: 10 ms for each MB, as measured on a dashboard of streamlit and pandas). As root and with a writable \
         file system, Python writes it again into the container's own layer.",
        units::count(price.modules),
        units::bytes(price.bytes),
        price.start_seconds
    );
    format!("\n{}", wrap(&text, 2, options.width))
}

/// Renders the files that a rule would have given a new content and that stay. Those whose new content was not smaller are
/// shown with `-v`.
fn unchanged(image: &ImageReport, options: &Options) -> String {
    let shown: Vec<_> = image.unchanged.iter().filter(|u| options.detail > 0 || !u.usual).collect();
    let rows = shown.iter().map(|u| {
        let text = format!("{}: {}, such as {}", u.rule, printable(&u.reason, false), escape(&u.example));
        [units::bytes(u.bytes), units::count(u.files), text]
    });
    limited(["bytes", "files", "as they were"], rows, options)
}

/// Renders the paths that were held: by reason; with `-v` by reason and rule, and path by path.
fn held(image: &ImageReport, options: &Options) -> String {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for Held { reason, rule, files, bytes } in &image.held {
        let name = if options.detail == 0 { reason.clone() } else { format!("{reason} ({rule})") };
        let sum = sums.entry(name).or_default();
        *sum = (sum.0.saturating_add(*bytes), sum.1.saturating_add(*files));
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| order((a.1.0, a.1.1, &a.0), (b.1.0, b.1.1, &b.0)));
    let rows = sums.iter().map(|(name, (bytes, files))| {
        [units::bytes(*bytes), units::count(*files), printable(name, false).into_owned()]
    });
    let mut out = limited(["bytes", "files", "held back"], rows, options);
    if options.detail > 0 {
        let rows = image.rescued.iter().map(|r| {
            let why = printable(&r.why, false);
            [units::bytes(r.bytes), printable(&r.rule, false).into_owned(), format!("{}: {why}", escape(&r.path))]
        });
        out.push_str(&limited(["bytes", "rule", "path held back"], rows, options));
    }
    out
}

/// Renders the digest of the index, if there is one beside the manifests.
fn digest_of_all(report: &Report) -> String {
    let digest = report.output.as_ref().and_then(|o| o.digest.as_ref());
    let outputs = || report.images.iter().filter_map(|image| image.output.as_ref());
    match digest {
        Some(digest) if !outputs().any(|o| o.manifest.as_ref() == Some(digest)) => format!("\nindex    {digest}\n"),
        _ => String::new(),
    }
}

fn timings(report: &Report, options: &Options) -> String {
    if report.timings.is_empty() {
        return String::new();
    }
    let mut table = Table::new(">>><").header(&["seconds", "bytes", "MB/s", "phase"]);
    for timing in &report.timings {
        let speed = if timing.bytes == 0 || timing.seconds <= 0.0 {
            "-".to_owned()
        } else {
            format!("{:.0}", timing.bytes as f64 / 1e6 / timing.seconds)
        };
        let seconds = format!("{:.2}", timing.seconds);
        table.row([seconds, units::bytes(timing.bytes), speed, printable(&timing.phase, false).into_owned()]);
    }
    format!("\n{}", options.render(&table))
}

/// Renders the last line.
fn sum(report: &Report, options: &Options) -> String {
    let (before, after, what) = match &report.output {
        Some(output) => match (report.input.archive_bytes, output.archive_bytes) {
            (Some(before), Some(after)) => (before, after, ""),
            _ => (report.input.uncompressed_bytes, output.uncompressed_bytes, " uncompressed"),
        },
        None => {
            let (before, after) = report.planned_bytes();
            (before, after, " uncompressed")
        }
    };
    let files = report.images.iter().fold(0_u64, |n, image| n.saturating_add(image.removed.files));
    let change = if after > before { "grew by" } else { "saved" };
    let size = format!("{} of {}{what}", units::bytes(before.abs_diff(after)), units::bytes(before));
    let share = if before == 0 { String::new() } else { format!(" ({:.1}%)", units::share(before, after).abs()) };
    let sum = |files: fn(&ImageReport) -> u64, what: &str| {
        let files = report.images.iter().fold(0_u64, |n, image| n.saturating_add(files(image)));
        if files == 0 { String::new() } else { format!(", {} {what}", units::count(files)) }
    };
    let changed = [
        sum(|image| image.stripped.files, "stripped"),
        sum(|image| image.linked.files.saturating_add(image.made.files), "changed"),
    ]
    .concat();
    let files = units::files(files);
    if report.dry_run {
        let change = if after > before { "would be added to" } else { "would be saved" };
        let line = format!("dry run, nothing was written: {size}{share} {change}, {files} removed{changed}");
        return format!("{}\n", options.paint.yellow(&line));
    }
    let line = format!("{change} {size}{share}, {files} removed{changed}");
    format!("{}\n", if after < before { options.paint.green(&line) } else { line })
}
