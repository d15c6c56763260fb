//! Speech to words with times: whisper.cpp behind a small trait
