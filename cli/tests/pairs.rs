//! No combination of two options does more than it says, or is silently ignored. The
//! options come from the program's own definition, so a new one is included by itself.

use std::collections::BTreeMap;

use clap::Arg;
use futures_util::{StreamExt, stream};

use super::support::*;

/// A user on the list, one on the list who is excluded, and one who is nowhere.
const LISTED: &str = "00u00000";
const EXCLUDED: &str = "00u00001";
const UNLISTED: &str = "00u00002";

/// How an option is given on the command line.
fn given(option: &Arg) -> Vec<String> {
    let Some(long) = option.get_long() else {
        return vec![LISTED.into(), EXCLUDED.into()];
    };
    let flag = format!("--{long}");
    let choices = option.get_possible_values();
    let value = match option.get_id().as_str() {
        "file" => "users.csv".into(),
        "column" => "userId".into(),
        "exclude" => "keep.txt".into(),
        "share" => "1".into(),
        "concurrency" => "1".into(),
        // Nothing can be done within it.
        "deadline" => "0s".into(),
        "journal" => "run.jsonl".into(),
        "report" => "report.json".into(),
        "config" => "okta.yaml".into(),
        _ if !option.get_action().takes_values() => return vec![flag],
        _ if option.is_require_equals_set() => return vec![flag],
        id => match choices.last() {
            Some(choice) => choice.get_name().to_owned(),
            None => panic!("say in this test how --{id} is given"),
        },
    };
    vec![flag, value]
}

/// What a set of options must not exceed, whatever the others are.
async fn check(options: &[&Arg]) {
    let org = org(3, 600).await;
    let names: Vec<&str> = options
        .iter()
        .map(|option| option.get_id().as_str())
        .collect();
    let folder = Folder::new(&names.join("-"));
    folder.write(
        "users.csv",
        format!("name,userId\nA,{LISTED}\nB,{EXCLUDED}\n"),
    );
    folder.write("keep.txt", format!("{EXCLUDED}\n"));
    folder.write("okta.yaml", "okta:\n  client:\n    requestTimeout: 60\n");
    let has = |name: &str| names.contains(&name);
    let mut arguments = vec!["revoke".to_owned()];
    for option in options {
        arguments.extend(given(option));
    }
    if !["users", "file", "resume"].iter().any(|name| has(name)) {
        arguments.extend([LISTED.into(), EXCLUDED.into()]);
    }
    if !has("yes") {
        arguments.push("--yes".into());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = run(&org, &folder, &arguments).await;
    let said = format!(
        "{arguments:?}: {} {} {}",
        printed.status, printed.out, printed.err
    );

    let cleared = cleared(&org);
    assert!(!cleared.contains(UNLISTED), "{said}");
    if printed.status == 2 || has("dry_run") || has("deadline") {
        assert!(org.requests().is_empty(), "{said}");
    }
    if printed.status == 2 {
        assert!(printed.err.contains("error: ") || has("deadline"), "{said}");
        return;
    }
    assert_eq!(printed.status, 0, "{said}");
    let reads_list = !has("resume");
    assert!(reads_list, "there is no run to resume: {said}");
    assert_eq!(cleared.contains(LISTED), !has("dry_run"), "{said}");
    assert_eq!(
        cleared.contains(EXCLUDED),
        !has("dry_run") && !has("exclude"),
        "{said}"
    );
    if has("dry_run") {
        assert!(
            folder.state("").is_empty() && !folder.has("run.jsonl"),
            "{said}"
        );
        assert!(printed.err.contains("to revoke"), "{said}");
        return;
    }
    assert_eq!(has("journal"), folder.has("run.jsonl"), "{said}");
    let kept = !has("journal") && !has("no_journal");
    assert_eq!(folder.state(".jsonl").len(), usize::from(kept), "{said}");
    assert_eq!(has("report"), folder.has("report.json"), "{said}");
    if has("journal") {
        assert!(folder.read("run.jsonl").contains(LISTED), "{said}");
    }
    if has("report") {
        assert!(
            folder.read("report.json").contains("\"revoked\": "),
            "{said}"
        );
    }
    for request in org.requests() {
        let query = request.query().unwrap_or_default();
        for (name, parameter) in [
            ("oauth_tokens", "oauthTokens"),
            ("forget_devices", "forgetDevices"),
        ] {
            assert_eq!(
                query.contains(&format!("{parameter}=true")),
                has(name),
                "{said}"
            );
        }
    }
}

/// Options that are refused by themselves, each for its reason.
const NOT_ALONE: [&str; 4] = ["allow_unmatched_exclusions", "column", "deadline", "resume"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pair_of_options_does_more_than_it_says() {
    let command = okta_sessions::command();
    let revoke = command.find_subcommand("revoke").unwrap();
    let options: BTreeMap<&str, &Arg> = revoke
        .get_arguments()
        .filter(|option| !["help", "version"].contains(&option.get_id().as_str()))
        .map(|option| (option.get_id().as_str(), option))
        .collect();
    assert!(options.len() >= 20, "{options:?}");
    let mut sets: Vec<Vec<&Arg>> = Vec::new();
    for (one, option) in &options {
        sets.push(vec![option]);
        sets.extend(
            options
                .range(*one..)
                .skip(1)
                .map(|(_, other)| vec![*option, *other]),
        );
    }
    // The same with a list.
    let file = options["file"];
    let with_list: Vec<_> = sets
        .iter()
        .filter(|set| {
            set.iter()
                .all(|option| !["users", "file"].contains(&option.get_id().as_str()))
        })
        .map(|set| [&set[..], &[file]].concat())
        .collect();
    sets.extend(with_list);
    stream::iter(&sets)
        .for_each_concurrent(6, |set| check(set))
        .await;
}

/// The test above would pass if everything was refused.
#[tokio::test]
async fn every_option_works_for_typed_ids_and_lists() {
    let org = org(3, 600).await;
    let command = okta_sessions::command();
    let revoke = command.find_subcommand("revoke").unwrap();
    let folder = Folder::new("each");
    folder.write(
        "users.csv",
        format!("name,userId\nA,{LISTED}\nB,{EXCLUDED}\n"),
    );
    folder.write("keep.txt", format!("{EXCLUDED}\n"));
    folder.write("okta.yaml", "okta:\n  client:\n    requestTimeout: 60\n");
    for option in revoke.get_arguments() {
        let id = option.get_id().as_str();
        if NOT_ALONE.contains(&id) || ["help", "version", "users", "file"].contains(&id) {
            continue;
        }
        for list in [&[LISTED, EXCLUDED][..], &["--file", "users.csv"]] {
            let option = given(option);
            let option = option.iter().map(String::as_str);
            let mut arguments: Vec<&str> = ["revoke"].into_iter().chain(option).collect();
            arguments.extend(list);
            if id != "yes" {
                arguments.push("--yes");
            }
            let printed = run(&org, &folder, &arguments).await;
            assert_eq!(printed.status, 0, "{arguments:?}: {}", printed.err);
        }
    }
}
