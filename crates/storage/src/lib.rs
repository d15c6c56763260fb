//! Finished clips and their metadata on an object store
