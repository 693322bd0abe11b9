//! The string literals of Rust code, without what stands in comments.

/// Returns the content of each string literal. Escapes stay as they are written, except that of a quote.
pub(super) fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'', 'r']) {
        let from = &rest[at..];
        rest = if from.starts_with("//") {
            from.split_once('\n').map_or("", |(_, next)| next)
        } else if let Some(comment) = from.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, next)| next)
        } else if let Some((literal, next)) = raw(from) {
            found.push(literal.to_owned());
            next
        } else if let Some(inside) = from.strip_prefix('"') {
            let (literal, next) = plain(inside);
            found.push(literal.replace("\\\"", "\""));
            next
        } else {
            // A letter such as '"' begins no literal; a lifetime has no end.
            let letter = ["'\"'", "'\\\"'", "'\\''", "'\\\\'"];
            let length = letter.iter().find(|letter| from.starts_with(**letter));
            &from[length.map_or(1, |letter| letter.len())..]
        };
    }
    found
}

/// A raw literal, and what follows it.
fn raw(code: &str) -> Option<(&str, &str)> {
    let marks = code.strip_prefix('r')?;
    let inside = marks.trim_start_matches('#');
    let marks = &marks[..marks.len() - inside.len()];
    inside.strip_prefix('"')?.split_once(&format!("\"{marks}"))
}

/// A literal up to its quote, and what follows it.
fn plain(code: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = code.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    let end = end.unwrap_or(code.len());
    (&code[..end], code.get(end + 1..).unwrap_or_default())
}

#[test]
fn literals_are_found_and_comments_and_letters_are_none() {
    let code = r##"
        // "a comment" isn't code
        let or = "one"; /* "no" */ let letter = '"';
        let quoted = "say \"two\" \\"; let raw = r#"three "3""#; fn f<'a>(_: &'a str) {}
        let four = r"four";
    "##;
    assert_eq!(
        literals(code),
        ["one", "say \"two\" \\\\", "three \"3\"", "four"]
    );
}
