//! What people are shown of what was found out about texts.

use aimass_locale::{Text, language_name, text};
use aimass_runtime::{Evidence, FactView};

use crate::text::{DetectedLanguage, Embedding, UNKNOWN_LANGUAGE};

impl DetectedLanguage {
    /// What people are shown of the language of a text.
    pub fn view(&self, _: &str) -> FactView {
        let Self {
            language,
            confidence,
        } = self;
        if language == UNKNOWN_LANGUAGE {
            return FactView::new(text!("no language found", "未能识别语言"));
        }
        let Text { english, chinese } = language_name(language);
        let line = text!(
            "{english} (confidence {confidence:.2})",
            "{chinese}（置信度 {confidence:.2}）"
        );
        FactView::new(line).language(language, *confidence, Evidence::Writing)
    }
}

impl Embedding {
    /// What people are shown of the embedding of a text: how long it is. Its vector tells reports what is near what.
    pub fn view(&self, _: &str) -> FactView {
        let numbers = self.embedding.len();
        let line = text!("embedding of {numbers} numbers", "{numbers} 维向量");
        FactView::new(line).meaning(self.embedding.clone(), self.model.clone())
    }
}
