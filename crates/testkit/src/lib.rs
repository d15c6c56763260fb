//! Fixtures and generated media for the tests of the Streamliner crates
