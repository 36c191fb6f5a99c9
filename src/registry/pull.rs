//! Pulling: documents at once, blobs when they are asked for, several at a time, each into a temporary file without a name while it
//! is read already.

use super::client::{Ask, Client};
use super::credentials::environment;
use super::http::{Payload, Reply};
use super::manifest::{manifest, manifest_types};
use super::mirrors;
use super::name::{Name, Version};
use super::options::Options;
use super::retry::pause;
use super::temporary::{no_room, temporary_file};
use crate::digest::Hashing;
use crate::image::descriptor::{IMAGE_NAME, REF_NAME, json, made};
use crate::image::media::{LayerMedia, MediaType};
use crate::image::{Doc, doc};
use crate::{Digest, Error, ErrorKind, Result, Warning};
use flate2::read::GzDecoder;
use oci_spec::image::ImageIndexBuilder;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::http::Method;
use ureq::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, RANGE};

/// The bytes that are read at once.
const CHUNK: usize = 128 << 10;
/// The bytes that a broken connection has to bring for the next one not to count as another attempt.
const PROGRESS: u64 = 64 << 10;

/// An image in a registry, opened: its first document is there, its blobs are not.
pub struct Remote {
    inner: Arc<Inner>,
    pool: ThreadPool,
    root: Root,
}

/// The document that the name leads to.
struct Root {
    digest: Digest,
    media: String,
    size: u64,
    annotations: Value,
}

struct Inner {
    /// The places that have the image, the one that answered first.
    clients: Vec<Client>,
    documents: Mutex<HashMap<Digest, Vec<u8>>>,
    known: Mutex<HashMap<Digest, Known>>,
    blobs: Mutex<HashMap<Digest, Arc<Pulled>>>,
    /// The first bytes of blobs.
    heads: Mutex<HashMap<Digest, Arc<Head>>>,
    /// The mirrors that did not have the image.
    skipped: Vec<Warning>,
    /// When the first blob was asked for, how long after that the last one was there, and the bytes of all.
    span: Mutex<Option<(Instant, Duration, u64)>>,
    /// Set when nobody will read any more.
    dropped: AtomicBool,
}

/// What a document says of another one, or of a blob: its size in bytes.
#[derive(Clone, Copy)]
enum Known {
    Manifest(u64),
    Blob(u64),
}

/// What is behind a digest.
pub enum Found {
    /// A document: its bytes.
    Document(Vec<u8>),
    /// A blob: its size in bytes.
    Blob(u64),
}

/// The first bytes of a blob, once they are there.
#[derive(Default)]
struct Head {
    bytes: Mutex<Option<Result<Vec<u8>>>>,
    changed: Condvar,
}

/// The bytes of a blob that came so far.
struct Got {
    have: u64,
    hash: Hashing<io::Sink>,
}

/// A blob that is or was pulled.
struct Pulled {
    file: File,
    size: u64,
    state: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    /// The number of bytes that are there.
    have: u64,
    /// The result, once it is known: then all bytes are there and have their digest.
    ended: Option<Result<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remote {
    /// Asks for the manifest or index that a name leads to: mirrors first, then the registry.
    ///
    /// # Errors
    /// Returns an error if it is not there, or is not what its digest says.
    pub fn open(name: &Name, options: &Options) -> Result<Self> {
        let mut clients: Vec<Client> = Vec::new();
        for place in mirrors::places(name, &environment)? {
            // A password that was given is for the registry that was named, and no other.
            let creds = options.creds.clone().filter(|_| place.host == name.host);
            clients.push(Client::new(&Options { creds, ..options.clone() }, place)?);
        }
        let threads = ThreadPoolBuilder::new().num_threads(options.jobs.max(1)).thread_name(|n| format!("pull-{n}"));
        let pool = threads.build().map_err(|e| Error::new(ErrorKind::Io, "no threads for pulling").cause(e))?;
        let version = name.version.to_string();
        let mut skipped = Vec::new();
        loop {
            match manifest(&clients[0], &version, &name.version) {
                Ok((bytes, media)) => {
                    let root = Root {
                        digest: Digest::of(&bytes),
                        media,
                        size: bytes.len() as u64,
                        annotations: annotations(name),
                    };
                    let inner = Inner {
                        clients,
                        documents: Mutex::default(),
                        known: Mutex::default(),
                        blobs: Mutex::default(),
                        heads: Mutex::default(),
                        span: Mutex::default(),
                        skipped,
                        dropped: AtomicBool::new(false),
                    };
                    inner.learn(&bytes);
                    lock(&inner.documents).insert(root.digest, bytes);
                    return Ok(Self { inner: Arc::new(inner), pool, root });
                }
                // A mirror that has no such image is passed over.
                Err(error) if clients.len() > 1 => {
                    skipped.push(Warning::new("mirror-skipped", error.to_string()));
                    clients.remove(0);
                }
                Err(error) => {
                    let before: Vec<&str> = skipped.iter().map(|warning| warning.message.as_str()).collect();
                    if before.is_empty() {
                        return Err(error);
                    }
                    return Err(error.hint(format!("before that: {}", before.join("; "))));
                }
            }
        }
    }

    /// Takes the warnings that came up so far.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let of_clients = self.inner.clients.iter().flat_map(Client::warnings);
        self.inner.skipped.iter().cloned().chain(of_clients).collect()
    }

    /// Lists what the registry has that refers to the image: signatures, attestations, lists of contents, each with its type. What
    /// the registry does not tell is not there.
    /// Sources: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers>,
    /// <https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>.
    #[must_use]
    pub fn referrers(&self) -> Vec<String> {
        let (client, tag) = (&self.inner.clients[0], self.root.digest.to_string().replace(':', "-"));
        let get = |method: Method, path: String| {
            let uri = client.uri(&format!("{}/{path}", client.repository())).ok()?;
            let (what, scopes, headers) = ("referrers", client.to_pull(), vec![(ACCEPT, manifest_types())]);
            let ask = Ask { what, method, uri, headers, payload: Payload::None, scopes: &scopes, once: true };
            client.send(&ask).ok().filter(|reply| reply.status == 200)
        };
        let list = get(Method::GET, format!("referrers/{}", self.root.digest));
        let list = list
            .or_else(|| get(Method::GET, format!("manifests/{tag}")))
            .and_then(|mut reply| serde_json::from_slice::<Value>(&reply.bytes(doc::MAX_SIZE).ok()?).ok());
        let entries = list.as_ref().and_then(|list| list["manifests"].as_array()).into_iter().flatten();
        let kind = |entry: &Value| entry["artifactType"].as_str().unwrap_or("no type").to_owned();
        let mut found: Vec<String> = entries.map(kind).collect();
        let cosign = [
            ("sig", "a signature of cosign"),
            ("att", "an attestation of cosign"),
            ("sbom", "a list of contents of cosign"),
        ];
        for (ending, name) in cosign {
            if get(Method::HEAD, format!("manifests/{tag}.{ending}")).is_some() {
                found.push(name.to_owned());
            }
        }
        found
    }

    /// An `index.json` that names the image, as a layout would have it.
    ///
    /// # Errors
    /// Returns an error if the document is none of a known kind.
    pub fn index(&self) -> Result<Vec<u8>> {
        let mut descriptor = json(&made(MediaType::from(self.root.media.as_str()), self.root.digest, self.root.size)?)?;
        descriptor["annotations"] = self.root.annotations.clone();
        let index = ImageIndexBuilder::default().schema_version(2u32).media_type(MediaType::ImageIndex).manifests([]);
        let mut index = json(&index.build()?)?;
        index["manifests"] = json!([descriptor]);
        Ok(Doc::new(index).raw)
    }

    /// Finds what a document that was read names; `None` for any other digest.
    ///
    /// # Errors
    /// Returns an error if it is a document that cannot be had.
    pub fn find(&self, digest: &Digest) -> Result<Option<Found>> {
        if let Some(bytes) = lock(&self.inner.documents).get(digest) {
            return Ok(Some(Found::Document(bytes.clone())));
        }
        let known = lock(&self.inner.known).get(digest).copied();
        match known {
            None => Ok(None),
            Some(Known::Blob(size)) => Ok(Some(Found::Blob(size))),
            Some(Known::Manifest(size)) if size > doc::MAX_SIZE => Err(doc::too_large(&digest.to_string(), size)),
            Some(Known::Manifest(_)) => {
                let (name, version) = (digest.to_string(), Version::Digest(*digest));
                let (bytes, _) = self.inner.first(|client| manifest(client, &name, &version))?;
                self.inner.learn(&bytes);
                lock(&self.inner.documents).insert(*digest, bytes.clone());
                Ok(Some(Found::Document(bytes)))
            }
        }
    }

    /// The time from the first blob that was asked for to the last one that was there, and the bytes of all; `None` if there was none.
    #[must_use]
    pub fn pulled_in(&self) -> Option<(Duration, u64)> {
        lock(&self.inner.span).map(|(_, time, bytes)| (time, bytes))
    }

    /// Begins to pull blobs, in this order.
    pub fn fetch(&self, blobs: &[(Digest, u64)]) {
        for (digest, size) in blobs {
            // What cannot be begun fails where it is read.
            let _ = self.pulled(digest, *size);
        }
    }

    /// Opens a blob of `size` bytes from the byte `skip` on. Its end is only reached once it has the digest that names it.
    ///
    /// # Errors
    /// Returns an error if there is no temporary file for it.
    pub fn open_blob(&self, digest: &Digest, size: u64, skip: u64) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Reader { blob: self.pulled(digest, size)?, at: skip }))
    }

    /// Opens the first bytes of a blob, without pulling all of it.
    ///
    /// # Errors
    /// Returns an error if the registry does not give them.
    pub fn peek(&self, digest: &Digest, size: u64, most: u64) -> Result<Box<dyn Read + Send>> {
        if size <= most || lock(&self.inner.blobs).contains_key(digest) {
            return self.open_blob(digest, size, 0);
        }
        let mut heads = lock(&self.inner.heads);
        if !heads.contains_key(digest) {
            // The others will be asked for next, and each takes as long as the way there and back.
            let begun = lock(&self.inner.blobs);
            for (digest, known) in lock(&self.inner.known).iter() {
                let Known::Blob(size) = *known else { continue };
                if size > most && !begun.contains_key(digest) && !heads.contains_key(digest) {
                    heads.insert(*digest, self.head(digest, most));
                }
            }
        }
        let Some(head) = heads.get(digest).map(Arc::clone) else { return self.open_blob(digest, size, 0) };
        drop(heads);
        let mut bytes = lock(&head.bytes);
        loop {
            match &*bytes {
                None => bytes = head.changed.wait(bytes).unwrap_or_else(PoisonError::into_inner),
                Some(Ok(bytes)) => return Ok(Box::new(io::Cursor::new(bytes.clone()))),
                Some(Err(error)) => return Err(again(error)),
            }
        }
    }

    /// Begins to get the first bytes of a blob.
    fn head(&self, digest: &Digest, most: u64) -> Arc<Head> {
        let head = Arc::<Head>::default();
        let (inner, digest, to) = (Arc::clone(&self.inner), *digest, Arc::clone(&head));
        self.pool.spawn_fifo(move || {
            *lock(&to.bytes) = Some(inner.peek(&digest, most));
            to.changed.notify_all();
        });
        head
    }

    /// Returns the file with all bytes of a blob, once they are there and have their digest.
    ///
    /// # Errors
    /// Returns the errors of pulling.
    pub fn file(&self, digest: &Digest, size: u64) -> Result<File> {
        let blob = self.pulled(digest, size)?;
        let mut state = lock(&blob.state);
        loop {
            match &state.ended {
                None => state = blob.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Ok(())) => return blob.file.try_clone().map_err(|e| Error::io("cannot open", e)),
                Some(Err(error)) => return Err(again(error)),
            }
        }
    }

    /// Waits until all blobs that were begun are there and have their digests.
    ///
    /// # Errors
    /// Returns the first error.
    pub fn arrived(&self) -> Result<()> {
        let begun: Vec<(Digest, u64)> = lock(&self.inner.blobs).iter().map(|(digest, b)| (*digest, b.size)).collect();
        begun.iter().try_for_each(|(digest, size)| self.file(digest, *size).map(drop))
    }

    /// The blob of this digest, which is pulled in the background if nobody has asked for it so far.
    fn pulled(&self, digest: &Digest, size: u64) -> Result<Arc<Pulled>> {
        let mut blobs = lock(&self.inner.blobs);
        if let Some(blob) = blobs.get(digest) {
            return Ok(Arc::clone(blob));
        }
        lock(&self.inner.span).get_or_insert((Instant::now(), Duration::ZERO, 0));
        let file = temporary_file()?;
        let blob = Arc::new(Pulled { file, size, state: Mutex::default(), changed: Condvar::new() });
        blobs.insert(*digest, Arc::clone(&blob));
        let (inner, digest, to) = (Arc::clone(&self.inner), *digest, Arc::clone(&blob));
        self.pool.spawn_fifo(move || {
            let result = inner.first(|client| inner.pull(client, &digest, &to));
            if let Some((start, last, bytes)) = &mut *lock(&inner.span) {
                (*last, *bytes) = (start.elapsed(), *bytes + to.size);
            }
            lock(&to.state).ended = Some(result);
            to.changed.notify_all();
        });
        Ok(blob)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.inner.dropped.store(true, Ordering::Relaxed);
    }
}

impl Inner {
    /// The result of the first place that has one, or the error of the last.
    fn first<T>(&self, get: impl Fn(&Client) -> Result<T>) -> Result<T> {
        let mut failed: Option<Error> = None;
        for client in &self.clients {
            match (get(client), failed.take()) {
                (Ok(found), _) => return Ok(found),
                (Err(error), None) => failed = Some(error),
                (Err(error), Some(before)) => failed = Some(error.hint(format!("before that: {before}"))),
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(ErrorKind::Remote, "no registry was asked")))
    }

    /// Remembers what a document names. What is wrong in it is told by those who read it.
    fn learn(&self, document: &[u8]) {
        let Ok(json) = serde_json::from_slice::<Value>(document) else { return };
        let mut known = lock(&self.known);
        let mut add = |descriptor: &Value, of: fn(u64) -> Known| {
            let digest = descriptor["digest"].as_str().and_then(Digest::parse);
            let foreign = descriptor["urls"].as_array().is_some_and(|urls| !urls.is_empty())
                && descriptor["mediaType"].as_str().and_then(|m| LayerMedia::parse(m).ok()).is_some_and(|m| m.foreign);
            if let (Some(digest), Some(size), false) = (digest, descriptor["size"].as_u64(), foreign) {
                known.entry(digest).or_insert_with(|| of(size));
            }
        };
        json["manifests"].as_array().into_iter().flatten().for_each(|d| add(d, Known::Manifest));
        let lists = [&json["layers"], &json["blobs"]];
        lists.iter().flat_map(|list| list.as_array()).flatten().for_each(|d| add(d, Known::Blob));
        add(&json["config"], Known::Blob);
    }

    /// Gets the first bytes of a blob, at most `most`.
    fn peek(&self, digest: &Digest, most: u64) -> Result<Vec<u8>> {
        let what = format!("blob {digest}");
        self.first(|client| {
            let mut attempt = 0;
            loop {
                let mut reply = blob(client, &what, digest, vec![(RANGE, format!("bytes=0-{}", most - 1))])?;
                match reply.bytes(most) {
                    Ok(bytes) => return Ok(bytes),
                    Err(_) if attempt < client.options.retries => std::thread::sleep(pause(attempt, None)),
                    Err(e) => return Err(client.error(&format!("{what} breaks off")).cause(e)),
                }
                attempt += 1;
            }
        })
    }

    /// Pulls a blob, and goes on where a connection broke.
    fn pull(&self, client: &Client, digest: &Digest, to: &Pulled) -> Result<()> {
        let what = format!("blob {digest}");
        let mut got = Got { have: 0, hash: Hashing::new(io::sink()) };
        let (mut most, mut idle) = (0, 0);
        loop {
            let range = (got.have > 0).then(|| (RANGE, format!("bytes={}-", got.have)));
            let reply = blob(client, &what, digest, range.into_iter().collect())?;
            let range = reply.header(&CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
            let starts = range.and_then(|range| range.split('-').next()?.parse().ok());
            let fits = reply.status == 206 && starts == Some(got.have);
            if !fits {
                // What comes is all of it, or something that was not asked for.
                got = Got { have: 0, hash: Hashing::new(io::sink()) };
            }
            let usable = fits || reply.status != 206;
            let broken = if usable { self.copy(client, &what, reply, to, &mut got)? } else { None };
            if got.have == to.size {
                break;
            }
            let progress = got.have.saturating_sub(most);
            most = most.max(got.have);
            if progress < PROGRESS {
                if idle >= client.options.retries {
                    let error = client.error(&format!("{what} ends too early"));
                    let error = error.expected(format!("{} bytes", to.size), format!("{most} bytes"));
                    return Err(broken.into_iter().fold(error, Error::cause));
                }
                std::thread::sleep(pause(idle, None));
                idle += 1;
            }
        }
        let (_, found, _) = got.hash.finish();
        if found == *digest {
            return Ok(());
        }
        let error = client.error(&format!("{what} has other bytes than its digest says"));
        let error = Error { kind: ErrorKind::Digest, ..error.expected(digest, found) };
        Err(error.hint("the registry or a proxy before it gives out wrong bytes"))
    }

    /// Writes the body of a reply behind what is there. Returns the error that it breaks off with, if it does.
    fn copy(&self, client: &Client, what: &str, reply: Reply, to: &Pulled, got: &mut Got) -> Result<Option<io::Error>> {
        let mut chunk = vec![0; CHUNK];
        let mut body = plain(reply, to.size - got.have);
        loop {
            if self.dropped.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Interrupted, "not needed any more"));
            }
            match body.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(n) if n as u64 > to.size - got.have => {
                    let error = client.error(&format!("{what} is longer than its descriptor says"));
                    return Err(error.expected(format!("{} bytes", to.size), "more"));
                }
                Ok(n) => {
                    to.check_same(&chunk[..n], got.have)
                        .map_err(|e| Error { archive: client.error("").archive, ..e })?;
                    let write = to.file.write_all_at(&chunk[..n], got.have);
                    let write = write.and_then(|()| got.hash.write_all(&chunk[..n]));
                    write.map_err(|e| no_room(&format!("cannot write {what} to a temporary file"), e))?;
                    got.have += n as u64;
                    to.reached(got.have);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Ok(Some(e)),
            }
        }
    }
}

impl Pulled {
    /// Checks bytes that come a second time: somebody may have read the first ones.
    fn check_same(&self, bytes: &[u8], at: u64) -> Result<()> {
        let seen = lock(&self.state).have.saturating_sub(at);
        let seen = usize::try_from(seen).unwrap_or(usize::MAX).min(bytes.len());
        let mut before = vec![0; seen];
        self.file.read_exact_at(&mut before, at).map_err(|e| Error::io("cannot read a temporary file", e))?;
        if before == bytes[..seen] {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Digest, "a blob has other bytes than when it was asked for first");
        Err(error.hint("the registry, a mirror or a proxy before it gives out wrong bytes"))
    }

    fn reached(&self, have: u64) {
        let mut state = lock(&self.state);
        // A pull that started anew is behind what readers have seen.
        state.have = state.have.max(have);
        drop(state);
        self.changed.notify_all();
    }
}

/// Reads a blob while it is pulled.
struct Reader {
    blob: Arc<Pulled>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.blob.state);
        let have = loop {
            match &state.ended {
                Some(Err(error)) => return Err(again(error).into()),
                Some(Ok(())) => break self.blob.size,
                None if state.have > self.at && self.at < self.blob.size => break state.have,
                None => state = self.blob.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(state);
        let most = usize::try_from(have.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buf.len());
        let n = self.blob.file.read_at(&mut buf[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The same error once more, for another reader.
fn again(error: &Error) -> Error {
    let mut copy = Error::new(error.kind, error.what.clone());
    (copy.archive, copy.expected, copy.found) = (error.archive.clone(), error.expected.clone(), error.found.clone());
    copy.hint.clone_from(&error.hint);
    match &error.cause {
        Some(cause) => copy.cause(cause.to_string()),
        None => copy,
    }
}

fn blob(client: &Client, what: &str, digest: &Digest, headers: Vec<(HeaderName, String)>) -> Result<Reply> {
    let uri = client.uri(&format!("{}/blobs/{digest}", client.repository()))?;
    let scopes = client.to_pull();
    let ask = Ask { what, method: Method::GET, uri, headers, payload: Payload::None, scopes: &scopes, once: false };
    let reply = client.send(&ask)?;
    match reply.status {
        200 | 206 => Ok(reply),
        // Nothing is left of what was asked for.
        416 => Ok(Reply { status: 200, ..reply }),
        _ => Err(client.refused(what, &reply)),
    }
}

/// The bytes as they are stored. Some registries call a layer that is compressed `Content-Encoding: gzip`; only where the length
/// differs from the blob's has something on the way compressed it.
fn plain(reply: Reply, wanted: u64) -> Box<dyn Read + Send> {
    let encoded = matches!(reply.header(&CONTENT_ENCODING), Some("gzip" | "x-gzip"));
    let length = reply.header(&CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok());
    if encoded && length.is_some_and(|length| length != wanted) {
        return Box::new(GzDecoder::new(reply.body));
    }
    Box::new(reply.body)
}

/// The annotations that give the image its name in an index, as docker 25 writes them.
fn annotations(name: &Name) -> Value {
    match name.reference() {
        Some(reference) => json!({ IMAGE_NAME: reference.to_string(), REF_NAME: reference.tag }),
        None => json!({}),
    }
}
