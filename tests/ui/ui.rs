//! What the derive says about mistakes: `cases/<topic>/<mistake>.rs` and beside it what a user reads.
//!
//! `TRYBUILD=overwrite cargo test -p sessions-ui-tests` writes the messages again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

macro_rules! topics {
    ($($topic:literal: $test:ident,)*) => {
        const TOPICS: &[&str] = &[$($topic),*];

        $(
            #[test]
            #[cfg_attr(not(ui_compiler), ignore = "the messages are those of rustc 1.95.0")]
            fn $test() {
                trybuild::TestCases::new().compile_fail(concat!("cases/", $topic, "/*.rs"));
            }
        )*
    };
}

topics! {
    "bare": a_key_that_needs_a_value_says_which,
    "bearer": a_backend_whose_token_changes_takes_no_bearer_tokens,
    "confidential": a_backend_that_clients_can_read_is_not_confidential,
    "content": the_type_of_the_content_has_to_be_content,
    "cookie_rules": attributes_that_browsers_refuse_together_are_refused,
    "duplicate": a_key_is_given_once,
    "durations": durations_are_checked_alone_and_together,
    "extract": a_session_in_an_expression_needs_its_parameter,
    "fallback": a_mistake_does_not_make_the_interface_disappear,
    "functions": a_wrong_signature_is_told_the_right_one,
    "grammar": a_slip_of_the_pen_hides_nothing_else,
    "many": every_mistake_is_reported_at_once,
    "misplaced": a_key_belongs_to_the_struct_or_to_a_field,
    "shape": an_interface_is_a_struct_that_opens_and_saves,
    "unknown": an_unknown_key_is_told_the_known_ones,
    "wrong_type": a_value_of_the_wrong_kind_is_told_the_right_one,
    "wrong_value": a_value_of_the_right_kind_is_checked,
}

/// A mistake, and what a user reads about it.
struct Case {
    name: String,
    source: String,
    stderr: String,
}

fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// Returns the names in a folder without this ending, sorted.
fn names(folder: &Path, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder that can be read");
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in UTF-8"))
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// Returns the cases of a topic, in the order of their names.
fn cases(topic: &str) -> Vec<Case> {
    let folder = cases_folder().join(topic);
    let case = |name: String| Case {
        source: read(&folder.join(format!("{name}.rs"))),
        stderr: read(&folder.join(format!("{name}.stderr"))),
        name,
    };
    names(&folder, ".rs").into_iter().map(case).collect()
}

/// Returns the first lines of the errors.
fn errors(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("error")).collect()
}

/// A key of the derive's table: its word, and what it expects.
struct Key {
    word: String,
    expects: String,
}

/// Reads the table of the derive, whose lines are `Secure = "secure" on Struct: …,`.
fn table() -> Vec<Key> {
    let source = read(&cases_folder().join("../../../sessions-derive/src/attr/key.rs"));
    let (_, table) = source.split_once("\nkeys! {\n").expect("the table of keys");
    let (table, _) = table.split_once("\n}\n").expect("its end");
    let keys: Vec<_> = table
        .lines()
        .map(|line| {
            let (_, key) = line.split_once(" = \"").expect("a key");
            let (word, key) = key.split_once("\" on ").expect("a place");
            let (_, expects) = key.split_once(": ").expect("what it expects");
            Key { word: word.to_owned(), expects: expects.to_owned() }
        })
        .collect();
    assert!(keys.iter().any(|key| key.word == "cookie_name"), "the table begins so");
    keys
}

#[test]
fn each_key_that_takes_a_function_has_a_case_of_a_wrong_signature() {
    let takes_function =
        |key: &Key| key.expects.contains("FUNCTION") || key.expects.contains("function");
    let keys: BTreeSet<_> =
        table().into_iter().filter(takes_function).map(|key| key.word).collect();
    // 7 policies of the cookie + 6 other functions = 13
    assert_eq!(keys.len(), 13);
    let cases = cases("functions");
    assert_eq!(cases.iter().map(|case| case.name.clone()).collect::<BTreeSet<_>>(), keys);
    for case in cases {
        assert!(case.stderr.contains("error[E"), "{}: {}", case.name, case.stderr);
        let attribute = format!("#[session({} = ", case.name);
        assert!(case.stderr.contains(&attribute), "{} points elsewhere", case.name);
    }
}

/// Each key with each of these mistakes is `sessions-derive`'s own test, which walks the table;
/// here stays what the messages look like, once for a key of the struct and once for one of a
/// field.
#[test]
fn the_messages_made_from_the_table_have_a_case_for_each_place() {
    for (topic, expected) in [
        ("duplicate", ["duplicate key `backend`", "duplicate key `cookie_name`"].as_slice()),
        (
            "misplaced",
            &[
                "`backend` is only valid on a field, not on a struct",
                "`lifetime` is only valid on a struct, not on a field",
            ],
        ),
        (
            "wrong_type",
            &[
                "`backend` takes no value; write `#[session(backend)]`",
                "`httponly` expects `true`, `false` or the path of a function; remove the quotes",
                "`lifetime` expects a duration such as `\"14 days\"` or a number of seconds",
            ],
        ),
    ] {
        let cases = cases(topic);
        assert_eq!(cases.len(), expected.len(), "{topic}");
        for (case, expected) in cases.iter().zip(expected) {
            let first = errors(&case.stderr)[0];
            assert_eq!(first, format!("error: {expected}"), "{topic}/{}", case.name);
        }
    }
}

#[test]
fn each_key_that_needs_a_value_is_told_so_when_it_stands_alone() {
    let alone = &cases("bare")[0];
    let told: BTreeSet<_> = errors(&alone.stderr)
        .into_iter()
        .filter_map(|error| error.strip_prefix("error: `")?.split_once("` expects "))
        .map(|(word, _)| word.to_owned())
        .collect();
    let alone = |key: &Key| key.expects == "Nothing," || key.expects.contains("\"no value\"");
    let needs = |key: &Key| !alone(key);
    let expected: BTreeSet<_> = table().into_iter().filter(needs).map(|key| key.word).collect();
    assert_eq!(told, expected);
}

#[test]
fn twelve_mistakes_are_twelve_errors() {
    let case = cases("many").into_iter().find(|case| case.name == "twelve");
    let case = case.expect("cases/many/twelve.rs");
    let errors = errors(&case.stderr);
    assert_eq!(errors.len(), 12, "{errors:#?}");
    let different: BTreeSet<_> = errors.iter().collect();
    assert_eq!(different.len(), 12, "{errors:#?}");
}

#[test]
fn a_mistake_in_an_attribute_brings_no_error_of_the_compiler() {
    let of_the_compiler = ["bearer", "confidential", "content", "extract", "functions", "shape"];
    for topic in TOPICS.iter().filter(|topic| !of_the_compiler.contains(topic)) {
        for case in cases(topic) {
            assert!(!case.stderr.contains("error[E"), "{topic}/{}", case.name);
            assert!(!case.stderr.contains("warning"), "{topic}/{}", case.name);
        }
    }
}

#[test]
fn what_breaks_a_rule_has_what_keeps_it_beside_it() {
    for case in ["cookie_rules", "durations"].into_iter().flat_map(cases) {
        let name = &case.name;
        let (_, legal) = case.source.split_once("\nmod legal {\n").unwrap_or_default();
        assert!(legal.contains("#[session("), "{name} has no legal neighbour");
        let legal_begins = case.source.lines().count() - legal.lines().count();
        let places: Vec<usize> = case
            .stderr
            .lines()
            .filter_map(|line| line.trim().strip_prefix("--> ")?.split(':').nth(1)?.parse().ok())
            .collect();
        assert_eq!(places.len(), errors(&case.stderr).len(), "{name}: each error has a line");
        assert!(places.iter().all(|&line| line < legal_begins), "{name}: {places:?}");
    }
}

#[test]
fn messages_name_no_place_of_this_machine() {
    let here = cases_folder().ancestors().nth(3).expect("the workspace").display().to_string();
    for topic in TOPICS {
        for case in cases(topic) {
            assert!(!case.stderr.contains(&here), "{topic}/{}", case.name);
            assert!(!case.stderr.contains(".cargo"), "{topic}/{}", case.name);
            assert!(!case.stderr.contains("/rustc/"), "{topic}/{}", case.name);
        }
    }
}

#[test]
fn the_cases_are_listed_by_topic() {
    assert_eq!(names(&cases_folder(), ""), TOPICS.iter().map(|&topic| topic.to_owned()).collect());
    let mut total = 0;
    for topic in TOPICS {
        let cases = cases(topic);
        assert!(!cases.is_empty(), "{topic}");
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        println!("{topic} ({}): {}", cases.len(), names.join(", "));
        for case in &cases {
            let (path, messages) = (format!("{topic}/{}", case.name), errors(&case.stderr));
            assert!(case.source.starts_with("//! "), "{path} begins with no rule");
            assert!(!messages.is_empty(), "{path} has no error");
        }
        let messages = self::names(&cases_folder().join(topic), ".stderr");
        assert!(messages.iter().eq(names), "{topic}: a message without a case");
        total += cases.len();
    }
    println!("{total} cases");
}
