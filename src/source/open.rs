//! Opening an input: finding its bytes, their image format and the images in them.

use super::archive::Archive;
use super::dir::Dir;
use super::draft::Draft;
use super::outer::{self, Walk};
use super::registry::Registry;
use super::traits::Source;
use super::tree::{DockerTree, Trees};
use super::{ImageFormat, Input, Location, OpenOptions, Prefix, docker, foreign, layers, oci, select, spool};
use crate::codec::packed::Packing;
use crate::image::{Doc, Reference};
use crate::registry;
use crate::stores;
use crate::{Error, ErrorKind, Result, Warning};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Opens the images at `location`.
///
/// # Errors
/// Returns an error if there is no image that can be read; the message says what there is instead.
pub fn open(location: &Location, options: &OpenOptions<'_>) -> Result<Input> {
    let name = location.to_string();
    open_in(location, options, &name).map_err(|e| e.archive(&name))
}

fn open_in(location: &Location, options: &OpenOptions<'_>, name: &str) -> Result<Input> {
    let source = open_source(location, options)?;
    let documents = Documents::find(&*source, location.prefix, name)?;
    let (drafts, mut trees, mut warnings) = documents.read(&*source, options)?;
    if drafts.is_empty() && options.platform.is_none() {
        let types = trees.oci.as_ref().map(|oci| oci.artifacts()).filter(|types| !types.is_empty());
        let what = "index.json names no image";
        let error = |what: String| Error::new(ErrorKind::Archive, what);
        return Err(types.map_or_else(
            || error(what.to_owned()),
            |types| {
                let hint = "slim makes container images smaller; other artifacts pass as they are beside one";
                error(format!("{what}, only what is of type {}", types.join(", "))).hint(hint)
            },
        ));
    }
    let drafts = select::select(drafts, &mut trees, location.reference.as_deref(), options.platform.as_ref())?;
    let complete = |draft: Draft| layers::complete(&*source, draft, &mut warnings);
    let images = drafts.into_iter().map(complete).collect::<Result<Vec<_>>>()?;
    let (form, archive_bytes) = (source.form().unwrap_or_else(|| documents.form()), source.archive_bytes());
    warnings.extend(source.warnings());
    Ok(Input { name: name.to_owned(), form, archive_bytes, images, warnings, source, trees })
}

fn open_source(location: &Location, options: &OpenOptions<'_>) -> Result<Box<dyn Source>> {
    if let Some(name) = location.registry() {
        return Ok(Box::new(Registry::new(name, options.registry)?));
    }
    if let Some(stored) = location.stored() {
        let image = stores::open(stored, options.platform.as_ref(), options.registry.offline)?;
        return spooled(image, "the image", options);
    }
    match location.path() {
        None => spooled(io::stdin(), "standard input", options),
        Some(path) => open_path(path, location, options),
    }
}

/// Returns the hint for a path that does not exist: a file beside it with a similar name, or each place that an image of that name
/// may be in.
fn missing(path: &Path, location: &Location, offline: bool) -> String {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.file_name().to_string_lossy().into_owned());
    let near = names.map(|name| (strsim::damerau_levenshtein(&wanted, &name), name));
    let near = near.filter(|(distance, _)| *distance <= (wanted.chars().count() / 4).max(1)).min();
    if let Some((_, name)) = near {
        return format!("did you mean {}?", path.with_file_name(name).display());
    }
    let reference = location.reference.iter().map(|reference| format!(":{reference}")).collect::<String>();
    let name = format!("{}{reference}", path.display());
    let looks_like_a_file = wanted.contains('.') && !name.contains(':');
    let Some(in_registry) =
        registry::Name::parse(&name).ok().filter(|_| location.prefix.is_none() && !looks_like_a_file)
    else {
        return "an image that is no file has a prefix: `docker-daemon:app:v1`, `docker://HOST/app:v1`".to_owned();
    };
    // A name without a tag is that of the tag `latest`.
    let name = Reference::parse(&name).map_or(name, |name| name.familiar());
    let here = if offline { Vec::new() } else { stores::who_has(&name) };
    if !here.is_empty() {
        return format!(
            "it is an image that is here: `{}`; in its registry it is `{in_registry}`",
            here.join("` and `")
        );
    }
    format!(
        "if it is an image, say where: `docker-daemon:{name}`, `podman:{name}`, `containerd:{name}`, or in its registry `{in_registry}`"
    )
}

fn open_path(path: &Path, location: &Location, options: &OpenOptions<'_>) -> Result<Box<dyn Source>> {
    let prefix = location.prefix;
    let metadata = path.metadata().map_err(|e| {
        let error = Error::io("cannot open", e);
        if path.exists() { error } else { error.hint(missing(path, location, options.registry.offline)) }
    })?;
    if metadata.is_dir() {
        if let Some(prefix @ (Prefix::DockerArchive | Prefix::OciArchive)) = prefix {
            let error = Error::new(ErrorKind::Usage, format!("a directory cannot be read as {}", prefix.name()));
            return Err(error.hint(format!("for an OCI layout: oci:{}", path.display())));
        }
        return Ok(Box::new(Dir::new(path)?));
    }
    if prefix == Some(Prefix::Oci) {
        let error = Error::new(ErrorKind::Usage, "a file, not an OCI layout directory");
        return Err(error.hint(format!("for a layout in an archive: oci-archive:{}", path.display())));
    }
    let file = File::open(path).map_err(|e| Error::io("cannot open", e))?;
    if !metadata.is_file() {
        return spooled(file, "the input is no plain file: it", options);
    }
    let metadata = file.metadata().map_err(|e| Error::io("cannot open", e))?;
    if metadata.len() == 0 {
        return Err(Error::new(ErrorKind::Archive, "an empty file, no image").hint("was it written to the end?"));
    }
    let mut walk = FileWalk { file: &file, at: 0, len: metadata.len() };
    let mut head = [0; 512];
    let read = walk.read(&mut head)?;
    if !Packing::sniff(&head[..read]).is_plain() {
        return spooled(file, "the input is compressed as a whole: it", options);
    }
    walk.at = 0;
    let entries = outer::index(&mut walk).map_err(|e| foreign::no_tar(e, &head[..read]))?;
    Ok(Box::new(Archive::new(file, &metadata, entries, metadata.len())))
}

fn spooled<R: Read + Send + 'static>(reader: R, what: &str, options: &OpenOptions<'_>) -> Result<Box<dyn Source>> {
    let (head, reader) = spool::peek(reader)?;
    if head.is_empty() {
        let hint = "nothing came: did the command before the pipe fail?";
        return Err(Error::new(ErrorKind::Archive, "empty, no image").hint(hint));
    }
    (options.spool_note)(&format!("{what} is copied to a temporary file in {} first", spool::temp_dir()));
    let spool::Spooled { file, entries, read } =
        spool::spool(reader, Packing::sniff(&head)).map_err(|e| foreign::no_tar(e, &head))?;
    let metadata = file.metadata().map_err(|e| Error::io("cannot read the temporary file", e))?;
    Ok(Box::new(Archive::new(file, &metadata, entries, read)))
}

/// The documents by which an image format is known.
struct Documents {
    index: Option<super::BlobRef>,
    docker: Option<Doc>,
}

impl Documents {
    fn find(source: &dyn Source, prefix: Option<Prefix>, name: &str) -> Result<Self> {
        let is_dir = source.form() == Some(ImageFormat::OciDir);
        let mut index = source.find("index.json")?;
        let mut docker = None;
        // A directory is read as OCI alone: nothing loads docker's form from one.
        let blob = if is_dir && index.is_some() { None } else { source.find(docker::NAME)? };
        if let Some(blob) = blob {
            let doc = Doc::parse(docker::NAME, source.document(&blob, docker::NAME)?)?;
            match (doc.json.is_array(), &index) {
                (false, None) => return Err(foreign::no_docker_manifest(&source.top(), name)),
                (true, _) if is_dir => {
                    let hint = format!("pack it: `tar -C {name} -cf app.tar .`");
                    return Err(Error::new(ErrorKind::Unsupported, "an unpacked docker archive").hint(hint));
                }
                (is_list, _) => docker = is_list.then_some(doc),
            }
        }
        if index.is_none() && docker.is_none() {
            return Err(foreign::no_image(&source.top(), is_dir));
        }
        match prefix {
            Some(Prefix::DockerArchive) if docker.is_none() => {
                Err(wrong_form("docker archive", "manifest.json", "oci-archive"))
            }
            Some(Prefix::OciArchive) if index.is_none() => {
                Err(wrong_form("OCI archive", "index.json", "docker-archive"))
            }
            Some(Prefix::OciArchive) => {
                // The user wants its OCI part alone; so be it.
                docker = None;
                Ok(Self { index: index.take(), docker })
            }
            _ => Ok(Self { index, docker }),
        }
    }

    const fn form(&self) -> ImageFormat {
        match (&self.index, &self.docker) {
            (Some(_), Some(_)) => ImageFormat::Hybrid,
            (Some(_), None) => ImageFormat::Oci,
            (None, _) => ImageFormat::Docker,
        }
    }

    fn read(&self, source: &dyn Source, options: &OpenOptions<'_>) -> Result<(Vec<Draft>, Trees, Vec<Warning>)> {
        let mut trees = Trees::default();
        let (mut drafts, mut warnings) = (Vec::new(), Vec::new());
        if let Some(index) = &self.index {
            let layout = oci::read(source, index, options.platform.as_ref())?;
            trees.oci = Some(layout.tree);
            drafts = layout.drafts;
            warnings = layout.warnings;
            // That another platform's image is not there is usual; that none is means a damaged input.
            let absent = warnings.iter().find(|w| w.id == "absent-image" && drafts.is_empty());
            if let Some(absent) = absent.filter(|_| options.platform.is_none()) {
                let message = absent.message.trim_end_matches(": skipped");
                return Err(Error::new(ErrorKind::Archive, message).hint("save the image again, with all its blobs"));
            }
        }
        if let Some(doc) = &self.docker {
            let images = docker::merge(source, &mut drafts, docker::read(source, doc)?)?;
            trees.docker = Some(DockerTree { doc: doc.clone(), images: images.into_iter().map(Some).collect() });
        }
        Ok((drafts, trees, warnings))
    }
}

fn wrong_form(wanted: &str, missing: &str, other: &str) -> Error {
    Error::new(ErrorKind::Archive, format!("not a {wanted}: no {missing}")).hint(format!("read it as {other}:PATH"))
}

/// A file that is walked over by seeking.
struct FileWalk<'a> {
    file: &'a File,
    at: u64,
    len: u64,
}

impl Walk for FileWalk<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.file.read_at(&mut buf[filled..], self.at) {
                Ok(0) => break,
                Ok(n) => {
                    filled += n;
                    self.at += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = n.min(self.len.saturating_sub(self.at));
        self.at += n;
        Ok(n)
    }
}
