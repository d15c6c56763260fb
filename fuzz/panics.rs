//! Which panics are findings.

/// Lets the panics of dependencies pass that our code catches, as it does around the demuxers and decoders. Panics of
/// our own code are findings even where they are caught; and whatever is caught by nobody ends the fuzzer in any case.
pub fn allow_caught_ones_of_dependencies() {
    std::panic::set_hook(Box::new(|panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !file.contains("/registry/src/") {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }));
}
