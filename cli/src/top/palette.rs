//! Colours and weights. Everything that a colour says is said by a word or a sign as well.

use aimass_observers::live::LiveView;
use ratatui::style::{Color, Modifier, Style};

/// Colours of agents; red is kept for what went wrong.
const AGENTS: [Color; 6] = [
    Color::Cyan,
    Color::Green,
    Color::Blue,
    Color::Magenta,
    Color::Yellow,
    Color::Gray,
];

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Palette {
    /// Neither colours nor weights.
    Plain,
    /// Weights only.
    Monochrome,
    /// All that a terminal has.
    Colours,
}

impl Palette {
    pub(super) fn strong(self) -> Style {
        self.weight(Modifier::BOLD)
    }

    pub(super) fn faint(self) -> Style {
        self.weight(Modifier::DIM)
    }

    /// The row that the cursor is on.
    pub(super) fn chosen(self) -> Style {
        self.weight(Modifier::REVERSED)
    }

    /// What went wrong.
    pub(super) fn bad(self) -> Style {
        self.colour(Color::Red)
    }

    /// What is on its way.
    pub(super) fn unsettled(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// What belongs to an agent.
    pub(super) fn agent(self, view: &LiveView, name: &str) -> Style {
        let at = view.agents.iter().position(|agent| &*agent.name == name);
        self.colour(AGENTS[at.unwrap_or(0) % AGENTS.len()])
    }

    fn weight(self, modifier: Modifier) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Monochrome | Self::Colours => Style::new().add_modifier(modifier),
        }
    }

    fn colour(self, colour: Color) -> Style {
        match self {
            Self::Plain | Self::Monochrome => Style::new(),
            Self::Colours => Style::new().fg(colour),
        }
    }
}
