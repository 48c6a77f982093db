//! The API server: watches that fill the graph, and what is written back.
