use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::program;

/// A server in a process of its own, so that what it costs is not counted.
pub struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    pub url: String,
}

impl Server {
    /// `kind` is `http1`, `tls-http1` or `tls-http2`.
    pub fn start(kind: &str) -> Self {
        let mut process = Command::new(program("server"))
            .arg(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = process.stdout.take().expect("it is piped");
        let mut server = Self {
            process,
            output: BufReader::new(output),
            url: String::new(),
        };
        server.url = server.line();
        server
    }

    /// Ends it, and says how many connections it was asked for.
    pub fn connections(mut self) -> u64 {
        drop(self.process.stdin.take());
        self.line().parse().expect("a number")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server speaks");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
