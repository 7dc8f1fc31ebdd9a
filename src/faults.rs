//! Everything that is wrong with one configuration, reported together.

use crate::Error;

/// Faults of settings, each an [`ErrorKind::InvalidInput`](crate::ErrorKind).
#[derive(Default)]
pub(crate) struct Faults(Vec<Error>);

impl Faults {
    /// Returns the value, or records the fault and returns `None`.
    pub(crate) fn check<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    pub(crate) fn push(&mut self, fault: Error) {
        self.0.push(fault);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(all(feature = "config", not(target_arch = "wasm32")))]
    pub(crate) fn into_result(self) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        Err(self.into_error())
    }

    /// A single fault as it is; several are numbered, to tell them apart in one line.
    pub(crate) fn into_error(mut self) -> Error {
        if self.0.len() == 1
            && let Some(fault) = self.0.pop()
        {
            return fault;
        }
        let numbered: Vec<String> = (1_u32..)
            .zip(&self.0)
            .map(|(number, fault)| format!("({number}) {fault}"))
            .collect();
        Error::invalid(format!(
            "{} settings are invalid: {}",
            self.0.len(),
            numbered.join("; ")
        ))
    }
}
