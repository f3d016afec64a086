//! Writes the figures into docs/performance.md, between its markers, and draws the plots beside it.

mod plot;
mod promises;
mod table;

use std::{fs, path::Path};

use sessions_benches::results::Results;

pub(crate) fn write(results: &Results) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = docs.join("performance.md");
    let mut text = fs::read_to_string(&page).expect("docs/performance.md is there");
    for (name, figures) in table::all(results) {
        text = between_markers(&text, name, &figures);
    }
    fs::write(&page, text).expect("docs/performance.md can be written");
    let folder = docs.join("performance");
    fs::create_dir_all(&folder).expect("a folder can be made");
    // What was not measured yet is not drawn.
    for (name, svg) in plot::all(results).into_iter().filter(|(_, svg)| !svg.is_empty()) {
        fs::write(folder.join(name), svg).expect("a plot can be written");
    }
}

/// Puts `figures` between `<!-- begin name -->` and `<!-- end name -->`.
fn between_markers(text: &str, name: &str, figures: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let start = text.find(&begin).map(|at| at + begin.len());
    let start = start.unwrap_or_else(|| panic!("the page has no marker {begin}"));
    let stop = start + text[start..].find(&end).unwrap_or_else(|| panic!("the page has no {end}"));
    format!("{}\n{figures}\n{}", &text[..start], &text[stop..])
}
