//! Gathers references out of tokens, whatever the language: strings, and what calls and operators make of them.

use super::literal::{self, Words};
use super::{Target, When};
use std::ops::Range;

/// The most arguments of a call that can be parts of a path; a call with more of them joins no path.
const MAX_PARTS: u8 = 8;
/// The length in bytes of the longest string that can be part of a path.
const MAX_PART: usize = 250;

/// A token that says something about strings.
pub(super) enum Token<'t> {
    /// A name or keyword.
    Name(&'t str),
    /// A string's value, `*` for what is computed in it.
    Text(&'t str),
    /// A single character that is neither.
    Other(u8),
}

/// The kind of a call's argument, as far as it has been read.
#[derive(Clone, Copy, PartialEq)]
enum Argument {
    Empty,
    /// It begins with a string.
    Text,
    /// It is a name so far, perhaps of a keyword argument.
    Name,
    Other,
}

/// The meaning of a call's string arguments, as the name of the called function tells it.
#[derive(Clone, Copy, PartialEq)]
enum Callee {
    Some,
    /// It deals with paths.
    Path,
    /// It loads modules.
    Module,
    /// It deals with paths and with modules.
    Resolve,
    /// It opens translations.
    Domain,
    /// It loads a library.
    Library,
}

impl Callee {
    fn of(name: &str) -> Self {
        match name {
            "require" | "URL" => return Self::Module,
            "translation" | "bindtextdomain" | "textdomain" | "dgettext" | "install" => return Self::Domain,
            "CDLL" | "PyDLL" | "LoadLibrary" | "find_library" | "dlopen" => return Self::Library,
            "resolve" => return Self::Resolve,
            "read_text" | "read_binary" | "get_data" | "contents" | "with_name" => return Self::Path,
            _ => {}
        }
        let mut found = Self::Some;
        for at in 0..name.len() {
            match Self::at(&name.as_bytes()[at..]) {
                Some(Self::Module) => return Self::Module,
                Some(part) => found = part,
                None => {}
            }
        }
        found
    }

    /// Returns the meaning of the part of a name that begins here. There are millions of calls: nearly all parts are told by
    /// one byte.
    fn at(part: &[u8]) -> Option<Self> {
        let begins = |words: &[&str]| words.iter().any(|word| part.starts_with(word.as_bytes()));
        match part[0] {
            b'i' if begins(&["import"]) => Some(Self::Module),
            b'm' | b'M' if begins(&["module", "Module"]) => Some(Self::Module),
            b'j' | b'p' | b'P' | b'f' | b'F' | b'd' | b'r' | b'o'
                if begins(&["join", "path", "Path", "file", "File", "dir", "resource", "open"]) =>
            {
                Some(Self::Path)
            }
            _ => None,
        }
    }
}

/// An open bracket. There are millions in a run, so this is small: what a call's arguments say is kept in the collector.
struct Frame {
    /// The range of the called name in the text; empty for a list, a dict and mere parentheses.
    callee: Range<usize>,
    offset: usize,
    /// The index in `texts` of the call's first string.
    texts: usize,
    /// The number of arguments before the one that is being read; it stops counting at the first number that is too large to
    /// matter.
    before: u8,
    argument: Argument,
}

impl Frame {
    /// True if there are more arguments than can be parts of a path.
    const fn many(&self) -> bool {
        self.before > MAX_PARTS
    }
}

/// A string that an argument begins with.
struct Text {
    /// The argument's number, from 0.
    argument: u8,
    /// The range of the string's value in `letters`.
    value: Range<usize>,
}

/// True if a byte may be in the name of a library or a text domain.
const fn is_plain(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b'+')
}

/// The references found so far, each with its offset in the text.
pub(super) struct Collector<'w> {
    text: &'w str,
    words: Words<'w>,
    pub(super) found: Vec<(usize, Target, When)>,
    frames: Vec<Frame>,
    /// The strings of all open calls; their values lie one after the other in `letters`.
    texts: Vec<Text>,
    letters: String,
    /// The range of the name just before this place; empty where there is none.
    name: Range<usize>,
    /// The absolute path that has just been given to a call: `Path("/a")`, after which `/ "b"` may follow.
    called: Option<String>,
    /// The offset and text of `x / "a" / "b"` so far, and whether a slash comes last.
    chain: Option<(usize, String)>,
    slash: bool,
    /// Turns a string that is given to a function which loads modules into the target it refers to.
    module: fn(&str) -> Option<Target>,
}

impl<'w> Collector<'w> {
    pub(super) fn new(text: &'w str, words: &'w [Vec<u8>], module: fn(&str) -> Option<Target>) -> Self {
        Self {
            text,
            words: Words::new(words),
            found: Vec::new(),
            frames: Vec::new(),
            texts: Vec::new(),
            letters: String::new(),
            name: 0..0,
            called: None,
            chain: None,
            slash: false,
            module,
        }
    }

    pub(super) fn add(&mut self, offset: usize, target: Target) {
        self.found.push((offset, target, When::Mention));
    }

    pub(super) fn import(&mut self, offset: usize, target: Target, when: When) {
        self.found.push((offset, target, when));
    }

    /// Returns the number of blanks just before `offset`.
    pub(super) fn column(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        before.iter().rev().take_while(|c| matches!(c, b' ' | b'\t')).count()
    }

    #[inline(always)]
    pub(super) fn token(&mut self, offset: usize, token: &Token<'_>) {
        let (slash, name) = (std::mem::take(&mut self.slash), std::mem::take(&mut self.name));
        let called = self.called.take();
        match token {
            Token::Name(text) => {
                self.name = offset..offset + text.len();
                self.operand(offset, slash, None);
                self.argument(Argument::Name);
            }
            Token::Text(value) => self.string(offset, slash, value),
            Token::Other(b'/') => {
                self.slash = true;
                if self.chain.is_none() {
                    self.chain = called.map(|path| (offset, path));
                }
                self.argument(Argument::Other);
            }
            Token::Other(c) => {
                // `a / b.c` and `a / b(x)` go on.
                if self.chain.is_some() && !matches!(c, b'.' | b'(') {
                    self.end_chain();
                }
                self.punctuation(offset, *c, name);
            }
        }
    }

    fn string(&mut self, offset: usize, slash: bool, value: &str) {
        let glob = literal::as_glob(value);
        let value = glob.as_deref().unwrap_or(value);
        if literal::may_name(value, &self.words) {
            self.add(offset, Target::Text(value.into()));
        }
        self.operand(offset, slash, Some(value));
        let long = value.len() > MAX_PART;
        if self.argument(if long { Argument::Other } else { Argument::Text })
            && let Some(frame) = self.frames.last().filter(|f| f.argument == Argument::Text && !f.many())
        {
            let begin = self.letters.len();
            self.letters.push_str(value);
            self.texts.push(Text { argument: frame.before, value: begin..self.letters.len() });
        }
    }

    fn punctuation(&mut self, offset: usize, c: u8, name: Range<usize>) {
        match c {
            b'(' | b'[' | b'{' => {
                self.argument(Argument::Other);
                let (callee, texts) = (if c == b'(' { name } else { 0..0 }, self.texts.len());
                self.frames.push(Frame { callee, offset, texts, before: 0, argument: Argument::Empty });
            }
            b')' | b']' | b'}' => {
                match self.frames.pop() {
                    // `(0, path_1.join)(a, "b")`, as compilers write it, is a call of what comes last.
                    Some(frame) if frame.callee.is_empty() => self.name = if c == b')' { name } else { 0..0 },
                    Some(frame) => self.end_call(&frame),
                    None => {}
                }
            }
            b',' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.argument = Argument::Empty;
                    frame.before = frame.before.saturating_add(1);
                }
            }
            // A keyword argument's value is what counts.
            b'=' => match self.frames.last_mut() {
                Some(frame) if frame.argument == Argument::Name => frame.argument = Argument::Empty,
                _ => {}
            },
            _ => {
                self.argument(Argument::Other);
            }
        }
    }

    /// Notes what the first token of an argument says about it; only a name can change its meaning with what follows. Returns
    /// true if this token is the first.
    fn argument(&mut self, argument: Argument) -> bool {
        let Some(frame) = self.frames.last_mut().filter(|frame| !frame.callee.is_empty()) else { return false };
        let first = frame.argument == Argument::Empty;
        match frame.argument {
            Argument::Empty => frame.argument = argument,
            Argument::Name => frame.argument = Argument::Other,
            Argument::Text | Argument::Other => {}
        }
        first
    }

    /// Takes a name or a string, perhaps after a slash, as an operand of `/`.
    fn operand(&mut self, offset: usize, slash: bool, value: Option<&str>) {
        if !slash && self.chain.is_none() {
            return;
        }
        match (slash, value, &mut self.chain) {
            (true, Some(value), Some((_, chain))) if chain.len() < MAX_PART => {
                chain.push('/');
                chain.push_str(value);
            }
            (true, Some(value), None) => self.chain = Some((offset, value.to_owned())),
            (true, None, Some((_, chain))) => chain.push_str("/*"),
            (true, None, None) => {}
            // The name after a dot.
            (false, None, Some(_)) => {}
            _ => self.end_chain(),
        }
    }

    fn end_chain(&mut self) {
        if let Some((offset, chain)) = self.chain.take() {
            self.join(offset, &chain);
        }
    }

    fn join(&mut self, offset: usize, path: &str) {
        let path = path.trim_end_matches("/*");
        if path.len() <= MAX_PART
            && path.bytes().any(|c| c.is_ascii_alphanumeric())
            && !path.contains(['\n', '\0', ' '])
        {
            self.add(offset, Target::Join(path.into()));
        }
    }

    fn end_call(&mut self, frame: &Frame) {
        let callee = &self.text[frame.callee.clone()];
        if callee == "attach_stub" {
            self.add(frame.offset, Target::Stub);
        }
        let Some(first) = self.texts.get(frame.texts) else { return };
        let letters = first.value.start;
        if !frame.many() {
            self.call(frame.offset, Callee::of(callee), frame.texts);
        }
        self.texts.truncate(frame.texts);
        self.letters.truncate(letters);
    }

    /// Adds what a call says that has strings, those in `texts` from an index on.
    fn call(&mut self, offset: usize, callee: Callee, from: usize) {
        let texts = &self.texts[from..];
        let value = |text: &Text| &self.letters[text.value.clone()];
        let first = &texts[0];
        let module = match callee {
            Callee::Module | Callee::Resolve if first.argument == 0 => (self.module)(value(first)),
            _ => None,
        };
        let mut path = None;
        if texts.len() > 1 || matches!(callee, Callee::Path | Callee::Resolve) {
            let path = path.insert(value(first).to_owned());
            let mut last = first.argument;
            for text in &texts[1..] {
                // An argument that is no string is computed.
                (last + 1..text.argument).for_each(|_| path.push_str("/*"));
                path.push('/');
                path.push_str(value(text));
                last = text.argument;
            }
        }
        let name = Some(value(first)).filter(|name| first.argument == 0 && name.bytes().all(is_plain));
        let named = match callee {
            Callee::Domain => name.map(|name| Target::Domain(name.into())),
            Callee::Library => name.map(|name| Target::Library(name.into())),
            _ => None,
        };
        module.into_iter().chain(named).for_each(|target| self.add(offset, target));
        if let Some(path) = path {
            self.join(offset, &path);
            self.called = Some(path).filter(|path| path.starts_with('/'));
        }
    }

    pub(super) fn finish(mut self) -> Vec<(usize, Target, When)> {
        self.end_chain();
        self.constants();
        self.found
    }

    /// Adds the constants that name files: `NAME = "x.md"` and later `Path(__file__).parent / NAME`. In a text that asks for
    /// its own path, a file's name is such a reference.
    fn constants(&mut self) {
        let name = |(at, target, when): &(usize, Target, When)| match target {
            Target::Text(text) if literal::is_plain_file(text) => Some((*at, Target::Join(text.clone()), *when)),
            _ => None,
        };
        let names: Vec<_> = self.found.iter().filter_map(name).collect();
        if !names.is_empty() && memchr::memmem::find(self.text.as_bytes(), b"__file__").is_some() {
            self.found.extend(names);
        }
    }
}
