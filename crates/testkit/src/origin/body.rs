//! Bodies of answers, right ones and bad ones, that tell the log how much of them went out.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;

use super::log::Receipt;

/// Bytes handed over at once: small enough that what a client gives up on is not logged as served.
const BLOCK: usize = 64 << 10;
/// Null packets of a transport stream for the huge segment: a block of them.
const NULL_PACKET: [u8; 4] = [0x47, 0x1F, 0xFF, 0x10];
/// Bytes of the huge segment: 10 GB.
pub(super) const HUGE: u64 = 10_000_000_000;

/// All of the bytes.
pub(super) fn whole(bytes: Bytes, receipt: Receipt) -> Body {
    paced(bytes, BLOCK, Duration::ZERO, receipt)
}

/// All of the bytes, so many of them a second.
pub(super) fn slow(bytes: Bytes, bytes_per_s: u32, receipt: Receipt) -> Body {
    // A tenth of a second's worth at a time.
    let block = (bytes_per_s as usize / 10).max(1);
    paced(bytes, block, Duration::from_secs_f64(block as f64 / f64::from(bytes_per_s.max(1))), receipt)
}

fn paced(bytes: Bytes, block: usize, pause: Duration, receipt: Receipt) -> Body {
    let blocks = stream::unfold((bytes, receipt), move |(mut rest, receipt)| async move {
        if rest.is_empty() {
            return None;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let next = rest.split_to(block.min(rest.len()));
        receipt.sent(next.len());
        if rest.is_empty() {
            receipt.whole();
        }
        Some((Ok::<_, io::Error>(next), (rest, receipt)))
    });
    Body::from_stream(blocks)
}

/// The first part of the bytes, and then the end of the connection.
pub(super) fn cut(mut bytes: Bytes, fraction: f64, receipt: Receipt) -> Body {
    bytes.truncate((bytes.len() as f64 * fraction.clamp(0.0, 1.0)) as usize);
    let blocks = stream::unfold(Some((bytes, receipt)), |state| async move {
        let (mut rest, receipt) = state?;
        if rest.is_empty() {
            let gone = io::Error::new(io::ErrorKind::ConnectionAborted, "cut as the script says");
            return Some((Err(gone), None));
        }
        let next = rest.split_to(BLOCK.min(rest.len()));
        receipt.sent(next.len());
        // Let what was handed over reach the connection before it breaks.
        tokio::task::yield_now().await;
        Some((Ok(next), Some((rest, receipt))))
    });
    Body::from_stream(blocks)
}

/// Ten gigabytes of null packets.
pub(super) fn huge(receipt: Receipt) -> Body {
    let mut packet = [0xFF; 188];
    packet[..4].copy_from_slice(&NULL_PACKET);
    let block = Bytes::from(packet.repeat(BLOCK / packet.len()));
    let blocks = stream::unfold((HUGE, receipt), move |(rest, receipt)| {
        let block = block.clone();
        async move {
            let length = usize::try_from(rest).unwrap_or(usize::MAX).min(block.len());
            receipt.sent(length);
            (length > 0).then(|| (Ok::<_, io::Error>(block.slice(..length)), (rest - length as u64, receipt)))
        }
    });
    Body::from_stream(blocks)
}
