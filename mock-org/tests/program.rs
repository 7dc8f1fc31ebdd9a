//! The program: what it prints, and when it ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-mock-org"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn started(arguments: &[&str]) -> (Child, Value) {
    let mut child = program(arguments).spawn().unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

fn ended(mut child: Child) -> Output {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("the program went on");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn failed(arguments: &[&str]) -> String {
    let output = ended(program(arguments).spawn().unwrap());
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Sends bytes, and reads up to the end.
fn exchange(url: &str, bytes: &str) -> String {
    let mut socket = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn ends_with_its_standard_input() {
    let (mut child, org) = started(&["--users", "3"]);
    assert_eq!(org["user_count"], 3);
    assert_eq!(org["users"][2]["login"], "user3@example.com");
    drop(child.stdin.take());
    assert!(ended(child).status.success());
}

#[cfg(unix)]
#[test]
fn ends_on_a_signal_but_not_with_dev_null() {
    let mut child = program(&[]).stdin(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    let pid = child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    assert!(ended(child).status.success());
}

#[cfg(unix)]
#[test]
fn the_lines_for_a_shell_can_be_sourced_and_then_end() {
    let mut child = program(&["--env", "--seed", "1"]).spawn().unwrap();
    let mut text = String::new();
    // Reads to the end of the output, which the program closes while it keeps running.
    let mut lines = child.stdout.take().unwrap();
    lines.read_to_string(&mut text).unwrap();
    assert!(
        text.starts_with("export OKTA_CLIENT_ORGURL='http://127.0.0.1:"),
        "{text}"
    );
    assert!(text.contains("\nexport OKTA_TESTING_TESTINGDISABLEHTTPSCHECK='true'\n"));
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    assert!(ended(child).status.success());
}

#[test]
fn errors_say_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, why) in [
        (&["--port", &port][..], "choose another --port"),
        (&["--port", "65536"], "65536 is not in 0..=65535"),
        (&["--rate-limit", "600"], "like 600/60s"),
        (&["--rate-limit", "0/60s"], "neither of them 0"),
        (&["--rate-limit", "600/0s"], "neither of them 0"),
        (&["--latency", "x"], "--latency"),
        (&["--users", "1000001"], "--users"),
        (
            &["--users-file", "/nonexistent"],
            "cannot read --users-file /nonexistent",
        ),
        (&["--service-app", "0oa"], "like 0oaApp=key.pem"),
        (&["--service-app", "0oa=Cargo.toml"], "must be a public key"),
        (&["--dpop", "maybe"], "required, optional, off"),
        (&["--nonsense"], "unexpected argument"),
    ] {
        let error = failed(arguments);
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
}

#[test]
fn a_closed_standard_output_is_an_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = ended(program(&[]).stdout(writer).spawn().unwrap());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("cannot write to standard output"), "{error}");
}

#[test]
fn garbage_and_floods_leave_it_serving() {
    let (child, org) = started(&["--users", "10000", "--rate-limit", "1000000/60s"]);
    let url = org["url"].as_str().unwrap();
    let token = org["api_token"].as_str().unwrap();
    for garbage in [
        "\0\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "POST /mock/log HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\0",
    ] {
        assert!(
            exchange(url, garbage).starts_with("HTTP/1.1 400 "),
            "{garbage}"
        );
    }
    let flood = "Content-Length: 2000000\r\nConnection: close\r\n\r\n";
    let mut socket = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    socket
        .write_all(format!("POST /mock/log HTTP/1.1\r\nHost: x\r\n{flood}").as_bytes())
        .unwrap();
    let _ = socket.write_all(&vec![b' '; 2_000_000]);

    for user in ["00uMock0000000010000", "user9999@example.com"] {
        let response = exchange(
            url,
            &format!(
                "DELETE /api/v1/users/{user}/sessions HTTP/1.1\r\nHost: x\r\n\
                 Authorization: SSWS {token}\r\nConnection: close\r\n\r\n"
            ),
        );
        assert!(response.starts_with("HTTP/1.1 204 "), "{response}");
    }
    drop(child);
}
