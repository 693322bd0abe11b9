//! Names that people may have meant.

/// A name that is longer was not mistyped, in bytes: what a comparison costs is the product of both lengths.
const LONGEST_MEANT: usize = 100;

/// Returns the known name that is most like the given one, with how many letters are to be changed to get there; nothing where the given one is
/// longer than names are. Of two that are equally near it is the first one of the alphabet. How near is near enough is the caller's to say.
///
/// ```
/// use aimass_locale::nearest;
///
/// assert_eq!(nearest(["text", "speech"], "Tezt"), Some(("text", 1)));
/// assert_eq!(nearest([], "text"), None);
/// ```
#[must_use]
pub fn nearest<'k>(
    known: impl IntoIterator<Item = &'k str>,
    name: &str,
) -> Option<(&'k str, usize)> {
    if name.len() > LONGEST_MEANT {
        return None;
    }
    let name = name.to_lowercase();
    let known = known.into_iter();
    let near = known.map(|known| (strsim::damerau_levenshtein(&name, known), known));
    let (distance, known) = near.min()?;
    Some((known, distance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_equally_near_names_it_is_the_first_of_the_alphabet() {
        assert_eq!(nearest(["bad", "bat", "bar"], "bax"), Some(("bad", 1)));
    }

    #[test]
    fn a_text_is_compared_with_nothing() {
        assert_eq!(nearest(["text"], &"x".repeat(LONGEST_MEANT + 1)), None);
    }
}
