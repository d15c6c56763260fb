//! The frame number that is drawn into a picture for machines to read.
//!
//! A row of square cells: one white and one black to find the levels by, then the number in 16 bits, highest first, then
//! 6 check bits. `scripts/fixturelib/strip.py` draws the same.

use serde::Deserialize;

const LEVEL_CELLS: usize = 2;
/// Bits of the number, so that an hour at 18 frames a second fits.
const NUMBER_BITS: u32 = 16;
/// Each number bit belongs to exactly one of them, so that no single wrong cell goes unnoticed.
const CHECK_BITS: u32 = 6;
/// White and black cells must be at least this far apart in 8-bit levels; otherwise there is no strip here.
const LEAST_CONTRAST: i32 = 64;
/// A cell this near to the middle between black and white (as a share of their distance) cannot be told.
const UNSURE: f64 = 0.1;

/// Where a strip lies in its own picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct FrameStrip {
    /// Left edge in pixels.
    pub x: u32,
    /// Top edge in pixels.
    pub y: u32,
    /// Width and height of a cell in pixels.
    pub cell: u32,
}

/// Where the picture that holds a strip lies in a bigger one: a point `p` of it comes to `offset + scale * p`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// How many pixels one pixel became.
    pub scale: f64,
    /// Where its left edge went; negative when the sides are cropped.
    pub offset_x: f64,
    /// Where its top edge went.
    pub offset_y: f64,
}

impl Placement {
    /// The picture as it is.
    pub const IDENTITY: Self = Self { scale: 1.0, offset_x: 0.0, offset_y: 0.0 };

    /// A picture of `source` size, scaled to the full width of `canvas` times `zoom` and centred in it, as a vertical
    /// composition does.
    #[must_use]
    pub fn centred(source: (u32, u32), canvas: (u32, u32), zoom: f64) -> Self {
        let scale = f64::from(canvas.0) * zoom / f64::from(source.0);
        Self {
            scale,
            offset_x: (f64::from(canvas.0) - f64::from(source.0) * scale) / 2.0,
            offset_y: (f64::from(canvas.1) - f64::from(source.1) * scale) / 2.0,
        }
    }
}

/// A rectangle in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl FrameStrip {
    /// Cells in a strip.
    pub const CELLS: usize = LEVEL_CELLS + (NUMBER_BITS + CHECK_BITS) as usize;

    /// A strip with this top left corner and cell size.
    #[must_use]
    pub const fn new(x: u32, y: u32, cell: u32) -> Self {
        Self { x, y, cell }
    }

    /// The cells of a frame number, true for white.
    #[must_use]
    pub fn cells(number: u16) -> [bool; Self::CELLS] {
        let number_bits = (0..NUMBER_BITS).rev().map(|bit| number >> bit & 1 == 1);
        let check = check_bits(number);
        let check_bits = (0..CHECK_BITS).rev().map(|bit| check >> bit & 1 == 1);
        let mut cells = [false; Self::CELLS];
        for (cell, white) in
            cells.iter_mut().zip([true, false].into_iter().chain(number_bits).chain(check_bits))
        {
            *cell = white;
        }
        cells
    }

    /// The number that the mean levels of the cells, from the left, stand for; `None` if they are no intact strip.
    #[must_use]
    pub fn read_cells(levels: &[u8]) -> Option<u32> {
        let (&white, &black) = (levels.first()?, levels.get(1)?);
        let contrast = i32::from(white) - i32::from(black);
        if levels.len() != Self::CELLS || contrast < LEAST_CONTRAST {
            return None;
        }
        let mut bits = 0_u32;
        for &level in &levels[LEVEL_CELLS..] {
            let whiteness = f64::from(i32::from(level) - i32::from(black)) / f64::from(contrast);
            if (whiteness - 0.5).abs() < UNSURE {
                return None;
            }
            bits = bits << 1 | u32::from(whiteness > 0.5);
        }
        let number = u16::try_from(bits >> CHECK_BITS).ok()?;
        (check_bits(number) == bits & ((1 << CHECK_BITS) - 1)).then_some(u32::from(number))
    }

    /// The number in an 8-bit grey frame of this width; `None` if the strip is not intact or not wholly inside.
    #[must_use]
    pub fn read_grey(&self, frame: &[u8], width: u32, placement: Placement) -> Option<u32> {
        let area = self.area(placement)?;
        if area.x + area.width > width || (area.y + area.height) as usize * width as usize > frame.len() {
            return None;
        }
        let mut levels = [0_u8; Self::CELLS];
        for (index, level) in levels.iter_mut().enumerate() {
            // The middle half of each cell: its edges are blurred by scaling and compression.
            let cell_width = f64::from(area.width) / Self::CELLS as f64;
            let left = f64::from(area.x) + (index as f64 + 0.25) * cell_width;
            let columns = left.round() as usize
                ..((left + cell_width / 2.0).round() as usize).max(left.round() as usize + 1);
            let rows = area.y as usize..(area.y + area.height) as usize;
            let count = (columns.len() * rows.len()) as u32;
            let sum: u32 = rows
                .flat_map(|row| columns.clone().map(move |column| row * width as usize + column))
                .map(|position| u32::from(frame[position]))
                .sum();
            *level = u8::try_from(sum / count).unwrap_or(u8::MAX);
        }
        Self::read_cells(&levels)
    }

    /// The middle half of the strip's height, over its whole width, after placement; `None` if it begins outside.
    pub(crate) fn area(&self, placement: Placement) -> Option<Area> {
        let cell = f64::from(self.cell) * placement.scale;
        let x = placement.offset_x + f64::from(self.x) * placement.scale;
        let y = placement.offset_y + f64::from(self.y) * placement.scale + cell / 4.0;
        (x >= 0.0 && y >= 0.0).then_some(Area {
            x: x.round() as u32,
            y: y.round() as u32,
            width: (cell * Self::CELLS as f64).round() as u32,
            height: (cell / 2.0).round().max(1.0) as u32,
        })
    }

    /// Draws the strip for `number` into an 8-bit grey frame of this width.
    pub(crate) fn draw_grey(&self, frame: &mut [u8], width: u32, number: u16) {
        for row in self.y..self.y + self.cell {
            let start = (row * width + self.x) as usize;
            for (index, white) in Self::cells(number).into_iter().enumerate() {
                let from = start + index * self.cell as usize;
                frame[from..from + self.cell as usize].fill(if white { 235 } else { 16 });
            }
        }
    }
}

fn check_bits(number: u16) -> u32 {
    let number = u32::from(number);
    (number ^ number >> CHECK_BITS ^ number >> (2 * CHECK_BITS)) & ((1 << CHECK_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(number: u16) -> Vec<u8> {
        FrameStrip::cells(number).into_iter().map(|white| if white { 220 } else { 30 }).collect()
    }

    proptest! {
        #[test]
        fn every_number_reads_back(number: u16, scale in 0.5_f64..2.0) {
            let strip = FrameStrip::new(16, 8, 12);
            let (width, height) = (320, 40);
            let mut frame = vec![90; width * height];
            strip.draw_grey(&mut frame, width as u32, number);
            prop_assert_eq!(strip.read_grey(&frame, width as u32, Placement::IDENTITY), Some(u32::from(number)));

            // The same picture, scaled by the nearest pixel.
            let (wide, high) = ((width as f64 * scale) as usize, (height as f64 * scale) as usize);
            let scaled: Vec<u8> = (0..wide * high)
                .map(|at| {
                    let (x, y) = (((at % wide) as f64 + 0.5) / scale, ((at / wide) as f64 + 0.5) / scale);
                    frame[(y as usize).min(height - 1) * width + (x as usize).min(width - 1)]
                })
                .collect();
            let placement = Placement { scale, ..Placement::IDENTITY };
            prop_assert_eq!(strip.read_grey(&scaled, wide as u32, placement), Some(u32::from(number)));
        }

        #[test]
        fn one_wrong_cell_is_noticed(number: u16, wrong in 2..FrameStrip::CELLS) {
            let mut levels = levels(number);
            levels[wrong] = 250 - levels[wrong];
            prop_assert_eq!(FrameStrip::read_cells(&levels), None);
        }
    }

    #[test]
    fn grey_mush_is_no_number() {
        assert_eq!(FrameStrip::read_cells(&[128; FrameStrip::CELLS]), None);
        assert_eq!(FrameStrip::read_cells(&[]), None);
        let mut unsure = levels(4_711);
        unsure[7] = 125;
        assert_eq!(FrameStrip::read_cells(&unsure), None);
    }

    #[test]
    fn a_strip_outside_the_frame_is_no_number() {
        let strip = FrameStrip::new(0, 0, 8);
        assert_eq!(strip.read_grey(&[0; 100], 10, Placement::IDENTITY), None);
        assert_eq!(strip.read_grey(&[0; 100], 10, Placement { offset_x: -5.0, ..Placement::IDENTITY }), None);
    }

    #[test]
    fn the_vertical_composition_centres_the_source() {
        let placement = Placement::centred((1280, 720), (1080, 1920), 1.0);
        assert!((placement.scale - 0.843_75).abs() < 1e-9);
        assert!((placement.offset_y - 656.25).abs() < 1e-9);
        assert!(placement.offset_x.abs() < 1e-9);
    }
}
