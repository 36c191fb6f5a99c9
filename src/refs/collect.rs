//! Gathers references out of tokens, whatever the language: strings, and what calls and operators make of them.

use super::{Target, When, literal};
use std::ops::Range;

/// Longer lists of arguments are no parts of a path.
const MAX_PARTS: usize = 8;

/// A token that says something about strings.
pub(super) enum Token<'t> {
    /// A name or keyword.
    Name(&'t str),
    /// A string's value, `*` for what is computed in it.
    Text(&'t str),
    /// A single character of anything else.
    Other(u8),
}

/// An argument of a call, as far as it has been read.
#[derive(Default, PartialEq)]
enum Argument {
    #[default]
    Empty,
    /// It begins with a string.
    Text(String),
    /// It is a name so far, perhaps of a keyword argument.
    Name,
    Other,
}

/// What the name of a called function says about its arguments.
#[derive(Clone, Copy, Default, PartialEq)]
enum Callee {
    /// No call: a list, a dict, mere parentheses.
    #[default]
    None,
    Some,
    /// It deals with paths.
    Path,
    /// It loads modules.
    Module,
    /// It deals with either.
    Resolve,
    /// `attach_stub`.
    Stub,
}

impl Callee {
    fn of(name: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        match name {
            "attach_stub" => Self::Stub,
            "require" | "URL" => Self::Module,
            _ if has(&["import", "module", "Module"]) => Self::Module,
            _ if has(&["join", "path", "Path", "file", "File", "dir", "resource", "open"]) => Self::Path,
            "resolve" => Self::Resolve,
            "read_text" | "read_binary" | "get_data" | "contents" => Self::Path,
            _ => Self::Some,
        }
    }
}

/// An open bracket.
#[derive(Default)]
struct Frame {
    callee: Callee,
    offset: usize,
    arguments: Vec<Argument>,
    /// There are more than can be parts of a path.
    many: bool,
    argument: Argument,
}

/// The references found so far, each with its offset in the text.
pub(super) struct Collector<'w> {
    text: &'w str,
    words: &'w [Vec<u8>],
    pub(super) found: Vec<(usize, Target, When)>,
    frames: Vec<Frame>,
    /// Where the name is that stands before, if one does.
    name: Option<Range<usize>>,
    /// `x / "a" / "b"` so far, and whether a slash comes last.
    chain: Option<(usize, String)>,
    slash: bool,
    /// What strings that are given to a function that loads modules become.
    module: fn(&str) -> Option<Target>,
}

impl<'w> Collector<'w> {
    pub(super) fn new(text: &'w str, words: &'w [Vec<u8>], module: fn(&str) -> Option<Target>) -> Self {
        Self { text, words, found: Vec::new(), frames: Vec::new(), name: None, chain: None, slash: false, module }
    }

    pub(super) fn add(&mut self, offset: usize, target: Target) {
        self.found.push((offset, target, When::Mention));
    }

    pub(super) fn import(&mut self, offset: usize, target: Target, when: When) {
        self.found.push((offset, target, when));
    }

    /// How many blanks come before `offset`.
    pub(super) fn column(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        before.iter().rev().take_while(|c| matches!(c, b' ' | b'\t')).count()
    }

    pub(super) fn token(&mut self, offset: usize, token: &Token<'_>) {
        let (slash, name) = (std::mem::take(&mut self.slash), std::mem::take(&mut self.name));
        match token {
            Token::Name(text) => {
                self.name = Some(offset..offset + text.len());
                self.operand(offset, slash, None);
                self.argument(Argument::Name);
            }
            Token::Text(value) => {
                let glob = literal::as_glob(value);
                let value = glob.as_deref().unwrap_or(value);
                if literal::may_name(value, self.words) {
                    self.add(offset, Target::Text(value.into()));
                }
                self.operand(offset, slash, Some(value));
                let part = if value.len() <= 250 { Argument::Text(value.to_owned()) } else { Argument::Other };
                self.argument(part);
            }
            Token::Other(b'/') => {
                self.slash = true;
                self.argument(Argument::Other);
            }
            Token::Other(c) => {
                // `a / b.c` and `a / b(x)` go on.
                if !matches!(c, b'.' | b'(') {
                    self.end_chain();
                }
                self.punctuation(offset, *c, name);
            }
        }
    }

    fn punctuation(&mut self, offset: usize, c: u8, name: Option<Range<usize>>) {
        match c {
            b'(' => {
                self.argument(Argument::Other);
                let callee = name.map_or(Callee::None, |name| Callee::of(&self.text[name]));
                self.frames.push(Frame { callee, offset, ..Frame::default() });
            }
            b'[' | b'{' => {
                self.argument(Argument::Other);
                self.frames.push(Frame::default());
            }
            b')' | b']' | b'}' => {
                if let Some(frame) = self.frames.pop() {
                    self.end_call(frame);
                }
            }
            b',' => {
                if let Some(frame) = self.frames.last_mut() {
                    let argument = std::mem::take(&mut frame.argument);
                    frame.many |= frame.arguments.len() == MAX_PARTS;
                    if frame.callee != Callee::None && !frame.many {
                        frame.arguments.push(argument);
                    }
                }
            }
            // A keyword argument's value is what counts.
            b'=' => match self.frames.last_mut() {
                Some(frame) if frame.argument == Argument::Name => frame.argument = Argument::Empty,
                _ => {}
            },
            _ => self.argument(Argument::Other),
        }
    }

    /// The first token says what the argument is, but for a name with more behind it.
    fn argument(&mut self, argument: Argument) {
        if let Some(frame) = self.frames.last_mut().filter(|frame| frame.callee != Callee::None) {
            match frame.argument {
                Argument::Empty => frame.argument = argument,
                Argument::Name => frame.argument = Argument::Other,
                Argument::Text(_) | Argument::Other => {}
            }
        }
    }

    /// A name or a string, perhaps after a slash.
    fn operand(&mut self, offset: usize, slash: bool, value: Option<&str>) {
        match (slash, value, &mut self.chain) {
            (true, Some(value), Some((_, chain))) if chain.len() < 250 => {
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
        if path.len() <= 250 && path.bytes().any(|c| c.is_ascii_alphanumeric()) && !path.contains(['\n', '\0', ' ']) {
            self.add(offset, Target::Join(path.into()));
        }
    }

    fn end_call(&mut self, frame: Frame) {
        let Frame { callee, offset, mut arguments, many, argument } = frame;
        arguments.push(argument);
        if callee == Callee::Stub {
            self.add(offset, Target::Stub);
        }
        if callee == Callee::None || many {
            return;
        }
        let texts = arguments.iter().filter(|a| matches!(a, Argument::Text(_))).count();
        if let (Callee::Module | Callee::Resolve, Some(Argument::Text(text))) = (callee, arguments.first())
            && let Some(target) = (self.module)(text)
        {
            self.add(offset, target);
        }
        if texts == 0 || (texts == 1 && !matches!(callee, Callee::Path | Callee::Resolve)) {
            return;
        }
        let is_text = |a: &Argument| matches!(a, Argument::Text(_));
        let first = arguments.iter().position(is_text).unwrap_or_default();
        let last = arguments.iter().rposition(is_text).unwrap_or_default();
        let part = |a: &Argument| match a {
            Argument::Text(text) => text.clone(),
            _ => "*".to_owned(),
        };
        let parts: Vec<String> = arguments[first..=last].iter().map(part).collect();
        self.join(offset, &parts.join("/"));
    }

    pub(super) fn finish(mut self) -> Vec<(usize, Target, When)> {
        self.end_chain();
        self.found
    }
}
