#![allow(clippy::all, unused_imports)]

#[rustfmt::skip]
pub mod apis;
#[rustfmt::skip]
pub mod models;
