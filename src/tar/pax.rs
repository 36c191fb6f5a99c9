//! PAX extended headers: the records of an `x` or `g` body, and their meaning for one member once the local ones have been laid
//! over the global ones.

use super::Time;
use super::header::{bad, decimal, shown};
use super::sparse::Keys;
use crate::{Error, Result};
use bstr::BString;
use std::collections::{BTreeMap, HashSet};

/// The most records in one header, not counting those of a sparse map.
const MOST_RECORDS: usize = 1 << 16;
/// The most memory for the records of global headers, in bytes.
const MOST_GLOBAL: usize = 16 << 20;
/// The memory in bytes, roughly, that a record takes beside its key and value.
const OVERHEAD: usize = 128;

/// The records of a header, key and value, in order.
pub(super) type Records<'a> = Vec<(&'a [u8], &'a [u8])>;

/// Splits a body into records. The number beside an error is the offset in the body.
pub(super) fn parse(body: &[u8]) -> Result<Records<'_>, (usize, Error)> {
    let mut records = Vec::new();
    let mut rest = body;
    let mut count = 0;
    while !rest.is_empty() {
        let at = body.len() - rest.len();
        let (key, value, after) = record(rest).map_err(|e| (at, e))?;
        count += usize::from(!repeats(key));
        if count > MOST_RECORDS {
            let e = bad("too many records in a PAX header").expected(format!("at most {MOST_RECORDS}"), "more");
            return Err((at, e));
        }
        records.push((key, value));
        rest = after;
    }
    Ok(records)
}

/// Takes the record `LENGTH KEY=VALUE
/// ` off the front: key, value, and the rest.
fn record(rest: &[u8]) -> Result<(&[u8], &[u8], &[u8])> {
    const FORM: &str = "LENGTH KEY=VALUE and a newline at LENGTH";
    let broken = || bad("broken PAX record").expected(FORM, shown(rest));
    let blank = rest.iter().take(20).position(|&b| b == b' ').ok_or_else(broken)?;
    let length = decimal(&rest[..blank]).and_then(|n| usize::try_from(n).ok()).ok_or_else(broken)?;
    if length > rest.len() {
        return Err(bad("PAX record longer than its header").expected(format!("at most {} bytes", rest.len()), length));
    }
    let (this, after) = rest.split_at(length);
    let this = this.get(blank + 1..).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(broken)?;
    let equals = memchr::memchr(b'=', this).ok_or_else(broken)?;
    let (key, value) = (&this[..equals], &this[equals + 1..]);
    if key.is_empty() || key.contains(&0) {
        return Err(broken());
    }
    if matches!(key, b"path" | b"linkpath" | b"uname" | b"gname" | b"GNU.sparse.name") && value.contains(&0) {
        let what = format!("NUL in the PAX {}", key.escape_ascii());
        return Err(bad(what).expected("a value without NUL", shown(value)));
    }
    Ok((key, value, after))
}

/// The records of the global headers so far.
#[derive(Default)]
pub(super) struct Global {
    records: BTreeMap<BString, BString>,
    weight: usize,
}

impl Global {
    /// Lays the records of one more header over those before.
    pub(super) fn add(&mut self, records: &[(&[u8], &[u8])]) -> Result<()> {
        for &(key, value) in records {
            if key.starts_with(b"GNU.sparse.") {
                let what = format!("{} in a global PAX header", key.escape_ascii());
                return Err(bad(what).expected("a key that can hold for several members", "one that cannot"));
            }
            // These are about the archive, not its members.
            if matches!(key, b"comment" | b"hdrcharset") || key.starts_with(b"GNU.volume.") {
                continue;
            }
            let old = if value.is_empty() {
                self.records.remove(key)
            } else {
                self.weight += key.len() + value.len() + OVERHEAD;
                self.records.insert(key.into(), value.into())
            };
            self.weight -= old.map_or(0, |old| key.len() + old.len() + OVERHEAD);
            if self.weight > MOST_GLOBAL {
                let expected = format!("at most {MOST_GLOBAL} bytes");
                return Err(bad("too much in global PAX headers").expected(expected, self.weight));
            }
        }
        Ok(())
    }
}

/// Everything that the records say about one member. An absent value is taken from the header.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) path: Option<BString>,
    pub(super) linkpath: Option<BString>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<Time>,
    pub(super) uname: Option<BString>,
    pub(super) gname: Option<BString>,
    pub(super) sparse: Keys,
    /// All other records in order.
    pub(super) records: Vec<(BString, BString)>,
    /// True if anything came from a global header.
    pub(super) global: bool,
    /// The memory in bytes, roughly, of the values from global headers.
    pub(super) inherited: u64,
}

impl Extended {
    /// Lays the local records over the global ones. Of several records with one key the last counts. An empty value removes the
    /// value before it, so that the header's own field counts again, as in engines; user and group names may be empty, and so
    /// may extended attributes.
    pub(super) fn new(global: &Global, local: &[(&[u8], &[u8])]) -> Result<Self> {
        let mut this = Self::default();
        let outer = global.records.iter().map(|(k, v)| (k.as_slice(), v.as_slice(), true));
        let all = outer.chain(local.iter().map(|&(k, v)| (k, v, false)));
        // Nearly all members have a handful of records, for which no set is needed.
        let few = global.records.len() + local.len() <= 16;
        let mut seen = HashSet::new();
        let mut last: Vec<(&[u8], &[u8], bool)> = Vec::new();
        for record @ (key, ..) in all.rev() {
            let new = if few { last.iter().all(|(k, ..)| *k != key) } else { seen.insert(key) };
            if new || repeats(key) {
                last.push(record);
            }
        }
        last.reverse();
        last.retain(|(key, value, _)| !value.is_empty() || may_be_empty(key));
        for (key, value, global) in last {
            this.apply(key, value)?;
            if global {
                this.global = true;
                this.inherited += weight(key, value);
            }
        }
        Ok(this)
    }

    fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let number = || {
            let what = format!("bad PAX {}", key.escape_ascii());
            decimal(value).ok_or_else(|| bad(what).expected("a decimal number", shown(value)))
        };
        match key {
            b"size" => self.size = Some(number()?),
            b"uid" => self.uid = Some(number()?),
            b"gid" => self.gid = Some(number()?),
            b"mtime" => {
                let wrong = || bad("bad PAX mtime").expected("seconds with or without a fraction", shown(value));
                self.mtime = Some(time(value).ok_or_else(wrong)?);
            }
            b"path" => self.path = Some(value.into()),
            b"linkpath" => self.linkpath = Some(value.into()),
            b"uname" => self.uname = Some(value.into()),
            b"gname" => self.gname = Some(value.into()),
            b"hdrcharset" => {}
            _ => match key.strip_prefix(b"GNU.sparse.") {
                Some(name) => self.sparse.apply(name, value)?,
                None => self.records.push((key.into(), value.into())),
            },
        }
        Ok(())
    }
}

/// Returns the memory in bytes, roughly, that a value takes in a member.
fn weight(key: &[u8], value: &[u8]) -> u64 {
    let bytes = match key {
        b"size" | b"uid" | b"gid" | b"mtime" => 0,
        b"path" | b"linkpath" | b"uname" | b"gname" => value.len(),
        _ => key.len() + value.len() + OVERHEAD,
    };
    bytes as u64
}

/// True for the keys of which each occurrence counts: sparse maps of version 0.0.
fn repeats(key: &[u8]) -> bool {
    matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes")
}

fn may_be_empty(key: &[u8]) -> bool {
    matches!(key, b"uname" | b"gname") || key.starts_with(b"SCHILY.xattr.") || key.starts_with(b"LIBARCHIVE.xattr.")
}

/// Reads seconds with an optional sign and an optional fraction, of which nine digits count.
fn time(value: &[u8]) -> Option<Time> {
    let (negative, value) = value.strip_prefix(b"-").map_or((false, value), |v| (true, v));
    let (whole, fraction) = memchr::memchr(b'.', value).map_or((value, &b""[..]), |i| (&value[..i], &value[i + 1..]));
    let whole = i128::from(decimal(whole)?);
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |i: usize| u32::from(fraction.get(i).map_or(0, |b| b - b'0'));
    let nanos = (0..9).fold(0, |n, i| n * 10 + digit(i));
    // Seconds are rounded down, so the fraction of a negative time counts from the second before.
    let (secs, nanos) = match (negative, nanos) {
        (false, _) => (whole, nanos),
        (true, 0) => (-whole, 0),
        (true, _) => (-whole - 1, 1_000_000_000 - nanos),
    };
    Some(Time { secs: i64::try_from(secs).ok()?, nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &str) -> Result<Records<'_>, (usize, Error)> {
        parse(body.as_bytes())
    }

    #[test]
    fn records_have_exactly_their_length() {
        let records = all("9 k=a\nb=\n5 l=\n").unwrap();
        assert_eq!(records, [(&b"k"[..], &b"a\nb="[..]), (b"l", b"")]);
        for (body, at) in [
            ("6 k=v\n7 k=v\n", 6),
            ("5 k=v\n", 0),
            ("6 k=v\n\0\0", 6),
            ("6 k=v\n6 kkv\n", 6),
            ("5 =v\n", 0),
            ("2 \n", 0),
            ("1 k=v\n", 0),
            ("0 k=v\n", 0),
            ("-6 k=v\n", 0),
            (" 6 k=v\n", 0),
            ("18446744073709551622 k=v\n", 0),
            ("99999999999999999999999 k=v\n", 0),
            ("6k=v\n", 0),
            ("6 \0=v\n", 0),
            ("12 path=a\0b\n", 0),
        ] {
            let (offset, _) = all(body).err().unwrap_or_else(|| panic!("{body:?}"));
            assert_eq!(offset, at, "{body:?}");
        }
    }

    #[test]
    fn times_round_down_and_keep_nine_digits() {
        let of = |s: &str| time(s.as_bytes()).map(|t| (t.secs, t.nanos));
        assert_eq!(of("1.5"), Some((1, 500_000_000)));
        assert_eq!(of("1.0000000019"), Some((1, 1)));
        assert_eq!(of("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(of("-0.000000001"), Some((-1, 999_999_999)));
        assert_eq!(of("-3"), Some((-3, 0)));
        assert_eq!(of("7."), Some((7, 0)));
        assert_eq!(of("-9223372036854775808"), Some((i64::MIN, 0)));
        for wrong in ["", "-", ".5", "1.-5", "1e3", "+1", "9223372036854775808", "-9223372036854775808.5", "1.5 "] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn local_records_lie_over_global_ones_and_empty_ones_delete() {
        let mut global = Global::default();
        let records = all("9 uid=77\n9 gid=88\n9 v.x=gl\n9 v.y=gl\n13 comment=c\n").unwrap();
        global.add(&records).unwrap();
        let local = all("6 a=1\n8 uid=5\n7 gid=\n9 v.x=lo\n7 v.y=\n6 a=2\n22 SCHILY.xattr.user=\n9 uname=\n").unwrap();
        let e = Extended::new(&global, &local).unwrap();
        assert_eq!((e.uid, e.gid, e.uname), (Some(5), None, Some("".into())));
        let records: Vec<_> = e.records.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(records, ["v.x=lo", "a=2", "SCHILY.xattr.user="]);
        assert!(!e.global);
        assert!(Extended::new(&global, &[]).unwrap().global);
        global.add(&all("7 uid=\n7 gid=\n7 v.x=\n7 v.y=\n").unwrap()).unwrap();
        assert!(!Extended::new(&global, &[]).unwrap().global);
        assert!(global.add(&[(b"GNU.sparse.map", b"0,1")]).is_err());
    }
}
