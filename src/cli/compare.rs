//! `slim compare`: one scan, then for each profile a plan and an image in a temporary place, which is measured, and run where that
//! is asked for.

use std::io::{self, Write};
use std::time::Instant;

use super::args::{CompareArgs, RequestArgs};
use super::files::{Forms, Outputs};
use super::job;
use super::output::{OK, prepare_threads};
use super::progress;
use super::trial::{self, Asked};
use super::values::Color;
use crate::codec::{self, Compression};
use crate::compare::{self, AS_IT_IS, Column, Comparison, Head, Tried, markdown, text};
use crate::engine::Loaded;
use crate::engine::subject::Subject;
use crate::image::Platform;
use crate::page::Page;
use crate::pipeline::{self, Inputs, Planned, Profiles, RegistryOptions, Request, Silent, Ui, transfer};
use crate::profile::Override;
use crate::report::RemovedPath;
use crate::report::paint::Paint;
use crate::scan::Needs;
use crate::sink::Target;
use crate::sink::temp::Temp;
use crate::source::{Input, LayerRef, OpenOptions};
use crate::tree::NodeId;
use crate::{Digest, Error, ErrorKind, Result};
use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// Runs `slim compare`. The exit code is always 0: a comparison is no check.
///
/// # Errors
/// Returns any error of the request, the input or the host.
pub fn compare(args: CompareArgs, color: Color, stderr: Paint) -> Result<u8> {
    prepare_threads(args.image.reading.threads);
    let requests = requests(&args)?;
    let outputs = Outputs::of_forms(&[("IN", args.image.name())], &args.output, &[])?;
    let asked = args.trial.resolve()?;
    let ui = progress::Stderr::new(args.output.verbosity(), stderr);
    let done = compared(&args, &requests, asked.as_ref(), &ui);
    ui.done();
    outputs.write(&done?, &args.output, color)?;
    Ok(OK)
}

impl Forms for Comparison {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self).map_err(io::Error::from).and_then(|()| writeln!(out))
    }

    fn markdown(&self) -> String {
        markdown::render(self)
    }

    fn page(&self) -> Result<Page> {
        Ok(compare::page::page(self))
    }

    fn text(&self, width: usize, paint: Paint, detail: u8) -> String {
        text::render(self, &text::Options { width, paint, all: detail > 0 })
    }
}

/// One request for each column: each `-p` with each choice of values.
fn requests(args: &CompareArgs) -> Result<Vec<Request>> {
    let mut choices: Vec<Vec<Override>> = vec![Vec::new()];
    for text in &args.vary {
        let values = Override::parse(text).map_err(|what| Error::new(ErrorKind::Usage, what))?;
        let key = |over: &Override| (over.rule.clone(), over.key.clone());
        if choices[0].iter().any(|known| values.iter().any(|v| key(v) == key(known))) {
            let what = format!("`{}.{}` is varied twice", values[0].rule, values[0].key);
            return Err(Error::new(ErrorKind::Usage, what).hint("name all values at once: RULE.KEY=VALUE,VALUE"));
        }
        let with = |choice: &Vec<Override>| {
            values.iter().map(|v| [choice.as_slice(), std::slice::from_ref(v)].concat()).collect()
        };
        choices = choices.iter().flat_map(|choice: &Vec<Override>| -> Vec<Vec<Override>> { with(choice) }).collect();
    }
    let mut requests = Vec::new();
    for profiles in &args.profiles {
        for overrides in &choices {
            let args = RequestArgs {
                image: args.image.clone(),
                profiles: profiles.split(',').map(str::to_owned).collect(),
                enable: args.enable.clone(),
                drop: Vec::new(),
                protect: Vec::new(),
                allow_idle: false,
                run_with: args.run_with.clone(),
                layers: args.layers,
                base: args.base,
            };
            let request = job::planning(args)?;
            requests.push(Request { overrides: overrides.clone(), list_removed: true, ..request });
        }
    }
    Ok(requests)
}

/// The state while columns are made.
struct Bench<'a> {
    args: &'a CompareArgs,
    asked: Option<&'a Asked>,
    ui: &'a dyn Ui,
    dir: Temp,
    /// Sizes of layers by diff id, plain and compressed with gzip and zstd: profiles leave many as they are.
    sizes: HashMap<Digest, [u64; 3]>,
    /// The images of the columns, where there are sweeps: each of a file that has no name any more.
    subjects: Vec<Subject>,
    images: Vec<Loaded>,
}

fn compared(args: &CompareArgs, requests: &[Request], asked: Option<&Asked>, ui: &dyn Ui) -> Result<Comparison> {
    let profiles = requests.iter().map(Profiles::resolve).collect::<Result<Vec<_>>>()?;
    let needs = profiles.iter().map(Profiles::needs).collect::<Result<Vec<_>>>()?;
    let reading = args.image.reading.resolve(&[args.image.name()])?;
    let platform = reading.platform.as_deref().map(Platform::parse).transpose()?;
    let note = |message: &str| ui.note(message);
    let options = OpenOptions { platform, registry: &reading.registry, spool_note: &note };
    let subject = Subject::open(args.image.name(), &options)?;
    let input = subject.input();
    input.warnings.iter().for_each(|w| ui.warn(w));
    let start = Instant::now();
    let scans = pipeline::scan(input, &needs.into_iter().fold(Needs::default(), Needs::and), ui)?;
    let scan_seconds = start.elapsed().as_secs_f64();
    let dir = Temp::dir(&std::env::temp_dir().join("compare"))?;
    // IN may be readable by its owner alone, and so must be what is made of it here.
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o700))?;
    let mut bench = Bench { args, asked, ui, dir, sizes: HashMap::new(), subjects: Vec::new(), images: Vec::new() };

    let mut columns = vec![Column { name: AS_IT_IS.to_owned(), ..Column::default() }];
    let mut lists = Vec::new();
    for (request, profiles) in requests.iter().zip(&profiles) {
        let (column, files, removed) = bench.column(Inputs { request, profiles, input, scans: &scans })?;
        columns[0].files = files;
        columns.push(column);
        lists.push(removed);
    }
    let image = subject.image();
    bench.measure(&mut columns[0], input)?;
    columns.iter_mut().skip(1).zip(compare::only(&lists)).for_each(|(column, only)| column.only = only);
    let head = Head {
        path: args.image.name().to_owned(),
        tags: image.tags.clone(),
        platform: image.platform.to_string(),
        config: image.config_digest.to_string(),
    };
    let tried = bench.run(&subject, &mut columns)?;
    Ok(Comparison {
        schema_version: compare::SCHEMA_VERSION,
        slim_version: env!("CARGO_PKG_VERSION").to_owned(),
        image: head,
        bits_per_second: args.bandwidth,
        scan_seconds,
        tried,
        columns,
    })
}

impl Bench<'_> {
    /// Makes the image of a column and measures it. Also gives the number of files before, and what is removed.
    fn column(&mut self, inputs: Inputs<'_>) -> Result<(Column, u64, Vec<RemovedPath>)> {
        let request = inputs.request;
        let varied: Vec<String> = request.overrides.iter().map(ToString::to_string).collect();
        let name = [vec![request.profiles.join(",")], varied.clone()].concat().join(" ");
        self.ui.phase(&name, 0);
        let start = Instant::now();
        let plans = pipeline::plan(inputs, pipeline::merge(inputs)?, self.ui)?;
        let path = self.dir.path().join("image.tar");
        let location = format!("oci-archive:{}", path.display());
        let target = Target::parse(&location)?;
        // What is wrong with the documents of an image nobody gets is not told.
        let written = pipeline::write(inputs, &plans, &target, &Silent)?;
        let slim_seconds = start.elapsed().as_secs_f64();

        let (mut report, removed) = pipeline::report(inputs, &plans, Some(&written), Vec::new());
        written.sealed.publish()?;
        let files = |keep: &dyn Fn(&Planned<'_>, NodeId) -> bool| {
            let of = |p| Planned::file_ids(p).filter(|id| keep(p, *id)).count() as u64;
            plans.images.iter().map(of).sum::<u64>()
        };
        let image = report.images.pop();
        let mut column = Column {
            name,
            profiles: request.profiles.clone(),
            picked: report.picked,
            varied,
            files: files(&|p, id| p.plan.dropped[id.index()].is_none()),
            slim_seconds: Some(slim_seconds),
            layer_reports: image.as_ref().map(|i| i.layers.clone()).unwrap_or_default(),
            rules: image.map(|i| i.rules).unwrap_or_default(),
            ..Column::default()
        };
        let subject = Subject::open(
            &location,
            &OpenOptions { platform: None, registry: &RegistryOptions::default(), spool_note: &|_| () },
        )?;
        self.measure(&mut column, subject.input())?;
        if let Some(asked) = self.asked {
            self.images.push(asked.engine.load(subject.input(), subject.image())?);
        }
        // Only sweeps read it again.
        if self.asked.is_some_and(|asked| !asked.kinds.is_empty()) {
            self.subjects.push(subject);
        }
        let _ = std::fs::remove_file(&path);
        Ok((column, files(&|_, _| true), removed))
    }

    /// Sizes and times of a pull.
    fn measure(&mut self, column: &mut Column, input: &Input) -> Result<()> {
        let layers: Vec<&LayerRef> = input.images.iter().flat_map(|i| &i.layers).collect();
        column.layers = layers.len();
        let stored: u64 = layers.iter().map(|l| l.size).sum();
        let mut sums = [0; 3];
        for layer in layers {
            let place = |e: Error| e.layer(&layer.name).archive(&input.name);
            let [plain, gzip, zstd] = self.sizes_of(input, layer).map_err(place)?;
            let own = |compression, size| if layer.compression == compression { layer.size } else { size };
            sums[0] += plain;
            sums[1] += own(Compression::Gzip, gzip);
            sums[2] += own(Compression::Zstd, zstd);
        }
        column.uncompressed_bytes = sums[0];
        if !self.args.no_compress {
            (column.gzip_bytes, column.zstd_bytes) = (Some(sums[1]), Some(sums[2]));
        }
        let pulled = column.gzip_bytes.unwrap_or(stored);
        column.pull_seconds = pulled as f64 * 8.0 / self.args.bandwidth as f64;
        Ok(())
    }

    /// Bytes of a layer as a plain tar, and compressed with either at slim's own levels.
    fn sizes_of(&mut self, input: &Input, layer: &LayerRef) -> Result<[u64; 3]> {
        if let Some([plain, gzip, zstd]) = self.sizes.get(&layer.diff_id) {
            return Ok([*plain, *gzip, *zstd]);
        }
        let open = || codec::decoder(layer.compression, input.open_blob(&layer.blob)?);
        let plain =
            if layer.compression == Compression::None { layer.size } else { io::copy(&mut open()?, &mut io::sink())? };
        let sizes = if self.args.no_compress {
            [plain, 0, 0]
        } else {
            self.ui.phase("compressing", layer.size);
            let both = [Compression::Gzip, Compression::Zstd];
            let (plain, [gzip, zstd]) = transfer::sizes(&mut open()?, plain, both, &|n| self.ui.advance(n))?;
            [plain, gzip, zstd]
        };
        self.sizes.insert(layer.diff_id, sizes);
        Ok(sizes)
    }

    /// Runs what is asked for in the image as it is and in that of each column.
    fn run(&self, subject: &Subject, columns: &mut [Column]) -> Result<Option<Tried>> {
        let Some(asked) = self.asked else { return Ok(None) };
        let first = asked.engine.load(subject.input(), subject.image())?;
        let subjects: Vec<&Subject> = std::iter::once(subject).chain(&self.subjects).collect();
        let images: Vec<&Loaded> = std::iter::once(&first).chain(&self.images).collect();
        let found = trial::several(asked, &subjects, &images, self.ui)?;
        let shell = found.iter().find_map(|f| f.trials.as_ref()).is_some_and(|t| t.shell);
        for (column, found) in columns.iter_mut().zip(found) {
            (column.trials, column.sweeps) = (found.trials, found.sweeps);
        }
        let (outputs, runs) = (asked.options.outputs, asked.options.runs);
        Ok(Some(Tried { engine: asked.engine.name(), shell, outputs, runs }))
    }
}
