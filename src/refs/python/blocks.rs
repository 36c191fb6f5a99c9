//! The blocks of Python that an import stands in, told by indentation alone: an import in a `try` whose failure is caught may
//! fail, and so may an import that only a function or a type checker runs.

use super::lexer::{Kind, Token};
use crate::refs::When;
use crate::refs::collect::Collector;

/// The exceptions that catch a failed import.
const CATCHES: [&str; 4] = ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"];

/// The kind of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    /// A `try`: the range of the references found in it, whose end is set when the block has ended, and whether its failure is
    /// caught.
    Try {
        from: usize,
        to: usize,
        caught: bool,
    },
    /// A block whose keyword alone says all.
    Other,
}

/// An open block.
struct Open {
    indent: usize,
    block: Block,
    when: When,
}

/// The line that opens a block, being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    If,
    Except { bare: bool },
    With,
}

/// The blocks that the lexer is in.
#[derive(Default)]
pub(super) struct Blocks {
    open: Vec<Open>,
    header: Option<Header>,
    /// The condition of an import here, from all open blocks together.
    when: Option<When>,
}

impl Blocks {
    /// Returns the condition under which an import that stands here happens.
    pub(super) fn when(&self) -> When {
        self.when.unwrap_or(When::Always)
    }

    /// Updates the blocks with a token.
    pub(super) fn token(&mut self, token: &Token<'_>, collector: &mut Collector<'_>) {
        if token.fresh {
            self.statement(token, collector);
        } else if let Some(header) = self.header {
            self.header(header, token, collector);
        }
    }

    fn statement(&mut self, token: &Token<'_>, collector: &Collector<'_>) {
        self.header = None;
        let indent = collector.column(token.at);
        let mut before = None;
        let depth = self.open.len();
        while let Some(last) = self.open.pop_if(|open| open.indent >= indent) {
            before = (last.indent == indent).then_some(last.block);
        }
        let closed = depth != self.open.len();
        if let Kind::Name(name) = token.kind {
            self.keyword(name, indent, before, collector.found.len());
        }
        if closed || self.open.last().is_some_and(|open| open.indent == indent) {
            self.sum();
        }
    }

    /// Opens the block that a keyword begins. `before` is the one that ended here.
    fn keyword(&mut self, name: &str, indent: usize, before: Option<Block>, found: usize) {
        let (block, when, header) = match (name.as_bytes(), before) {
            (b"try", _) => (Block::Try { from: found, to: found, caught: false }, When::Always, None),
            (b"except", Some(Block::Try { from, to, caught })) => {
                let to = if to == from { found } else { to };
                (Block::Try { from, to, caught }, When::Optional, Some(Header::Except { bare: true }))
            }
            (b"else", Some(Block::Try { caught: true, .. })) => (Block::Other, When::Optional, None),
            (b"if" | b"elif" | b"case" | b"match", _) => (Block::If, When::Conditional, Some(Header::If)),
            (b"else", Some(Block::If)) => (Block::If, When::Conditional, None),
            // `async for` and `async with` stand in functions only.
            (b"def" | b"async", _) => (Block::Other, When::Lazy, None),
            (b"with", _) => (Block::Other, When::Always, Some(Header::With)),
            _ => return,
        };
        self.header = header;
        self.open.push(Open { indent, block, when });
    }

    fn header(&mut self, header: Header, token: &Token<'_>, collector: &mut Collector<'_>) {
        let Some(open) = self.open.last_mut() else { return };
        match (header, &token.kind) {
            (Header::Except { bare }, Kind::Other(b':')) => {
                self.header = None;
                if bare {
                    catch(open, collector);
                }
            }
            (_, Kind::Other(b':')) => self.header = None,
            (Header::If, Kind::Name("TYPE_CHECKING")) => open.when = When::Typing,
            (Header::Except { .. }, kind) => {
                self.header = Some(Header::Except { bare: false });
                if matches!(kind, Kind::Name(name) if CATCHES.contains(name)) {
                    catch(open, collector);
                }
            }
            (Header::With, Kind::Name(name)) if CATCHES.contains(name) => open.when = When::Optional,
            _ => return,
        }
        self.sum();
    }

    fn sum(&mut self) {
        self.when = self.open.iter().map(|open| open.when).max();
    }
}

/// Marks the imports of a `try` as optional.
fn catch(open: &mut Open, collector: &mut Collector<'_>) {
    if let Block::Try { from, to, caught } = &mut open.block
        && !std::mem::replace(caught, true)
    {
        for (_, _, when) in collector.found.get_mut(*from..*to).unwrap_or_default() {
            *when = (*when).max(When::Optional);
        }
    }
}
