//! Composes a stream clip into a captioned vertical video
