//! Where the source's picture goes on the canvas.

use media_io::VideoStream;
use serde::{Deserialize, Serialize};

/// Width of the finished picture in pixels.
pub const CANVAS_WIDTH: u32 = 1080;

/// Height of the finished picture in pixels.
pub const CANVAS_HEIGHT: u32 = 1920;

/// Sources up to this aspect (width by height) fill the frame when the layout is automatic: at 0.64 a ninth of the width is
/// cut off, which hides less than bands of blur would take from the picture.
const WIDEST_FILLING_ASPECT: f64 = 0.64;

/// The closest that a source can be zoomed in.
pub(crate) const MAX_ZOOM: f64 = 4.0;

/// How the source is fitted into 9:16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layout {
    /// [`Cover`](Self::Cover) for sources that are about 9:16 already, else [`BlurredBackground`](Self::BlurredBackground)
    /// at zoom 1.
    #[default]
    Auto,
    /// The source over a blurred and darkened copy of itself.
    BlurredBackground {
        /// 1 to 4; 1 shows the source's whole width, more cuts off its sides.
        #[serde(default = "no_zoom")]
        zoom: f64,
        /// -1 to 1; which part of the width is seen when zoomed: -1 its left, 0 its middle, 1 its right.
        #[serde(default)]
        offset_x: f64,
        /// -1 to 1; where the source stands: -1 at the top, 0 in the middle, 1 at the bottom.
        #[serde(default)]
        offset_y: f64,
    },
    /// The source fills the frame; what sticks out is cut off evenly.
    Cover,
}

const fn no_zoom() -> f64 {
    1.0
}

/// A rectangle of the source, in its pixels as decoded (turned, not widened).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crop {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// The canvas from top to bottom: a band of background, the source, a band of background. Either band may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Composition {
    /// What of the source is shown.
    pub(crate) crop: Crop,
    /// Height of the upper band in pixels, even.
    pub(crate) top: u32,
    /// Height of the source's picture on the canvas in pixels, even.
    pub(crate) height: u32,
    /// Height of the lower band in pixels, even.
    pub(crate) bottom: u32,
    /// What of the source the background is made of: as much as fills 9:16.
    pub(crate) background: Crop,
}

impl Composition {
    pub(crate) fn new(layout: Layout, video: &VideoStream) -> Self {
        let decoded = if video.rotation % 180 == 90 {
            (video.height, video.width)
        } else {
            (video.width, video.height)
        };
        Self::of_sizes(layout, decoded, video.display_size())
    }

    fn of_sizes(layout: Layout, decoded: (u32, u32), display: (u32, u32)) -> Self {
        let aspect = f64::from(display.0.max(1)) / f64::from(display.1.max(1));
        let canvas_aspect = f64::from(CANVAS_WIDTH) / f64::from(CANVAS_HEIGHT);
        let cover_zoom = (aspect / canvas_aspect).max(1.0);
        let (zoom, offset_x, offset_y) = match layout {
            Layout::Auto if aspect <= WIDEST_FILLING_ASPECT => (cover_zoom, 0.0, 0.0),
            Layout::Auto => (1.0, 0.0, 0.0),
            Layout::Cover => (cover_zoom, 0.0, 0.0),
            Layout::BlurredBackground { zoom, offset_x, offset_y } => (zoom, offset_x, offset_y),
        };
        let full_height = f64::from(CANVAS_WIDTH) * zoom / aspect;
        let shown_height = full_height.min(f64::from(CANVAS_HEIGHT));
        let height = even(shown_height).clamp(2, CANVAS_HEIGHT);
        let free = CANVAS_HEIGHT - height;
        let top = even(f64::from(free) * (1.0 + offset_y) / 2.0).min(free);
        Self {
            crop: Crop::part_of(decoded, 1.0 / zoom, shown_height / full_height, offset_x),
            top,
            height,
            bottom: free - top,
            background: Crop::part_of(decoded, 1.0 / cover_zoom, (aspect / canvas_aspect).min(1.0), 0.0),
        }
    }

    /// Whether any background is seen.
    pub(crate) const fn has_bands(&self) -> bool {
        self.top > 0 || self.bottom > 0
    }
}

impl Crop {
    /// Shares of width and height, at the middle of the height and at `offset_x` (-1 to 1) of the width.
    fn part_of(size: (u32, u32), width_share: f64, height_share: f64, offset_x: f64) -> Self {
        let width = even(f64::from(size.0) * width_share).clamp(1, size.0.max(1));
        let height = even(f64::from(size.1) * height_share).clamp(1, size.1.max(1));
        // A source that is shown whole keeps its odd last column and row.
        let width = if width_share >= 1.0 { size.0 } else { width };
        let height = if height_share >= 1.0 { size.1 } else { height };
        let x = even(f64::from(size.0.saturating_sub(width)) * (1.0 + offset_x) / 2.0)
            .min(size.0.saturating_sub(width));
        let y = even(f64::from(size.1.saturating_sub(height)) / 2.0).min(size.1.saturating_sub(height));
        Self { width, height, x, y }
    }
}

/// The nearest even number: chroma has half the size.
fn even(length: f64) -> u32 {
    (length / 2.0).round().max(0.0) as u32 * 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn square_pixels(layout: Layout, width: u32, height: u32) -> Composition {
        Composition::of_sizes(layout, (width, height), (width, height))
    }

    #[test]
    fn a_wide_source_stands_in_the_middle_with_its_whole_width() {
        let composition = square_pixels(Layout::Auto, 1920, 1080);
        assert_eq!((composition.top, composition.height, composition.bottom), (656, 608, 656));
        assert_eq!(composition.crop, Crop { width: 1920, height: 1080, x: 0, y: 0 });
        assert_eq!(composition.background, Crop { width: 608, height: 1080, x: 656, y: 0 });
    }

    #[test]
    fn zoom_cuts_off_the_sides() {
        let layout = Layout::BlurredBackground { zoom: 1.5, offset_x: 1.0, offset_y: -1.0 };
        let composition = square_pixels(layout, 1920, 1080);
        assert_eq!((composition.top, composition.height, composition.bottom), (0, 912, 1008));
        assert_eq!(composition.crop, Crop { width: 1280, height: 1080, x: 640, y: 0 });
    }

    #[test]
    fn a_vertical_source_fills_the_frame_and_a_square_one_does_not() {
        let vertical = square_pixels(Layout::Auto, 720, 1280);
        assert_eq!((vertical.height, vertical.has_bands()), (CANVAS_HEIGHT, false));
        assert_eq!(vertical.crop, Crop { width: 720, height: 1280, x: 0, y: 0 });
        let tall = square_pixels(Layout::Auto, 1080, 2340);
        assert_eq!((tall.height, tall.crop.height, tall.crop.width), (CANVAS_HEIGHT, 1920, 1080));
        let square = square_pixels(Layout::Auto, 500, 500);
        assert_eq!((square.top, square.height, square.bottom), (420, 1080, 420));
    }

    #[test]
    fn wide_pixels_count() {
        let composition = Composition::of_sizes(Layout::Auto, (720, 576), (1024, 576));
        assert_eq!(composition.height, 608);
        assert_eq!(composition.crop.width, 720);
    }

    proptest! {
        #[test]
        fn every_source_gives_a_whole_canvas(
            width in 1_u32..9_000, height in 1_u32..9_000,
            zoom in 1.0..MAX_ZOOM, offset_x in -1.0..=1.0, offset_y in -1.0..=1.0, which in 0..3,
        ) {
            let layout = match which {
                0 => Layout::Auto,
                1 => Layout::Cover,
                _ => Layout::BlurredBackground { zoom, offset_x, offset_y },
            };
            let made = square_pixels(layout, width, height);
            prop_assert_eq!(made.top + made.height + made.bottom, CANVAS_HEIGHT);
            prop_assert!([made.top, made.height, made.bottom].iter().all(|part| part % 2 == 0));
            for crop in [made.crop, made.background] {
                prop_assert!(crop.width >= 1 && crop.x + crop.width <= width);
                prop_assert!(crop.height >= 1 && crop.y + crop.height <= height);
            }
        }
    }
}
