//! One flag for each option of an operation. An option that Okta adds becomes a flag
//! without a change here.

use clap::{
    Arg, ArgMatches, Args, Command, Error as ClapError, FromArgMatches,
    builder::PossibleValuesParser, error::ErrorKind,
};
use okta_user_sessions::{
    Error,
    options::{EndUserSessionsOptions, OptionInfo, OptionKind, RevokeUserSessionsOptions},
};

/// The options of an operation, set by their flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags<O>(pub O);

pub trait Options: Default {
    const ALL: &'static [OptionInfo];

    fn set(&mut self, name: &str, value: &str) -> Result<(), Error>;
}

impl Options for RevokeUserSessionsOptions {
    const ALL: &'static [OptionInfo] = Self::ALL;

    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.set(name, value)
    }
}

impl Options for EndUserSessionsOptions {
    const ALL: &'static [OptionInfo] = Self::ALL;

    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.set(name, value)
    }
}

impl<O: Options> Flags<O> {
    /// Whether the text is a value that some option can have, and so hardly a user's id.
    pub fn is_value(&self, text: &str) -> bool {
        O::ALL.iter().any(|option| match option.kind {
            OptionKind::Boolean => ["true", "false"].contains(&text),
            OptionKind::OneOf(values) => values.contains(&text),
            _ => false,
        })
    }
}

impl<O: Options> Args for Flags<O> {
    fn augment_args(command: Command) -> Command {
        command.args(O::ALL.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(option: &'static OptionInfo) -> Arg {
    // clap needs `'static` names; each is leaked only once.
    let long = option.name.replace('_', "-").leak();
    let flag = Arg::new(option.name)
        .long(&*long)
        .help(option.description.trim_end_matches('.'));
    match option.kind {
        // With the equals sign, an id after the flag is not taken for its value.
        OptionKind::Boolean => one_of(flag, &["true", "false"])
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        OptionKind::OneOf(values) => one_of(flag, values),
        OptionKind::Integer => flag.value_name("NUMBER").allow_negative_numbers(true),
        _ => flag.value_name("TEXT"),
    }
}

fn one_of(flag: Arg, values: &[&'static str]) -> Arg {
    flag.value_name(&*values.join("|").leak())
        .value_parser(PossibleValuesParser::new(values))
        .hide_possible_values(true)
}

impl<O: Options> FromArgMatches for Flags<O> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, ClapError> {
        let mut options = O::default();
        for option in O::ALL {
            if let Some(value) = matches.get_one::<String>(option.name) {
                let set = options.set(option.name, value);
                set.map_err(|error| {
                    ClapError::raw(ErrorKind::InvalidValue, format_args!("{error}\n"))
                })?;
            }
        }
        Ok(Self(options))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), ClapError> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
