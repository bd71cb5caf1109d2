//! Whole stories, as a search begins with them.

use super::steps::{CDN, HASHES, LINKS, PLAYER, TIME, TRACKERS, WORDS};
use crate::Seed;

const PLAYLIST: u8 = PLAYER + 3;
const PLAYHEAD: u8 = PLAYER + 5;
const MEET: u8 = LINKS + 6;
const ALL_HASHES: u8 = HASHES + 2;
const ALL_FETCHES: u8 = CDN + 7;

fn story(name: &str, choices: [u8; 8], steps: &[[u8; 6]]) -> Seed {
    (
        name.to_owned(),
        [&choices[..], steps.as_flattened()].concat(),
    )
}

/// A viewer alone, one among friends, one among others, one whose CDN fails, one who looks elsewhere.
pub(crate) fn stories() -> Vec<Seed> {
    let plenty = [0, 7, 0, 0, 0, 1, 1, 4];
    let wake = [TIME, 7, 0, 0, 0, 0];
    let hashes = [ALL_HASHES, 0, 0, 0, 0, 0];
    let fetches = [ALL_FETCHES, 0, 0, 0, 0, 0];
    let playlist = [PLAYLIST, 0, 0, 6, 1, 0];
    let playhead = [PLAYHEAD, 0, 255, 7, 0, 0];
    let meet = |peer| [MEET, peer, peer, 200, 0, 0];
    let have = |peer, segment| [WORDS, peer, segment, 0, 0, 0];
    let serve = |peer, good| [WORDS + 3, peer, 0, 0, if good { 0 } else { 255 }, 0];
    let ask = |peer, segment| [WORDS + 8, peer, segment, 0, 0, 0];
    let load = |segment| [PLAYER, segment, 0, 0, 0, 0];
    let moment = [TIME, 0, 0, 0, 0, 0];
    let gathered = |peers: u8| {
        let meets = (1..=peers).map(meet);
        let offers = (0..peers).map(|peer| have(peer, 1));
        [moment, playlist, playhead]
            .into_iter()
            .chain(meets)
            .chain([load(1)])
            .chain(offers)
    };
    let friends: Vec<[u8; 6]> = gathered(2)
        .chain((0..24).flat_map(|n| [serve(n, true), hashes, ask(n, n), moment]))
        .collect();
    let others: Vec<[u8; 6]> = gathered(3)
        .chain((0..16).flat_map(|n| [serve(n, n % 5 > 0), hashes, moment]))
        .chain([fetches, hashes])
        .collect();
    let alone = [
        wake,
        playlist,
        load(0),
        fetches,
        hashes,
        load(1),
        wake,
        fetches,
        hashes,
    ];
    let failing = [
        playlist,
        playhead,
        load(0),
        [CDN + 4, 0, 0, 100, 0, 0],
        wake,
        wake,
        fetches,
        hashes,
        load(1),
        [CDN, 0, 0, 0, 0, 0],
        [CDN + 1, 0, 200, 8, 255, 0],
        [CDN + 3, 0, 0, 0, 0, 0],
        wake,
        hashes,
    ];
    let elsewhere = [
        load(0),
        [PLAYER + 2, 0, 0, 0, 0, 0],
        [TIME + 4, 9, 0, 0, 0, 0],
        load(3),
        [PLAYER + 6, 3, 9, 99, 0, 9],
        hashes,
        [PLAYER + 7, 1, 0, 0, 0, 0],
        wake,
        [PLAYER + 7, 0, 0, 0, 0, 0],
        wake,
    ];
    let tracked = [
        moment,
        [TRACKERS, 0, 0, 0, 0, 0],
        [TRACKERS + 2, 0, 60, 3, 1, 1],
        moment,
        [LINKS, 0, 0, 0, 0, 0],
        [LINKS, 0, 0, 0, 0, 0],
        moment,
        [TRACKERS + 4, 0, 9, 0, 0, 0],
        [LINKS + 2, 0, 0, 0, 0, 0],
        [LINKS + 5, 0, 9, 99, 0, 0],
        moment,
    ];
    let answered = |n: u8| {
        [
            [TRACKERS + 4, 0, n + 1, n, 0, 0],
            [LINKS + 2, 0, 0, 0, 0, 0],
            [LINKS + 5, n, n + 1, 9, 0, 0],
        ]
    };
    let crowded: Vec<[u8; 6]> = [
        moment,
        [TRACKERS, 0, 0, 0, 0, 0],
        [TRACKERS + 2, 0, 60, 30, 1, 1],
    ]
    .into_iter()
    .chain([[LINKS, 0, 0, 0, 0, 0]; 3])
    .chain([moment])
    .chain((0..6).flat_map(answered))
    .collect();
    vec![
        story("crowded", [0, 2, 0, 0, 0, 1, 1, 4], &crowded),
        story("alone", plenty, &alone),
        story("among-friends", plenty, &friends),
        story("among-others", plenty, &others),
        story("small-cache", [4, 3, 1, 1, 0, 1, 2, 8], &friends),
        story("without-roots", [2, 3, 0, 0, 0, 1, 2, 8], &friends),
        story("others-without-roots", [3, 3, 0, 0, 0, 1, 2, 8], &others),
        story("byte-ranges", [1, 3, 0, 0, 0, 1, 2, 8], &others),
        story("failing-cdn", [3, 3, 0, 0, 0, 0, 2, 3], &failing),
        story("elsewhere", plenty, &elsewhere),
        story("tracked", plenty, &tracked),
    ]
}
