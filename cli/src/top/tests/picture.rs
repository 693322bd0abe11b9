//! The picture of `aimass top` in the documentation: what a terminal shows of a real node, as SVG.
//!
//! The node was looked at by `aimass top --json`, while it worked on the sample inbox. After a change of the screen,
//! `UPDATE_EXPECT=1 cargo test --workspace --lib top::tests::picture` draws it anew.

use std::fmt::Write;

use aimass_locale::Locale;
use expect_test::expect_file;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::drawn;
use crate::top::palette::Palette;
use crate::top::ui::Ui;

const VIEW: &str = include_str!("../../../../docs/pictures/top.json");
const SIZE: (u16, u16) = (112, 30);

/// Width and height of a cell.
const CELL: (f64, f64) = (8.0, 17.0);
const MARGIN: f64 = 12.0;
/// Where letters stand, below the upper edge of their cell.
const BASELINE: f64 = 12.5;

#[test]
fn the_picture_is_what_the_screen_shows() {
    let view = serde_json::from_str(VIEW).unwrap();
    let ui = Ui::new(view, Palette::Colours, Locale::English);
    let picture = svg(&drawn(&ui, SIZE));
    expect_file!["../../../../docs/pictures/top.svg"].assert_eq(&picture);
}

/// A terminal's content as a picture.
fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, SF Mono, \
         Menlo, Consolas, DejaVu Sans Mono, monospace\" font-size=\"13\">\n<title>aimass top</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#14171b\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let cell = &buffer[(column, row)];
            // Neighbours that look alike are written together.
            let alike = |other: &u16| {
                let other = &buffer[(*other, row)];
                colour(other) == colour(cell) && is_bar(other) == is_bar(cell)
            };
            let end = (column..columns).take_while(alike).count() as u16 + column;
            let cells: Vec<&Cell> = (column..end).map(|at| &buffer[(at, row)]).collect();
            match is_bar(cell) {
                true => bars(&mut svg, (column, row), &cells),
                false => words(&mut svg, (column, row), &cells),
            }
            column = end;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The upper left corner of a cell.
fn corner((column, row): (u16, u16)) -> (f64, f64) {
    let right = MARGIN + f64::from(column) * CELL.0;
    (right, MARGIN + f64::from(row) * CELL.1)
}

fn words(svg: &mut String, at: (u16, u16), cells: &[&Cell]) {
    let text: String = cells.iter().map(|cell| cell.symbol()).collect();
    let shown = text.trim_start();
    let left_out = text.chars().count() - shown.chars().count();
    let shown = shown.trim_end();
    if shown.is_empty() {
        return;
    }
    let (x, y) = corner((at.0 + left_out as u16, at.1));
    // The length is given, so that columns stay columns in any font.
    let length = shown.chars().count() as f64 * CELL.0;
    let weight = match cells[0].modifier.contains(Modifier::BOLD) {
        true => " font-weight=\"bold\"",
        false => "",
    };
    let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
    let (y, colour) = (y + BASELINE, colour(cells[0]));
    writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" fill=\"{colour}\"{weight}>{shown}</text>"
    )
    .unwrap();
}

/// Bars are drawn, for fonts leave gaps between them. Cells that are filled alike are one piece.
fn bars(svg: &mut String, (column, row): (u16, u16), cells: &[&Cell]) {
    let (colour, mut at) = (colour(cells[0]), column);
    for piece in cells.chunk_by(|one, next| one.symbol() == next.symbol()) {
        let (x, top) = corner((at, row));
        let (share, opacity) = match piece[0].symbol() {
            "░" => (1.0, 0.3),
            symbol => (f64::from(eighths(symbol)) / 8.0, 1.0),
        };
        let (width, height) = (CELL.0 * piece.len() as f64, CELL.1 * share);
        let y = top + CELL.1 - height;
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\" opacity=\"{opacity}\"/>"
        )
        .unwrap();
        at += piece.len() as u16;
    }
}

fn is_bar(cell: &Cell) -> bool {
    cell.symbol() == "░" || eighths(cell.symbol()) > 0
}

/// How much of its cell a block fills, in eighths; 0 for what is none.
fn eighths(symbol: &str) -> u32 {
    match symbol.chars().next() {
        Some(block @ '▁'..='█') => block as u32 - '▁' as u32 + 1,
        _ => 0,
    }
}

fn colour(cell: &Cell) -> &'static str {
    match cell.fg {
        _ if cell.modifier.contains(Modifier::DIM) => "#8b949e",
        Color::Cyan => "#56c7d6",
        Color::Green => "#79c08a",
        Color::Blue => "#6aa7e0",
        Color::Magenta => "#b791dd",
        Color::Yellow => "#d4b34e",
        Color::Red => "#ff8a80",
        _ => "#e7e6e1",
    }
}
