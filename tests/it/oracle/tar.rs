//! Reads a tar into whole members: PAX, GNU long names, base-256 numbers and every sparse form, expanded.

use std::collections::BTreeMap;
use std::rc::Rc;

/// A member with everything applied.
#[derive(Clone, Debug)]
pub struct Member {
    /// As spelled.
    pub name: Vec<u8>,
    pub flag: u8,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub mtime: (i64, u32),
    pub uname: Vec<u8>,
    pub gname: Vec<u8>,
    pub link: Vec<u8>,
    pub rdev: (u32, u32),
    pub content: Rc<Vec<u8>>,
    /// Stored bytes, which are fewer than the content's in a sparse file.
    pub stored: u64,
    /// Records that nothing above expresses: xattrs, ACLs, atime, comment and the like.
    pub records: BTreeMap<Vec<u8>, Vec<u8>>,
    pub sparse: bool,
}

type Records = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Default)]
struct Pending {
    records: Records,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

/// All members, up to the first zero block or the end.
pub fn read(tar: &[u8]) -> Result<Vec<Member>, String> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut pending = Pending::default();
    let mut global: Records = Vec::new();
    while at < tar.len() {
        let h = tar.get(at..at + 512).ok_or("a header is cut off")?;
        if h.iter().all(|&b| b == 0) {
            break;
        }
        verify_checksum(h).map_err(|e| format!("{e} at {at}"))?;
        at += 512;
        let size = record_u64(&pending.records, b"size").map_or_else(|| field(&h[124..136]), Ok)?;
        let flag = h[156];
        // GNU tar writes a size of 0 for what has no data, and so do all others that are read here.
        let mut extension = Vec::new();
        if flag == b'S' {
            let mut more = h[482] != 0;
            while more {
                let block = tar.get(at..at + 512).ok_or("a sparse extension block is cut off")?;
                extension.extend_from_slice(&block[..504]);
                more = block[504] != 0;
                at += 512;
            }
        }
        let len = usize::try_from(size).map_err(|e| e.to_string())?;
        let data = at.checked_add(len).and_then(|end| tar.get(at..end)).ok_or("data is cut off")?;
        at += len.div_ceil(512) * 512;
        match flag {
            b'x' => pending.records = pax(data)?,
            b'g' => global.extend(pax(data)?),
            b'L' => pending.long_name = Some(data.split(|&b| b == 0).next().unwrap_or_default().to_vec()),
            b'K' => pending.long_link = Some(data.split(|&b| b == 0).next().unwrap_or_default().to_vec()),
            _ => out.push(member(h, &extension, data, &std::mem::take(&mut pending), &global)?),
        }
    }
    Ok(out)
}

fn member(h: &[u8], extension: &[u8], data: &[u8], pending: &Pending, global: &Records) -> Result<Member, String> {
    let text = |range: std::ops::Range<usize>| h[range].split(|&b| b == 0).next().unwrap_or_default().to_vec();
    let gnu = h[257..265] == *b"ustar  \0";
    let ustar = h[257..262] == *b"ustar";
    let mut name = text(0..100);
    let prefix = text(345..500);
    if ustar && !gnu && !prefix.is_empty() {
        name = [prefix.as_slice(), b"/", &name].concat();
    }
    let mut m = Member {
        name: pending.long_name.clone().unwrap_or(name),
        flag: h[156],
        mode: (field(&h[100..108])? & 0o7777) as u32,
        uid: field(&h[108..116])?,
        gid: field(&h[116..124])?,
        mtime: (signed(&h[136..148])?, 0),
        uname: if ustar { text(265..297) } else { Vec::new() },
        gname: if ustar { text(297..329) } else { Vec::new() },
        link: pending.long_link.clone().unwrap_or_else(|| text(157..257)),
        rdev: if ustar { (field(&h[329..337])? as u32, field(&h[337..345])? as u32) } else { (0, 0) },
        content: Rc::new(data.to_vec()),
        stored: data.len() as u64,
        records: BTreeMap::new(),
        sparse: false,
    };
    let mut sparse = Records::new();
    for (key, value) in global.iter().filter(|(k, _)| k != b"comment").chain(&pending.records) {
        if key.starts_with(b"GNU.sparse.") {
            sparse.push((key[11..].to_vec(), value.clone()));
        } else {
            apply(&mut m, key, value)?;
        }
    }
    if m.flag == b'S' {
        let mut map = chunks(&h[386..482])?;
        map.extend(chunks(extension)?);
        expand(&mut m, data, &map, field(&h[483..495])?)?;
    } else if !sparse.is_empty() {
        pax_sparse(&mut m, data, &sparse)?;
    }
    Ok(m)
}

fn apply(m: &mut Member, key: &[u8], value: &[u8]) -> Result<(), String> {
    match key {
        b"path" => m.name = value.to_vec(),
        b"linkpath" => m.link = value.to_vec(),
        b"size" => {}
        b"uid" => m.uid = decimal(value)?,
        b"gid" => m.gid = decimal(value)?,
        b"uname" => m.uname = value.to_vec(),
        b"gname" => m.gname = value.to_vec(),
        b"mtime" => m.mtime = time(value)?,
        _ => drop(m.records.insert(key.to_vec(), value.to_vec())),
    }
    Ok(())
}

fn pax_sparse(m: &mut Member, data: &[u8], sparse: &Records) -> Result<(), String> {
    let get = |key: &[u8]| sparse.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_slice());
    if let Some(name) = get(b"name") {
        m.name = name.to_vec();
    }
    if get(b"major") == Some(b"1") {
        let mut numbers = Vec::new();
        let mut at = 0;
        let next = |at: &mut usize| -> Result<u64, String> {
            let end = data[*at..].iter().position(|&b| b == b'\n').ok_or("a sparse map is cut off")?;
            let n = decimal(&data[*at..*at + end])?;
            *at += end + 1;
            Ok(n)
        };
        let count = next(&mut at)?;
        for _ in 0..2 * count {
            numbers.push(next(&mut at)?);
        }
        let map: Vec<_> = numbers.chunks(2).map(|p| (p[0], p[1])).collect();
        let data = data.get(at.div_ceil(512) * 512..).ok_or("a sparse map is cut off")?;
        return expand(m, data, &map, decimal(get(b"realsize").ok_or("no realsize")?)?);
    }
    let numbers: Vec<u64> = if let Some(map) = get(b"map") {
        map.split(|&b| b == b',').filter(|n| !n.is_empty()).map(decimal).collect::<Result<_, _>>()?
    } else {
        let pairs = sparse.iter().filter(|(k, _)| k == b"offset" || k == b"numbytes");
        pairs.map(|(_, v)| decimal(v)).collect::<Result<_, _>>()?
    };
    let map: Vec<_> = numbers.chunks(2).map(|p| (p[0], p[1])).collect();
    expand(m, data, &map, decimal(get(b"size").ok_or("no sparse size")?)?)
}

fn chunks(bytes: &[u8]) -> Result<Vec<(u64, u64)>, String> {
    let used = bytes.chunks_exact(24).filter(|c| c[0] != 0);
    used.map(|c| Ok((field(&c[..12])?, field(&c[12..])?))).collect()
}

fn expand(m: &mut Member, data: &[u8], map: &[(u64, u64)], real: u64) -> Result<(), String> {
    if real > 1 << 30 {
        return Err("a sparse file is larger than a test needs".into());
    }
    let mut content = vec![0; real as usize];
    let mut at = 0;
    for &(offset, len) in map {
        let (offset, len) = (offset as usize, len as usize);
        let from = data.get(at..at + len).ok_or("sparse data is cut off")?;
        content.get_mut(offset..offset + len).ok_or("a sparse chunk lies outside of its file")?.copy_from_slice(from);
        at += len;
    }
    m.content = Rc::new(content);
    m.sparse = true;
    Ok(())
}

fn pax(mut data: &[u8]) -> Result<Records, String> {
    let mut out = Records::new();
    while !data.is_empty() && data[0] != 0 {
        let blank = data.iter().position(|&b| b == b' ').ok_or("a PAX record without a length")?;
        let len = decimal(&data[..blank])? as usize;
        let record = data.get(blank + 1..len).ok_or("a PAX record is cut off")?;
        let body = record.strip_suffix(b"\n").ok_or("a PAX record without a newline")?;
        let eq = body.iter().position(|&b| b == b'=').ok_or("a PAX record without =")?;
        out.push((body[..eq].to_vec(), body[eq + 1..].to_vec()));
        data = &data[len..];
    }
    Ok(out)
}

fn record_u64(records: &Records, key: &[u8]) -> Option<u64> {
    records.iter().rev().find(|(k, _)| k == key).and_then(|(_, v)| decimal(v).ok())
}

fn decimal(text: &[u8]) -> Result<u64, String> {
    let text = String::from_utf8_lossy(text);
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

fn time(text: &[u8]) -> Result<(i64, u32), String> {
    let text = String::from_utf8_lossy(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let secs: i64 = whole.parse().map_err(|_| format!("{text:?} is no time"))?;
    let nanos: u32 = format!("{fraction:0<9}")[..9].parse().map_err(|_| format!("{text:?} is no time"))?;
    Ok(if whole.starts_with('-') && nanos > 0 { (secs - 1, 1_000_000_000 - nanos) } else { (secs, nanos) })
}

fn field(bytes: &[u8]) -> Result<u64, String> {
    u64::try_from(signed(bytes)?).map_err(|_| "a negative number".into())
}

fn signed(bytes: &[u8]) -> Result<i64, String> {
    if bytes[0] & 0x80 != 0 {
        let start: i128 = if bytes[0] & 0x40 != 0 { -1 } else { 0 };
        let low = i128::from(bytes[0] & 0x7f) | if start < 0 { -128 } else { 0 };
        let n = bytes[1..].iter().fold(low, |n, &b| (n << 8) | i128::from(b));
        return i64::try_from(n).map_err(|e| e.to_string());
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c| c == '\0' || c == ' ');
    if text.is_empty() { Ok(0) } else { i64::from_str_radix(text, 8).map_err(|_| format!("{text:?} is not octal")) }
}

fn verify_checksum(h: &[u8]) -> Result<(), String> {
    let sum: u64 = h.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u64::from(b) }).sum();
    if field(&h[148..156])? == sum { Ok(()) } else { Err("wrong header checksum".into()) }
}
