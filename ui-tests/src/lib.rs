//! What must compile with drb's macros, and what must fail with which words: see `pass` and `fail`.
