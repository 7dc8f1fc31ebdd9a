//! Help, man pages and completions come from one definition.

use tokio::process::Command;

use super::support::TOOL;

async fn printed(arguments: &[&str]) -> String {
    let output = Command::new(TOOL).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The long names of all options, with the command that has them.
fn options() -> Vec<(String, String)> {
    let command = okta_sessions::command();
    let mut options = Vec::new();
    for command in command.get_subcommands() {
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            options.push((command.get_name().to_owned(), option.to_owned()));
        }
    }
    options
}

#[tokio::test]
async fn completions_and_man_pages_have_every_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = printed(&["completions", shell]).await;
        for (command, option) in options() {
            assert!(script.contains(&option), "{shell}: {command} --{option}");
        }
    }
    let page = printed(&["man"]).await;
    for text in ["okta\\-sessions", "revoke", "OKTA_CLIENT_ORGURL"] {
        assert!(page.contains(text), "{page}");
    }
    for (command, option) in options() {
        let page = printed(&["man", &command]).await;
        let option = option.replace('-', "\\-");
        assert!(page.contains(&option), "{command} --{option}: {page}");
    }
}

#[tokio::test]
async fn bash_and_zsh_accept_their_completions() {
    let folder = super::support::Folder::new("completions");
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]).await;
        folder.write(shell, script);
        let check = Command::new(shell)
            .arg("-n")
            .arg(folder.0.join(shell))
            .status()
            .await;
        // A shell that this machine does not have is not asked.
        if let Ok(status) = check {
            assert!(status.success(), "{shell}");
        }
    }
}

#[tokio::test]
async fn help_has_the_exit_statuses_and_the_flags_of_the_specification() {
    for command in ["revoke", "end"] {
        let help = printed(&[command, "--help"]).await;
        assert!(help.contains("Exit status:"), "{help}");
    }
    let help = printed(&["revoke", "--help"]).await;
    assert!(help.contains("--oauth-tokens[=<true|false>]"), "{help}");
    let help = printed(&["end", "--help"]).await;
    assert!(help.contains("--keep-current[=<true|false>]"), "{help}");
    let version = printed(&["--version"]).await;
    assert_eq!(
        version,
        format!("okta-sessions {}\n", env!("CARGO_PKG_VERSION"))
    );
}
