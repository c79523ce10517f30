use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// The program, ended when dropped.
struct Program(Child);

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_medieco-fake-devices"));
        Self(
            command
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    fn events(&mut self) -> impl Iterator<Item = Value> + use<> {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_printer_program_says_where_it_listens_and_what_came_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(&["printer", "--out", folder.path().to_str().unwrap()]);
    let mut events = program.events();
    let listening = events.next().unwrap();
    assert_eq!(listening["event"], "listening");
    let address = listening["address"].as_str().unwrap().strip_prefix("tcp://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"\x1b@\x1dv0\x00\x02\x00\x03\x00abcdef\x1dVA\x00")
        .unwrap();
    let path = folder.path().join("label-0001.png");
    assert_eq!(
        events.next().unwrap(),
        json!({"event": "label", "path": path, "width": 16, "height": 3})
    );
    assert!(path.exists());
}

#[cfg(unix)]
#[test]
fn the_ups_program_takes_its_scenes_from_stdin_and_ends_with_it() {
    let mut program = Program::start(&["ups"]);
    let mut events = program.events();
    assert!(events.next().unwrap()["path"].as_str().unwrap().starts_with("/dev/"));
    let mut stdin = program.0.stdin.take().unwrap();
    stdin.write_all(b"battery\nfire\n").unwrap();
    assert_eq!(events.next().unwrap(), json!({"event": "scene", "scene": "battery"}));
    assert_eq!(
        events.next().unwrap(),
        json!({"event": "unknown_command", "command": "fire"})
    );
    drop(stdin);
    assert!(program.0.wait().unwrap().success());
}

#[test]
fn a_mode_that_does_not_exist_is_a_usage_error() {
    for mode in ["on-fire", "drops", "drops:many", "normal:3"] {
        let mut program = Program::start(&["printer", "--out", "/nowhere", "--mode", mode]);
        assert_eq!(program.0.wait().unwrap().code(), Some(2), "{mode}");
    }
}
