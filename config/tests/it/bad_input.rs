//! Texts that are no sensible configuration: each gives one clear line, none exhausts the memory or the stack.

use aimass_config::Config;
use expect_test::{Expect, expect};

use crate::parse;

fn check(text: &str, expected: Expect) {
    let message = parse(text).unwrap_err().to_string();
    assert!(message.len() < 1000, "a message of {} bytes", message.len());
    expected.assert_eq(&message);
}

#[test]
fn nothing_at_all_means_the_defaults() {
    for text in ["", "\n", "# only a comment", "\u{feff}", "[runtime]\r\n"] {
        assert_eq!(parse(text).unwrap(), Config::default(), "{text:?}");
    }
}

#[test]
fn what_is_not_toml_is_refused_with_its_line() {
    check(
        "[runtime]\nshutdown_limit = ",
        expect![
            "aimass.toml:2: not valid TOML: string values must be quoted, expected literal string"
        ],
    );
    check(
        "[runtime]\nshutdown_limit = 10s",
        expect![[
            r#"aimass.toml:2: not valid TOML: string values must be quoted, expected literal string, found "10s""#
        ]],
    );
    check(
        "[runtime\n",
        expect!["aimass.toml:1: not valid TOML: unclosed table, expected `]`"],
    );
    check(
        "\n\n{\"runtime\": {}}",
        expect!["aimass.toml:3: not valid TOML: invalid key-value pair, expected key"],
    );
    check(
        "[runtime]\nshutdown_limit = \"\0\"",
        expect![[
            r#"aimass.toml:2: not valid TOML: invalid basic string, expected non-double-quote visible characters, `\`, found "\0""#
        ]],
    );
    check(
        "\0",
        expect!["aimass.toml:1: not valid TOML: key with no value, expected `=`"],
    );
    check(
        "[models]\nhub_endpoint = '''\nhttp",
        expect!["aimass.toml:3: not valid TOML: invalid multi-line literal string, expected `'`"],
    );
}

#[test]
fn a_key_that_is_set_twice_is_refused() {
    check(
        "[models]\noffline = true\noffline = false",
        expect![[r#"aimass.toml:3: not valid TOML: duplicate key, found "offline""#]],
    );
    check(
        "[models]\n[runtime]\n[models]\n",
        expect![[r#"aimass.toml:3: not valid TOML: duplicate key, found "models""#]],
    );
}

#[test]
fn numbers_beyond_all_bounds_are_refused() {
    check(
        "[agents.text]\nreplicas = 4294967296",
        expect![
            "aimass.toml:2: `agents.text.replicas` must be a whole number from 1 to 1024, found 4294967296"
        ],
    );
    check(
        "[agents.text]\nreplicas = 99999999999999999999999999",
        expect![
            "aimass.toml:2: `agents.text.replicas` must be a whole number from 1 to 1024, found 99999999999999999999999999"
        ],
    );
    check(
        "[agents.text]\ncapacity = 0xffffffffffffffffffffffff",
        expect![
            "aimass.toml:2: `agents.text.capacity` must be a whole number from 1 to 1000000000, found 0xffffffffffffffffffffffff"
        ],
    );
    check(
        "[agents.text]\ncapacity = -9223372036854775808",
        expect![
            "aimass.toml:2: `agents.text.capacity` must be a whole number from 1 to 1000000000, found -9223372036854775808"
        ],
    );
    check(
        "[agents.text]\ncapacity = 1e400",
        expect![
            "aimass.toml:2: `agents.text.capacity` must be a whole number from 1 to 1000000000, found inf"
        ],
    );
    check(
        "[agents.text]\ncapacity = nan",
        expect![
            "aimass.toml:2: `agents.text.capacity` must be a whole number from 1 to 1000000000, found NaN"
        ],
    );
    check(
        "[agents.text]\ncapacity_bytes = '99999999999999999999999TiB'",
        expect![[
            r#"aimass.toml:2: `agents.text.capacity_bytes` must be a size from 1KiB to 1024TiB such as "256MiB", or a whole number of bytes, found "99999999999999999999999TiB""#
        ]],
    );
    check(
        "[agents.text]\ngrace = 2026-01-01",
        expect![[
            r#"aimass.toml:2: `agents.text.grace` must be a duration from 0s to 3650d such as "250ms" or "10s", found 2026-01-01"#
        ]],
    );
}

#[test]
fn deep_nesting_is_refused() {
    let brackets = "[".repeat(100_000);
    check(
        &format!("a = {brackets}"),
        expect!["aimass.toml:1: not valid TOML: a value nests deeper than 64 levels"],
    );
    check(
        &format!("a = {}", "{a=".repeat(100_000)),
        expect!["aimass.toml:1: not valid TOML: a value nests deeper than 64 levels"],
    );
    check(
        &format!("a = {brackets}{}", "]".repeat(100_000)),
        expect!["aimass.toml:1: not valid TOML: a value nests deeper than 64 levels"],
    );
    check(
        &format!("{}a = 1", "a.".repeat(100_000)),
        expect!["aimass.toml:1: not valid TOML: a value nests deeper than 64 levels"],
    );
    check(
        &format!("[{}a]", "a.".repeat(100_000)),
        expect!["aimass.toml:1: not valid TOML: a value nests deeper than 64 levels"],
    );
}

#[test]
fn nesting_that_the_parser_lets_pass_fits_a_small_stack() {
    let dotted = "a.".repeat(79);
    let text = format!(
        "[{dotted}a]\n{}1{}",
        format!("{dotted}a={{").repeat(79) + "a=",
        "}".repeat(79)
    );
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let refused = thread.spawn(move || parse(&text).unwrap_err()).unwrap();
    expect!["aimass.toml:1: not valid TOML: a value nests deeper than 64 levels"]
        .assert_eq(&refused.join().unwrap().to_string());
}

#[test]
fn a_large_value_is_shortened_in_the_message() {
    let long = "x".repeat(500_000);
    check(
        &format!("[runtime]\nshutdown_limit = '{long}'"),
        expect![[
            r#"aimass.toml:2: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…""#
        ]],
    );
    check(
        &format!("[agents.{long}]\n"),
        expect![[
            r#"aimass.toml:1: `agents."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"` must be a name of 1 to 64 lower-case letters, digits, `_` or `-`, found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…""#
        ]],
    );
    check(
        &format!("[agents.text]\nplacement = [{}]", "'cpu',".repeat(100_000)),
        expect![[
            r#"aimass.toml:2: `agents.text.placement` must be a list of 1 to 64 devices: "cpu", "cuda:N", "metal:N" or "auto", found a list of 100000"#
        ]],
    );
}
