//! What people are shown of what was found out about texts.

use aimass_locale::{Text, language_name, text};
use aimass_runtime::{Evidence, FactView};

use crate::text::{DetectedLanguage, Embedding, UNKNOWN_LANGUAGE};

/// The language of a text.
pub(super) fn language(found: &DetectedLanguage, _: &str) -> FactView {
    let DetectedLanguage {
        language,
        confidence,
    } = found;
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

/// The embedding of a text.
pub(super) fn embedding(found: &Embedding, _: &str) -> FactView {
    let numbers = found.embedding.len();
    let line = text!("embedding of {numbers} numbers", "{numbers} 维向量");
    FactView::new(line).meaning(found.embedding.clone(), found.model.clone())
}
