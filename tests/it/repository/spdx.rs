//! A reader of SPDX licence expressions, as far as package manifests use them.

/// Whether the licences in `allowed` are enough to use what is under `expression`.
pub(crate) fn is_satisfied(expression: &str, allowed: &[&str]) -> bool {
    // Old manifests write `MIT/Apache-2.0`.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut reader = Reader {
        words: spaced.split_whitespace().collect(),
        at: 0,
        allowed,
    };
    let satisfied = reader.any();
    satisfied && reader.at == reader.words.len()
}

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a [&'a str],
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> bool {
        let mut satisfied = self.all();
        while self.next_is("OR") {
            satisfied |= self.all();
        }
        satisfied
    }

    fn all(&mut self) -> bool {
        let mut satisfied = self.one();
        while self.next_is("AND") {
            satisfied &= self.one();
        }
        satisfied
    }

    fn one(&mut self) -> bool {
        if self.next_is("(") {
            let satisfied = self.any();
            return self.next_is(")") && satisfied;
        }
        let Some(word) = self.words.get(self.at) else {
            return false;
        };
        let mut licence = (*word).to_owned();
        self.at += 1;
        if self.next_is("WITH") {
            licence = format!("{licence} WITH {}", self.words.get(self.at).unwrap_or(&""));
            self.at += 1;
        }
        self.allowed.contains(&licence.as_str())
    }
}

#[test]
fn expressions_mean_what_they_say() {
    let allowed = [
        "MIT",
        "Apache-2.0",
        "Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ];
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/Apache-2.0",
        "(MIT OR GPL-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
    ] {
        assert!(is_satisfied(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Apache-2.0) AND MPL-2.0",
        "MIT MIT",
        "(MIT",
        "MIT WITH exception",
    ] {
        assert!(!is_satisfied(bad, &allowed), "{bad}");
    }
}
