//! How deep a syntax tree would be, told from the tokens alone: walking and freeing a tree is recursive, so a file made
//! to overflow the stack must not become one.

#[cfg(test)]
mod tests;

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

/// An upper bound of the depth of the syntax tree of `text`, in statements, clauses and expressions. It stops to count
/// above `limit`. After a syntax error it is a guess.
pub(super) fn of_text(text: &str, limit: usize) -> usize {
    let mut lexer = lex(text, Mode::Module);
    let mut gauge = Gauge::default();
    while gauge.deepest <= limit {
        match lexer.next_token() {
            TokenKind::EndOfFile => break,
            token => gauge.token(token),
        }
    }
    gauge.deepest
}

/// An open bracket or f-string, or the statement itself.
#[derive(Default)]
struct Level {
    closer: Option<TokenKind>,
    /// The operators and keywords since the last comma: `a.b.c`, `a + b + c`, `not not a` nest as deep as they are long.
    chain: usize,
    /// Lambdas whose parameters have not ended: the commas among those end no element.
    lambdas: usize,
}

/// Measures token by token.
#[derive(Default)]
struct Gauge {
    deepest: usize,
    blocks: usize,
    /// The sum of all chains, that of the statement included.
    chains: usize,
    statement: Level,
    brackets: Vec<Level>,
}

impl Gauge {
    fn token(&mut self, token: TokenKind) {
        use TokenKind as T;
        match token {
            T::Indent => self.blocks += 1,
            T::Dedent => self.blocks = self.blocks.saturating_sub(1),
            T::Newline => self.end_statement(),
            T::Lpar => self.open(T::Rpar),
            T::Lsqb => self.open(T::Rsqb),
            T::Lbrace => self.open(T::Rbrace),
            T::FStringStart => self.open(T::FStringEnd),
            T::TStringStart => self.open(T::TStringEnd),
            T::Rpar | T::Rsqb | T::Rbrace | T::FStringEnd | T::TStringEnd => self.close(token),
            T::Comma => self.end_element(),
            T::Name | T::Int | T::Float | T::Complex | T::String | T::FStringMiddle | T::TStringMiddle => {}
            T::Comment | T::NonLogicalNewline | T::True | T::False | T::None | T::Ellipsis => {}
            _ => self.chain(token),
        }
        // A block is a statement and its clause.
        self.deepest = self.deepest.max(2 * self.blocks + self.chains + self.brackets.len());
    }

    fn end_statement(&mut self) {
        self.chains = 0;
        self.statement = Level::default();
        self.brackets.clear();
    }

    fn level(&mut self) -> &mut Level {
        self.brackets.last_mut().unwrap_or(&mut self.statement)
    }

    fn chain(&mut self, token: TokenKind) {
        self.chains += 1;
        let level = self.level();
        level.chain += 1;
        match token {
            TokenKind::Lambda => level.lambdas += 1,
            TokenKind::Colon => level.lambdas = level.lambdas.saturating_sub(1),
            _ => {}
        }
    }

    /// A bracket is a link of the chain outside it: `f(a)(b)(c)`.
    fn open(&mut self, closer: TokenKind) {
        self.chains += 1;
        self.level().chain += 1;
        self.brackets.push(Level { closer: Some(closer), ..Level::default() });
    }

    /// A closer that closes nothing is an error and changes nothing.
    fn close(&mut self, closer: TokenKind) {
        if let Some(level) = self.brackets.pop_if(|level| level.closer == Some(closer)) {
            self.chains -= level.chain;
        }
    }

    /// In brackets a comma begins a new element beside the last one.
    fn end_element(&mut self) {
        if let Some(level) = self.brackets.last_mut()
            && level.lambdas == 0
        {
            self.chains -= level.chain;
            level.chain = 0;
        }
    }
}
