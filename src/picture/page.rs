//! Pictures as a page of their own, which asks nobody for anything.

use super::model::Picture;
use super::svg::{Form, STYLE, svg};
use crate::digest;
use crate::markup::escaped;

const PAGE: &str = "
body{margin:0;background:#fff}
main{overflow-x:auto}
svg{display:block;margin:0 auto}
h1{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (prefers-color-scheme:dark){body{background:#0d1117}}
@media print{main{overflow:visible}svg{max-width:100%;height:auto}}
";

/// Writes pictures as one page.
#[must_use]
pub fn page(pictures: &[Picture]) -> String {
    let titles: Vec<&str> = pictures.iter().map(|picture| &*picture.title).collect();
    // Pictures have their titles drawn; the heading is for those who hear the page.
    let title = match &*titles {
        [] => "Nothing to draw".to_owned(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    let title = escaped(&title);
    // The style of a picture begins on a line of its own.
    let (page, picture) = (digest::source(PAGE), digest::source(&format!("\n{STYLE}")));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src {page} {picture}\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>stateward: {title}</title>\n<style>{PAGE}</style>\n</head>\n<body>\n<main tabindex=\"0\">\n\
         <h1>{title}</h1>\n{}</main>\n</body>\n</html>\n",
        svg(pictures, Form::File)
    )
}
