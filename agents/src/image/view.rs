//! What people are shown of what was found in pictures.

use aimass_locale::{Text, harmless, text};
use aimass_runtime::{Extent, FactView, Panel, PictureBox};

use unicode_segmentation::UnicodeSegmentation;

use crate::image::{Bounds, DetectedFace, ImageDescription, ImageEmbedding};
use crate::quotes::quoted_within;

/// Characters of a description that a line shows.
const MAX_LINE: usize = 120;
/// Words from which on a picture is that of a page: a report then works with its text, as with that of a letter.
const PAGE: usize = 12;
/// Characters of a line of text that its box is labeled with.
const MAX_LABEL: usize = 40;

impl ImageDescription {
    /// Returns what people are shown of the picture `name`.
    pub fn view(&self, name: &str) -> FactView {
        let sentences = self.sentences();
        let seen = joined(&sentences, "; ", "；");
        let line = Text {
            english: harmless::brief(&seen.english, MAX_LINE),
            chinese: harmless::brief(&seen.chinese, MAX_LINE),
        };
        let (width, height) = (self.size.width, self.size.height);
        let view = FactView::new(line.then(&self.remark())).identity(text!(
            "{name} is a picture of {width} x {height} pixels.",
            "{name} 是一张 {width} x {height} 像素的图片。"
        ));
        // It names the picture, for a report shows it among what was found in others.
        let Text { english, chinese } = &seen;
        let mut view = view.statement(text!("{name}: {english}.", "{name}：{chinese}。"));
        let words = self.words();
        if words.unicode_words().count() >= PAGE {
            view = view.excerpt(words, Extent::Whole);
        }
        view.panel(Panel::Picture {
            path: self.path.display().to_string(),
            width,
            height,
            boxes: self.boxes(),
        })
    }

    /// The words in the picture, line by line.
    fn words(&self) -> String {
        let lines = self.lines.iter().map(|line| line.text.as_str());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What was not looked at, behind the line.
    fn remark(&self) -> Text {
        let frames = self.size.frames.map(|frames| {
            text!(
                " (the first of {frames} frames)",
                "（{frames} 帧中的第一帧）"
            )
        });
        let missing = self.incomplete.as_deref();
        let missing =
            missing.map(|why| Text::from(format!(" ({})", harmless::brief(why, MAX_LINE))));
        let missing = missing.unwrap_or_default();
        frames.unwrap_or_default().then(&missing)
    }

    /// What sentences speak of: objects, faces, lines of text.
    fn boxes(&self) -> Vec<PictureBox> {
        let named = self.objects.iter().filter(|object| object.sure);
        let objects = named.map(|object| labeled(&object.label, object.score, object.bounds));
        let faces = self.faces.iter().filter(|face| face.is_sure()).map(face);
        let lines = self.lines.iter().filter(|line| line.is_sure()).map(|line| {
            let label = quoted_within(&line.text, MAX_LABEL);
            labeled(&format!("“{label}”"), line.score, line.bounds)
        });
        objects.chain(faces).chain(lines).collect()
    }
}

fn face(face: &DetectedFace) -> PictureBox {
    let label = match &face.expression {
        Some(expression) => format!("face, {}", expression.label),
        None => "face".to_owned(),
    };
    labeled(&label, face.score, face.bounds)
}

fn labeled(label: &str, score: f32, [left, top, right, bottom]: Bounds) -> PictureBox {
    PictureBox {
        x: left,
        y: top,
        width: right - left,
        height: bottom - top,
        label: label.to_owned(),
        score: Some(score),
    }
}

fn joined(texts: &[Text], english: &str, chinese: &str) -> Text {
    let join = |parts: Vec<&str>, by: &str| parts.join(by);
    Text {
        english: join(texts.iter().map(|text| &*text.english).collect(), english),
        chinese: join(texts.iter().map(|text| &*text.chinese).collect(), chinese),
    }
}

impl ImageEmbedding {
    /// Returns what people are shown of the embedding of a picture: how long it is.
    pub fn view(&self, _: &str) -> FactView {
        let numbers = self.embedding.len();
        FactView::new(text!("embedding of {numbers} numbers", "{numbers} 维向量"))
    }
}
