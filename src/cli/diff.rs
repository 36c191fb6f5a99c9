//! `slim diff`: the phases up to the tree for two images, the contents that have to be compared, and what differs, on standard output.

use super::args::DiffArgs;
use super::files::{Forms, Outputs};
use super::output::{FAILED, OK, prepare_threads};
use super::progress;
use super::values::Color;
use crate::analyze::Head;
use crate::diff::{self, Answers, Diff, Image, Pair, Questions, json, markdown, text};
use crate::elf::Object as _;
use crate::layer::LayerIndex;
use crate::page::Page;
use crate::pipeline::{self, Scans, Ui};
use crate::report::paint::Paint;
use crate::scan::{Flags, Needs};
use crate::source::{Input, LayerRef, Location};
use crate::transform::{self, ContentReader};
use crate::tree::MemberId;
use crate::tree::merge::Merged;
use crate::{Digest, Error, ErrorKind, Result};
use std::io::{self, Write};

/// Larger `package.json` files are not read: npm refuses to publish such.
const MANIFEST: u64 = 1 << 20;

/// An image that is open and read.
struct Side {
    input: Input,
    head: Head,
    scans: Scans,
    merged: Merged,
    stored: Vec<(Digest, u64)>,
}

impl Side {
    fn read(path: &str, args: &DiffArgs, ui: &dyn Ui) -> Result<Self> {
        let input = pipeline::open_one(path, &args.reading.resolve(&[&args.before, &args.after])?, ui)?;
        let image = input.only("analyzed")?;
        let needs = Needs::of(Flags::SIZES_ONLY | Flags::RECORDS | Flags::PACKAGES);
        let scans = pipeline::scan(&input, &needs, ui)?;
        let merged = pipeline::merge_layers(&input, image, &scans)?;
        let head = Head::new(path, &input, image);
        let stored = image.layers.iter().map(|l| (l.diff_id, l.size)).collect();
        Ok(Self { head, scans, merged, stored, input })
    }

    fn layers(&self) -> &[LayerRef] {
        &self.input.images[0].layers
    }

    fn indexes(&self) -> Vec<&LayerIndex> {
        self.layers().iter().map(|l| &self.scans[&pipeline::key(l)].index).collect()
    }

    fn image<'a>(&'a self, layers: &'a [&'a LayerIndex]) -> Image<'a> {
        let image = &self.input.images[0];
        Image {
            head: &self.head,
            facts: &image.facts,
            config: &image.config.json,
            stored: &self.stored,
            layers,
            tree: &self.merged.tree,
        }
    }
}

/// Runs `slim diff` and returns the exit code.
///
/// # Errors
/// Returns any error of the request, the inputs or the host.
pub fn diff(args: DiffArgs, color: Color, stderr: Paint) -> Result<u8> {
    let is_std = |text: &str| Ok::<bool, Error>(Location::parse(text)?.is_std());
    if is_std(&args.before)? && is_std(&args.after)? {
        return Err(
            Error::new(ErrorKind::Usage, "both images cannot come from standard input").hint("name a file for one")
        );
    }
    prepare_threads(args.reading.threads);
    let outputs = Outputs::of_forms(&[("A", &args.before), ("B", &args.after)], &args.output, &[])?;
    let ui = progress::Stderr::new(args.output.verbosity(), stderr);
    let done = (|| -> Result<Diff> {
        let before = Side::read(&args.before, &args, &ui)?;
        let after = Side::read(&args.after, &args, &ui)?;
        let indexes = [before.indexes(), after.indexes()];
        let pair = Pair::new(before.image(&indexes[0]), after.image(&indexes[1]));
        let answers = answers(&pair.ask(), [&before, &after], &indexes)?;
        Ok(pair.compare(&answers, args.depth))
    })();
    ui.done();
    let diff = done?;
    outputs.write(&diff, &args.output, color)?;
    Ok(if args.exit_code && diff.differs() { FAILED } else { OK })
}

impl Forms for Diff {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn markdown(&self) -> String {
        markdown::render(self)
    }

    fn page(&self) -> Result<Page> {
        Ok(diff::page::page(self))
    }

    fn text(&self, width: usize, paint: Paint, detail: u8) -> String {
        text::render(self, &text::Options { width, paint, detail })
    }
}

/// Reads what has to be compared.
fn answers(questions: &Questions, sides: [&Side; 2], indexes: &[Vec<&LayerIndex>; 2]) -> Result<Answers> {
    let contents = |side: usize| {
        let pairs = questions.pairs.iter().map(|&(a, b)| if side == 0 { a } else { b });
        let manifests = questions.manifests[side].iter().map(|(at, _)| *at);
        let wanted = pairs.chain(questions.lone[side].iter().copied()).chain(manifests);
        ContentReader::new(&sides[side].input, sides[side].layers(), &indexes[side], wanted)
    };
    let (before, after) = rayon::join(|| contents(0), || contents(1));
    let shelves = [before?, after?];
    let equal = transform::compare::equal(&questions.pairs, &shelves[0], &shelves[1])?;
    let different = questions.pairs.iter().zip(equal).filter(|(_, equal)| !equal).map(|(pair, _)| *pair).collect();
    let mut out = Answers { different, ..Answers::default() };
    for side in 0..2 {
        out.hashes[side] = transform::hashes(&shelves[side], &questions.lone[side])?;
        for (at, name) in &questions.manifests[side] {
            if let Some(version) = version(&shelves[side], *at)? {
                let known = out.versions[side].entry(name.clone()).or_default();
                known.push(version);
            }
        }
        // Nobody may write to an image while it is read twice.
        sides[side].input.unchanged_since_open()?;
    }
    Ok(out)
}

/// The version that a `package.json` says; none where it is not one.
fn version(contents: &ContentReader<'_>, at: MemberId) -> Result<Option<String>> {
    let content = contents.content(at);
    if content.size() > MANIFEST {
        return Ok(None);
    }
    let manifest: Option<serde_json::Value> = serde_json::from_slice(&content.bytes(0..content.size())?).ok();
    Ok(manifest.and_then(|m| m.get("version")?.as_str().map(str::to_owned)))
}
