//! The attribute and the derives of drb. Use them through the crate `drb`.
