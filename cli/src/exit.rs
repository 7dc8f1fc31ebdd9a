//! The exit status, the same for one user and many.

use std::process::ExitCode;

/// In the help of each command that sends something.
pub const HELP: &str = "\
Exit status:
  0  all of it was done, and Okta confirmed it
  1  something was not done, or it is unknown whether it was
  2  nothing was sent: bad input, bad settings, or not confirmed";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    NotDone,
    NothingSent,
}

impl Exit {
    pub fn status(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NotDone => 1,
            Exit::NothingSent => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.status())
    }
}
