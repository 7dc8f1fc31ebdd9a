//! The guide: one page for each subject. The same pages are in the repository's
//! folder `docs`.

#[doc = include_str!("../docs/bulk.md")]
pub mod bulk {}

#[doc = include_str!("../docs/configuration.md")]
pub mod configuration {}

#[doc = include_str!("../docs/errors-and-retries.md")]
pub mod errors_and_retries {}

#[doc = include_str!("../docs/tracing.md")]
pub mod tracing {}

#[doc = include_str!("../docs/browser.md")]
pub mod browser {}

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

// The first definition of a link's label counts; the file's own are for GitHub.
#[doc = "[configuration]: crate::guide::configuration"]
#[doc = "[readme]: crate"]
#[doc = ""]
#[doc = include_str!("../SECURITY.md")]
pub mod security {}
