//! Transcripts as subtitles and as plain text.

use std::fmt::Write;

use aimass_locale::timecode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::speech::Segment;

/// The form of a transcript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TranscriptFormat {
    /// Fields.
    #[default]
    Json,
    /// One line for each segment.
    Txt,
    /// SubRip, for players.
    Srt,
    /// Web Video Text Tracks, for browsers.
    Vtt,
}

impl TranscriptFormat {
    /// The segments in that form; none in fields, which they are already.
    #[must_use]
    pub fn write(self, segments: &[Segment]) -> Option<String> {
        match self {
            Self::Json => None,
            Self::Txt => Some(lines(segments)),
            Self::Srt => Some(cues(segments, Form::Srt)),
            Self::Vtt => Some(format!("WEBVTT\n\n{}", cues(segments, Form::Vtt))),
        }
    }
}

fn lines(segments: &[Segment]) -> String {
    let lines = segments
        .iter()
        .map(|segment| format!("{}\n", segment.text.trim()));
    lines.collect()
}

#[derive(Clone, Copy)]
enum Form {
    Srt,
    Vtt,
}

impl Form {
    /// What stands before the thousandths of a second.
    fn point(self) -> char {
        match self {
            Self::Srt => ',',
            Self::Vtt => '.',
        }
    }

    /// A text that a player shows as it was said.
    fn escaped(self, said: &str) -> String {
        match self {
            // An arrow within a cue would begin another one, and there is no way to escape it.
            Self::Srt => said.replace("-->", "->"),
            // Else a browser takes it for tags: <https://www.w3.org/TR/webvtt1/#webvtt-cue-text-span>.
            Self::Vtt => said
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;"),
        }
    }
}

fn cues(segments: &[Segment], form: Form) -> String {
    let mut text = String::new();
    for (number, segment) in segments.iter().enumerate() {
        if let Form::Srt = form {
            let _ = writeln!(text, "{}", number + 1);
        }
        let (start, end) = (segment.start, segment.end);
        let (start, end) = (
            timecode(start, form.point(), 3),
            timecode(end, form.point(), 3),
        );
        let said = form.escaped(segment.text.trim());
        let _ = writeln!(text, "{start} --> {end}\n{said}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(start: f64, end: f64, text: &str) -> Segment {
        Segment {
            start,
            end,
            text: text.to_owned(),
            words: Vec::new(),
            no_speech: 0.0,
        }
    }

    #[test]
    fn each_form_is_what_players_read() {
        let segments = [
            said(0.0, 1.5, " Good morning."),
            said(3661.25, 3662.0, " A --> b"),
        ];
        let write = |format: TranscriptFormat| format.write(&segments);
        assert_eq!(write(TranscriptFormat::Json), None);
        assert_eq!(
            write(TranscriptFormat::Txt).as_deref(),
            Some("Good morning.\nA --> b\n")
        );
        let srt = "1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n\
                   2\n01:01:01,250 --> 01:01:02,000\nA -> b\n\n";
        assert_eq!(write(TranscriptFormat::Srt).as_deref(), Some(srt));
        let vtt = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood morning.\n\n\
                   01:01:01.250 --> 01:01:02.000\nA --&gt; b\n\n";
        assert_eq!(write(TranscriptFormat::Vtt).as_deref(), Some(vtt));
    }

    #[test]
    fn what_a_browser_would_take_for_tags_is_escaped_for_it_and_nowhere_else() {
        let segments = [said(0.0, 1.0, " AT&T says <b> & 2 < 3 &amp;")];
        let write = |format: TranscriptFormat| format.write(&segments).unwrap();
        let vtt = write(TranscriptFormat::Vtt);
        let line = vtt.lines().nth(3);
        assert_eq!(
            line,
            Some("AT&amp;T says &lt;b&gt; &amp; 2 &lt; 3 &amp;amp;")
        );
        let plain = "AT&T says <b> & 2 < 3 &amp;\n";
        assert_eq!(write(TranscriptFormat::Txt), plain);
        assert!(write(TranscriptFormat::Srt).contains(plain));
    }
}
