//! The tokens of a source file: enough of Rust's grammar to tell code from comments, literals and tests.

/// An identifier, `::`, a text between quotes, or another sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Word(String),
    Colons,
    Text(String),
    Sign(char),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match self {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is(&self, sign: char) -> bool {
        *self == Token::Sign(sign)
    }
}

/// The tokens of a text. A character, lifetime or raw string is a sign of its own (`'` or `"`), a comment is
/// nothing.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => i = comment(&chars, i),
            '"' => i = string(&chars, i, &mut out),
            '\'' => {
                // A character ends with a quote; a lifetime has none.
                if at(i + 1) == '\\' {
                    i += 3;
                    while i < chars.len() && at(i) != '\'' {
                        i += 1;
                    }
                    i += 1;
                } else if at(i + 2) == '\'' {
                    i += 3;
                } else {
                    i += 1;
                    while letter(at(i)) {
                        i += 1;
                    }
                }
                out.push(Token::Sign('\''));
            }
            c if letter(c) => {
                while letter(at(i)) {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                let hashes = (i..).take_while(|n| at(*n) == '#').count();
                if ["r", "br", "cr"].contains(&word.as_str()) && at(i + hashes) == '"' {
                    i = raw(&chars, i, hashes, &mut out);
                } else if ["b", "c"].contains(&word.as_str()) && at(i) == '"' {
                    i = string(&chars, i, &mut out);
                } else if word == "r" && hashes == 1 {
                    i += 1; // r#type: the word itself follows
                } else if !(word == "b" && at(i) == '\'') {
                    out.push(Token::Word(word));
                }
            }
            ':' if at(i + 1) == ':' => {
                out.push(Token::Colons);
                i += 2;
            }
            c => {
                if !c.is_whitespace() {
                    out.push(Token::Sign(c));
                }
                i += 1;
            }
        }
    }
    out
}

fn comment(chars: &[char], mut i: usize) -> usize {
    let mut depth = 0;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

fn string(chars: &[char], mut i: usize, out: &mut Vec<Token>) -> usize {
    let start = i + 1;
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    out.push(Token::Text(chars[start..i.min(chars.len())].iter().collect()));
    i + 1
}

fn raw(chars: &[char], mut i: usize, hashes: usize, out: &mut Vec<Token>) -> usize {
    out.push(Token::Sign('"'));
    i += hashes + 1;
    let end = |i: usize| chars[i] == '"' && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#'));
    while i < chars.len() && !end(i) {
        i += 1;
    }
    i + 1 + hashes
}

/// What follows an open bracket at `i`, up to after the one that closes it.
pub fn closed(tokens: &[Token], mut i: usize) -> usize {
    let mut depth = 0;
    while i < tokens.len() {
        match tokens[i] {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        i += 1;
        if depth == 0 {
            break;
        }
    }
    i
}

/// The tokens without what `#[cfg(test)]` stands before, and the modules that it stood before. What serde is told to write with
/// is a path like any other.
pub fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut out, mut modules) = (Vec::new(), Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        if let [Token::Word(key), Token::Sign('='), Token::Text(path), ..] = &tokens[i..]
            && key == "serialize_with"
        {
            out.extend(self::tokens(path));
            i += 3;
            continue;
        }
        let end = if tokens[i].is('#') { closed(tokens, i + 1) } else { i };
        let words: Vec<_> = tokens[i..end].iter().filter_map(Token::word).collect();
        if words != ["cfg", "test"] {
            out.push(tokens[i].clone());
            i += 1;
            continue;
        }
        // An item ends with a semicolon or with its block.
        i = end;
        while i < tokens.len() && !tokens[i].is(';') && !tokens[i].is('{') {
            if tokens[i].word() == Some("mod") {
                modules.extend(tokens.get(i + 1).and_then(Token::word).map(str::to_owned));
            }
            i = if tokens[i].is('(') || tokens[i].is('[') { closed(tokens, i) } else { i + 1 };
        }
        i = if i < tokens.len() && tokens[i].is('{') { closed(tokens, i) } else { i + 1 };
    }
    (out, modules)
}
