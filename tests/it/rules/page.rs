//! A rule's page as lines, headings and fenced blocks.

/// A page, cut into pieces; joined again they are the page.
pub struct Page {
    pub pieces: Vec<Piece>,
}

/// A run of prose lines, or a fenced block.
#[derive(Clone)]
pub enum Piece {
    Block(Block),
    Prose(String),
}

/// A fenced block.
#[derive(Clone)]
pub struct Block {
    /// The `##` heading that it stands under.
    pub section: String,
    /// What follows the opening fence: `yaml offline`.
    pub tag: String,
    /// With a line break after every line.
    pub text: String,
    /// Of the opening fence, from 1.
    pub line: usize,
}

impl Page {
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut section = String::new();
        let mut open: Option<Block> = None;
        for (index, content) in text.lines().enumerate() {
            let line = index + 1;
            if let Some(mut block) = open.take() {
                if content == "```" {
                    pieces.push(Piece::Block(block));
                } else {
                    block.text.push_str(content);
                    block.text.push('\n');
                    open = Some(block);
                }
            } else if let Some(tag) = content.strip_prefix("```") {
                open = Some(Block {
                    section: section.clone(),
                    tag: tag.trim().to_owned(),
                    text: String::new(),
                    line,
                });
            } else {
                if let Some(heading) = content.strip_prefix("## ") {
                    heading.clone_into(&mut section);
                }
                match pieces.last_mut() {
                    Some(Piece::Prose(text)) => {
                        text.push_str(content);
                        text.push('\n');
                    }
                    _ => pieces.push(Piece::Prose(format!("{content}\n"))),
                }
            }
        }
        Self { pieces }
    }

    /// The worlds of a section.
    pub fn worlds(&self, section: &str) -> Vec<Block> {
        let mut before = None;
        let worlds = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Block(block) => block.world(&mut before),
            Piece::Prose(_) => None,
        });
        worlds.filter(|world| world.section == section).collect()
    }

    /// The headings below the title, in order.
    pub fn headings(&self) -> Vec<&str> {
        let prose = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Prose(text) => Some(text),
            Piece::Block(_) => None,
        });
        prose
            .flat_map(|text| text.lines())
            .filter_map(|line| line.strip_prefix("## "))
            .collect()
    }
}

impl Block {
    /// The world that a YAML block is. One tagged `before` waits for the one tagged `after`: together they are an
    /// update.
    pub fn world(&self, before: &mut Option<String>) -> Option<Self> {
        if self.tag.split_whitespace().next() != Some("yaml") {
            return None;
        }
        if self.is("before") {
            *before = Some(self.text.clone());
            return None;
        }
        let text = match before.take().filter(|_| self.is("after")) {
            Some(before) => format!("{before}---\n{}", self.text),
            None => self.text.clone(),
        };
        Some(Self { text, ..self.clone() })
    }

    /// Whether a word stands in the tag.
    pub fn is(&self, word: &str) -> bool {
        self.words().any(|it| it == word)
    }

    /// What follows `name=` in the tag.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.words().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The parameters of the rule, a JSON object: always the last of a tag.
    pub fn parameters(&self) -> Option<&str> {
        self.tag.split_once("parameters=").map(|(_, json)| json)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let tag = self
            .tag
            .split_once("parameters=")
            .map_or(&*self.tag, |(before, _)| before);
        tag.split_whitespace()
    }
}

impl Piece {
    pub fn print(&self) -> String {
        match self {
            Self::Block(block) => format!("```{}\n{}```\n", block.tag, block.text),
            Self::Prose(text) => text.clone(),
        }
    }
}
