//! Checksums in texts. Whatever has a file's checksum may compare the file with it some day, so the file must keep its bytes.
//! Any text may have some: `SHA256SUMS`, a signed manifest, a lock file, JSON, a script that checks before it starts. The
//! format of the text does not matter: a digest is known by its length and its alphabet, whatever stands around it.

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::ops::Range;
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

/// The length of the shortest digest, in characters: MD5 in base64.
const LEAST: usize = 22;
/// The number of bytes before a digest in which a word is looked for that says it is one.
const BEFORE: usize = 96;
const BEHIND: usize = 32;
/// The prefixes of a digest in base64 as browsers and npm write it. Source: <https://www.w3.org/TR/SRI/>.
const PREFIXES: [&[u8]; 5] = [b"sha256-", b"sha384-", b"sha512-", b"sha1-", b"md5-"];
/// The prefix of the digest of a directory. Source: `Hash1` of <https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash>.
const DIRECTORY: &[u8] = b"h1:";
/// Parts of words that say that a number is a digest, and of names of texts that hold digests.
const WORDS: [&[u8]; 11] =
    [b"blake", b"md5", b"sha1", b"sha2", b"sha3", b"sha5", b"sha-", b"sum", b"digest", b"hash", b"integrity"];

/// Parts of words that say that a digest is made in a way that slim does not know.
const UNKNOWN: [&[u8]; 10] =
    [b"sha224", b"sha-224", b"sha3-", b"sha3_", b"sha3sum", b"sha-3", b"blake", b"b2sum", b"b3sum", b"keccak"];

/// The algorithm of a digest, and whether it is of a file or of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// MD5 of a file.
    Md5,
    /// SHA-1 of a file.
    Sha1,
    /// SHA-256 of a file.
    Sha256,
    /// SHA-384 of a file.
    Sha384,
    /// SHA-512 of a file.
    Sha512,
    /// A digest that is made in a way that slim does not know, such as BLAKE3. No file can be compared with it, so every file
    /// that its text names may be the one.
    Unknown,
    /// SHA-256 of a list of a directory's files with the SHA-256 of each: the `h1:` of Go, Terraform and OpenTofu.
    Directory,
}

/// A digest in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stated {
    /// The algorithm, and what the digest is of.
    pub kind: Kind,
    /// The digest's first eight bytes: [`start`].
    pub start: u64,
}

/// Returns a digest's first eight bytes as a number, which are enough to tell it from all others.
#[must_use]
pub fn start(digest: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(first)
}

/// The digests in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// The digests, each once, sorted.
    pub stated: Box<[Stated]>,
    /// Hashes of the text's words, sorted, to know which files it may name; empty if all its digests are SHA-256.
    words: Box<[u32]>,
}

impl Digests {
    /// Finds the digests of a text with this name; returns `None` if there are none.
    ///
    /// Numbers as long as MD5 and SHA-1 are in many texts (identifiers, commits), and words as long as SHA-384 and SHA-512 in base64 are
    /// in certificates, links and mangled names: these count only if a word beside them or the name of the text says that they
    /// are digests.
    #[must_use]
    pub fn of(name: &[u8], text: &[u8]) -> Option<Box<Self>> {
        let mut all = Vec::new();
        let by_name = says_so(name);
        let mut add = |kind: Kind, digest: &[u8], place: &Range<usize>, sure: bool| {
            if sure || by_name || is_told(text, place) {
                all.push(Stated { kind, start: start(digest) });
            }
        };
        for run in (Runs { text, at: 0 }) {
            pieces(text, &run).for_each(|piece| {
                if let Some((kind, digest)) = hex(&text[piece.clone()]) {
                    let unknown = kind == Kind::Unknown || is_unknown(name, text, &piece);
                    add(kind, &digest, &piece, !matches!(kind, Kind::Md5 | Kind::Sha1 | Kind::Unknown));
                    if unknown {
                        add(Kind::Unknown, &digest, &piece, false);
                    }
                }
            });
            if let Some((kind, digest, sure)) = in_base64(text, &run) {
                add(kind, &digest, &run, sure);
            }
        }
        if all.is_empty() {
            return None;
        }
        all.sort_unstable();
        all.dedup();
        let names = all.iter().any(|stated| !matches!(stated.kind, Kind::Sha256 | Kind::Directory));
        let words = if names { words(text) } else { Vec::new() };
        Some(Box::new(Self { stated: all.into(), words: words.into() }))
    }

    /// True if the text names the file: the file's name is one of its words.
    #[must_use]
    pub fn names(&self, file: &[u8]) -> bool {
        self.words.binary_search(&word(file)).is_ok()
    }

    /// Returns roughly the number of bytes of memory that this takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.stated) + size_of_val(&*self.words)
    }
}

/// The longest runs of characters of base64 that are long enough for a digest. In other text hardly any byte is looked at.
struct Runs<'a> {
    text: &'a [u8],
    /// The offset up to which bytes belong to no further run.
    at: usize,
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let last = self.at + LEAST - 1;
            let here = self.text.get(self.at..=last)?;
            if let Some(gap) = here.iter().rposition(|&c| !ALPHABET[usize::from(c)]) {
                self.at += gap + 1;
                continue;
            }
            let rest = &self.text[last + 1..];
            let more = rest.iter().position(|&c| !ALPHABET[usize::from(c)]).unwrap_or(rest.len());
            let run = self.at..last + 1 + more;
            self.at = run.end + 1;
            return Some(run);
        }
    }
}

/// By byte: true if it is a character of one of base64's two alphabets.
static ALPHABET: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'+' | b'/' | b'-' | b'_');
        byte += 1;
    }
    table
};

/// Returns the parts of a run between its marks.
fn pieces<'a>(text: &'a [u8], run: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let mut at = run.start;
    text[run.clone()].split(|c| !c.is_ascii_alphanumeric()).map(move |piece| {
        let range = at..at + piece.len();
        at = range.end + 1;
        range
    })
}

fn hex(piece: &[u8]) -> Option<(Kind, Vec<u8>)> {
    let kind = match piece.len() {
        32 => Kind::Md5,
        40 => Kind::Sha1,
        56 => Kind::Unknown,
        64 => Kind::Sha256,
        96 => Kind::Sha384,
        128 => Kind::Sha512,
        _ => return None,
    };
    let digit = |c: u8| char::from(c).to_digit(16);
    let byte = |pair: &[u8]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
    Some((kind, piece.chunks_exact(2).map(byte).collect::<Option<_>>()?))
}

/// Returns the digest that a run is in base64, with or without padding behind it, and whether it can hardly be anything else.
fn in_base64(text: &[u8], run: &Range<usize>) -> Option<(Kind, Vec<u8>, bool)> {
    let all = &text[run.clone()];
    let prefix = PREFIXES.iter().find(|prefix| all.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix)));
    let digest = &all[prefix.map_or(0, |prefix| prefix.len())..];
    let kind = match digest.len() {
        22 => Kind::Md5,
        27 => Kind::Sha1,
        43 if text[..run.start].ends_with(DIRECTORY) => Kind::Directory,
        43 => Kind::Sha256,
        64 => Kind::Sha384,
        86 => Kind::Sha512,
        _ => return None,
    };
    // A word is of one case; the chance that a digest is of one case is one in a million even for the shortest.
    if !digest.iter().any(u8::is_ascii_uppercase) || !digest.iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    let standard = |&c: &u8| match c {
        b'-' => b'+',
        b'_' => b'/',
        c => c,
    };
    let bytes = STANDARD_NO_PAD.decode(digest.iter().map(standard).collect::<Vec<u8>>()).ok()?;
    Some((kind, bytes, prefix.is_some() || matches!(kind, Kind::Sha256 | Kind::Directory)))
}

/// True if a word beside a digest, or the form of `md5sum`, says that it is one.
fn is_told(text: &[u8], place: &Range<usize>) -> bool {
    let begins = place.start == 0 || text[place.start - 1] == b'\n';
    let rest = &text[place.end..];
    let row = begins && (rest.starts_with(b"  ") || rest.starts_with(b" *"));
    let before = &text[place.start.saturating_sub(BEFORE)..place.start];
    row || says_so(before) || says_so(&rest[..rest.len().min(BEHIND)])
}

/// True if the name of a text, or what stands beside a digest, says that it is made in a way that slim does not know.
fn is_unknown(name: &[u8], text: &[u8], place: &Range<usize>) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| any_of(&UNKNOWN));
    let near = &text[place.start.saturating_sub(BEFORE)..text.len().min(place.end + BEHIND)];
    SEARCH.as_ref().is_some_and(|search| search.is_match(name) || search.is_match(near))
}

/// True if a name or a part of a text says that there are digests.
#[must_use]
pub fn says_so(text: &[u8]) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| any_of(&WORDS));
    SEARCH.as_ref().is_none_or(|search| search.is_match(text))
}

/// Searches for words, in capitals or not.
fn any_of(words: &[&[u8]]) -> Option<AhoCorasick> {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
}

/// Returns the hashes of those words of a text that may be names of files.
fn words(text: &[u8]) -> Vec<u32> {
    let part = |c: &u8| c.is_ascii_alphanumeric() || !c.is_ascii() || b"._+@~-".contains(c);
    let mut all: Vec<u32> = text.split(|c| !part(c)).filter(|w| !w.is_empty()).map(word).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn word(word: &[u8]) -> u32 {
    let end = word.iter().rposition(|&c| c != b'.').map_or(0, |last| last + 1);
    xxh3_64(&word[..end]) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    /// Makes a digest of `length` bytes that looks random.
    fn digest(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i as u8).wrapping_mul(151).wrapping_add(77) ^ 0x5a).collect()
    }

    fn to_hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn found(name: &str, text: &str) -> Vec<Kind> {
        let all = Digests::of(name.as_bytes(), text.as_bytes());
        let all = all.map(|all| all.stated.to_vec()).unwrap_or_default();
        let known = [16, 20, 28, 32, 48, 64].map(|length| start(&digest(length)));
        assert!(all.iter().all(|stated| known.contains(&stated.start)), "{text}: {all:?}");
        all.into_iter().map(|stated| stated.kind).collect()
    }

    #[test]
    fn every_form_of_every_kind_is_found() {
        let kinds = [Kind::Md5, Kind::Sha1, Kind::Sha256, Kind::Sha384, Kind::Sha512];
        for (kind, length) in kinds.into_iter().zip([16, 20, 32, 48, 64]) {
            let digest = digest(length);
            let plain = STANDARD.encode(&digest);
            let bare = plain.trim_end_matches('=').to_owned();
            for form in [to_hex(&digest), to_hex(&digest).to_uppercase(), plain, bare, URL_SAFE_NO_PAD.encode(&digest)]
            {
                for text in [
                    form.clone(),
                    format!("{form}  tool\n"),
                    format!("a\r\n{form} *bin/tool\r\n"),
                    format!("{{\"sum\":\"{form}\"}}"),
                    format!("SUM={form};x"),
                    format!("#!/bin/sh\necho '{form}  /opt/tool' | sha256sum -c\n"),
                    format!("md5:{form}"),
                    format!("MD5 (tool) = {form}\n"),
                ] {
                    assert_eq!(found("SUMS", &text), [kind], "{text}");
                }
            }
        }
        let sri = |kind: &str, length| format!("integrity=\"{kind}-{}\"", STANDARD.encode(digest(length)));
        assert_eq!(found("x.html", &sri("sha256", 32)), [Kind::Sha256]);
        assert_eq!(found("x.html", &sri("sha384", 48)), [Kind::Sha384]);
        assert_eq!(found("x.html", &sri("SHA512", 64)), [Kind::Sha512]);
        assert_eq!(found("x.hcl", &format!("\"h1:{}\",", STANDARD.encode(digest(32)))), [Kind::Directory]);
        assert_eq!(found("x.hcl", &format!("\"zh:{}\",", to_hex(&digest(32)))), [Kind::Sha256]);
        assert_eq!(found("x", &format!("objects/ab/{}.file", to_hex(&digest(32)))), [Kind::Sha256]);
    }

    #[test]
    fn short_numbers_and_words_are_no_digests_unless_something_says_so() {
        let commit = to_hex(&digest(20));
        assert_eq!(found("_version.py", &format!("\"full-revisionid\": \"{commit}\"")), []);
        assert_eq!(found("_version.py", &format!("\"sha1\": \"{commit}\"")), [Kind::Sha1]);
        assert_eq!(found("MD5SUMS", &to_hex(&digest(16))), [Kind::Md5]);
        assert_eq!(found("x.sh", &format!("echo '{}  x' | sha224sum -c", to_hex(&digest(28)))), [Kind::Unknown]);
        assert_eq!(found("x.sh", &format!("b3sum -c <<< '{}  x'", to_hex(&digest(32)))), [Kind::Sha256, Kind::Unknown]);
        assert_eq!(found("BLAKE2SUMS", &to_hex(&digest(64))), [Kind::Sha512, Kind::Unknown]);
        assert_eq!(found("x.sh", &format!("sha384sum {}", to_hex(&digest(48)))), [Kind::Sha384]);
        let certificate = format!("{0}\n{0}\n", STANDARD.encode(digest(48)));
        assert_eq!(found("ca.crt", &certificate), []);
        for text in [
            "a_long_name_of_a_function_that_has_43_bytes".to_owned(),
            format!("{}0", to_hex(&digest(32))),
            format!("x{}", to_hex(&digest(32))),
            to_hex(&digest(32))[1..].to_owned(),
            "é".repeat(64),
            String::new(),
        ] {
            assert_eq!(found("SUMS", &text), [], "{text}");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_begin_and_end() {
        for length in [LEAST - 1, LEAST, LEAST + 1, 40] {
            for before in 0..40 {
                for after in 0..20 {
                    let text = ["-x ".repeat(before).into_bytes(), vec![b'a'; length], b" z".repeat(after)].concat();
                    let found: Vec<Range<usize>> = Runs { text: &text, at: 0 }.collect();
                    let run = 3 * before..3 * before + length;
                    assert_eq!(
                        found,
                        Vec::from_iter(Some(run).filter(|_| length >= LEAST)),
                        "{length} {before} {after}"
                    );
                    let twice = [text.as_slice(), b"=", &text].concat();
                    assert_eq!(Runs { text: &twice, at: 0 }.count(), if length < LEAST { 0 } else { 2 });
                }
            }
        }
    }

    #[test]
    fn each_digest_counts_once_wherever_it_lies_and_words_are_names() {
        let md5 = to_hex(&digest(16));
        for gap in 0..70 {
            let text = format!("{}{md5}  ./bin/tool_1.0-x.so\n{md5}  other.", " ".repeat(gap));
            let all = Digests::of(b"SUMS", text.as_bytes()).unwrap();
            assert_eq!(all.stated.len(), 1);
            assert!(all.names(b"tool_1.0-x.so") && all.names(b"other") && !all.names(b"tool"), "{text}");
            assert!(all.memory() > 0);
        }
        let long = format!("{}\n{}", "x".repeat(100_000), to_hex(&digest(32)));
        assert_eq!(found("x", &long), [Kind::Sha256]);
    }
}
