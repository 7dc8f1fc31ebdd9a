//! An Okta org to test against.
