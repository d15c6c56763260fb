//! `streamliner model`, on the real binary against a server on this machine.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/sandbox.rs"]
mod sandbox;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use sandbox::Sandbox;

/// Answers every request with `status` and `body`; gives the address and ends with the process.
fn server(status: &'static str, body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let Ok(clone) = stream.try_clone() else { continue };
            let _ = BufReader::new(clone)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .count();
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    address
}

/// Where the models of a sandbox lie, from its working directory.
const IN_WORK: [&str; 2] = ["--set", "paths.models_dir=models"];

#[test]
fn list_tells_what_there_is_and_what_is_here() {
    let sandbox = Sandbox::new();
    sandbox.write("models/ggml-tiny.en.bin", "x");
    let text = sandbox.run(&[&IN_WORK[..], &["model", "list"]].concat()).expect(0).stdout;
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).expect("the model").to_owned();
    assert!(line("tiny.en ").contains("75 MiB  English      yes"), "{text}");
    assert!(line("large-v3-turbo ").contains("1536 MiB  many         no"), "{text}");
    let json = sandbox.run(&[&IN_WORK[..], &["model", "list", "--format", "json"]].concat()).expect(0).json();
    let installed: Vec<_> =
        json.as_array().expect("a list").iter().filter(|model| model["installed"] == true).collect();
    assert_eq!(installed.len(), 1);
    assert_eq!(installed[0]["name"], "tiny.en");
}

#[test]
fn a_file_that_is_not_the_published_one_is_found_out() {
    let sandbox = Sandbox::new();
    sandbox.write("models/ggml-tiny.bin", "not a model");
    let outcome = sandbox.run(&[&IN_WORK[..], &["model", "verify"]].concat()).expect(1);
    assert_eq!(outcome.stdout, "tiny: damaged: not the published file\n");
    assert_eq!(outcome.stderr, "error: not whole: tiny\nhint: streamliner model download tiny\n");
    let outcome = sandbox.run(&[&IN_WORK[..], &["model", "verify", "base"]].concat()).expect(1);
    assert_eq!(outcome.stdout, "base: missing\n");
}

#[test]
fn path_is_that_of_the_configured_model_and_names_the_remedy_if_there_is_none() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&[&IN_WORK[..], &["model", "path"]].concat()).expect(2);
    assert!(outcome.stderr.ends_with("hint: streamliner model download base\n"), "{}", outcome.stderr);
    sandbox.write("models/ggml-base.bin", "x");
    let outcome = sandbox.run(&[&IN_WORK[..], &["model", "path"]].concat()).expect(0);
    let expected = sandbox.path("models/ggml-base.bin").canonicalize().expect("the file");
    assert_eq!(std::path::Path::new(outcome.stdout.trim_end()).canonicalize().expect("the file"), expected);
}

#[test]
fn a_download_with_the_wrong_checksum_leaves_no_model() {
    let sandbox = Sandbox::new();
    let base = server("200 OK", b"these are not the bytes of the model");
    let outcome =
        sandbox.run(&[&IN_WORK[..], &["model", "download", "tiny", "--base-url", &base]].concat()).expect(1);
    assert!(outcome.stderr.contains("bd577a113a864445d4c299885e0cb97d4ba92b5f"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(&base) && !sandbox.path("models/ggml-tiny.bin").exists());
}

#[test]
fn a_server_without_the_model_is_told_by_its_address() {
    let sandbox = Sandbox::new();
    let base = server("404 Not Found", b"");
    let setting = format!("transcription.download_base={base}");
    let outcome = sandbox.run(&[&IN_WORK[..], &["--set", &setting, "model", "download"]].concat()).expect(1);
    assert!(outcome.stderr.contains(&format!("{base}/ggml-base.bin answered 404")), "{}", outcome.stderr);
    assert!(!sandbox.path("models/ggml-base.bin").exists());
}

#[test]
fn names_that_are_none_are_refused() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&["model", "download", "huge"]).expect(2);
    assert!(outcome.stderr.starts_with("error: there is no model `huge`"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.ends_with("hint: `streamliner model list` tells the names\n"),
        "{}",
        outcome.stderr
    );
    let outcome = sandbox.run(&["--set", "transcription.model=./mine.bin", "model", "download"]).expect(2);
    assert!(outcome.stderr.contains("transcription.model is a file"), "{}", outcome.stderr);
    let outcome = sandbox.run(&["--set", "transcription.model=basse", "model", "list"]).expect(2);
    assert!(outcome.stderr.contains("did you mean \"base\"?"), "{}", outcome.stderr);
}
