//! Pushing: blobs that the registry does not have, several at a time, then manifests by digest, then tags.

use super::auth::query;
use super::client::{Ask, Client};
use super::http::{Payload, Reply, join, same_origin, shown, without_query};
use super::manifest::{CONTENT_DIGEST, manifest_types};
use super::retry::{asked, is_long, pause};
use crate::image::doc;
use crate::image::media::MediaType;
use crate::{Digest, Error, ErrorKind, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use ureq::http::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, EXPECT, HeaderName, LOCATION};
use ureq::http::{Method, Uri};

/// The size in bytes of the parts of an upload where a registry takes no larger ones. Some take no more than this.
const PART: u64 = 4 << 20;
/// The header with the smallest part that a registry takes.
const MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// The header by which a registry says that it lists what refers to an image.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// An image being pushed. Nothing has a tag before [`Push::tag`].
pub struct Push {
    inner: Arc<Inner>,
    pool: ThreadPool,
}

struct Inner {
    client: Client,
    /// The repository of the same registry that layers may come from.
    from: Option<String>,
    state: Mutex<State>,
    changed: Condvar,
    sent: AtomicU64,
    mounted: AtomicU64,
    present: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The number of uploads that have not ended.
    running: usize,
    /// The first error.
    failed: Option<Error>,
    /// The blobs that have to be sent: the registry was asked for them.
    absent: HashSet<Digest>,
}

/// A document that is attached to an image.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// The type by which it is found.
    pub artifact_type: &'a str,
    /// The media type of its bytes.
    pub media: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The annotations of its manifest.
    pub annotations: Value,
}

/// The bytes of blobs that a push moved, or did not have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// The bytes that were sent.
    pub sent_bytes: u64,
    /// The bytes of blobs that the registry took from another of its repositories.
    pub mounted_bytes: u64,
    /// The bytes of blobs that were there.
    pub present_bytes: u64,
}

/// The way that the bytes of a blob take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One request with all bytes, and an empty one that ends the upload.
    Stream,
    /// One request that is all.
    Single,
    /// Parts of at most this many bytes.
    Parts(u64),
}

/// What came of asking for a blob of another repository.
enum Mount {
    /// It is there.
    Done,
    /// An upload was begun instead.
    Begun(Box<Reply>),
    /// It has to be uploaded.
    Refused,
}

/// The result of one try to upload a blob.
enum Try {
    Done,
    /// Another way is needed.
    Other(Way),
    /// It may go well another time, after so many seconds if the registry says how many.
    Again(Box<Error>, Option<u64>),
}

impl Push {
    /// Begins a push to the repository of `client`. Layers that `from`, a repository of the same registry, has are mounted.
    ///
    /// # Errors
    /// Returns an error if there are no threads.
    pub fn new(client: Client, from: Option<String>) -> Result<Self> {
        let threads =
            ThreadPoolBuilder::new().num_threads(client.options.jobs.max(1)).thread_name(|n| format!("push-{n}"));
        let pool = threads.build().map_err(|e| Error::new(ErrorKind::Io, "no threads for pushing").cause(e))?;
        let from = from.filter(|from| from != client.repository());
        let inner = Inner {
            client,
            from,
            state: Mutex::default(),
            changed: Condvar::new(),
            sent: AtomicU64::new(0),
            mounted: AtomicU64::new(0),
            present: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner), pool })
    }

    /// Checks that the registry answers, and lets the user write, before any work.
    ///
    /// # Errors
    /// Returns an error if it does not.
    pub fn check(&self) -> Result<()> {
        let reply = self.inner.begin("an upload")?;
        // An upload that nothing comes of: registries remove such.
        let uri = self.inner.place(&reply)?;
        let _ = self.inner.send("an upload", Method::DELETE, uri, Vec::new(), Payload::None, true);
        Ok(())
    }

    /// Returns true if the repository has a blob, or takes it from another one of the registry.
    ///
    /// # Errors
    /// Returns an error if the registry does not answer.
    pub fn has(&self, digest: &Digest, size: u64) -> Result<bool> {
        let has = self.inner.is_present(digest, size)? || matches!(self.inner.mount(digest, size)?, Mount::Done);
        if !has {
            lock(&self.inner.state).absent.insert(*digest);
        }
        Ok(has)
    }

    /// Sends a blob of `size` bytes, in the background; errors come with [`Push::wait`].
    pub fn upload(&self, digest: Digest, size: u64, file: File) {
        lock(&self.inner.state).running += 1;
        let inner = Arc::clone(&self.inner);
        self.pool.spawn_fifo(move || {
            let failed = lock(&inner.state).failed.is_some();
            // Nothing comes of the push any more.
            let result = if failed {
                Ok(())
            } else {
                inner.upload(&digest, size, Payload::File { file: &file, at: 0, len: size })
            };
            let mut state = lock(&inner.state);
            state.running -= 1;
            if let Err(error) = result {
                state.failed.get_or_insert(error);
            }
            drop(state);
            inner.changed.notify_all();
        });
    }

    /// Sends a small blob.
    ///
    /// # Errors
    /// Returns an error if the registry does not take it.
    pub fn send(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        self.inner.upload(digest, bytes.len() as u64, Payload::Bytes(bytes))
    }

    /// Fails once a blob could not be sent.
    ///
    /// # Errors
    /// Returns the error of that blob.
    pub fn check_failed(&self) -> Result<()> {
        lock(&self.inner.state).failed.take().map_or(Ok(()), Err)
    }

    /// Waits until all blobs are there.
    ///
    /// # Errors
    /// Returns the first error of a blob.
    pub fn wait(&self) -> Result<()> {
        let mut state = lock(&self.inner.state);
        while state.running > 0 {
            state = self.inner.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.failed.take().map_or(Ok(()), Err)
    }

    /// Puts a manifest or index, by its digest: no tag moves.
    ///
    /// # Errors
    /// Returns an error if the registry does not take it.
    pub fn manifest(&self, digest: &Digest, media: &str, bytes: &[u8]) -> Result<Reply> {
        self.inner.manifest(&digest.to_string(), digest, media, bytes)
    }

    /// Gives the manifest its tags, in order. A tag that has it already stays as it is, as it may be one that must not move.
    ///
    /// # Errors
    /// Returns an error if the registry does not let it; it says which tags have moved.
    pub fn tag(&self, tags: &[String], digest: &Digest, media: &str, bytes: &[u8]) -> Result<()> {
        let now: Vec<Option<Digest>> = tags.iter().map(|tag| self.inner.tagged(tag)).collect::<Result<_>>()?;
        let mut moved: Vec<&str> = Vec::new();
        for (tag, now) in tags.iter().zip(now).filter(|(_, now)| *now != Some(*digest)) {
            let Err(mut error) = self.inner.manifest(tag, digest, media, bytes) else {
                moved.push(tag);
                continue;
            };
            // The answer to a request that did it may have been lost, and the next one refused.
            if self.inner.tagged(tag).is_ok_and(|found| found == Some(*digest)) {
                moved.push(tag);
                continue;
            }
            if !moved.is_empty() {
                error.what.push_str(&format!("; these tags have moved: {}", moved.join(", ")));
            }
            return Err(match now {
                Some(now) => error.hint(format!("the tag is {now} now; registries may be told to let no tag move")),
                None => error,
            });
        }
        Ok(())
    }

    /// Attaches a small document to an image that was put: a referrer, which registries list by what it is about. Where a registry
    /// keeps no such list, the tag `sha256-HEX` has it.
    /// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject>.
    ///
    /// # Errors
    /// Returns an error if the registry does not take it.
    pub fn attach(&self, subject: &Value, attachment: &Attachment<'_>) -> Result<()> {
        let empty = b"{}";
        self.send(&Digest::of(empty), empty)?;
        self.send(&Digest::of(attachment.bytes), attachment.bytes)?;
        let described =
            |media: &str, bytes: &[u8]| json!({ "mediaType": media, "digest": Digest::of(bytes), "size": bytes.len() });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest,
            "artifactType": attachment.artifact_type,
            "config": described("application/vnd.oci.empty.v1+json", empty),
            "layers": [described(attachment.media, attachment.bytes)],
            "subject": subject,
            "annotations": attachment.annotations,
        });
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        let media = MediaType::ImageManifest.to_string();
        let reply = self.manifest(&digest, &media, &bytes)?;
        if reply.headers.contains_key(SUBJECT) {
            return Ok(());
        }
        let mut entry = described(&media, &bytes);
        entry["artifactType"] = json!(attachment.artifact_type);
        entry["annotations"] = attachment.annotations.clone();
        let of = subject["digest"].as_str().unwrap_or_default().replace(':', "-");
        self.inner.list(&of, entry)
    }

    /// The bytes that moved so far.
    #[must_use]
    pub fn moved(&self) -> Moved {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Inner { sent, mounted, present, .. } = &*self.inner;
        Moved { sent_bytes: get(sent), mounted_bytes: get(mounted), present_bytes: get(present) }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.inner.client
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn send(
        &self,
        what: &str,
        method: Method,
        uri: Uri,
        headers: Vec<(HeaderName, String)>,
        payload: Payload<'_>,
        once: bool,
    ) -> Result<Reply> {
        let scopes = self.client.to_push();
        self.client.send(&Ask { what, method, uri, headers, payload, scopes: &scopes, once })
    }

    fn uri(&self, below: &str) -> Result<Uri> {
        self.client.uri(&format!("{}/{below}", self.client.repository()))
    }

    fn is_present(&self, digest: &Digest, size: u64) -> Result<bool> {
        let what = format!("blob {digest}");
        let uri = self.uri(&format!("blobs/{digest}"))?;
        let reply = self.send(&what, Method::HEAD, uri, Vec::new(), Payload::None, false)?;
        let present = reply.status == 200;
        if present {
            self.present.fetch_add(size, Ordering::Relaxed);
        }
        Ok(present)
    }

    /// Asks the registry to take a blob from the other repository.
    fn mount(&self, digest: &Digest, size: u64) -> Result<Mount> {
        let Some(from) = &self.from else { return Ok(Mount::Refused) };
        let what = format!("blob {digest}");
        let uri = self.uri(&format!("blobs/uploads/?{}", query(&[("mount", &digest.to_string()), ("from", from)])))?;
        let [own] = self.client.to_push();
        let scopes = [own, format!("repository:{from}:pull")];
        let ask = Ask {
            what: &what,
            method: Method::POST,
            uri,
            headers: Vec::new(),
            payload: Payload::Bytes(&[]),
            scopes: &scopes,
            once: false,
        };
        // A registry that knows no such project, or grants no access to it, may say so in any way.
        match self.client.send(&ask) {
            Ok(reply) if reply.status == 201 => {
                self.mounted.fetch_add(size, Ordering::Relaxed);
                Ok(Mount::Done)
            }
            Ok(reply) if reply.status == 202 => Ok(Mount::Begun(Box::new(reply))),
            Ok(_) | Err(_) => Ok(Mount::Refused),
        }
    }

    /// Begins an upload.
    fn begin(&self, what: &str) -> Result<Reply> {
        let uri = self.uri("blobs/uploads/")?;
        let reply = self.send(what, Method::POST, uri, Vec::new(), Payload::Bytes(&[]), false)?;
        if reply.status == 202 { Ok(reply) } else { Err(self.client.refused(what, &reply)) }
    }

    fn upload(&self, digest: &Digest, size: u64, payload: Payload<'_>) -> Result<()> {
        let what = format!("blob {digest}");
        let mut begun = None;
        if !lock(&self.state).absent.contains(digest) {
            if self.is_present(digest, size)? {
                return Ok(());
            }
            match self.mount(digest, size)? {
                Mount::Done => return Ok(()),
                Mount::Begun(reply) => begun = Some(*reply),
                Mount::Refused => {}
            }
        }
        let (mut way, mut attempt) = (Way::Stream, 0);
        loop {
            let begin = begun.take().map_or_else(|| self.begin(&what), Ok)?;
            match self.attempt(&what, digest, &begin, way, payload)? {
                Try::Done => {
                    self.sent.fetch_add(size, Ordering::Relaxed);
                    return Ok(());
                }
                Try::Other(other) => way = other,
                Try::Again(error, _) if attempt >= self.client.options.retries => return Err(*error),
                Try::Again(_, wait) => {
                    std::thread::sleep(pause(attempt, wait));
                    attempt += 1;
                    // The last request may have done it, and only its reply was lost.
                    if self.is_present(digest, 0)? {
                        self.sent.fetch_add(size, Ordering::Relaxed);
                        return Ok(());
                    }
                    // Where a large request breaks off again, a proxy may not let it pass.
                    if attempt >= 2 && way == Way::Stream && length(payload) > PART {
                        way = Way::Parts(PART);
                    }
                }
            }
        }
    }

    fn attempt(&self, what: &str, digest: &Digest, begin: &Reply, way: Way, payload: Payload<'_>) -> Result<Try> {
        let mut place = self.place(begin)?;
        let octets = || vec![(CONTENT_TYPE, "application/octet-stream".to_owned())];
        let least = begin.header(&MIN_LENGTH).and_then(|n| n.parse().ok()).unwrap_or(0);
        let parts = match way {
            Way::Single => Vec::new(),
            Way::Stream => vec![(0, length(payload))],
            Way::Parts(size) => {
                let size = size.max(least);
                (0..length(payload))
                    .step_by(usize::try_from(size).unwrap_or(usize::MAX))
                    .map(|at| (at, size.min(length(payload) - at)))
                    .collect()
            }
        };
        for (at, len) in parts {
            let mut headers = octets();
            match way {
                Way::Parts(_) => headers.push((CONTENT_RANGE, format!("{at}-{}", at + len - 1))),
                // A registry that refuses can say so before all the bytes are sent.
                _ if len > PART => headers.push((EXPECT, "100-continue".to_owned())),
                _ => {}
            }
            let reply = match self.send(what, Method::PATCH, place.clone(), headers, part(payload, at, len), true) {
                Ok(reply) => reply,
                Err(error) => return Ok(Try::Again(Box::new(error), None)),
            };
            match (reply.status, way) {
                (200..=299, _) => {}
                (413 | 416, Way::Stream) if length(payload) > PART => return Ok(Try::Other(Way::Parts(PART))),
                (400 | 404 | 405 | 413 | 415 | 416 | 417 | 501, Way::Stream) => return Ok(Try::Other(Way::Single)),
                (408 | 416 | 429 | 500..=504, _) => return self.again(what, &reply),
                _ => return Err(self.client.refused(what, &reply)),
            }
            if reply.header(&LOCATION).is_some() {
                place = self.place(&reply)?;
            }
        }
        let separator = if place.query().is_some() { '&' } else { '?' };
        let address = format!("{place}{separator}{}", query(&[("digest", &digest.to_string())]));
        let uri = address
            .parse()
            .map_err(|e| self.client.error(&format!("{what}: no address to end the upload")).cause(e))?;
        let whole = if way == Way::Single { payload } else { Payload::Bytes(&[]) };
        // Without bytes it may come twice.
        let reply = match self.send(what, Method::PUT, uri, octets(), whole, way == Way::Single) {
            Ok(reply) => reply,
            Err(error) => return Ok(Try::Again(Box::new(error), None)),
        };
        match reply.status {
            200..=299 => self.same(what, digest, &reply).map(|()| Try::Done),
            404 | 408 | 416 | 429 | 500..=504 => self.again(what, &reply),
            _ => Err(self.client.refused(what, &reply)),
        }
    }

    fn again(&self, what: &str, reply: &Reply) -> Result<Try> {
        let error = self.client.refused(what, reply);
        if is_long(reply) { Err(error) } else { Ok(Try::Again(Box::new(error), asked(reply))) }
    }

    /// The address at which an upload goes on.
    fn place(&self, reply: &Reply) -> Result<Uri> {
        let location = reply.header(&LOCATION).unwrap_or_default();
        let wrong = || {
            let what = format!("the registry begins an upload at `{}`, which is no address", without_query(location));
            self.client.error(&what)
        };
        if location.is_empty() {
            return Err(wrong());
        }
        let mut place = join(&reply.uri, location).ok_or_else(wrong)?;
        // A registry behind a proxy that speaks TLS for it may not know that it does.
        let same_host = place.authority() == reply.uri.authority();
        if same_host && reply.uri.scheme_str() == Some("https") && place.scheme_str() == Some("http") {
            place = place.to_string().replacen("http:", "https:", 1).parse().map_err(|_| wrong())?;
        }
        let named = place.authority().map(|a| a.as_str().rsplit('@').next().unwrap_or_default().to_lowercase());
        let listed = |host: &String| named.as_ref().is_some_and(|named| *named == host.to_lowercase());
        // What is allowed is another host, and not a connection without TLS.
        let same_scheme = place.scheme_str() == reply.uri.scheme_str();
        let allowed = || same_scheme && self.client.options.upload_hosts.iter().any(listed);
        if same_origin(&reply.uri, &place) || allowed() {
            return Ok(place);
        }
        let host = named.clone().unwrap_or_default();
        let error = self.client.error(&format!("the registry sends the upload elsewhere, to {}", shown(&place)));
        Err(error.hint(format!("if that is meant to be, allow it: --allow-upload-to {host}")))
    }

    /// The digest of the manifest that a tag has; `None` if there is no such tag.
    fn tagged(&self, tag: &str) -> Result<Option<Digest>> {
        let what = format!("tag {tag}");
        for method in [Method::HEAD, Method::GET] {
            // Some registries take no other words for it.
            let accept = vec![(ACCEPT, manifest_types())];
            let mut reply =
                self.send(&what, method.clone(), self.uri(&format!("manifests/{tag}"))?, accept, Payload::None, false)?;
            if reply.status != 200 {
                return Ok(None);
            }
            if let Some(digest) = reply.header(&CONTENT_DIGEST).and_then(Digest::parse) {
                return Ok(Some(digest));
            }
            if method == Method::GET
                && let Ok(bytes) = reply.bytes(doc::MAX_SIZE)
            {
                return Ok(Some(Digest::of(&bytes)));
            }
        }
        Ok(None)
    }

    fn manifest(&self, reference: &str, digest: &Digest, media: &str, bytes: &[u8]) -> Result<Reply> {
        let what = format!("manifest {reference}");
        let headers = vec![(CONTENT_TYPE, media.to_owned())];
        let uri = self.uri(&format!("manifests/{reference}"))?;
        let reply = self.send(&what, Method::PUT, uri, headers, Payload::Bytes(bytes), false)?;
        if !(200..300).contains(&reply.status) {
            return Err(self.client.refused(&what, &reply));
        }
        self.same(&what, digest, &reply)?;
        Ok(reply)
    }

    /// Adds an entry to the list of referrers that a tag has.
    fn list(&self, tag: &str, entry: Value) -> Result<()> {
        let what = format!("referrers tag {tag}");
        let accept = vec![(ACCEPT, MediaType::ImageIndex.to_string())];
        let uri = self.uri(&format!("manifests/{tag}"))?;
        let mut reply = self.send(&what, Method::GET, uri, accept, Payload::None, false)?;
        let mut list = json!({ "schemaVersion": 2, "mediaType": MediaType::ImageIndex, "manifests": [] });
        if !matches!(reply.status, 200 | 404) {
            return Err(self.client.refused(&what, &reply));
        }
        if reply.status == 200 {
            let bytes = reply.bytes(doc::MAX_SIZE);
            let bytes = bytes.map_err(|e| self.client.error(&format!("{what} breaks off")).cause(e))?;
            list = serde_json::from_slice(&bytes)
                .map_err(|e| self.client.error(&format!("{what} is no JSON")).cause(e))?;
        }
        let Some(entries) = list.get_mut("manifests").and_then(Value::as_array_mut) else {
            return Err(self.client.error(&format!("{what} is no index")));
        };
        if entries.iter().all(|other| other["digest"] != entry["digest"]) {
            entries.push(entry);
        }
        let bytes = list.to_string().into_bytes();
        self.manifest(tag, &Digest::of(&bytes), MediaType::ImageIndex.as_ref(), &bytes).map(drop)
    }

    /// Checks the digest that a registry gives to what it took, if it gives one.
    fn same(&self, what: &str, digest: &Digest, reply: &Reply) -> Result<()> {
        match reply.header(&CONTENT_DIGEST).and_then(Digest::parse) {
            Some(found) if found != *digest => {
                let error = self.client.error(&format!("{what}: the registry stored it under another digest"));
                Err(Error { kind: ErrorKind::Digest, ..error.expected(digest, found) })
            }
            _ => Ok(()),
        }
    }
}

const fn length(payload: Payload<'_>) -> u64 {
    match payload {
        Payload::None => 0,
        Payload::Bytes(bytes) => bytes.len() as u64,
        Payload::File { len, .. } => len,
    }
}

fn part(payload: Payload<'_>, from: u64, len: u64) -> Payload<'_> {
    match payload {
        Payload::None => Payload::None,
        Payload::Bytes(bytes) => {
            let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
            Payload::Bytes(&bytes[at(from)..at(from + len)])
        }
        Payload::File { file, at, .. } => Payload::File { file, at: at + from, len },
    }
}
