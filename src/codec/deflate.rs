//! Finds the beginning and the end of the last block of a DEFLATE stream (RFC 1951), to the bit, so that streams which were
//! compressed apart can be joined to one. Nothing is decompressed: codes are skipped, several literals at a time, which takes a
//! few hundredths of the time that compressing takes.

/// The number of bytes that must follow a stream: bits are looked at before it is known that they belong to it.
pub(super) const ROOM: usize = 16;

/// The number of bits of a code of literals or lengths that are looked up at once.
const LITERAL_BITS: u32 = 11;
/// The number of bits that are looked up of a code of distances, or of the lengths of codes, which have at most this many.
const DISTANCE_BITS: u32 = 9;
const LENGTH_BITS: u32 = 7;

/// Flags of a table's entry, whose lower byte is the number of bits: a distance follows, the block ends, the code is longer
/// than the part that is looked up, there is no such code. A literal has no flag.
const DISTANCE: u16 = 1 << 8;
const END: u16 = 2 << 8;
const LONG: u16 = 4 << 8;
const NONE: u16 = 8 << 8;
/// The flags of entries that the fast path does not handle.
const SPECIAL: u16 = END | LONG | NONE;

/// The order in which the lengths of the code lengths' codes come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The last block of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    /// The offset in bits of the flag that marks the last block, with which its header begins.
    pub flag: usize,
    /// The offset in bits of the end of the stream.
    pub end: usize,
}

/// Finds the last block of the stream at the beginning of `data`, with [`ROOM`] more bytes behind it. Returns `None` if it is
/// no stream; for a truncated one the end may lie beyond.
pub(super) fn last_block(data: &[u8]) -> Option<Last> {
    last_blocks(data, &[])[0]
}

/// Like [`last_block`], for two streams in little more than the time of one: the next code of a stream is known only after the
/// one before it, and while the processor waits for that, it goes on with the other stream.
pub(super) fn last_blocks(one: &[u8], other: &[u8]) -> [Option<Last>; 2] {
    let (mut one, mut other) = (Walk::new(one), Walk::new(other));
    while one.open() && other.open() {
        run_both(&mut one, &mut other);
    }
    for walk in [&mut one, &mut other] {
        while walk.open() {
            walk.run();
        }
    }
    [one.found, other.found]
}

/// Bits of a stream, the lowest of each byte first.
#[derive(Clone, Copy)]
struct Bits<'a> {
    data: &'a [u8],
    /// The offset of the next byte that is not in the buffer.
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

    /// Takes the next bits, at most as many as are ready.
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

    /// Returns the number of bits of the stream that have been taken.
    const fn position(&self) -> usize {
        self.next * 8 - self.have as usize
    }

    /// Skips a stored block after its three bits: its length, that length inverted, and that many bytes.
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

/// Returns the lengths of the codes of a fixed block.
fn fixed_lengths() -> Lengths {
    let mut lengths = [8; 288 + 32];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    lengths[288..].fill(5);
    (lengths, 288, 288 + 30)
}

/// The lengths of the codes of literals and of distances, one list behind the other; the number of the former, and of all.
type Lengths = ([u8; 288 + 32], usize, usize);

/// Reads the lengths of codes with which a dynamic block begins.
fn dynamic_lengths(bits: &mut Bits<'_>) -> Option<Lengths> {
    bits.refill()?;
    let literals = 257 + bits.take(5) as usize;
    let distances = 1 + bits.take(5) as usize;
    let count = 4 + bits.take(4) as usize;
    let mut of_lengths = [0; 19];
    for &symbol in &ORDER[..count] {
        bits.refill()?;
        of_lengths[symbol] = bits.take(3) as u8;
    }
    let mut table = [NONE; 1 << LENGTH_BITS];
    fill(&of_lengths, &mut table, LENGTH_BITS, |symbol, length| (symbol as u16) << 4 | u16::from(length));
    let mut lengths = [0_u8; 288 + 32];
    let mut at = 0;
    let total = literals + distances;
    while at < total {
        bits.refill()?;
        let entry = table[bits.peek(LENGTH_BITS) as usize];
        if entry == NONE {
            return None;
        }
        bits.skip(u32::from(entry & 0xf));
        let (value, times) = match entry >> 4 {
            16 => (*lengths.get(at.checked_sub(1)?)?, 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length as u8, 1),
        };
        lengths.get_mut(at..at + times as usize)?.fill(value);
        at += times as usize;
    }
    (at == total).then_some((lengths, literals, total))
}

/// A stream that is walked along, code by code.
struct Walk<'a> {
    bits: Bits<'a>,
    /// The offset in bits of the block's header, and true if the block is the last.
    flag: usize,
    last: bool,
    /// The two codes, for those that are longer than the part that is looked up.
    long: [Canonical; 2],
    pairs: [u16; 1 << LITERAL_BITS],
    far: [u16; 1 << DISTANCE_BITS],
    found: Option<Last>,
    failed: bool,
}

impl<'a> Walk<'a> {
    /// Starts at the first code of a stream's first block that has any.
    fn new(data: &'a [u8]) -> Self {
        let bits = Bits { data, next: 0, buffer: 0, have: 0 };
        let (pairs, far) = ([NONE; 1 << LITERAL_BITS], [NONE; 1 << DISTANCE_BITS]);
        let (long, found) = ([Canonical::EMPTY; 2], None);
        let mut walk = Self { bits, flag: 0, last: false, long, pairs, far, found, failed: false };
        walk.failed = walk.begin().is_none();
        walk
    }

    /// True if there are codes to come.
    const fn open(&self) -> bool {
        self.found.is_none() && !self.failed
    }

    /// Goes to the codes of the next block, or to the end.
    fn begin(&mut self) -> Option<()> {
        loop {
            if self.last {
                self.found = Some(Last { flag: self.flag, end: self.bits.position() });
                return Some(());
            }
            self.flag = self.bits.position();
            self.bits.refill()?;
            self.last = self.bits.take(1) == 1;
            let (lengths, literals, all) = match self.bits.take(2) {
                0 => {
                    self.bits.skip_stored()?;
                    continue;
                }
                1 => fixed_lengths(),
                2 => dynamic_lengths(&mut self.bits)?,
                _ => return None,
            };
            let (literals, distances) = (&lengths[..literals], &lengths[literals..all]);
            self.long = [Canonical::new(literals), Canonical::new(distances)];
            let mut single = [NONE; 1 << LITERAL_BITS];
            fill(literals, &mut single, LITERAL_BITS, literal_entry);
            for (index, entry) in self.pairs.iter_mut().enumerate() {
                *entry = pair(&single, index);
            }
            self.far.fill(NONE);
            fill(distances, &mut self.far, DISTANCE_BITS, distance_entry);
            return Some(());
        }
    }

    /// Skips codes up to one that is special, and that one.
    fn run(&mut self) {
        let mut bits = self.bits;
        loop {
            let entry = step(&mut bits, &self.pairs, &self.far);
            if entry & SPECIAL != 0 {
                self.bits = bits;
                return self.special(entry);
            }
        }
    }

    /// Handles entries that the fast path does not: the end of a block, and codes longer than the part that is looked up.
    fn special(&mut self, entry: u16) {
        self.failed = entry & SPECIAL != 0 && self.try_special(entry).is_none();
    }

    fn try_special(&mut self, mut entry: u16) -> Option<()> {
        if entry & NONE != 0 {
            return None;
        }
        // The length before a distance has been taken already.
        let mut follows = entry & DISTANCE != 0;
        if entry & (LONG | DISTANCE) == LONG {
            self.bits.refill()?;
            let (symbol, length) = self.long[0].long(&self.bits)?;
            entry = Some(literal_entry(symbol, length)).filter(|entry| entry & NONE == 0)?;
            self.bits.skip(u32::from(entry & 0xff));
            follows = entry & DISTANCE != 0;
        }
        if entry & END != 0 {
            return self.begin();
        }
        if follows {
            self.bits.refill()?;
            let (symbol, length) = self.long[1].long(&self.bits)?;
            let distance = distance_entry(symbol, length);
            if distance & NONE != 0 {
                return None;
            }
            self.bits.skip(u32::from(distance & 0xff));
        }
        Some(())
    }
}

/// Skips codes of two streams in turn, up to one that is special, and that one.
fn run_both(one: &mut Walk<'_>, other: &mut Walk<'_>) {
    let (mut a, mut b) = (one.bits, other.bits);
    loop {
        let first = step(&mut a, &one.pairs, &one.far);
        let second = step(&mut b, &other.pairs, &other.far);
        if (first | second) & SPECIAL != 0 {
            (one.bits, other.bits) = (a, b);
            one.special(first);
            other.special(second);
            return;
        }
    }
}

/// Skips a code or two, with the distance that may follow. There is no branch for that distance, as the processor could not
/// predict it.
#[inline(always)]
fn step(bits: &mut Bits<'_>, pairs: &[u16; 1 << LITERAL_BITS], far: &[u16; 1 << DISTANCE_BITS]) -> u16 {
    if bits.refill().is_none() {
        return NONE;
    }
    let entry = pairs[bits.peek(LITERAL_BITS) as usize];
    bits.skip(u32::from(entry & 0xff));
    let follows = 0_u16.wrapping_sub(entry >> 8 & 1);
    let distance = far[bits.peek(DISTANCE_BITS) as usize] & follows;
    bits.skip(u32::from(distance & 0xff));
    entry | distance & !0xff
}

/// Returns the entry of a literal, a length or the end of a block, with the bits that follow a length.
fn literal_entry(symbol: usize, length: u8) -> u16 {
    let length = u16::from(length);
    match symbol {
        0..256 => length,
        256 => END | length,
        257..265 | 285 => DISTANCE | length,
        265..285 => DISTANCE | (length + (symbol as u16 - 261) / 4),
        _ => NONE,
    }
}

/// Returns the entry of a distance, with the bits that follow it.
fn distance_entry(symbol: usize, length: u8) -> u16 {
    let extra = (symbol as u16 / 2).saturating_sub(1);
    if symbol < 30 { u16::from(length) + extra } else { NONE }
}

/// Returns the entry for the bits of `index`: a literal and the code after it, if both fit.
fn pair(single: &[u16; 1 << LITERAL_BITS], index: usize) -> u16 {
    let first = single[index];
    if first & 0xff00 != 0 {
        return first;
    }
    let second = single[index >> first];
    let both = first + (second & 0xff);
    if second & (LONG | NONE) == 0 && u32::from(both) <= LITERAL_BITS { second & 0xff00 | both } else { first }
}

/// Fills the table of a code, which lengths alone define (RFC 1951, 3.2.2). For codes longer than the table's bits it has
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

/// Returns the first code of each length.
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

/// A code too long for its table: the number of codes of each length, and the symbols by length.
#[derive(Clone, Copy)]
struct Canonical {
    counts: [u16; 16],
    symbols: [u16; 288],
}

impl Canonical {
    const EMPTY: Self = Self { counts: [0; 16], symbols: [0; 288] };

    fn new(lengths: &[u8]) -> Self {
        let mut code = Self::EMPTY;
        lengths.iter().for_each(|length| code.counts[usize::from(*length & 15)] += 1);
        code.counts[0] = 0;
        let (mut starts, mut start) = ([0; 16], 0);
        for (own, count) in starts.iter_mut().zip(code.counts) {
            *own = start;
            start += usize::from(count);
        }
        for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length != 0) {
            let at = &mut starts[usize::from(length & 15)];
            code.symbols[*at] = symbol as u16;
            *at += 1;
        }
        code
    }

    /// Returns the symbol that comes next, and the length of its code; takes nothing.
    #[cold]
    fn long(&self, bits: &Bits<'_>) -> Option<(usize, u8)> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for (length, &count) in (0_u8..).zip(&self.counts).skip(1) {
            code = code << 1 | (bits.buffer >> (length - 1) & 1) as u32;
            first <<= 1;
            let count = u32::from(count);
            if code < first + count {
                return Some((usize::from(self.symbols[(index + code.checked_sub(first)?) as usize]), length));
            }
            (first, index) = (first + count, index + count);
        }
        None
    }
}

#[cfg(test)]
mod tests;
