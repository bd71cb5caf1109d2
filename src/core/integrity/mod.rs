//! Hashes that came from the publisher, and how bytes are checked against them.
