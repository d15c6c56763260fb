//! The report: one HTML file that shows what was found in a recording, and why.
//!
//! [`render()`] makes a page of [`ReportData`] that needs no network and no other file but the clips it names. Everything is
//! in the markup, so it also reads without scripts and prints; the script adds the read-out of the timeline and jumps from a word
//! into its clip. Text from outside is escaped by the template engine, and the page forbids itself any foreign address.

mod chart;
mod data;
mod format;
mod view;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};

pub use data::{
    ReportClip, ReportData, ReportFact, ReportGap, ReportHighlight, ReportMoment, ReportReason,
    ReportRejection, ReportWord, TimelinePoint,
};

const PAGE: &str = include_str!("report/page.html");
const MOMENT: &str = include_str!("report/moment.html");
const STYLE: &str = include_str!("report/style.css");
const SCRIPT: &str = include_str!("report/script.js");

/// The report could not be made: a mistake in its template, none of the data's.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be made")]
pub struct ReportError(#[from] minijinja::Error);

/// The page for this data.
///
/// # Errors
/// [`ReportError`] when the template does not fit the data, which the tests rule out.
pub fn render(data: &ReportData) -> Result<String, ReportError> {
    let mut templates = Environment::new();
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.add_template("moment.html", MOMENT)?;
    templates.add_template("page.html", PAGE)?;
    let page = templates.get_template("page.html")?.render(context! {
        page => Value::from(Serde(view::Page::new(data))),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
    })?;
    Ok(page)
}

#[cfg(test)]
mod tests;
