//! One flag for each option of the operation. An option that Okta adds becomes a flag
//! without a change here.

use clap::{
    Arg, ArgMatches, Args, Command, Error, FromArgMatches, builder::PossibleValuesParser,
    error::ErrorKind,
};
use okta_user_sessions::options::{OptionInfo, OptionKind, RevokeUserSessionsOptions};

pub struct Flags(pub RevokeUserSessionsOptions);

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(RevokeUserSessionsOptions::ALL.iter().map(flag))
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
        OptionKind::Boolean => one_of(flag, &["true", "false"]),
        OptionKind::OneOf(values) => one_of(flag, values),
        OptionKind::Integer => flag.value_name("NUMBER"),
        _ => flag.value_name("TEXT"),
    }
}

fn one_of(flag: Arg, values: &[&'static str]) -> Arg {
    flag.value_name(&*values.join("|").leak())
        .value_parser(PossibleValuesParser::new(values))
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut options = RevokeUserSessionsOptions::default();
        for option in RevokeUserSessionsOptions::ALL {
            if let Some(value) = matches.get_one::<String>(option.name) {
                let set = options.set(option.name, value);
                set.map_err(|error| {
                    Error::raw(ErrorKind::InvalidValue, format_args!("{error}\n"))
                })?;
            }
        }
        Ok(Self(options))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
