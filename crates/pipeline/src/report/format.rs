//! Numbers as a reader wants them.

/// `h:mm:ss`, the second that has begun.
pub(super) fn clock(seconds: f64) -> String {
    let whole = whole(seconds, 1.0);
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// `h:mm:ss.s`, the tenth of a second that has begun.
pub(super) fn fine_clock(seconds: f64) -> String {
    format!("{}.{}", clock(seconds), whole(seconds, 10.0) % 10)
}

/// How many whole units have passed; a hair below the next counts as the next, as `12.3` is not exact.
fn whole(seconds: f64, units_per_second: f64) -> u64 {
    const HAIR: f64 = 1e-6;
    (seconds * units_per_second + HAIR).max(0.0) as u64
}

/// With a true minus, and a plus where it is above zero.
pub(super) fn signed(value: f64) -> String {
    let rounded = format!("{:.2}", value.abs());
    match rounded.as_str() {
        "0.00" => rounded,
        _ if value < 0.0 => format!("\u{2212}{rounded}"),
        _ => format!("+{rounded}"),
    }
}

/// In the largest unit of 1,000 that leaves one digit before the point.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{:.0} kB", size as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size as f64 / 1e6),
        _ => format!("{:.2} GB", size as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(clock(753.99), "0:12:33");
        assert_eq!(clock(36_000.0), "10:00:00");
        assert_eq!(clock(-0.01), "0:00:00");
        assert_eq!(clock(f64::NAN), "0:00:00");
        assert_eq!(fine_clock(753.3), "0:12:33.3");
        assert_eq!(fine_clock(59.96), "0:00:59.9");
        assert_eq!(signed(-0.125), "\u{2212}0.12");
        assert_eq!(signed(0.5), "+0.50");
        assert_eq!(signed(-0.001), "0.00");
        assert_eq!([bytes(999), bytes(23_400), bytes(8_260_000)], ["999 B", "23 kB", "8.3 MB"]);
    }
}
