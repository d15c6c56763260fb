//! Runs the real binary in a folder of its own, with an environment that holds nothing but what a test puts there.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A working directory and a home directory that nobody else knows.
pub(crate) struct Sandbox {
    pub(crate) root: PathBuf,
    /// Removes the folder with the sandbox.
    pub(crate) _temporary: Option<TempDir>,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let temporary = TempDir::new().expect("a temporary folder");
        let sandbox = Self { root: temporary.path().to_owned(), _temporary: Some(temporary) };
        sandbox.make();
        sandbox
    }

    pub(crate) fn make(&self) {
        for folder in ["work", "home"] {
            fs_err::create_dir_all(self.root.join(folder)).expect("a folder");
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join("work").join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs_err::write(path, text).expect("a file");
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::cargo_bin("streamliner").expect("the binary");
        command
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(self.path(""));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(&[], arguments)
    }

    pub(crate) fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Outcome {
        let output =
            self.command().envs(environment.iter().copied()).args(arguments).output().expect("a run");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("JSON on stdout")
    }
}
