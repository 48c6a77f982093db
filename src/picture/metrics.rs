//! How wide text is, without the font that it will be shown in.
//!
//! The widths are those of DejaVu Sans, which is wider than what most systems have for their pages: what fits by this
//! count fits there too.

/// The width of a text in a font of `size` pixels, rounded up.
pub(super) fn width(text: &str, size: i32) -> i32 {
    let thousandths: i32 = text.chars().map(advance).sum();
    (thousandths * size + 999) / 1000
}

/// The text, if it is no wider than `most`; else both ends of it, for names differ at either.
pub(super) fn cut(text: &str, size: i32, most: i32) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let room = most - width("…", size);
    let (mut head, mut tail, mut used) = (0, 0, 0);
    while head + tail < chars.len() {
        // Two of three characters from the beginning: it says more.
        let is_head = head <= 2 * tail;
        let next = if is_head {
            chars[head]
        } else {
            chars[chars.len() - 1 - tail]
        };
        used += advance(next);
        if (used * size + 999) / 1000 > room {
            break;
        }
        if is_head {
            head += 1;
        } else {
            tail += 1;
        }
    }
    let head: String = chars[..head].iter().collect();
    let tail: String = chars[chars.len() - tail..].iter().collect();
    format!("{head}…{tail}")
}

/// The lines that a text takes where none may be wider than `most`.
pub(super) fn wrap(text: &str, size: i32, most: i32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest = word;
        loop {
            let line = lines.last_mut().expect("invariant: there is a first line");
            let space = if line.is_empty() { "" } else { " " };
            if width(&format!("{line}{space}{rest}"), size) <= most {
                line.push_str(space);
                line.push_str(rest);
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            // A word that fits into no line is broken.
            let fits = rest
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .take_while(|end| width(&rest[..*end], size) <= most)
                .last()
                .unwrap_or_else(|| rest.chars().next().map_or(0, char::len_utf8));
            let (head, tail) = rest.split_at(fits);
            line.push_str(head);
            if tail.is_empty() {
                break;
            }
            rest = tail;
            lines.push(String::new());
        }
    }
    lines
}

/// In thousandths of the size of the font.
const fn advance(c: char) -> i32 {
    match c {
        'i' | 'j' | 'l' | 'I' | '\'' | '|' | '.' | ',' | ':' | ';' | ' ' | '!' => 350,
        'f' | 't' | 'r' | '-' | '/' | '(' | ')' | '[' | ']' => 430,
        's' | 'c' | 'k' | 'v' | 'x' | 'y' | 'z' | 'J' | '"' | '?' => 580,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '+' | '~' | '<' | '>' | '=' => 1000,
        'a'..='z' | '0'..='9' | '_' | '$' | '*' => 640,
        'A'..='Z' | '#' | '&' => 790,
        c if c.is_ascii() => 700,
        c if (c as u32) < 0x2000 => 800,
        // What is written in squares, and signs.
        _ => 1050,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits_and_keeps_both_ends() {
        let name = format!("first-{}-last", "x".repeat(240));
        let short = cut(&name, 14, 180);
        assert!(width(&short, 14) <= 180, "{short}");
        assert!(short.starts_with("first-xx") && short.ends_with("-last"), "{short}");
        assert_eq!(cut("db", 14, 180), "db");
        assert_eq!(cut("", 14, 10), "");
    }

    #[test]
    fn lines_are_no_wider_than_they_may_be_and_lose_no_letter() {
        let text = format!("some words and {} then more", "y".repeat(300));
        let lines = wrap(&text, 12, 200);
        assert!(lines.iter().all(|line| width(line, 12) <= 200), "{lines:?}");
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&lines.concat()), letters(&text));
    }
}
