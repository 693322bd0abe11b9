//! What people are shown of transcripts.

use aimass_locale::{Text, clock, harmless, language_name, text};
use aimass_runtime::{Evidence, Extent, FactView, Panel, Passage};

use crate::quotes::quoted;
use crate::speech::{Segment, Transcript};

/// Characters of a transcript that a line shows.
const MAX_LINE: usize = 90;
/// Segments of a recording that a report quotes.
const QUOTED: usize = 5;

impl Transcript {
    /// What people are shown of the recording `name`, by what is said in it.
    pub fn view(&self, name: &str) -> FactView {
        transcript(self, name)
    }
}

fn transcript(transcript: &Transcript, name: &str) -> FactView {
    let passage = |segment: &Segment| Passage {
        start: segment.start,
        end: segment.end,
        speaker: None,
        text: segment.text.trim().to_owned(),
    };
    let panel = Panel::TimedText {
        passages: transcript.segments.iter().map(passage).collect(),
    };
    let clock = clock(transcript.duration);
    let view = FactView::new(line(transcript)).panel(panel);
    if transcript.segments.is_empty() {
        return view.identity(text!(
            "{name} is a recording of {clock} in which nobody speaks.",
            "{name} 是一段时长 {clock} 的录音，其中无人说话。"
        ));
    }
    let spoken = transcript.language.as_deref().map(|code| {
        let Text { english, chinese } = language_name(code);
        text!(" in {english}", "，语言为{chinese}")
    });
    let Text { english, chinese } = spoken.unwrap_or_default();
    let mut view = view
        .identity(text!(
            "{name} is a recording of {clock}{english}.",
            "{name} 是一段时长 {clock} 的录音{chinese}。"
        ))
        .excerpt(&*transcript.text, Extent::Whole);
    if let Some(code) = &transcript.language {
        view = view.language(code, 1.0, Evidence::Speech);
    }
    for statement in statements(&transcript.segments) {
        view = view.statement(statement);
    }
    view
}

/// How long it is, in which language, and how it begins.
fn line(transcript: &Transcript) -> Text {
    let duration = clock(transcript.duration);
    let begins = harmless::brief(&transcript.text, MAX_LINE);
    let said = if begins.is_empty() {
        text!("{duration} in which nobody speaks", "{duration}，无人说话")
    } else {
        let spoken = transcript.language.as_deref().map(|code| {
            let Text { english, chinese } = language_name(code);
            text!(" of {english}", "，{chinese}")
        });
        let Text { english, chinese } = spoken.unwrap_or_default();
        text!(
            "{duration}{english}: “{begins}”",
            "{duration}{chinese}：“{begins}”"
        )
    };
    match &transcript.incomplete {
        Some(why) => said.then(&format!(" ({why})").into()),
        None => said,
    }
}

/// The first segments as quotes, and how many more there are.
fn statements(segments: &[Segment]) -> Vec<Text> {
    let quoted = segments.iter().take(QUOTED).map(|segment| {
        let (start, quote) = (clock(segment.start), quoted(&segment.text));
        text!("At {start} it says: “{quote}”", "{start} 处说道：“{quote}”")
    });
    let mut statements: Vec<Text> = quoted.collect();
    match segments.len().saturating_sub(QUOTED) {
        0 => {}
        1 => statements.push(text!("1 passage more follows.", "其后还有 1 段。")),
        more => statements.push(text!(
            "{more} passages more follow.",
            "其后还有 {more} 段。"
        )),
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(segments: usize) -> FactView {
        let segment = |at: usize| Segment {
            start: at as f64,
            end: at as f64 + 1.0,
            text: format!(" Number {at}."),
            words: Vec::new(),
            no_speech: 0.0,
        };
        let found = Transcript {
            text: "Number 0.".repeat(segments.min(1)),
            language: (segments > 0).then(|| "en".to_owned()),
            duration: 65.5,
            segments: (0..segments).map(segment).collect(),
            ..Transcript::default()
        };
        transcript(&found, "call.wav")
    }

    #[test]
    fn a_transcript_is_shown_by_its_length_its_language_and_its_first_passages() {
        let view = spoken(7);
        assert_eq!(view.line.english, "1:05 of English: “Number 0.”");
        let identity = view.identity.unwrap();
        assert_eq!(
            identity.english,
            "call.wav is a recording of 1:05 in English."
        );
        assert_eq!(
            identity.chinese,
            "call.wav 是一段时长 1:05 的录音，语言为英语。"
        );
        assert_eq!(view.statements.len(), QUOTED + 1);
        assert_eq!(view.statements[1].english, "At 0:01 it says: “Number 1.”");
        assert_eq!(view.statements[QUOTED].english, "2 passages more follow.");
        assert_eq!(
            spoken(6).statements[QUOTED].english,
            "1 passage more follows."
        );
        assert_eq!(spoken(5).statements.len(), QUOTED);
    }

    #[test]
    fn silence_is_shown_as_such() {
        let view = spoken(0);
        assert_eq!(view.line.english, "1:05 in which nobody speaks");
        assert_eq!(
            view.identity.unwrap().english,
            "call.wav is a recording of 1:05 in which nobody speaks."
        );
        assert!(view.statements.is_empty() && view.excerpt.is_none() && view.language.is_none());
    }
}
