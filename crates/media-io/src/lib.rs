//! Probing, decoding, shot changes and exact cutting of media files
