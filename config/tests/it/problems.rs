//! What a user reads when the file is wrong: the key, the rule, the value and the line.

use expect_test::{Expect, expect};

use crate::parse;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&parse(text).unwrap_err().to_string());
}

#[test]
fn an_unknown_key_brings_the_nearest_known_one() {
    check(
        "[runtime]\nshutdwon_limit = '5s'",
        expect![
            "aimass.toml:2: unknown key `runtime.shutdwon_limit`, did you mean `shutdown_limit`?"
        ],
    );
    check(
        "\n[runtmie]\n",
        expect!["aimass.toml:2: unknown key `runtmie`, did you mean `runtime`?"],
    );
    check(
        "[agents.text]\nreplicsa = 2",
        expect!["aimass.toml:2: unknown key `agents.text.replicsa`, did you mean `replicas`?"],
    );
    check(
        "[agents.mine]\nReplicas = 2",
        expect!["aimass.toml:2: unknown key `agents.mine.Replicas`, did you mean `replicas`?"],
    );
    check(
        "[[reactions]]\nname = 'a'\nkind = 'note@1'\nskil = 'text.embed'",
        expect![[r#"
            aimass.toml:1: `reactions[0].skill` is missing: it must be a skill with its agent such as "text.embed"
            aimass.toml:4: unknown key `reactions[0].skil`, did you mean `skill`?"#]],
    );
}

#[test]
fn a_key_in_the_wrong_table_brings_its_right_place() {
    check(
        "replicas = 2",
        expect!["aimass.toml:1: unknown key `replicas`, did you mean `defaults.replicas`?"],
    );
    check(
        "[runtime]\nmax_restarts = 2",
        expect![
            "aimass.toml:2: unknown key `runtime.max_restarts`, did you mean `runtime.supervision.max_restarts`?"
        ],
    );
    check(
        "[environment]\ncontent = true",
        expect![
            "aimass.toml:2: unknown key `environment.content`, did you mean `observers.content`?"
        ],
    );
}

#[test]
fn a_key_like_no_other_brings_no_guess() {
    check("zebra = 1", expect!["aimass.toml:1: unknown key `zebra`"]);
    check(
        "\"a.b\" = 1\n'' = 2\n\"\\u001b[31m\" = 3",
        expect![[r#"
        aimass.toml:1: unknown key `"a.b"`
        aimass.toml:2: unknown key `""`
        aimass.toml:3: unknown key `"\u{1b}[31m"`"#]],
    );
    check(
        &format!("{} = 1", "k".repeat(200)),
        expect![[
            r#"aimass.toml:1: unknown key `"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…"`"#
        ]],
    );
}

#[test]
fn a_broken_rule_names_key_rule_value_and_line() {
    check(
        "[runtime]\n\nshutdown_limit = 10",
        expect![[
            r#"aimass.toml:3: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found 10"#
        ]],
    );
    check(
        "[runtime]\nshutdown_limit = '-5s'",
        expect![[
            r#"aimass.toml:2: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found "-5s""#
        ]],
    );
    check(
        "[runtime]\nshutdown_limit = '9999999d'",
        expect![[
            r#"aimass.toml:2: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found "9999999d""#
        ]],
    );
    check(
        "[runtime]\nmemory_budget = 'lots'",
        expect![[
            r#"aimass.toml:2: `runtime.memory_budget` must be a size from 1KiB to 1024TiB such as "256MiB", or a whole number of bytes, or "none", found "lots""#
        ]],
    );
    check(
        "[runtime]\nmemory_budget = -1",
        expect![[
            r#"aimass.toml:2: `runtime.memory_budget` must be a size from 1KiB to 1024TiB such as "256MiB", or a whole number of bytes, or "none", found -1"#
        ]],
    );
    check(
        "[runtime.supervision]\nstrategy = 'one'",
        expect![[
            r#"aimass.toml:2: `runtime.supervision.strategy` must be one of "one_for_one", "one_for_all", "rest_for_one", found "one""#
        ]],
    );
    check(
        "[environment]\nfsync = 'every day'",
        expect![[
            r#"aimass.toml:2: `environment.fsync` must be "always", "never", or "every" with a duration such as "every 50ms", found "every day""#
        ]],
    );
    check(
        "[environment]\nnamespace = '../other'",
        expect![[
            r#"aimass.toml:2: `environment.namespace` must be a name of 1 to 64 lower-case letters, digits, `_` or `-`, found "../other""#
        ]],
    );
    check(
        "[agents.text]\nreplicas = 0",
        expect![
            "aimass.toml:2: `agents.text.replicas` must be a whole number from 1 to 1024, found 0"
        ],
    );
    check(
        "[agents.text]\nlazy = 'yes'",
        expect![[r#"aimass.toml:2: `agents.text.lazy` must be `true` or `false`, found "yes""#]],
    );
    check(
        "[agents.text]\nplacement = []",
        expect![[
            r#"aimass.toml:2: `agents.text.placement` must be a list of 1 to 64 devices: "cpu", "cuda:N", "metal:N" or "auto", found []"#
        ]],
    );
    check(
        "[agents.text]\nplacement = ['cuda', 'cpu']",
        expect![[
            r#"aimass.toml:2: `agents.text.placement` must be a list of 1 to 64 devices: "cpu", "cuda:N", "metal:N" or "auto", found ["cuda", "cpu"]"#
        ]],
    );
    check(
        "[agents.text]\nmodel = ''",
        expect![[
            r#"aimass.toml:2: `agents.text.model` must be text of 1 to 4096 bytes without control characters, or "none", found """#
        ]],
    );
    check(
        "[models]\nhub_endpoint = 'huggingface.co'",
        expect![[
            r#"aimass.toml:2: `models.hub_endpoint` must be an address that starts with `http://` or `https://` and does not end with `/`, found "huggingface.co""#
        ]],
    );
    check(
        "[models]\nhub_token_variable = 'hf token'",
        expect![[
            r#"aimass.toml:2: `models.hub_token_variable` must be the name of an environment variable: letters, digits and `_`, found "hf token""#
        ]],
    );
    check(
        "[models.package_indexes]\npypi = 'https://me:hush@index/simple'",
        expect![[
            r#"aimass.toml:2: `models.package_indexes.pypi` must be an address that starts with `http://` or `https://`, does not end with `/`, and has no user or password (those may stand in `PIP_INDEX_URL`, pip.conf and .npmrc), or "none", found an address with `@`"#
        ]],
    );
    check(
        "[models]\ncatalogues = 'mine.toml'",
        expect![[
            r#"aimass.toml:2: `models.catalogues` must be a list of at most 64 paths, found "mine.toml""#
        ]],
    );
}

#[test]
fn a_wrong_shape_is_named() {
    check(
        "runtime = 5",
        expect!["aimass.toml:1: `runtime` must be a table, found 5"],
    );
    check(
        "agents = ['text']",
        expect![[r#"aimass.toml:1: `agents` must be a table, found ["text"]"#]],
    );
    check(
        "agents.text = 'cpu'",
        expect![[r#"aimass.toml:1: `agents.text` must be a table, found "cpu""#]],
    );
    check(
        "[reactions]\nname = 'a'",
        expect![
            "aimass.toml:1: `reactions` must be a list of tables, each headed `[[reactions]]`, found a table"
        ],
    );
    check(
        "[runtime.shutdown_limit]\nseconds = 5",
        expect![[
            r#"aimass.toml:1: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found a table"#
        ]],
    );
    check(
        "[agents.'my agent']",
        expect![[
            r#"aimass.toml:1: `agents."my agent"` must be a name of 1 to 64 lower-case letters, digits, `_` or `-`, found "my agent""#
        ]],
    );
}

#[test]
fn a_reaction_needs_its_keys_and_a_name_of_its_own() {
    check(
        "[[reactions]]\nname = 'a'",
        expect![[r#"
        aimass.toml:1: `reactions[0].kind` is missing: it must be a kind of fact with its version such as "file.text@1"
        aimass.toml:1: `reactions[0].skill` is missing: it must be a skill with its agent such as "text.embed""#]],
    );
    check(
        "[[reactions]]\nname = 'a'\nkind = 'note'\nskill = 'embed'",
        expect![[r#"
            aimass.toml:3: `reactions[0].kind` must be a kind of fact with its version such as "file.text@1", found "note"
            aimass.toml:4: `reactions[0].skill` must be a skill with its agent such as "text.embed", found "embed""#]],
    );
    check(
        "reactions = [{name='a',kind='n@1',skill='t.e'},\n{name='a',kind='n@1',skill='t.e'}]",
        expect![[
            r#"aimass.toml:2: `reactions[1].name` must be unlike the name of `reactions[0]`, found "a""#
        ]],
    );
}

#[test]
fn rules_between_keys_are_checked() {
    check(
        "[runtime.supervision]\nbackoff_initial = '1m'",
        expect![
            "aimass.toml:2: `runtime.supervision.backoff_max` must be at least `backoff_initial`, which is 1m, found 5s"
        ],
    );
    check(
        "[runtime.supervision]\nbackoff_max = '1ms'",
        expect![
            "aimass.toml:2: `runtime.supervision.backoff_max` must be at least `backoff_initial`, which is 10ms, found 1ms"
        ],
    );
}

#[test]
fn all_problems_are_listed_in_the_order_of_the_file() {
    check(
        "[runtime]\nshutdown_limit = 5\n[models]\nofline = true\n[agents.text]\ngrace = '1 s'\ncapacity = 0",
        expect![[r#"
            aimass.toml:2: `runtime.shutdown_limit` must be a duration from 0s to 3650d such as "250ms" or "10s", found 5
            aimass.toml:4: unknown key `models.ofline`, did you mean `offline`?
            aimass.toml:6: `agents.text.grace` must be a duration from 0s to 3650d such as "250ms" or "10s", found "1 s"
            aimass.toml:7: `agents.text.capacity` must be a whole number from 1 to 1000000000, found 0"#]],
    );
}

#[test]
fn no_more_problems_are_listed_than_a_user_can_use_and_the_others_are_counted() {
    let text: String = (0..1000)
        .map(|number| format!("key{number} = 1\n"))
        .collect();
    let error = parse(&text).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 51);
    assert!(
        error.ends_with("\n950 more problems are not listed; mend these first"),
        "{error}"
    );
}
