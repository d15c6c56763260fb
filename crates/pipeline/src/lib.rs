//! The durable job graph from a recording to stored clips
