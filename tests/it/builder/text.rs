//! The text language of layers (see [`super`]).

use super::tar::{Long, Map, SparseForm, TarEntry, pad, pax};

type Attrs = Vec<(Vec<u8>, Vec<u8>)>;

/// The tar of a layer written as text.
pub fn layer(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut defaults: Attrs = Vec::new();
    let mut end = 2;
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let tokens = tokens(line);
        let word = String::from_utf8(tokens[0].clone()).unwrap();
        match word.as_str() {
            "set" => defaults.extend(tokens[1..].iter().map(|t| attr(t))),
            "end" => end = text_of(&tokens[1]).parse().unwrap(),
            "raw" => out.extend(unhex(&text_of(&tokens[1]))),
            "global" => pax(b'g', &tokens[1..].iter().map(|t| attr(t)).collect::<Vec<_>>(), &mut out),
            kind => member(kind, &tokens[1..], &defaults, line).write(&mut out),
        }
    }
    pad(&mut out);
    out.resize(out.len() + 512 * end, 0);
    out
}

fn member(kind: &str, args: &[Vec<u8>], defaults: &Attrs, line: &str) -> TarEntry {
    let (flag, mode, positional) = match kind {
        "file" | "whiteout" | "opaque" => (b'0', 0o644, 1),
        "dir" => (b'5', 0o755, 1),
        "link" => (b'1', 0o644, 3),
        "sym" => (b'2', 0o777, 3),
        "char" => (b'3', 0o644, 3),
        "block" => (b'4', 0o644, 3),
        "fifo" => (b'6', 0o644, 1),
        _ => panic!("no such kind of line: {line}"),
    };
    let attrs: Attrs = defaults.iter().cloned().chain(args[positional..].iter().map(|t| attr(t))).collect();
    let mut e = TarEntry::new(&named(kind, &args[0], &attrs), flag);
    e.mode = mode;
    if positional == 3 && args[1] == b"->" {
        e.link = args[2].clone();
    } else if positional == 3 {
        e.rdev = (text_of(&args[1]).parse().unwrap(), text_of(&args[2]).parse().unwrap());
    }
    for (key, value) in &attrs {
        apply(&mut e, key, value, line);
    }
    if let Some((_, real, map)) = &mut e.sparse {
        // A hole at the end is an empty chunk there, as GNU tar writes it.
        if map.last().is_none_or(|(offset, len)| offset + len < *real) {
            map.push((*real, 0));
        }
        let total: u64 = map.iter().map(|(_, len)| len).sum();
        let pattern = std::mem::replace(&mut e.content, Vec::with_capacity(total as usize));
        e.content.extend(pattern.iter().cycle().take(total as usize));
    }
    e
}

fn named(kind: &str, name: &[u8], attrs: &Attrs) -> Vec<u8> {
    let get = |key: &str| attrs.iter().rfind(|(k, _)| k == key.as_bytes()).map(|(_, v)| v.clone());
    let mut name = [get("prefix").unwrap_or_default(), name.to_vec()].concat();
    let at = name.iter().rposition(|&c| c == b'/').map_or(0, |i| i + 1);
    match kind {
        "whiteout" => drop(name.splice(at..at, *b".wh.")),
        "opaque" if name == b"." || name.is_empty() => name = b".wh..wh..opq".to_vec(),
        "opaque" => name.extend(b"/.wh..wh..opq"),
        "dir" if !name.ends_with(b"/") && get("slash").is_none_or(|v| v != b"no") => name.push(b'/'),
        _ => {}
    }
    name
}

/// One `key=value`; those given last win.
fn apply(e: &mut TarEntry, key: &[u8], value: &[u8], line: &str) {
    let text = text_of(value);
    let num = || text.parse::<u64>().unwrap_or_else(|_| panic!("{text} is no number: {line}"));
    match text_of(key).as_str() {
        "mode" => e.mode = u32::from_str_radix(&text, 8).unwrap(),
        "uid" => e.uid = num(),
        "gid" => e.gid = num(),
        "uname" => e.uname = value.to_vec(),
        "gname" => e.gname = value.to_vec(),
        "mtime" => (e.secs, e.nanos) = time(&text),
        "content" => e.content = value.to_vec(),
        "repeat" => e.content = e.content.repeat(num() as usize),
        "random" => e.content = random(num()),
        "type" => e.flag = if text == "nul" { 0 } else { value[0] },
        "magic" if text == "gnu" => e.magic = *b"ustar  \0",
        "magic" if text == "none" => e.magic = [0; 8],
        "long" => e.long = if text == "gnu" { Long::Gnu } else { Long::Pax },
        "ids" if text == "pax" => e.pax_ids = true,
        "ids" if text == "base256" => e.base256 = true,
        "sparse" => sparse(e, |s| s.0 = sparse_form(&text)),
        "size" => sparse(e, |s| s.1 = num()),
        "map" => sparse(e, |s| s.2 = map(&text)),
        "rawsize" => e.size_field = Some(num()),
        "checksum" if text == "bad" => e.bad_checksum = true,
        "prefix" | "slash" => {}
        _ if key.starts_with(b"xattr.") => {
            e.records.push(([b"SCHILY.", key].concat(), value.to_vec()));
        }
        _ if key.starts_with(b"pax.") => e.records.push((key[4..].to_vec(), value.to_vec())),
        _ => panic!("no such option: {} in {line}", text_of(key)),
    }
}

fn sparse(e: &mut TarEntry, set: impl FnOnce(&mut (SparseForm, u64, Map))) {
    let s = e.sparse.get_or_insert((SparseForm::Pax10, 0, Vec::new()));
    set(s);
    if s.0 == SparseForm::OldGnu {
        e.flag = b'S';
    }
}

fn sparse_form(text: &str) -> SparseForm {
    match text {
        "old" => SparseForm::OldGnu,
        "0.0" => SparseForm::Pax00,
        "0.1" => SparseForm::Pax01,
        "1.0" => SparseForm::Pax10,
        _ => panic!("no such sparse form: {text}"),
    }
}

/// `0+512,4096+100`, or `step:N` for N chunks of 512 bytes, 4,096 apart.
fn map(text: &str) -> Map {
    if let Some(n) = text.strip_prefix("step:") {
        return (0..n.parse().unwrap()).map(|i: u64| (i * 4096, 512)).collect();
    }
    let pair = |p: &str| p.split_once('+').map(|(o, l)| (o.parse().unwrap(), l.parse().unwrap())).unwrap();
    text.split(',').filter(|p| !p.is_empty()).map(pair).collect()
}

/// `-1.5` is two seconds before the epoch and half a second on.
pub fn time(text: &str) -> (i64, u32) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let secs: i64 = whole.parse().unwrap();
    let nanos: u32 = format!("{fraction:0<9}")[..9].parse().unwrap();
    if whole.starts_with('-') && nanos > 0 { (secs - 1, 1_000_000_000 - nanos) } else { (secs, nanos) }
}

/// Bytes that do not compress, the same ones every time.
pub fn random(n: u64) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15u64 ^ n;
    let mut next = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 32) as u8
    };
    (0..n).map(|_| next()).collect()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn attr(token: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = token.iter().position(|&c| c == b'=').unwrap_or_else(|| panic!("no '=' in {}", text_of(token)));
    let value = &token[at + 1..];
    let value = if value.starts_with(b"0x") { unhex(&text_of(&value[2..])) } else { value.to_vec() };
    (token[..at].to_vec(), value)
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// A line's words, with quotes and escapes resolved.
fn tokens(line: &str) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let bytes = line.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b' ' | b'\t' if !quoted => out.extend(word.take()),
            b'\\' => {
                let (byte, used) = escape(&bytes[i + 1..]);
                word.get_or_insert_default().push(byte);
                i += used;
            }
            c => word.get_or_insert_default().push(c),
        }
        i += 1;
    }
    out.extend(word);
    out
}

/// The byte after a backslash, and how many characters spelled it.
fn escape(rest: &[u8]) -> (u8, usize) {
    let text = |n: usize| std::str::from_utf8(&rest[..n]).unwrap();
    match rest[0] {
        b'n' => (b'\n', 1),
        b't' => (b'\t', 1),
        b'r' => (b'\r', 1),
        b'x' => (u8::from_str_radix(&text(3)[1..], 16).unwrap(), 3),
        b'0'..=b'3' => (u8::from_str_radix(text(3), 8).unwrap(), 3),
        c => (c, 1),
    }
}
