//! The tables of docs/events.md are those of the code.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sessions::events::{Event, Metric};

const PAGE: &str = include_str!("../../docs/events.md");

/// Returns the cells of each row of the table under this heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, below) = PAGE.split_once(heading).expect("the page has the heading");
    let lines = below.lines().skip_while(|line| !line.starts_with("| "));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    table.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Returns the names of a cell: ``"`a`, `b`"``.
fn names(cell: &'static str) -> Vec<&'static str> {
    cell.split(", ").map(|name| name.trim_matches('`')).filter(|name| !name.is_empty()).collect()
}

#[test]
fn the_page_has_every_event_as_the_code_has_it() {
    let rows = rows("\n## Events\n");
    for (row, event) in rows.iter().zip(Event::ALL) {
        let [name, level, fields, reasons, when] = row[..] else { panic!("{row:?}") };
        assert_eq!(names(name), [event.name()]);
        assert_eq!(names(level), [event.level().as_str()], "{name}");
        assert_eq!(names(fields), event.fields(), "{name}");
        assert_eq!(names(reasons), event.reasons(), "{name}");
        assert!(when.len() > 10, "{name}");
    }
    assert_eq!(rows.len(), Event::ALL.len());
    let explained: Vec<_> = self::rows("The reasons of `session.refused`:")
        .iter()
        .flat_map(|row| names(row[0]))
        .collect();
    assert_eq!(explained, Event::SessionRefused.reasons());
}

#[test]
fn the_page_has_every_metric_as_the_code_has_it() {
    let rows = rows("\n## Metrics\n");
    for (row, metric) in rows.iter().zip(Metric::ALL) {
        let [name, kind, labels, help] = row[..] else { panic!("{row:?}") };
        assert_eq!(names(name), [metric.name()]);
        assert_eq!(kind, format!("{:?}", metric.kind()).to_lowercase(), "{name}");
        assert_eq!(names(labels), metric.labels(), "{name}");
        assert_eq!(format!("{help}."), metric.help(), "{name}");
    }
    assert_eq!(rows.len(), Metric::ALL.len());
}

#[test]
fn no_two_events_have_one_name_and_reasons_come_with_their_field() {
    let mut names: Vec<_> = Event::ALL.iter().map(|event| event.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Event::ALL.len());
    for event in Event::ALL {
        assert_eq!(event.fields().contains(&"reason"), !event.reasons().is_empty(), "{event:?}");
    }
}

#[test]
fn every_line_of_the_library_is_an_event() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut lines = Vec::new();
    let mut files = 0;
    for name in ["sessions", "sessions-redis", "sessions-sqlx"] {
        for file in sources(&root.join(name).join("src")) {
            files += 1;
            // The macro that all others go through.
            if file.ends_with("events/mod.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).expect("it is read");
            let writes = |line: &&str| {
                ["error", "warn", "info", "debug", "trace", "event"]
                    .iter()
                    .any(|level| line.contains(&format!("tracing::{level}!")))
            };
            lines.extend(
                text.lines().filter(writes).map(|line| format!("{}: {line}", file.display())),
            );
        }
    }
    assert!(files > 200, "{files}");
    assert!(lines.is_empty(), "written past the table of events: {lines:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is a folder");
    let paths = entries.map(|entry| entry.expect("it is read").path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
