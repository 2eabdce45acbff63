//! The code in a Markdown page, so that what is read there is what is run.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

/// The blocks of a language under a heading, up to the next heading of the same depth.
pub fn blocks<'p>(page: &'p str, heading: &str, language: &str) -> impl Iterator<Item = &'p str> {
    let (_, section) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let next = format!("\n{} ", heading.split(' ').next().unwrap());
    let section = section.split_once(&next).map_or(section, |(section, _)| section);
    let fence = format!("\n```{language}\n");
    let blocks: Vec<_> = section.split(&fence).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    blocks.into_iter()
}
