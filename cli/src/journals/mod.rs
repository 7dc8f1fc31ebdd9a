//! Journals: those in the user's state folder, and what a journal says.

mod folder;
mod reading;

pub use folder::{Folder, Kept, SavedRun};
pub use reading::explain;
