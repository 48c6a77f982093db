//! What holds for every world and every request.

mod answers;
mod decisions;
mod touched;
