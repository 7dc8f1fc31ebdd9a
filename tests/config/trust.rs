//! Which files are trusted, and which credential may be sent where.

use std::{fs, path::Path};

use okta_user_sessions::{Client, Config, ConfigSources, Error, SessionClient};

use super::{Folder, KEY, client, load, org, refusal, sources};

const HOME: &str = "home/.okta/okta.yaml";
const PROJECT: &str = "home/project/okta.yaml";
const TOKEN: (&str, &str) = ("OKTA_CLIENT_TOKEN", "00token");

fn admin(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Client, Error> {
    Client::from_config(&load(files, variables).unwrap())
}

/// Asserts that an error names the two settings that are not used together, their sources
/// and the fix.
fn names_both(text: &str, credential: &str, destination: &str) {
    for part in [
        credential,
        destination,
        "is not used with",
        "set both in the project's file",
    ] {
        assert!(text.contains(part), "{text}\nlacks {part}");
    }
}

#[test]
fn the_users_credential_is_not_sent_where_the_projects_file_says() {
    let home = client("orgUrl: https://acme.okta.com\ntoken: 00token");
    for (project, setting) in [
        (client("orgUrl: https://evil.example"), "okta.client.orgUrl"),
        (
            client("orgUrl: https://evil.okta.com"),
            "okta.client.orgUrl",
        ),
        (
            client("proxy: {host: evil.example, port: 80}"),
            "okta.client.proxy.host",
        ),
        (
            client("caCertificates: ca.pem"),
            "okta.client.caCertificates",
        ),
        (
            "okta:\n  testing:\n    testingDisableHttpsCheck: true\n".to_owned(),
            "okta.testing.testingDisableHttpsCheck",
        ),
        (
            "okta:\n  testing:\n    testingDisableRequestIdCheck: true\n".to_owned(),
            "okta.testing.testingDisableRequestIdCheck",
        ),
    ] {
        let ca = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem"));
        let files = [
            (HOME, home.as_str()),
            (PROJECT, project.as_str()),
            ("home/project/ca.pem", &ca.unwrap()),
        ];
        let folder = Folder::new()
            .with(&[("home/project/deep/x", "")])
            .with(&files);
        let config = Config::load_from(&sources(&folder.0, &[])).unwrap();
        let text = refusal(Client::from_config(&config));
        names_both(
            &text,
            &format!("okta.client.token ({}/{HOME} line 4)", folder.0.display()),
            &format!("{setting} ({}/{PROJECT} line 3)", folder.0.display()),
        );
        // The program's settings take precedence, and may be combined with any credential.
        if setting == "okta.client.orgUrl" {
            Client::from_config(&config.with_org_url("https://acme.okta.com")).unwrap();
        }
    }
}

#[test]
fn a_credential_of_the_environment_goes_to_an_org_of_the_projects_file_on_oktas_domains() {
    for domain in ["acme.okta.com", "acme.oktapreview.com", "acme.okta.mil"] {
        admin(&[(PROJECT, &org(domain))], &[TOKEN]).unwrap();
    }
    for domain in [
        "evil.example",
        "evil-okta.com",
        "okta.com.evil.example",
        "acme.okta.com:8443",
    ] {
        let text = refusal(admin(&[(PROJECT, &org(domain))], &[TOKEN]));
        names_both(
            &text,
            "okta.client.token (OKTA_CLIENT_TOKEN)",
            "OKTA_CLIENT_ORGURL",
        );
        let project = org(domain);
        let variable = ("OKTA_CLIENT_ORGURL", format!("https://{domain}"));
        admin(&[(PROJECT, &project)], &[TOKEN, (variable.0, &variable.1)]).unwrap();
        admin(&[(HOME, &project)], &[TOKEN]).unwrap();
    }
    let http = "okta:\n  client:\n    orgUrl: http://127.0.0.1:1\n  testing:\n    testingDisableHttpsCheck: true\n";
    let text = refusal(admin(&[(PROJECT, http)], &[TOKEN]));
    names_both(
        &text,
        "OKTA_CLIENT_TOKEN",
        "okta.testing.testingDisableHttpsCheck",
    );
    let off = format!(
        "{}  testing:\n    testingDisableHttpsCheck: false\n",
        org("acme.okta.com")
    );
    admin(&[(PROJECT, &off)], &[TOKEN]).unwrap();
}

#[test]
fn settings_that_may_be_combined_are_used() {
    let both = client("orgUrl: https://login.acme.example\ntoken: 00token\nproxy: {host: p}");
    for place in [HOME, PROJECT] {
        admin(&[(place, &both)], &[]).unwrap();
    }
    let home = org("login.acme.example");
    let token = client("token: 00token");
    admin(&[(HOME, &home), (PROJECT, &token)], &[]).unwrap();
    // The project's file repeats the org URL of the user's file, so it decides nothing.
    admin(&[(HOME, &both), (PROJECT, &home)], &[]).unwrap();
    // The program names the file.
    let folder = Folder::new().with(&[("okta.yaml", &home)]);
    let config = Config::from_file(folder.0.join("okta.yaml")).unwrap();
    Client::from_config(&load(&[(HOME, &token)], &[]).unwrap().merge(config)).unwrap();
}

#[test]
fn cookies_keys_certificates_and_proxy_passwords_are_kept_from_the_projects_servers() {
    let cookie = ("OKTA_SESSION_COOKIE", "idx=abc");
    let evil = org("evil.example");
    let config = load(&[(PROJECT, &evil)], &[cookie]).unwrap();
    let text = refusal(SessionClient::from_config(&config));
    names_both(
        &text,
        "okta.client.sessionCookie (OKTA_SESSION_COOKIE)",
        "orgUrl",
    );

    let key = client(&format!("clientId: 0oa\nprivateKey: {KEY}"));
    let text = refusal(admin(&[(HOME, &key), (PROJECT, &evil)], &[]));
    names_both(&text, "okta.client.privateKey", "okta.client.orgUrl");

    let me = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/client.pem");
    let own = client(&format!("clientCertificate: {me}"));
    let project = client("orgUrl: https://evil.example\ntoken: 00token");
    let text = refusal(admin(&[(HOME, &own), (PROJECT, &project)], &[]));
    names_both(&text, "okta.client.clientCertificate", "okta.client.orgUrl");

    let proxy = client(
        "orgUrl: https://acme.okta.com\ntoken: 00token\nproxy: {host: evil.example, username: u}",
    );
    let password = ("OKTA_CLIENT_PROXY_PASSWORD", "hunter2");
    let text = refusal(admin(&[(PROJECT, &proxy)], &[password]));
    names_both(
        &text,
        "okta.client.proxy.password",
        "okta.client.proxy.host",
    );
}

#[test]
fn the_users_proxy_is_neither_moved_nor_bypassed_by_the_projects_file() {
    let org = ("OKTA_CLIENT_ORGURL", "https://acme.okta.com");
    let proxy = ("OKTA_CLIENT_PROXY_HOST", "proxy.example");
    for (project, setting) in [
        (client("proxy: {port: 8080}"), "okta.client.proxy.port"),
        (
            client("proxy: {noProxy: acme.okta.com}"),
            "okta.client.proxy.noProxy",
        ),
        (client("useProxy: false"), "okta.client.useProxy"),
    ] {
        let text = refusal(admin(&[(PROJECT, &project)], &[TOKEN, org, proxy]));
        names_both(&text, "okta.client.token (OKTA_CLIENT_TOKEN)", setting);
    }
    let without_effect = client("proxy: {noProxy: acme.okta.com}");
    admin(&[(PROJECT, &without_effect)], &[TOKEN, org]).unwrap();
    admin(&[(PROJECT, &client("useProxy: false"))], &[TOKEN, org]).unwrap();
    admin(
        &[(PROJECT, &client("useProxy: true"))],
        &[TOKEN, org, proxy],
    )
    .unwrap();

    let project =
        client("orgUrl: https://acme.okta.com\ntoken: 00token\nproxy: {port: 8080, username: u}");
    let password = ("OKTA_CLIENT_PROXY_PASSWORD", "hunter2");
    let text = refusal(admin(&[(PROJECT, &project)], &[password, proxy]));
    names_both(
        &text,
        "okta.client.proxy.password",
        "okta.client.proxy.port",
    );
}

/// With `HOME=.`, every project's file would count as the user's own.
#[test]
fn a_home_that_is_not_an_absolute_path_is_not_read() {
    let evil = org("evil.example");
    for home in ["", ".", "./", "home/project/.."] {
        let folder = Folder::new().with(&[("home/project/.okta/okta.yaml", &evil)]);
        let sources = sources(&folder.0, &[TOKEN])
            .with_home(home)
            .with_working_directory(folder.0.join("home/project"));
        let text = refusal(Client::from_config(&Config::load_from(&sources).unwrap()));
        names_both(&text, "okta.client.token", "okta.client.orgUrl");
        let named = ConfigSources::empty().with_home(home);
        let explained = Config::load_from(&named).unwrap().explain();
        assert!(explained.contains("nothing is configured"), "{explained}");
    }
}

/// The system reports the working directory by its real path, and `HOME` may name a link.
#[test]
fn the_users_file_is_read_once_even_through_a_link() {
    let home = client("orgUrl: https://login.acme.example\nproxy: {host: p}");
    let folder = Folder::new().with(&[(HOME, &home), ("home/a/x", "")]);
    let mut homes = vec![folder.0.join("home/a/..")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("home", folder.0.join("link")).unwrap();
        homes.push(folder.0.join("link"));
    }
    for home in homes {
        let sources = sources(&folder.0, &[TOKEN])
            .with_home(home)
            .with_working_directory(folder.0.join("home/a"));
        Client::from_config(&Config::load_from(&sources).unwrap()).unwrap();
    }
}

#[test]
fn the_search_ends_at_the_projects_root_and_at_home() {
    let above = org("above.okta.com");
    let found = |home: &str, start: &str, files: &[&str], marker: Option<&str>| {
        let folder = Folder::new().with(&[(&format!("{start}/x"), "")]);
        let files: Vec<(&str, &str)> = files.iter().map(|file| (*file, above.as_str())).collect();
        let folder = folder.with(&files);
        if let Some(marker) = marker {
            fs::create_dir_all(folder.0.join(marker)).unwrap();
        }
        let sources = sources(&folder.0, &[])
            .with_home(folder.0.join(home))
            .with_working_directory(folder.0.join(start));
        let config = Config::load_from(&sources).unwrap();
        !config.explain().contains("nothing is configured")
    };
    for (home, start, file, marker, is_found) in [
        // Below home: up to home.
        ("home", "home/a/b", "home/a/okta.yaml", None, true),
        ("home", "home/a/b", "home/okta.yaml", None, true),
        ("home", "home", "home/.okta.yaml", None, true),
        ("home", "home/a/b", "okta.yaml", None, false),
        // A project: up to its root.
        (
            "home",
            "home/a/b",
            "home/a/okta.yaml",
            Some("home/a/.git"),
            true,
        ),
        (
            "home",
            "home/a/b",
            "home/okta.yaml",
            Some("home/a/.git"),
            false,
        ),
        (
            "home",
            "srv/a/b",
            "srv/a/okta.yaml",
            Some("srv/a/.hg"),
            true,
        ),
        ("home", "srv/a/b", "srv/okta.yaml", Some("srv/a/.jj"), false),
        // Neither: the folders above may belong to anyone.
        ("home", "srv/a/b", "srv/a/b/.okta/okta.yaml", None, true),
        ("home", "srv/a/b", "srv/a/okta.yaml", None, false),
        ("home", "srv/a/b", "okta.yaml", None, false),
    ] {
        let result = found(home, start, &[file], marker);
        assert_eq!(result, is_found, "{start} {file} {marker:?}");
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Loads with `file` changed by `spoil`, and makes a client if that succeeds.
    fn with_spoilt(files: &[(&str, &str)], file: &str, spoil: impl Fn(&Path)) -> String {
        let folder = Folder::new()
            .with(&[("home/project/deep/x", "")])
            .with(files);
        spoil(&folder.0.join(file));
        let made = Config::load_from(&sources(&folder.0, &[TOKEN]))
            .and_then(|config| Client::from_config(&config));
        let text = refusal(made);
        let name = folder.0.join(file).display().to_string();
        assert!(text.contains(&name), "{text}\nlacks {name}");
        text
    }

    fn all(check: impl Fn(&[(&str, &str)], &str)) {
        let ca = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem"));
        let ca = ca.unwrap();
        let me = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/client.pem"));
        let me = me.unwrap();
        let key = fs::read_to_string(KEY).unwrap();
        let plain = client("orgUrl: https://acme.okta.com");
        let with = |lines: &str| client(&format!("orgUrl: https://acme.okta.com\n{lines}"));
        check(&[(HOME, &plain)], HOME);
        check(&[(PROJECT, &plain)], PROJECT);
        check(
            &[("home/project/.okta/okta.yaml", &plain)],
            "home/project/.okta/okta.yaml",
        );
        for (lines, file, text) in [
            ("caCertificates: ~/ca.pem", "home/ca.pem", &ca),
            ("clientCertificate: ~/me.pem", "home/me.pem", &me),
            (
                "clientId: 0oa\nauthorizationMode: PrivateKey\nprivateKey: ~/key.pem",
                "home/key.pem",
                &key,
            ),
        ] {
            check(&[(HOME, &with(lines)), (file, text)], file);
        }
    }

    #[test]
    fn files_that_others_can_write_are_refused_with_the_fix() {
        all(|files, file| {
            for mode in [0o666, 0o602, 0o777] {
                let text = with_spoilt(files, file, |path| set_mode(path, mode));
                assert!(text.contains("is not trusted"), "{text}");
                assert!(text.contains(&format!("mode {mode:o}")), "{text}");
                assert!(text.contains("chmod go-w"), "{text}");
            }
        });
    }

    #[test]
    fn files_in_a_folder_where_everyone_can_replace_them_are_refused() {
        let home = org("acme.okta.com");
        let text = with_spoilt(&[(HOME, &home)], "home/.okta", |folder| {
            set_mode(folder, 0o777)
        });
        assert!(text.contains("chmod o-w"), "{text}");
    }

    /// A Kubernetes secret, a file of root, and a file that is made with a umask of 002 by a
    /// user with a private group.
    #[test]
    fn ordinary_files_are_read() {
        let folder = Folder::new().with(&[("..data/okta.yaml", &org("acme.okta.com"))]);
        let file = folder.0.join("..data/okta.yaml");
        set_mode(&file, 0o644);
        let link = folder.0.join("okta.yaml");
        symlink("..data/okta.yaml", &link).unwrap();
        Config::from_file(&link).unwrap();
        set_mode(&folder.0, 0o775);
        Config::from_file(&link).unwrap();
        let own = file.metadata().unwrap();
        if own.uid() != 0 && own.uid() == own.gid() {
            set_mode(&file, 0o664);
            Config::from_file(&link).unwrap();
        }
    }

    /// Only root can change the owner of a file.
    #[test]
    fn files_and_links_of_another_user_are_refused_with_the_owner() {
        if Folder::new().0.metadata().unwrap().uid() != 0 {
            return;
        }
        all(|files, file| {
            let text = with_spoilt(files, file, |path| chown(path, Some(1001), None).unwrap());
            assert!(text.contains("belongs to user 1001"), "{text}");
            assert!(text.contains("chown 0 "), "{text}");
            let text = with_spoilt(files, file, |path| {
                let target = path.with_file_name("target");
                fs::rename(path, &target).unwrap();
                symlink(&target, path).unwrap();
                lchown(path, Some(1001), None).unwrap();
            });
            assert!(text.contains("symbolic link of user 1001"), "{text}");
        });
    }
}
