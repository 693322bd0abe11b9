//! Panels: facts at length, as data. Terminal, report page and live page know how to show each kind; no agent writes HTML.

use aimass_locale::Text;
use serde::{Deserialize, Serialize};

use super::ReportView;

/// A fact at length. Coordinates in pictures are in pixels from the upper left corner, times in seconds from the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "panel", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Panel {
    /// A text; empty lines part its paragraphs.
    Text {
        /// The text.
        text: String,
    },
    /// Passages with their times.
    TimedText {
        /// The passages, in the order of their times.
        passages: Vec<Passage>,
    },
    /// Rows under headings.
    Table {
        /// A heading for each column.
        columns: Vec<Text>,
        /// Rows of as many cells as there are columns.
        rows: Vec<Vec<String>>,
    },
    /// A picture, and what is where in it.
    Picture {
        /// Its file.
        path: String,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// What is where.
        boxes: Vec<PictureBox>,
    },
    /// Things that move across the frames of a clip.
    Tracks {
        /// The clip's file.
        path: String,
        /// The width of its frames in pixels.
        width: u32,
        /// The height of its frames in pixels.
        height: u32,
        /// How long it is, in seconds.
        duration: f64,
        /// Each thing.
        tracks: Vec<Track>,
    },
    /// A recording.
    Sound {
        /// Its file.
        path: String,
    },
    /// Things and how they hang together.
    Graph {
        /// The names of the things.
        nodes: Vec<String>,
        /// What connects them.
        edges: Vec<Edge>,
    },
    /// Numbers over numbers.
    Curve {
        /// What runs to the right.
        x: Axis,
        /// What runs upwards.
        y: Axis,
        /// The curves.
        curves: Vec<Curve>,
    },
    /// A report on an episode.
    Report(ReportView),
}

/// A passage with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, in seconds.
    pub end: f64,
    /// Who speaks, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// What is said.
    pub text: String,
}

/// Something in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureBox {
    /// The distance from the left, in pixels.
    pub x: f32,
    /// The distance from the top, in pixels.
    pub y: f32,
    /// Its width in pixels.
    pub width: f32,
    /// Its height in pixels.
    pub height: f32,
    /// What it is.
    pub label: String,
    /// How sure that is, from 0 to 1, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
}

/// Something that moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Its number in the clip.
    pub id: u32,
    /// What it is.
    pub label: String,
    /// Where it is when, in the order of the times.
    pub points: Vec<TrackPoint>,
}

/// A place at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrackPoint {
    /// The time, in seconds.
    pub at: f64,
    /// The distance of its box from the left, in pixels.
    pub x: f32,
    /// The distance of its box from the top, in pixels.
    pub y: f32,
    /// The width of its box in pixels.
    pub width: f32,
    /// The height of its box in pixels.
    pub height: f32,
}

/// A connection between two things of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The index of the node where it begins.
    pub from: u32,
    /// The index of the node where it ends.
    pub to: u32,
    /// What it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// An axis of a curve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// What it measures.
    pub name: Text,
    /// In which unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// A line through points.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What it is.
    pub name: Text,
    /// Its points, x before y, in the order of x.
    pub points: Vec<(f64, f64)>,
}
