//! Which ids an exclusion keeps from being sent.
//!
//! Break-glass accounts and the caller's own are excluded by text, but it is a server
//! that interprets the ids. Texts that differ here may be the same user there, so there
//! are three results instead of two:
//!
//! - **Equal**: the texts are the same. Logins, which have an `@`, are compared without
//!   regard to case, as Okta does. The user is excluded.
//! - **Perhaps equal**: the texts differ, but have the same *skeleton*. The id is refused,
//!   since it may reach the excluded user. It is also reported as not revoked, since it
//!   may be somebody else, who would otherwise stay signed in unnoticed.
//! - **Different**: the id is sent.
//!
//! The skeleton of an id leaves out every difference that servers, proxies and databases
//! are known to ignore: case, including special cases (`ß` and `ẞ` are `ss`, the dotless
//! `ı` and the dotted `İ` are `i`, the Kelvin sign is `k`); the Unicode form (composed,
//! decomposed, full-width, ligatures); accents, which many databases ignore; a trailing
//! dot, as in a fully qualified domain; and the difference between `+` and a blank, which
//! are the same in a query. Invisible characters, escapes and `;` are refused in every
//! id, so they do not occur here.
//!
//! Okta also accepts the part of a login before the `@` in place of the whole, as long as
//! only one user has it. So if one of the two texts has no `@`, only that part is
//! compared.
//!
//! Lookalikes with another skeleton, such as a Cyrillic `а`, are different to servers
//! too. The text cannot show that an id and a login are the same user.

use std::collections::HashMap;

use icu_normalizer::{
    DecomposingNormalizerBorrowed, properties::CanonicalCombiningClassMapBorrowed,
};

use crate::{Error, UserId};

pub(super) enum Match {
    Excluded,
    /// The id is refused with this error.
    Perhaps(Error),
    None,
}

#[derive(Default)]
pub(super) struct Exclusions {
    /// Whether an id matched, by the folded exclusion.
    equal: HashMap<String, bool>,
    /// The exclusions as given, by their skeleton.
    skeletons: HashMap<String, String>,
    /// The exclusions as given, by the skeleton of the part before the `@`.
    short_names: HashMap<String, String>,
}

impl Exclusions {
    /// Refuses an exclusion that is not a valid id: it would never match, and its user
    /// would be revoked.
    pub(super) fn new(excluded: &[String]) -> Result<Self, Error> {
        let mut exclusions = Self::default();
        for id in excluded {
            UserId::check("exclusion", id)?;
            let skeleton = skeleton(id);
            if let Some(name) = short_name(&skeleton) {
                exclusions.short_names.insert(name.into(), id.clone());
            }
            exclusions.skeletons.insert(skeleton, id.clone());
            exclusions.equal.insert(folded(id), false);
        }
        Ok(exclusions)
    }

    pub(super) fn find(&mut self, id: &str) -> Match {
        if self.equal.is_empty() {
            return Match::None;
        }
        if let Some(matched) = self.equal.get_mut(&folded(id)) {
            *matched = true;
            return Match::Excluded;
        }
        let skeleton = skeleton(id);
        let other = self.skeletons.get(&skeleton);
        let other = other.or_else(|| match short_name(&skeleton) {
            Some(name) => self.skeletons.get(name),
            None => self.short_names.get(&skeleton),
        });
        match other {
            Some(other) => Match::Perhaps(Error::invalid(format!(
                "the user id {id:?} is refused: it may reach the user excluded as {other:?}; \
                 if it is somebody else, give their Okta id (00u…)"
            ))),
            None => Match::None,
        }
    }

    pub(super) fn unmatched(&self) -> Vec<String> {
        let unmatched = self.equal.iter().filter(|(_, matched)| !**matched);
        let mut unmatched: Vec<_> = unmatched.map(|(id, _)| id.clone()).collect();
        unmatched.sort_unstable();
        unmatched
    }
}

/// The form in which equal ids are the same.
fn folded(id: &str) -> String {
    if id.contains('@') {
        id.to_lowercase()
    } else {
        id.to_owned()
    }
}

/// The form in which perhaps equal ids are the same.
fn skeleton(id: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd();
    let accents = CanonicalCombiningClassMapBorrowed::new();
    // Some characters have only an upper or only a lower case, so it takes three steps.
    let one_case: String = decomposed
        .normalize(id)
        .chars()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    let plain: String = decomposed
        .normalize(&one_case)
        .chars()
        .filter(|&c| accents.get_u8(c) == 0)
        .map(|c| if c == '+' { ' ' } else { c })
        .collect();
    plain.trim_end_matches(['.', ' ']).to_owned()
}

fn short_name(skeleton: &str) -> Option<&str> {
    skeleton.rsplit_once('@').map(|(name, _)| name)
}

#[cfg(test)]
mod tests;
