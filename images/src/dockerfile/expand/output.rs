//! What an expansion makes: one text, and the words it falls into.

/// A text that grows, and its words.
#[derive(Default)]
pub(super) struct Output {
    pub(super) text: String,
    words: Vec<String>,
    word: String,
}

impl Output {
    /// Unquoted: a space ends the word.
    pub(super) fn split_char(&mut self, c: char) {
        self.text.push(c);
        if !c.is_whitespace() {
            self.word.push(c);
        } else if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    /// Unquoted text.
    pub(super) fn split(&mut self, text: &str) {
        text.chars().for_each(|c| self.split_char(c));
    }

    /// Quoted or escaped: belongs to the word, spaces too.
    pub(super) fn whole_char(&mut self, c: char) {
        self.text.push(c);
        self.word.push(c);
    }

    /// Quoted text.
    pub(super) fn whole(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    pub(super) fn into_words(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.words.push(self.word);
        }
        self.words
    }
}
