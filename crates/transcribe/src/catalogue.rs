//! The published models.

/// One published model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelEntry {
    /// As users name it: `base.en`.
    pub name: String,
    /// How large the file is, rounded as published.
    pub mebibytes: u64,
    /// Checksum of the file, in lower-case hexadecimal.
    pub sha1: String,
}

impl ModelEntry {
    /// An entry of a catalogue of your own. `sha1` is the checksum of the file in hexadecimal.
    #[must_use]
    pub fn new(name: &str, mebibytes: u64, sha1: &str) -> Self {
        Self { name: name.to_owned(), mebibytes, sha1: sha1.to_lowercase() }
    }

    /// What the file is called, on the server and in a [`ModelStore`](crate::ModelStore).
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("ggml-{}.bin", self.name)
    }

    /// Whether it knows more languages than English: those whose name ends in `.en` do not.
    #[must_use]
    pub fn is_multilingual(&self) -> bool {
        !self.name.ends_with(".en")
    }
}

/// A list of models that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    entries: Vec<ModelEntry>,
}

/// Name, size in MiB and SHA-1, as the whisper.cpp project publishes them beside its models.
const PUBLISHED: [(&str, u64, &str); 13] = [
    ("tiny", 75, "bd577a113a864445d4c299885e0cb97d4ba92b5f"),
    ("tiny.en", 75, "c78c86eb1a8faa21b369bcd33207cc90d64ae9df"),
    ("base", 142, "465707469ff3a37a2b9b8d8f89f2f99de7299dac"),
    ("base.en", 142, "137c40403d78fd54d454da0f9bd998f78703390c"),
    ("small", 466, "55356645c2b361a969dfd0ef2c5a50d530afd8d5"),
    ("small.en", 466, "db8a495a91d927739e50b3fc1cc4c6b8f6c2d022"),
    ("medium", 1_536, "fd9727b6e1217c2f614f9b698455c4ffd82463b4"),
    ("medium.en", 1_536, "8c30f0e44ce9560643ebd10bbe50cd20eafd3723"),
    ("large-v2-q5_0", 1_126, "00e39f2196344e901b3a2bd5814807a769bd1630"),
    ("large-v3", 2_970, "ad82bf6a9043ceed055076d0fd39f5f186ff8062"),
    ("large-v3-q5_0", 1_126, "e6e2ed78495d403bef4b7cff42ef4aaadcfea8de"),
    ("large-v3-turbo", 1_536, "4af2b29d7ec73d781377bfd1758ca957a807e941"),
    ("large-v3-turbo-q5_0", 547, "e050f7970618a659205450ad97eb95a18d69c9ee"),
];

impl Catalogue {
    /// Where the whisper.cpp project publishes its models; a file's name is appended to it.
    pub const BASE_URL: &str = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main";

    /// The models published by the whisper.cpp project, from small to large.
    #[must_use]
    pub fn published() -> Self {
        let entries =
            PUBLISHED.iter().map(|&(name, mebibytes, sha1)| ModelEntry::new(name, mebibytes, sha1)).collect();
        Self { entries }
    }

    /// A catalogue of your own.
    #[must_use]
    pub const fn new(entries: Vec<ModelEntry>) -> Self {
        Self { entries }
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> &[ModelEntry] {
        &self.entries
    }

    /// The entry called `name`.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&ModelEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::published()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn entries_are_well_formed_and_apart() {
        let catalogue = Catalogue::published();
        let names: HashSet<_> = catalogue.entries().iter().map(|entry| &entry.name).collect();
        let sums: HashSet<_> = catalogue.entries().iter().map(|entry| &entry.sha1).collect();
        assert_eq!((names.len(), sums.len()), (PUBLISHED.len(), PUBLISHED.len()));
        for entry in catalogue.entries() {
            assert_eq!(hex::decode(&entry.sha1).expect("hexadecimal").len(), 20, "{}", entry.name);
        }
        let base = catalogue.entry("base.en").expect("published");
        assert_eq!((base.file_name().as_str(), base.is_multilingual()), ("ggml-base.en.bin", false));
        assert_eq!(catalogue.entry("nano.en"), None);
    }
}
