//! Where the last block of a DEFLATE stream (RFC 1951) begins and ends, bit by bit, so that streams which were compressed apart
//! can be joined to one. Nothing is decompressed: codes are skipped, several literals at a time, which takes a few hundredths of
//! the time that compressing takes.

/// As many bytes as have to follow a stream: bits are looked at before it is known that they belong to it.
pub(super) const ROOM: usize = 16;

/// Bits of a code of literals or lengths that are looked up at once.
const LITERAL_BITS: u32 = 11;
/// The same of distances, and of the lengths of codes, which have at most so many.
const DISTANCE_BITS: u32 = 9;
const LENGTH_BITS: u32 = 7;

/// What follows the bits of an entry of a table, in its upper byte; the lower one says how many bits it is. An entry of 0 is of no
/// code.
const LITERALS: u16 = 1 << 8;
const DISTANCE: u16 = 2 << 8;
const END: u16 = 3 << 8;
const LONG: u16 = 4 << 8;

/// The order in which the lengths of the lengths' codes come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The last block of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    /// The bit that says that it is the last: where its header begins.
    pub flag: usize,
    /// The bit after the stream.
    pub end: usize,
}

/// Finds the last block of the stream at the beginning of `data`, with [`ROOM`] more bytes behind it. `None` where it is no stream;
/// of a truncated one the end may lie beyond.
pub(super) fn last_block(data: &[u8]) -> Option<Last> {
    let mut bits = Bits { data, next: 0, buffer: 0, have: 0 };
    loop {
        let flag = bits.position();
        bits.refill()?;
        let last = bits.take(1) == 1;
        match bits.take(2) {
            0 => bits.skip_stored()?,
            1 => skip_codes(&mut bits, &fixed_lengths(), &[5; 30])?,
            2 => skip_dynamic(&mut bits)?,
            _ => return None,
        }
        if last {
            return Some(Last { flag, end: bits.position() });
        }
    }
}

/// Bits of a stream, the lowest of each byte first.
struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not in the buffer.
    next: usize,
    buffer: u64,
    have: u32,
}

impl Bits<'_> {
    /// Makes at least 56 bits ready.
    #[inline(always)]
    fn refill(&mut self) -> Option<()> {
        let bytes = self.data.get(self.next..self.next + 8)?;
        self.buffer |= u64::from_le_bytes(bytes.try_into().ok()?) << self.have;
        self.next += ((63 - self.have) >> 3) as usize;
        self.have |= 56;
        Some(())
    }

    /// The next bits, at most as many as are ready.
    #[inline(always)]
    fn take(&mut self, count: u32) -> u64 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    #[inline(always)]
    const fn peek(&self, count: u32) -> u64 {
        self.buffer & ((1 << count) - 1)
    }

    #[inline(always)]
    const fn skip(&mut self, count: u32) {
        self.buffer >>= count;
        self.have -= count;
    }

    /// How many bits of the stream have been taken.
    const fn position(&self) -> usize {
        self.next * 8 - self.have as usize
    }

    /// A stored block after its three bits: its length, that length inverted, and as many bytes.
    fn skip_stored(&mut self) -> Option<()> {
        let at = self.position().div_ceil(8);
        let number = |at: usize| Some(u16::from_le_bytes(self.data.get(at..at + 2)?.try_into().ok()?));
        let length = number(at)?;
        if number(at + 2)? != !length {
            return None;
        }
        (self.next, self.buffer, self.have) = (at + 4 + usize::from(length), 0, 0);
        Some(())
    }
}

/// How long the codes of a fixed block are.
fn fixed_lengths() -> [u8; 288] {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    lengths
}

fn skip_dynamic(bits: &mut Bits<'_>) -> Option<()> {
    bits.refill()?;
    let literals = 257 + bits.take(5) as usize;
    let distances = 1 + bits.take(5) as usize;
    let count = 4 + bits.take(4) as usize;
    let mut of_lengths = [0; 19];
    for &symbol in &ORDER[..count] {
        bits.refill()?;
        of_lengths[symbol] = bits.take(3) as u8;
    }
    let mut table = [0; 1 << LENGTH_BITS];
    fill(&of_lengths, &mut table, LENGTH_BITS, |symbol, length| (symbol as u16) << 8 | u16::from(length));
    let mut lengths = [0_u8; 288 + 32];
    let mut at = 0;
    let total = literals + distances;
    while at < total {
        bits.refill()?;
        let entry = table[bits.peek(LENGTH_BITS) as usize];
        if entry == 0 {
            return None;
        }
        bits.skip(u32::from(entry & 0xff));
        let (value, times) = match entry >> 8 {
            16 => (*lengths.get(at.checked_sub(1)?)?, 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length as u8, 1),
        };
        lengths.get_mut(at..at + times as usize)?.fill(value);
        at += times as usize;
    }
    if at != total {
        return None;
    }
    skip_codes(bits, &lengths[..literals], &lengths[literals..total])
}

/// Skips what a block has after its codes' lengths, to its end.
fn skip_codes(bits: &mut Bits<'_>, literals: &[u8], distances: &[u8]) -> Option<()> {
    let (mut single, mut many) = ([0; 1 << LITERAL_BITS], [0; 1 << LITERAL_BITS]);
    fill(literals, &mut single, LITERAL_BITS, literal_entry);
    for (index, entry) in many.iter_mut().enumerate() {
        *entry = several(&single, index);
    }
    let mut distance = [0; 1 << DISTANCE_BITS];
    fill(distances, &mut distance, DISTANCE_BITS, distance_entry);
    loop {
        bits.refill()?;
        let mut entry = many[bits.peek(LITERAL_BITS) as usize];
        bits.skip(u32::from(entry & 0xff));
        if entry & 0xff00 == LONG {
            let (symbol, length) = long(literals, bits)?;
            entry = literal_entry(symbol, length);
            bits.skip(u32::from(entry & 0xff));
        }
        match entry & 0xff00 {
            LITERALS => {}
            DISTANCE => {
                let mut entry = distance[bits.peek(DISTANCE_BITS) as usize];
                if entry == LONG {
                    let (symbol, length) = long(distances, bits)?;
                    entry = distance_entry(symbol, length);
                }
                if entry == 0 {
                    return None;
                }
                bits.skip(u32::from(entry & 0xff));
            }
            END => return Some(()),
            _ => return None,
        }
    }
}

/// The entry of a literal, a length or the end of a block, with the bits that follow a length.
fn literal_entry(symbol: usize, length: u8) -> u16 {
    let length = u16::from(length);
    match symbol {
        0..256 => LITERALS | length,
        256 => END | length,
        257..265 | 285 => DISTANCE | length,
        265..285 => DISTANCE | (length + (symbol as u16 - 261) / 4),
        _ => 0,
    }
}

/// The entry of a distance, with the bits that follow it.
fn distance_entry(symbol: usize, length: u8) -> u16 {
    let extra = (symbol as u16 / 2).saturating_sub(1);
    if symbol < 30 { LITERALS | (u16::from(length) + extra) } else { 0 }
}

/// The entry of as many literals as the bits of `index` spell, with a length or the end after them.
fn several(single: &[u16; 1 << LITERAL_BITS], index: usize) -> u16 {
    let mut used = 0;
    loop {
        let entry = single[index >> used];
        let bits = u32::from(entry & 0xff);
        // How long the code is alone, without the bits that follow a length, is in no entry: then a few are looked up apart.
        let fits = used + bits <= LITERAL_BITS;
        match entry & 0xff00 {
            LITERALS if fits => used += bits,
            DISTANCE | END if fits => return (entry & 0xff00) | (used + bits) as u16,
            _ if used == 0 => return entry,
            _ => return LITERALS | used as u16,
        }
        if used == LITERAL_BITS {
            return LITERALS | used as u16;
        }
    }
}

/// Fills the table of a code, which lengths alone define (RFC 1951, 3.2.2). Where a code is longer than the table's bits, it says
/// [`LONG`].
fn fill(lengths: &[u8], table: &mut [u16], bits: u32, entry: impl Fn(usize, u8) -> u16) {
    let mut next = first_codes(lengths);
    for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length != 0) {
        let code = next[usize::from(length)];
        next[usize::from(length)] += 1;
        let reversed = usize::from(code.reverse_bits() >> (16 - length));
        if u32::from(length) <= bits {
            table.iter_mut().skip(reversed).step_by(1 << length).for_each(|e| *e = entry(symbol, length));
        } else {
            table[reversed & ((1 << bits) - 1)] = LONG;
        }
    }
}

/// The first code of each length.
fn first_codes(lengths: &[u8]) -> [u16; 16] {
    let mut counts = [0_u16; 16];
    lengths.iter().filter(|length| **length != 0).for_each(|length| counts[usize::from(*length & 15)] += 1);
    let (mut first, mut code) = ([0; 16], 0_u16);
    for length in 1..16 {
        code = code.wrapping_add(counts[length - 1]) << 1;
        first[length] = code;
    }
    first
}

/// The symbol of a long code that comes next, and its length; nothing is taken.
#[cold]
fn long(lengths: &[u8], bits: &Bits<'_>) -> Option<(usize, u8)> {
    let mut next = first_codes(lengths);
    for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length != 0) {
        let code = next[usize::from(length)];
        next[usize::from(length)] += 1;
        if bits.peek(length.into()) == u64::from(code.reverse_bits() >> (16 - length)) {
            return Some((symbol, length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use libdeflater::{CompressionLvl, Compressor};
    use std::io::Write;

    fn noise(len: usize, alphabet: u32) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        (0..len).map(|_| (next() % alphabet).min(next() % alphabet) as u8).collect()
    }

    fn samples() -> Vec<Vec<u8>> {
        let text = include_bytes!("deflate.rs").to_vec();
        // A few bytes that are hardly ever there have long codes, and rare distances do too.
        let mut skewed = vec![b'a'; 400_000];
        for (i, byte) in noise(400, 256).into_iter().enumerate() {
            skewed[i * 997 % 400_000] = byte;
        }
        let far = [noise(30_000, 256), text.clone(), noise(30_000, 256), text.clone()].concat();
        let mixed = [text.repeat(3), noise(200_000, 256), vec![0; 100_000], text.clone()].concat();
        vec![vec![], b"a".to_vec(), text, noise(300_000, 256), noise(300_000, 40), vec![0; 1 << 20], skewed, far, mixed]
    }

    /// What follows the last block shows where it ends: the bits after it are those of another stream.
    #[track_caller]
    fn check(mut stream: Vec<u8>, data: &[u8], what: &str) {
        let len = stream.len();
        stream.extend([0xff; 16]);
        let Last { flag, end } = last_block(&stream).unwrap_or_else(|| panic!("{what}: no stream"));
        assert!(end.div_ceil(8) == len, "{what}: ends in {} of {len} bytes", end.div_ceil(8));
        assert_eq!(stream[flag / 8] >> (flag % 8) & 1, 1, "{what}");
        stream.truncate(len);
        stream[flag / 8] &= !(1 << (flag % 8));
        stream.truncate((end + 3).div_ceil(8));
        stream.resize((end + 3).div_ceil(8), 0);
        stream.extend([0, 0, 0xff, 0xff, 3, 0]);
        let mut out = Vec::new();
        let mut decoder = flate2::write::DeflateDecoder::new(&mut out);
        decoder.write_all(&stream).unwrap();
        decoder.finish().unwrap();
        assert!(out == data, "{what}");
    }

    #[test]
    fn the_last_block_of_streams_of_any_writer() {
        for (number, data) in samples().into_iter().enumerate() {
            for level in 0..=12 {
                let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
                let mut out = vec![0; compressor.deflate_compress_bound(data.len())];
                let len = compressor.deflate_compress(&data, &mut out).unwrap();
                out.truncate(len);
                check(out, &data, &format!("libdeflate {level} of sample {number}"));
            }
            for level in 0..=9 {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
                encoder.write_all(&data).unwrap();
                check(encoder.finish().unwrap(), &data, &format!("zlib {level} of sample {number}"));
            }
        }
    }

    #[test]
    fn what_is_no_whole_stream_is_none() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(&noise(5000, 90)).unwrap();
        let whole = encoder.finish().unwrap();
        for cut in 0..whole.len() {
            let found = last_block(&[&whole[..cut], &[0; ROOM]].concat());
            assert!(found.is_none_or(|last| last.end.div_ceil(8) > cut), "{cut}");
        }
        assert!(last_block(&[0xff; 64]).is_none() && last_block(&[]).is_none());
    }
}
