//! The promises of a store, kept by a folder and by memory, in every layout.

use std::error::Error;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use storage::{ClipStore, Layout, conformance};

#[tokio::test]
async fn a_folder_keeps_them() -> Result<(), Box<dyn Error>> {
    for layout in [Layout::Dated, Layout::Flat] {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("not yet made").join("clips");
        conformance::check(&ClipStore::local(&root, layout)?).await;
        assert_eq!(fs_err::read_dir(&root)?.count(), 0, "no empty folder is left behind");
    }
    Ok(())
}

#[tokio::test]
async fn memory_keeps_them() {
    for layout in [Layout::Dated, Layout::Flat] {
        conformance::check(&ClipStore::memory(layout)).await;
    }
}

#[tokio::test]
async fn a_part_of_another_store_keeps_them() {
    let part = PrefixStore::new(InMemory::new(), "a bucket/of mine");
    conformance::check(&ClipStore::over(Arc::new(part), Layout::Dated)).await;
}
