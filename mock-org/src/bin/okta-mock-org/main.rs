//! The org in a box as a program, for tests in any language.

#![forbid(unsafe_code)]

mod arguments;
mod ready;
mod stop;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use okta_mock_org::{MockOrg, MockUser};

use self::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(serve(&arguments));
            // Reading standard input may still hold a thread.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(format!("cannot start the runtime: {error}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is closed as well, there is nowhere to report it.
            let _ = writeln!(io::stderr(), "okta-mock-org: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), String> {
    let users = arguments.users()?;
    let apps = arguments.service_apps()?;
    let stop = stop::Stop::new().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let org = arguments.builder().start().await.map_err(|error| {
        format!(
            "cannot listen on 127.0.0.1:{}: {error}; choose another --port, or 0 for a free one",
            arguments.port
        )
    })?;
    for app in apps {
        org.add_service_app(app);
    }
    let ready = ready::Ready::new(&org, &users);
    let text = match arguments.env {
        true => ready.shell(),
        false => ready.json(),
    };
    print(&text).map_err(|error| format!("cannot write to standard output: {error}"))?;
    #[cfg(unix)]
    if arguments.env {
        close_stdout().map_err(|error| format!("cannot close standard output: {error}"))?;
    }
    stop.wait().await;
    Ok(())
}

fn add_user(org: &MockOrg, user: &arguments::User) -> String {
    org.add_user(MockUser::new(&user.id).login(&user.login));
    org.sign_in(&user.id)
}

/// Ends the output, which `. <(okta-mock-org --env)` reads to the end before it continues.
#[cfg(unix)]
fn close_stdout() -> io::Result<()> {
    let nowhere = std::fs::File::options().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(&nowhere)?)
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
