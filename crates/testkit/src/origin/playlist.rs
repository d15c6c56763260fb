//! Playlists as Kick's backend (AWS IVS) writes them.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use timeline::MediaDuration;

use super::media::{Packing, Rendition};
use super::plan::{Plan, View};

/// What Kick's lists declare, whatever the segments truly are, in seconds.
const TARGET_DURATION: u64 = 6;

/// The multivariant playlist; `address` gives the address of a rung's media playlist.
pub(super) fn master(renditions: &[Rendition], address: impl Fn(usize) -> String) -> String {
    let mut text = String::from("#EXTM3U\n");
    text.push_str(
        "#EXT-X-SESSION-DATA:DATA-ID=\"NODE\",VALUE=\"video-edge-5f7c1a.pdx01\"\n\
         #EXT-X-SESSION-DATA:DATA-ID=\"BROADCAST-ID\",VALUE=\"41234567890,a\"\n",
    );
    for (rung, rendition) in renditions.iter().enumerate() {
        let Rendition { name, width, height, fps, bandwidth, codecs, .. } = rendition;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"{name}\",NAME=\"{name}\",AUTOSELECT=YES,DEFAULT=YES\n\
             #EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={width}x{height},CODECS=\"{codecs}\",\
             VIDEO=\"{name}\",FRAME-RATE={fps:.3}\n{}\n",
            address(rung)
        );
    }
    text
}

/// Where the things that a media playlist names are.
pub(super) trait Addresses {
    /// Of a segment.
    fn segment(&self, index: u64) -> String;
    /// Of the initialisation section.
    fn init(&self) -> String;
}

/// A media playlist.
pub(super) fn media(plan: &Plan, view: View, live: bool, began: Timestamp, to: &impl Addresses) -> String {
    let fragmented = plan.media.packing == Packing::Fragmented;
    let version = if fragmented { 6 } else { 3 };
    let longest = plan.media.durations().map(|length| length.as_secs_f64().ceil() as u64).max();
    let target = if live { TARGET_DURATION } else { 1 }.max(longest.unwrap_or_default());
    let sequence = plan.sequence(view.first);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n"
    );
    // The tag is about what is not listed any more: a discontinuity at the first segment is still listed.
    let passed = plan.discontinuities(view.first) - u64::from(plan.discontinuity(view.first));
    // Writing to a string cannot fail, here and below.
    if passed > 0 {
        let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{passed}");
    }
    if live {
        let elapsed = plan.start(view.first).as_secs_f64();
        let _ = write!(
            text,
            "#EXT-X-NET-LIVE-VIDEO-LIVE-SEQUENCE:{sequence}\n#EXT-X-NET-LIVE-VIDEO-ELAPSED-SECS:{elapsed:.3}\n\
             #EXT-X-DATERANGE:ID=\"source-1\",CLASS=\"live-video-net-stream-source\",\
             START-DATE=\"{began:.3}\",END-ON-NEXT=YES,X-NET-LIVE-VIDEO-STREAM-SOURCE=\"live,main\"\n"
        );
    } else {
        text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
    }
    if fragmented {
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", to.init());
    }
    for index in view.first..view.end {
        if plan.discontinuity(index) {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let at = began + offset(plan.clock(index));
        let seconds = (plan.start(index + 1) - plan.start(index)).as_secs_f64();
        let title = if live { "live" } else { "" };
        for _ in 0..plan.copies(index) {
            let address = to.segment(index);
            let _ =
                write!(text, "#EXT-X-PROGRAM-DATE-TIME:{at:.3}\n#EXTINF:{seconds:.3},{title}\n{address}\n");
        }
    }
    if view.ended {
        text.push_str("#EXT-X-ENDLIST\n");
    } else if live {
        // What a low-latency channel promises: the next two, not yet complete.
        for index in view.end..view.end + 2 {
            let _ = writeln!(text, "#EXT-X-PREFETCH:{}", to.segment(index));
        }
    }
    text
}

fn offset(length: MediaDuration) -> SignedDuration {
    SignedDuration::from_millis(length.to_units(1000))
}
