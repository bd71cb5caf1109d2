//! The page's files, CORS, and requests that no browser sends.

use crate::server::{Demo, assets, command};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

#[test]
fn serves_the_page_and_the_package_with_the_right_types() {
    let demo = Demo::start();
    for (path, mime) in [
        ("/", "text/html"),
        ("/www/index.html", "text/html"),
        ("/dist/hls.js", "text/javascript"),
        ("/dist/wasm/swarmline_bg.wasm", "application/wasm"),
        ("/vendor/hls.js/hls.mjs", "text/javascript"),
    ] {
        let response = demo.get(path);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], mime, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-cache", "{path}");
    }
}

#[test]
fn nothing_outside_the_folders_can_be_read() {
    let demo = Demo::start();
    for path in [
        "/www/../secret.txt",
        "/www/%2e%2e/secret.txt",
        "/www/..%2fsecret.txt",
        "/dist/..%5c..%5csecret.txt",
        "/live/../secret.txt",
        "/live/%2e%2e/%2e%2e/secret.txt",
        "//secret.txt",
        "/secret.txt",
    ] {
        let mut stream = demo.raw();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(!answer.ends_with("secret"), "{path}");
    }
}

#[test]
fn other_origins_may_read_with_ranges() {
    let demo = Demo::start();
    let mut stream = demo.raw();
    let request = "OPTIONS /live/v0/300.m4s HTTP/1.1\r\nHost: x\r\nOrigin: http://page.example\r\n\
         Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer = answer.to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(
        answer.contains("access-control-allow-headers: range"),
        "{answer}"
    );
    let response = demo.get("/live/v0/index.m3u8");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let exposed = response.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    for name in ["content-range", "repr-digest"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[test]
fn noise_on_the_wire_harms_nobody() {
    let demo = Demo::start();
    for noise in [
        &b"\0\xff\xfe\r\n\r\n"[..],
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
    ] {
        let mut stream = demo.raw();
        stream.write_all(noise).unwrap();
        drop(stream);
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    let mut stream = demo.raw();
    let _ = stream.write_all(long.as_bytes());
    let _ = stream.read(&mut [0; 100]);
    assert_eq!(demo.get("/").status(), 200);
}

#[test]
fn says_what_is_missing() {
    let folder = assets();
    std::fs::remove_dir_all(folder.path().join("js/dist")).unwrap();
    let run = command()
        .arg("--assets")
        .arg(folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success());
    assert!(
        words.contains("cargo xtask build") && words.contains("dist"),
        "{words}"
    );
}

#[test]
fn says_that_a_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = assets();
    let mut run = command();
    run.args(["--port", &port, "--assets"]).arg(folder.path());
    let run = run.output().unwrap();
    let words = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success());
    assert!(
        words.contains(&port) && words.contains("cannot listen"),
        "{words}"
    );
}
