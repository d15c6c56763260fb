//! Real clips of small sources, looked at with ffprobe and frame by frame.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use media_io::{ExactCut, Ffmpeg, FfmpegOptions};
use render::{
    CaptionWord, Corner, Encoder, EncoderChoice, EncoderSettings, Error, Layout, LogoSettings, RenderRequest,
    RenderSettings, RenderedClip, Renderer, X264Preset, output_rate,
};
use tempfile::TempDir;
use testkit::{Placement, Sound, TestMedia, frame_numbers, probe};
use timeline::{FrameRate, MediaTime, Span, Word};

/// The fastest preset that is still High profile.
fn quick() -> RenderSettings {
    let encoder = EncoderSettings { choice: EncoderChoice::X264, preset: X264Preset::Superfast, quality: 23 };
    RenderSettings { encoder, ..RenderSettings::default() }
}

struct Scene {
    folder: TempDir,
    ffmpeg: Ffmpeg,
}

impl Scene {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            ffmpeg: Ffmpeg::locate(&FfmpegOptions::default()).unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, media: &TestMedia) -> PathBuf {
        let path = self.path("source.mp4");
        media.write(&path).unwrap();
        path
    }

    fn request(&self, source: &Path, span: Span, settings: RenderSettings) -> RenderRequest {
        let info = self.ffmpeg.probe(source).unwrap();
        RenderRequest {
            cut: ExactCut::plan(&info, source, span, output_rate(&info).unwrap()).unwrap(),
            info,
            words: Vec::new(),
            peak: span.middle(),
            settings,
            output: self.path("clip.mp4"),
            thumbnail: None,
        }
    }

    fn render(&self, request: &RenderRequest) -> RenderedClip {
        let renderer = Renderer::new(self.ffmpeg.clone(), Encoder::X264);
        renderer.render(request, &AtomicBool::new(false), &mut |_| {}).unwrap()
    }

    /// One frame of the finished clip as grey levels.
    fn frame(&self, path: &Path, number: u64) -> Vec<u8> {
        let filter = format!("select=eq(n\\,{number}),format=gray");
        let mut arguments = vec!["-i".into(), media_io::file_argument(path)];
        arguments.extend(["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-"].map(Into::into));
        self.ffmpeg.capture(arguments).unwrap()
    }
}

fn word(start: f64, end: f64, text: &str) -> CaptionWord {
    let span = Span::from_secs_f64(start, end);
    CaptionWord { word: Word { span, text: text.to_owned(), probability: 1.0 }, emphasised: false }
}

/// What every clip must be, whatever its source was.
fn assert_platform_facts(path: &Path, clip: &RenderedClip) {
    let facts = probe(path).unwrap();
    let streams = facts["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 2);
    let video = &streams[0];
    for (key, wanted) in [
        ("codec_name", "h264"),
        ("profile", "High"),
        ("pix_fmt", "yuv420p"),
        ("color_space", "bt709"),
        ("color_primaries", "bt709"),
        ("color_transfer", "bt709"),
        ("color_range", "tv"),
        ("field_order", "progressive"),
        ("sample_aspect_ratio", "1:1"),
    ] {
        assert_eq!(video[key], wanted, "{key}");
    }
    assert_eq!((video["width"].as_u64(), video["height"].as_u64()), (Some(1080), Some(1920)));
    let rate = format!("{}/{}", clip.rate.numerator(), clip.rate.denominator());
    assert_eq!(
        (video["avg_frame_rate"].as_str(), video["r_frame_rate"].as_str()),
        (Some(&*rate), Some(&*rate))
    );
    assert_eq!(video["nb_frames"], clip.frames.to_string());
    let audio = &streams[1];
    for (key, wanted) in
        [("codec_name", "aac"), ("profile", "LC"), ("sample_rate", "48000"), ("channel_layout", "stereo")]
    {
        assert_eq!(audio[key], wanted, "{key}");
    }
    let bytes = fs_err::read(path).unwrap();
    assert_eq!(clip.size_bytes, bytes.len() as u64);
    let position = |name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap();
    assert!(position(b"moov") < position(b"mdat"), "the index comes first");
}

fn numbers(path: &Path, media: &TestMedia, placement: Placement) -> Vec<u32> {
    let read = frame_numbers(path, &media.strip(), placement).unwrap();
    read.into_iter().map(|number| number.expect("a frame number")).collect()
}

#[test]
fn a_wide_source_at_60_fps_keeps_every_frame_and_reaches_the_loudness() {
    let scene = Scene::new();
    let media = TestMedia::new(180).rate(FrameRate::FPS_60).size(1280, 720).sound(Sound::Beeps);
    let source = scene.write(&media);
    let mut request = scene.request(&source, Span::from_secs_f64(0.5, 2.5), quick());
    request.words = vec![word(0.6, 1.0, "hello"), word(1.0, 1.6, "there")];
    request.thumbnail = Some(scene.path("clip.png"));
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    assert_eq!((clip.frames, clip.rate), (120, FrameRate::FPS_60));
    let placement = Placement::centred((1280, 720), (1080, 1920), 1.0);
    assert_eq!(numbers(&request.output, &media, placement), (30..150).collect::<Vec<_>>());
    let after = clip.loudness_after.unwrap();
    assert!((after.integrated_lufs + 14.0).abs() < 1.0, "{after:?}");
    assert!(after.true_peak_dbtp <= -1.0, "{after:?}");
    let thumbnail = probe(request.thumbnail.as_deref().unwrap()).unwrap();
    assert_eq!(thumbnail["streams"][0]["codec_name"], "png");
    let thumbnail = numbers(request.thumbnail.as_deref().unwrap(), &media, placement);
    assert_eq!(thumbnail, [90], "the frame at the peak");
}

#[test]
fn a_vertical_source_fills_the_frame() {
    let scene = Scene::new();
    let media = TestMedia::new(45).size(720, 1280).sound(Sound::Tone(440.0));
    let source = scene.write(&media);
    let request = scene.request(&source, Span::from_secs_f64(0.0, 1.5), quick());
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    let placement = Placement::centred((720, 1280), (1080, 1920), 1.0);
    assert_eq!(numbers(&request.output, &media, placement), (0..45).collect::<Vec<_>>());
}

#[test]
fn square_odd_and_silent_sources_are_fine() {
    let scene = Scene::new();
    for (size, options) in [((480, 480), vec![]), ((853, 480), vec!["-pix_fmt", "yuv444p"])] {
        let media = TestMedia::new(30).size(size.0, size.1).options(options);
        let source = scene.write(&media);
        let request = scene.request(&source, Span::from_secs_f64(0.0, 1.0), quick());
        let clip = scene.render(&request);
        assert_platform_facts(&request.output, &clip);
        assert_eq!(clip.loudness_before, None);
        let placement = Placement::centred(size, (1080, 1920), 1.0);
        assert_eq!(numbers(&request.output, &media, placement), (0..30).collect::<Vec<_>>(), "{size:?}");
    }
}

#[test]
fn a_turned_source_stands_upright() {
    let scene = Scene::new();
    let media = TestMedia::new(30).size(640, 360).sound(Sound::Silence);
    let flat = scene.write(&media);
    let turned = scene.path("turned.mp4");
    let mut arguments =
        vec!["-display_rotation".into(), "90".into(), "-i".into(), media_io::file_argument(&flat)];
    arguments.extend(["-c", "copy", "-y"].map(Into::into));
    arguments.push(media_io::file_argument(&turned));
    if scene.ffmpeg.capture(arguments).is_err() {
        // ffmpeg before 6.0 turns a copy by its metadata alone.
        let mut arguments = vec!["-i".into(), media_io::file_argument(&flat)];
        arguments.extend(["-c", "copy", "-metadata:s:v:0", "rotate=90", "-y"].map(Into::into));
        arguments.push(media_io::file_argument(&turned));
        scene.ffmpeg.capture(arguments).unwrap();
    }
    let request = scene.request(&turned, Span::from_secs_f64(0.0, 1.0), quick());
    assert_eq!(request.info.default_video().unwrap().display_size(), (360, 640));
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    assert_eq!(clip.frames, 30);
    // 9:16 once turned, so it fills the frame: the strip, across the source's upper part, now stands at one side.
    let frame = scene.frame(&request.output, 5);
    let columns: Vec<_> =
        (0..1080_usize).map(|x| (0..1920_usize).filter(|y| frame[y * 1080 + x] > 220).count()).collect();
    let widest = (0..1080_usize).max_by_key(|x| columns[*x]).unwrap();
    assert!(columns[widest] > 100, "a strip that runs downwards");
    assert!(!(300..780).contains(&widest), "at a side, not in the middle: {widest}");
    assert_eq!(
        clip.loudness_after.map(|loudness| loudness.integrated_lufs <= -60.0),
        Some(true),
        "silence stays silent"
    );
}

#[test]
fn colours_of_other_standards_come_out_as_bt709() {
    let scene = Scene::new();
    for (name, matrix, range) in [
        ("bt601", "smpte170m", "tv"),
        ("bt709", "bt709", "tv"),
        ("full", "bt709", "pc"),
        ("bt601-full", "bt470bg", "pc"),
    ] {
        let source = scene.path(&format!("{name}.mp4"));
        let convert = match matrix {
            "bt709" => format!("scale=out_color_matrix=bt709:out_range={range},format=yuv420p"),
            _ => format!("scale=out_color_matrix=bt601:out_range={range},format=yuv420p"),
        };
        let colour = format!("color=c=0xC83C28:size=640x360:rate=30:duration=1,format=gbrp,{convert}");
        let mut arguments =
            ["-f", "lavfi", "-i", &colour, "-c:v", "libx264", "-colorspace", matrix].map(Into::into).to_vec();
        arguments.extend(["-color_range", range, "-y"].map(Into::into));
        arguments.push(media_io::file_argument(&source));
        scene.ffmpeg.capture(arguments).unwrap();
        let request = scene.request(&source, Span::from_secs_f64(0.0, 0.5), quick());
        scene.render(&request);
        let mut arguments = vec!["-i".into(), media_io::file_argument(&request.output)];
        let filter = "crop=64:64:508:928,scale=1:1:in_color_matrix=bt709:in_range=tv,format=rgb24";
        arguments.extend(["-vf", filter, "-frames:v", "1", "-f", "rawvideo", "-"].map(Into::into));
        let shown = scene.ffmpeg.capture(arguments).unwrap();
        for (channel, wanted) in shown.iter().zip([0xC8_i32, 0x3C, 0x28]) {
            assert!((i32::from(*channel) - wanted).abs() <= 6, "{name}: {shown:?}");
        }
    }
}

#[test]
fn interlaced_frames_lose_their_combs() {
    let scene = Scene::new();
    let source = scene.path("interlaced.ts");
    // A bar that moves 20 pixels from field to field.
    let bar = "color=black:size=720x576:rate=50:duration=2,geq=lum='if(between(X-mod(N*20,600),0,80),235,16)':cb=128:cr=128";
    let weave = format!("{bar},interlace=lowpass=off,format=yuv420p");
    let mut arguments =
        ["-f", "lavfi", "-i", &weave, "-c:v", "mpeg2video", "-b:v", "8M", "-flags", "+ildct+ilme"]
            .map(Into::into)
            .to_vec();
    arguments.push(media_io::file_argument(&source));
    scene.ffmpeg.capture(arguments).unwrap();
    let request = scene.request(&source, Span::from_secs_f64(0.2, 1.2), quick());
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    let frame = scene.frame(&request.output, 12);
    // Across the left edge of the bar, rows of a comb differ by turns.
    let combed = (700..1_200_usize)
        .filter(|y| {
            let row =
                |y: usize| frame[y * 1_080..(y + 1) * 1_080].iter().filter(|level| **level > 128).count();
            let (above, here, below) = (row(y - 2), row(*y), row(y + 2));
            here > 0 && above.abs_diff(below) <= 2 && here.abs_diff(above) > 10
        })
        .count();
    assert_eq!(combed, 0, "rows that stick out");
    assert!(frame.iter().any(|level| *level > 200), "the bar is seen");
}

#[test]
fn captions_of_any_text_stay_inside_the_safe_zone() {
    let scene = Scene::new();
    let media = TestMedia::new(60).size(640, 360);
    let source = scene.write(&media);
    let span = Span::from_secs_f64(0.0, 2.0);
    let mut request = scene.request(&source, span, quick());
    scene.render(&request);
    let bare = scene.frame(&request.output, 20);
    let texts = [
        vec!["{\\pos(0,0)}{\\fs400}", "\\N\\N\\N", "end}"],
        vec!["wonderful", "magnificent", "extraordinary"],
        vec!["مرحبا", "بكم", "جميعا"],
        vec!["שלום", "עולם"],
        vec!["🔥🔥", "👨‍👩‍👧", "e\u{301}a\u{328}"],
        vec!["Donaudampfschifffahrtsgesellschaft"],
    ];
    for text in texts {
        request.words = text.iter().map(|text| word(0.1, 1.9, text)).collect();
        request.words.iter_mut().enumerate().for_each(|(at, word)| {
            word.word.span = Span::from_secs_f64(0.1 + 0.1 * at as f64, 0.2 + 0.1 * at as f64);
            word.emphasised = at == 1;
        });
        scene.render(&request);
        let captioned = scene.frame(&request.output, 20);
        let changed: Vec<_> =
            (0..1080 * 1920_usize).filter(|at| captioned[*at].abs_diff(bare[*at]) > 60).collect();
        assert!(changed.len() > 500, "{text:?} is shown: {}", changed.len());
        for at in changed {
            let (x, y) = (at % 1080, at / 1080);
            assert!((130..950).contains(&x) && (160..1520).contains(&y), "{text:?} reaches {x}, {y}");
        }
    }
}

#[test]
fn a_logo_stands_in_its_corner() {
    let scene = Scene::new();
    let media = TestMedia::new(30).size(640, 360);
    let source = scene.write(&media);
    let logo = scene.path("it's a [logo], 1:2.png");
    let mut arguments = ["-f", "lavfi", "-i", "color=white:size=64x32", "-frames:v", "1", "-update", "1"]
        .map(Into::into)
        .to_vec();
    arguments.push(media_io::file_argument(&logo));
    scene.ffmpeg.capture(arguments).unwrap();
    let settings = |path: &Path| {
        let logo = LogoSettings {
            path: path.to_owned(),
            width: 200,
            corner: Corner::BottomLeft,
            margin_x: 40,
            margin_y: 60,
        };
        RenderSettings { logo: Some(logo), ..quick() }
    };
    let request = scene.request(&source, Span::from_secs_f64(0.0, 1.0), settings(&logo));
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    let frame = scene.frame(&request.output, 29);
    let level = |x: usize, y: usize| frame[y * 1080 + x];
    assert!(level(60, 1780) > 220 && level(220, 1840) > 220, "white inside");
    assert!(level(20, 1780) < 150 && level(260, 1800) < 150 && level(100, 1900) < 150, "background around");

    let missing = scene.request(&source, Span::from_secs_f64(0.0, 1.0), settings(Path::new("nowhere.png")));
    let renderer = Renderer::new(scene.ffmpeg.clone(), Encoder::X264);
    let error = renderer.render(&missing, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Logo { .. }), "{error}");
}

#[test]
fn loud_peaks_are_limited_and_the_target_is_still_reached() {
    let scene = Scene::new();
    let source = scene.path("clicks.mp4");
    // Quiet noise with a loud click every half second: peaks leave no room for the gain that is needed.
    let sound = "aevalsrc=0.02*(random(0)-0.5)+0.7*lt(mod(t\\,0.5)\\,0.002):sample_rate=48000:duration=3";
    let mut arguments =
        ["-f", "lavfi", "-i", "color=gray:size=320x180:rate=30:duration=3", "-f", "lavfi", "-i", sound]
            .map(Into::into)
            .to_vec();
    arguments.extend(["-c:v", "libx264", "-c:a", "aac", "-b:a", "256k"].map(Into::into));
    arguments.push(media_io::file_argument(&source));
    scene.ffmpeg.capture(arguments).unwrap();
    let request = scene.request(&source, Span::from_secs_f64(0.0, 3.0), quick());
    let clip = scene.render(&request);
    let (before, after) = (clip.loudness_before.unwrap(), clip.loudness_after.unwrap());
    assert!(before.true_peak_dbtp - before.integrated_lufs > 14.0, "needs the limiter: {before:?}");
    assert!((after.integrated_lufs + 14.0).abs() < 1.0, "{after:?} {:?}", clip.warnings);
    assert!(after.true_peak_dbtp <= -1.0, "{after:?}");
}

#[test]
fn zoom_and_offset_move_the_source() {
    let scene = Scene::new();
    let media = TestMedia::new(30).size(1280, 720);
    let source = scene.write(&media);
    let layout = Layout::BlurredBackground { zoom: 1.25, offset_x: 0.0, offset_y: -1.0 };
    let request = scene.request(&source, Span::from_secs_f64(0.0, 1.0), RenderSettings { layout, ..quick() });
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    let placement = Placement { offset_y: 0.0, ..Placement::centred((1280, 720), (1080, 1920), 1.25) };
    assert_eq!(numbers(&request.output, &media, placement), (0..30).collect::<Vec<_>>());
}

#[test]
fn sound_alone_is_refused_with_the_reason_and_nothing_is_left_after_an_interruption() {
    let scene = Scene::new();
    let media = TestMedia::new(30).sound(Sound::Tone(440.0));
    let source = scene.write(&media);
    let mut request = scene.request(&source, Span::from_secs_f64(0.0, 1.0), quick());
    let renderer = Renderer::new(scene.ffmpeg.clone(), Encoder::X264);
    let error = renderer.render(&request, &AtomicBool::new(true), &mut |_| {}).unwrap_err();
    assert!(error.is_interrupted(), "{error}");
    let left: Vec<_> =
        fs_err::read_dir(scene.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["source.mp4"]);
    request.info.video.clear();
    let error = renderer.render(&request, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("no video track: highlights can be found in it"), "{error}");
    assert!(matches!(output_rate(&request.info), Err(Error::NoVideo { .. })));
}

#[test]
fn a_source_at_25_fps_becomes_30_and_its_words_keep_their_time() {
    let scene = Scene::new();
    let media = TestMedia::new(50).rate(FrameRate::new(25, 1).unwrap()).size(640, 360);
    let source = scene.write(&media);
    let mut request = scene.request(&source, Span::from_secs_f64(0.4, 1.6), quick());
    request.words = vec![word(1.0, 1.2, "now")];
    request.peak = MediaTime::from_millis(1_100);
    let clip = scene.render(&request);
    assert_platform_facts(&request.output, &clip);
    assert_eq!((clip.frames, clip.rate), (36, FrameRate::FPS_30));
    let bright = |number| {
        let frame = scene.frame(&request.output, number);
        // Below the source's picture, above the bottom of the safe zone.
        frame[1_300 * 1_080..1_520 * 1_080].iter().filter(|level| **level > 180).count()
    };
    assert_eq!(bright(17), 0, "the frame before the word");
    assert!(bright(18) > 1_000, "the frame at the word");
}

#[test]
fn a_hardware_encoder_that_fails_is_replaced_with_a_warning() {
    let scene = Scene::new();
    // No machine has both.
    let broken =
        [(Encoder::Nvenc, EncoderChoice::Nvenc), (Encoder::VideoToolbox, EncoderChoice::VideoToolbox)]
            .into_iter()
            .find(|(_, choice)| Encoder::detect(&scene.ffmpeg, *choice).is_err());
    let (encoder, _) = broken.expect("an encoder that does not work here");
    let source = scene.write(&TestMedia::new(30));
    let request = scene.request(&source, Span::from_secs_f64(0.0, 1.0), quick());
    let renderer = Renderer::new(scene.ffmpeg.clone(), encoder);
    let clip = renderer.render(&request, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_platform_facts(&request.output, &clip);
    assert_eq!(clip.encoder, Encoder::X264);
    assert!(clip.warnings[0].contains("libx264 was used"), "{:?}", clip.warnings);
}
