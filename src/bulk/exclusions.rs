//! Which ids an exclusion keeps from being sent.
//!
//! Break-glass accounts and oneself are excluded by text, and it is a server that
//! reads the ids which are sent. What is another text here may be the same user
//! there, so there are three results and not two:
//!
//! - **Equal**: the same text; for logins, which have an `@`, but for case, because
//!   Okta compares logins so. The user is excluded.
//! - **Perhaps equal**: the texts differ, and have the same *skeleton*. The id is
//!   refused, since it may reach the excluded user; and it is reported as not
//!   revoked, since it may as well be somebody else, who would otherwise stay signed
//!   in because of a name that looks like an excluded one.
//! - **Different**: the id is sent.
//!
//! A skeleton is what is left of an id once everything is taken away that a server,
//! a proxy or a database is known to take away: the case, also where it is special
//! (`ß` and `ẞ` are `ss`, the dotless `ı` and the dotted `İ` are `i`, the Kelvin sign
//! is `k`); the form in which Unicode writes it (composed, decomposed, full-width,
//! ligatures); accents, which many databases ignore; a dot at the end, as of a fully
//! qualified domain; the difference of `+` and a blank, which are one in a query.
//! Characters that cannot be seen, escapes and `;` are refused in every id, so they
//! do not come here.
//!
//! Okta also takes a login's part before the `@` for the whole, as long as only one
//! user has it. So where one of the two texts has no `@`, that part is compared.
//!
//! What looks alike and has another skeleton, such as a Cyrillic `а`, is different to
//! servers too. That an id and a login are the same user cannot be seen from the text.

use std::collections::HashMap;

use icu_normalizer::{
    DecomposingNormalizerBorrowed, properties::CanonicalCombiningClassMapBorrowed,
};

use crate::{Error, UserId};

pub(super) enum Match {
    Excluded,
    /// Why the id is refused.
    Perhaps(Error),
    None,
}

#[derive(Default)]
pub(super) struct Exclusions {
    /// By what equal ones have in common; and whether an id was equal.
    equal: HashMap<String, bool>,
    /// As given, by their skeletons.
    skeletons: HashMap<String, String>,
    /// As given, by the skeletons of what stands before their `@`.
    short_names: HashMap<String, String>,
}

impl Exclusions {
    /// One that is not a valid id would never match, and its user would be revoked.
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
        if let Some(met) = self.equal.get_mut(&folded(id)) {
            *met = true;
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

    pub(super) fn not_met(&self) -> Vec<String> {
        let not_met = self.equal.iter().filter(|(_, met)| !**met);
        let mut not_met: Vec<_> = not_met.map(|(id, _)| id.clone()).collect();
        not_met.sort_unstable();
        not_met
    }
}

/// What equal ids have in common.
fn folded(id: &str) -> String {
    if id.contains('@') {
        id.to_lowercase()
    } else {
        id.to_owned()
    }
}

/// What perhaps equal ids have in common.
fn skeleton(id: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd();
    let accents = CanonicalCombiningClassMapBorrowed::new();
    // The three steps make one of what has only an upper or a lower case.
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
