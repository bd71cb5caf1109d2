//! Ctrl-C and SIGTERM.
#![cfg(unix)]

use crate::server::{Demo, wait_for};
use std::io::Read as _;
use std::process::Command;
use tungstenite::Message;

#[test]
fn ends_cleanly_with_connections_open() {
    for signal in ["-TERM", "-INT"] {
        let mut demo = Demo::start();
        let mut socket = demo.tracker();
        let idle = demo.raw();
        let path = demo.playlist("/live/v0/index.m3u8").segments[7]
            .path
            .clone();
        // This answer alone would take an hour.
        demo.faults(r#"{"rateBps":500}"#);
        let mut slow = demo.get(&path);
        let mut first = [0; 16];
        slow.body_mut().as_reader().read_exact(&mut first).unwrap();

        let pid = demo.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut status = None;
        wait_for("the process to end", || {
            status = demo.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0), "{signal}");
        let closed = loop {
            match socket.read() {
                Ok(Message::Close(frame)) => break frame,
                Ok(_) => {}
                Err(error) => panic!("no goodbye: {error}"),
            }
        };
        assert_eq!(u16::from(closed.unwrap().code), 1001);
        drop((idle, slow));
    }
}
