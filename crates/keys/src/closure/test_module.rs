//! A module of tests at the end of a source, which no stage compiles.

/// `text` as far as a last item `#[cfg(test)] mod NAME { … }`, or all of it: where there's no such item, and where the
/// text has anything that this small lexer doesn't expect.
pub(crate) fn without_tests(text: &str) -> &str {
    let start = tokens(text).and_then(|tokens| start_of_tests(&tokens));
    start.map_or(text, |start| &text[..start])
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'t> {
    /// A name, keyword, lifetime or number.
    Word(&'t str),
    /// A string or character.
    Literal,
    /// A comment that documents an item.
    Doc,
    Sign(u8),
}

/// Start of the last item, if it is a module of tests.
fn start_of_tests(tokens: &[(usize, Token<'_>)]) -> Option<usize> {
    use Token::{Sign, Word};
    let mut open = Vec::new();
    let mut last = None;
    for (number, (_, token)) in tokens.iter().enumerate() {
        match token {
            Sign(sign @ (b'(' | b'[' | b'{')) => open.push((number, *sign)),
            Sign(sign @ (b')' | b']' | b'}')) => {
                let (number, opening) = open.pop()?;
                let is_pair = matches!((opening, sign), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
                last = is_pair.then_some(number);
                last?;
            }
            _ => {}
        }
    }
    if !open.is_empty() || tokens.last()?.1 != Sign(b'}') {
        return None;
    }
    let (before, item) = tokens[..=last?].split_at_checked(last?.checked_sub(9)?)?;
    let item: Vec<Token<'_>> = item.iter().map(|(_, token)| *token).collect();
    let is_tests = matches!(
        item.as_slice(),
        [
            Sign(b'#'),
            Sign(b'['),
            Word("cfg"),
            Sign(b'('),
            Word("test"),
            Sign(b')'),
            Sign(b']'),
            Word("mod"),
            Word(_),
            Sign(b'{')
        ]
    );
    // Another attribute before it may do anything with the item.
    let is_whole = matches!(before.last(), None | Some((_, Sign(b'}' | b';'))));
    (is_tests && is_whole).then_some(tokens[before.len()].0)
}

/// The tokens of `text`, each with its start; none where something isn't expected.
fn tokens(text: &str) -> Option<Vec<(usize, Token<'_>)>> {
    // A line for a shell, or a manifest in a script of cargo.
    if text.starts_with("---") || (text.starts_with("#!") && !text.starts_with("#![")) {
        return None;
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(first) = lexer.rest().bytes().next() {
        let start = lexer.at;
        let token = match first {
            b' ' | b'\t' | b'\r' | b'\n' => {
                lexer.at += 1;
                continue;
            }
            b'/' if lexer.rest().starts_with("//") => lexer.line_comment(),
            b'/' if lexer.rest().starts_with("/*") => lexer.block_comment()?,
            b'"' => Some(lexer.string()?),
            b'\'' => Some(lexer.quote()?),
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Some(lexer.word()?),
            b'!'..=b'~' => {
                lexer.at += 1;
                Some(Token::Sign(first))
            }
            _ => return None,
        };
        tokens.extend(token.map(|token| (start, token)));
    }
    Some(tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Moves behind the next `end`.
    fn skip_past(&mut self, end: &str) -> Option<()> {
        self.at += self.rest().find(end)? + end.len();
        Some(())
    }

    fn line_comment(&mut self) -> Option<Token<'t>> {
        let line = self.rest().split('\n').next().unwrap_or_default();
        self.at += line.len();
        let is_doc = line.starts_with("///") || line.starts_with("//!");
        is_doc.then_some(Token::Doc)
    }

    /// A comment with those in it; none where it has no end.
    fn block_comment(&mut self) -> Option<Option<Token<'t>>> {
        let rest = self.rest();
        let is_doc = rest.starts_with("/**") || rest.starts_with("/*!");
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
            } else {
                self.at += rest.chars().next()?.len_utf8();
            }
            if depth == 0 {
                return Some(is_doc.then_some(Token::Doc));
            }
        }
    }

    /// A string with escapes, from its quote.
    fn string(&mut self) -> Option<Token<'t>> {
        self.at += 1;
        loop {
            self.at += self.rest().find(['"', '\\'])?;
            let is_end = self.rest().starts_with('"');
            self.at += 1;
            if is_end {
                return Some(Token::Literal);
            }
            self.at += self.rest().chars().next()?.len_utf8();
        }
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> Option<Token<'t>> {
        self.at += 1;
        let first = self.rest().chars().next()?;
        self.at += first.len_utf8();
        if first == '\\' {
            self.at += self.rest().chars().next()?.len_utf8();
            let end = self.rest().find(['\'', '\n'])?;
            self.at += end + 1;
            return self.text[..self.at]
                .ends_with('\'')
                .then_some(Token::Literal);
        }
        if self.rest().starts_with('\'') {
            self.at += 1;
            return Some(Token::Literal);
        }
        self.at -= first.len_utf8();
        let name = self.take_word();
        (!name.is_empty()).then_some(Token::Word(name))
    }

    /// A name or number, or the string that it is a prefix of.
    fn word(&mut self) -> Option<Token<'t>> {
        let word = self.take_word();
        let rest = self.rest();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let is_quoted = rest[hashes..].starts_with('"');
        match word {
            "r" | "br" if is_quoted => {
                self.at += hashes + 1;
                self.skip_past(&format!("\"{}", &rest[..hashes]))?;
                Some(Token::Literal)
            }
            // A raw string in some editions alone.
            "cr" if is_quoted => None,
            "r" if hashes == 1 => {
                self.at += 1;
                let name = self.take_word();
                (!name.is_empty()).then_some(Token::Word(name))
            }
            // The literal behind a `b` or `c` has the same end without it.
            _ => Some(Token::Word(word)),
        }
    }

    fn take_word(&mut self) -> &'t str {
        let rest = self.rest();
        let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        let end = { rest.bytes() }.position(|byte| !is_word(byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }
}

#[cfg(test)]
mod tests;
