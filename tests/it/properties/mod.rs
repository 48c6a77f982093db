//! What holds for every world and every request.

pub mod answers;
mod decisions;
mod terms;
mod touched;
