//! What holds for every world and every request.

pub mod answers;
mod decisions;
mod injected;
mod kept;
mod stateless;
mod terms;
mod touched;
