//! YAML and JSON text with exact positions.
