//! The tracker as a WebTorrent client sees it.

use crate::server::{Demo, wait_for};
use serde_json::{Value, json};
use std::net::TcpStream;
use tungstenite::{Message, WebSocket};

type Socket = WebSocket<TcpStream>;

/// Twenty bytes as the protocol writes them, some of them above 127.
fn id(byte: u8) -> String {
    (0..20)
        .map(|i| char::from(byte.wrapping_add(i * 11)))
        .collect()
}

fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).unwrap();
}

fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn announce(peer: u8) -> Value {
    json!({"action": "announce", "info_hash": id(200), "peer_id": id(peer), "numwant": 5,
        "uploaded": 0, "downloaded": 0, "left": null, "event": "started", "offers": []})
}

fn join(demo: &Demo, peer: u8) -> Socket {
    let mut socket = demo.tracker();
    say(&mut socket, &announce(peer));
    let welcome = hear(&mut socket);
    assert_eq!(welcome["action"], "announce");
    assert_eq!(welcome["info_hash"], id(200));
    assert!(welcome["interval"].as_u64().unwrap() > 0);
    socket
}

#[test]
fn introduces_two_peers_to_each_other() {
    let demo = Demo::start();
    let mut anna = join(&demo, 1);
    let mut ben = demo.tracker();
    let offers: Vec<_> = (30..35)
        .map(|n| json!({"offer_id": id(n), "offer": {"type": "offer", "sdp": format!("v=0 {n}")}}))
        .collect();
    let mut hello = announce(2);
    hello["offers"] = json!(offers);
    say(&mut ben, &hello);
    assert_eq!(hear(&mut ben)["incomplete"], 2);

    let offer = hear(&mut anna);
    assert_eq!(offer["action"], "announce");
    assert_eq!(offer["info_hash"], id(200));
    assert_eq!(offer["peer_id"], id(2));
    let offered = offers.iter().find(|o| o["offer_id"] == offer["offer_id"]);
    assert_eq!(offer["offer"], offered.unwrap()["offer"]);

    say(
        &mut anna,
        &json!({"action": "announce", "info_hash": id(200), "peer_id": id(1),
        "to_peer_id": id(2), "offer_id": offer["offer_id"], "answer": {"type": "answer", "sdp": "v=0"}}),
    );
    let answer = hear(&mut ben);
    assert_eq!(answer["peer_id"], id(1));
    assert_eq!(answer["offer_id"], offer["offer_id"]);
    assert_eq!(answer["answer"], json!({"type": "answer", "sdp": "v=0"}));
    assert_eq!(answer["info_hash"], id(200));

    // Only one of five offers found somebody else, and an answer is not replied to.
    say(
        &mut anna,
        &json!({"action": "scrape", "info_hash": id(200)}),
    );
    assert_eq!(hear(&mut anna)["files"][id(200)]["incomplete"], 2);
}

#[test]
fn counts_who_is_there() {
    let demo = Demo::start();
    let mut anna = join(&demo, 1);
    let mut ben = join(&demo, 2);
    let carl = join(&demo, 3);
    let mut done = announce(2);
    done["event"] = json!("completed");
    done["left"] = json!(0);
    say(&mut ben, &done);
    let reply = hear(&mut ben);
    assert_eq!(
        (&reply["complete"], &reply["incomplete"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(demo.stats()["trackerPeers"], 3);

    let mut bye = announce(1);
    bye["event"] = json!("stopped");
    say(&mut anna, &bye);
    assert_eq!(hear(&mut anna)["incomplete"], 1);
    // No goodbye: the connection just ends.
    drop(carl);
    wait_for("the lost peer to be gone", || {
        demo.stats()["trackerPeers"] == 1
    });
    drop(ben);
    wait_for("the last peer to be gone", || {
        demo.stats()["trackerPeers"] == 0
    });
}

#[test]
fn swarms_are_kept_apart() {
    let demo = Demo::start();
    let mut anna = join(&demo, 1);
    let mut other = demo.tracker();
    let mut hello = announce(2);
    hello["info_hash"] = json!(id(99));
    hello["offers"] = json!([{"offer_id": id(3), "offer": {"sdp": "v=0"}}]);
    say(&mut other, &hello);
    assert_eq!(hear(&mut other)["incomplete"], 1);
    // An answer does not cross either.
    say(
        &mut other,
        &json!({"action": "announce", "info_hash": id(99), "peer_id": id(2),
        "to_peer_id": id(1), "offer_id": id(3), "answer": {"sdp": ""}}),
    );
    say(
        &mut anna,
        &json!({"action": "scrape", "info_hash": [id(99), id(200)]}),
    );
    let files = hear(&mut anna)["files"].clone();
    assert_eq!(files[id(99)]["incomplete"], 1);
    assert_eq!(files[id(200)]["incomplete"], 1);
}

#[test]
fn nonsense_is_answered_and_forgiven() {
    let demo = Demo::start();
    let mut socket = demo.tracker();
    let mut short = announce(1);
    short["peer_id"] = json!("short");
    let mut event = announce(1);
    event["event"] = json!("exploded");
    let mut deep = "[".repeat(5000);
    deep.push_str(&"]".repeat(5000));
    let nonsense = [
        "",
        "{",
        "null",
        "{\"action\":\"dance\"}",
        &short.to_string(),
        &event.to_string(),
        &deep,
    ];
    for text in nonsense {
        socket.send(Message::text(text)).unwrap();
        let reply = hear(&mut socket);
        assert!(reply["failure reason"].is_string(), "{text}: {reply}");
    }
    socket.send(Message::binary(vec![0xff, 0xfe])).unwrap();
    assert!(hear(&mut socket)["failure reason"].is_string());
    // Some clients send their JSON as bytes.
    socket
        .send(Message::binary(announce(1).to_string()))
        .unwrap();
    assert_eq!(hear(&mut socket)["incomplete"], 1);
}

#[test]
fn an_oversized_message_costs_its_sender_the_socket() {
    let demo = Demo::start();
    let mut anna = join(&demo, 1);
    let mut big = join(&demo, 2);
    // The server may hang up before all of it is sent.
    let _ = big.send(Message::text("x".repeat(300_000)));
    while big.read().is_ok() {}
    wait_for("the sender to be gone", || {
        demo.stats()["trackerPeers"] == 1
    });
    say(&mut anna, &announce(1));
    assert_eq!(hear(&mut anna)["incomplete"], 1);
}

#[test]
fn a_tracker_can_be_taken_down_and_comes_back() {
    let demo = Demo::start();
    let mut anna = join(&demo, 1);
    demo.faults(r#"{"trackerDown":true}"#);
    loop {
        match anna.read() {
            Ok(Message::Ping(_)) => {}
            Ok(Message::Close(_)) | Err(_) => break,
            other => panic!("{other:?}"),
        }
    }
    wait_for("the tracker to be empty", || {
        demo.stats()["trackerPeers"] == 0
    });
    assert!(demo.try_tracker().is_none());
    // The stream goes on.
    demo.text("/live/v0/index.m3u8");
    demo.faults("{}");
    join(&demo, 1);
}
