//! How deeply a TOML text nests its values, before anything is built of it.
//!
//! The parser bounds brackets and dotted keys one by one, not their product: eighty inline tables, each under a key of eighty parts, make thousands of levels.
//! Freeing such a tree takes a stack frame for each, more than a thread of a small stack has.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The most levels that a value may lie deep. No rule allows a tenth of it.
pub(crate) const MAX_DEPTH: usize = 64;

/// Returns the byte at which a text goes deeper than [`MAX_DEPTH`], if it does.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    // The depth before each bracket that is still open, and behind the last of them.
    let mut open = Vec::new();
    let mut depth = 0;
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                open.push(depth);
                depth += 1;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                depth = open.pop().unwrap_or(0);
            }
            // A part of a key; of a number too, where one more does no harm.
            TokenKind::Dot => depth += 1,
            // The next key begins.
            TokenKind::Comma => depth = open.last().map_or(0, |before| before + 1),
            TokenKind::Newline if open.is_empty() => depth = 0,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(token.span().start());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_a_value_is_that_of_its_brackets_and_its_keys_together() {
        let wide = format!("a = [{}]\n", "{ b.c = [1.5, 2.5] }, ".repeat(1_000));
        assert_eq!(too_deep(&wide.repeat(100)), None);
        let long_key = format!("{}x = 1\n", "a.".repeat(MAX_DEPTH));
        assert_eq!(too_deep(&long_key.repeat(3)), None);
        let product = "{ a.b.c.d.e.f.g.h = ".repeat(9);
        assert!(too_deep(&format!("a = {product}")).is_some());
        assert_eq!(too_deep("# [[[[ in a comment\na = \"[[[[\"\n"), None);
        assert_eq!(too_deep(&"]".repeat(1_000)), None);
    }
}
