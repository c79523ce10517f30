//! Frames as a client makes them, cut and joined in every way, and those that nobody should send.

#![allow(clippy::unwrap_used)]

use futures_util::FutureExt;

use super::*;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn masked(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match body.len() {
        n @ 0..126 => bytes.push(0x80 | n as u8),
        n @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((n as u16).to_be_bytes());
        }
        n => {
            bytes.push(0x80 | 127);
            bytes.extend((n as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    let mut body = body.to_vec();
    unmask(&mut body, MASK);
    bytes.extend(body);
    bytes
}

async fn all(bytes: &[u8]) -> (Vec<Said>, Broken) {
    let (mut reader, mut heard) = (FrameReader::new(bytes), Vec::new());
    loop {
        match reader.next().await {
            Ok(said) => heard.push(said),
            Err(broken) => return (heard, broken),
        }
    }
}

fn noise(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 31 % 251) as u8).collect()
}

#[tokio::test]
async fn messages_of_every_length_come_whole_one_after_the_other() {
    let lengths = [0, 1, 7, 8, 125, 126, 127, 128, 65_535, 65_536, 300_000, MAX_FRAME_BYTES];
    let stream: Vec<u8> = lengths.iter().flat_map(|n| masked(0x82, &noise(*n))).collect();
    let (heard, broken) = all(&stream).await;
    let expected: Vec<_> = lengths.iter().map(|n| Said::Message(noise(*n))).collect();
    assert!(heard == expected, "some message differs");
    assert!(matches!(broken, Broken::Socket(_)));
}

#[tokio::test]
async fn it_does_not_matter_how_the_bytes_are_cut_nor_how_often_waiting_is_given_up() {
    let stream = [
        masked(0x02, b"first, "),
        masked(0x89, b"are you there?"),
        masked(0x00, b"second, "),
        masked(0x80, b"third"),
        masked(0x8a, b""),
        masked(0x88, &1000_u16.to_be_bytes()),
    ]
    .concat();
    for step in 1..stream.len() {
        let (client, server) = tokio::io::duplex(stream.len());
        let (mut client, mut reader) = (client, FrameReader::new(server));
        let mut heard = Vec::new();
        for piece in stream.chunks(step) {
            client.write_all(piece).await.unwrap();
            // Each time the reader is dropped in the middle of waiting.
            while let Some(said) = tokio::task::unconstrained(reader.next()).now_or_never() {
                heard.push(said.unwrap());
            }
        }
        let message = Said::Message(b"first, second, third".to_vec());
        let ping = Said::Ping(b"are you there?".to_vec());
        assert_eq!(heard, [ping, message, Said::Pong, Said::Close], "in pieces of {step}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_told_by_its_head_alone() {
    for n in [MAX_FRAME_BYTES as u64 + 1, u64::MAX] {
        let head = [&[0x82, 0x80 | 127][..], &n.to_be_bytes(), &MASK].concat();
        assert!(matches!(all(&head).await, (heard, Broken::TooLarge) if heard.is_empty()));
    }
    // Also when it comes in fragments.
    let half = noise(MAX_FRAME_BYTES / 2 + 1);
    let both = [masked(0x02, &half), masked(0x80, &half)].concat();
    assert!(matches!(all(&both).await, (heard, Broken::TooLarge) if heard.is_empty()));
}

#[tokio::test]
async fn what_is_not_spoken_ends_the_connection() {
    let mut unmasked = vec![0x82, 2];
    unmasked.extend(b"hi");
    for (what, bytes) in [
        ("text", masked(0x81, b"hi")),
        ("no mask", unmasked),
        ("an extension's bit", masked(0xc2, b"hi")),
        ("an undefined kind", masked(0x83, b"hi")),
        ("the rest of nothing", masked(0x80, b"hi")),
        (
            "a second beginning",
            [masked(0x02, b"hi"), masked(0x82, b"hi")].concat(),
        ),
        ("a ping in pieces", masked(0x09, b"hi")),
        ("a long ping", masked(0x89, &noise(126))),
        ("an empty fragment", masked(0x02, b"")),
    ] {
        assert!(
            matches!(all(&bytes).await, (heard, Broken::NotSpoken) if heard.is_empty()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn what_is_written_has_the_shortest_head() {
    for (n, head) in [
        (0, vec![0x82, 0]),
        (125, vec![0x82, 125]),
        (126, vec![0x82, 126, 0, 126]),
        (65_535, vec![0x82, 126, 0xff, 0xff]),
        (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let mut written = Vec::new();
        write_message(&mut written, &noise(n)).await.unwrap();
        assert!(written == [head, noise(n)].concat(), "{n} bytes");
    }
    let mut written = Vec::new();
    write_close(&mut written, 1012, "restart").await.unwrap();
    assert_eq!(written, *b"\x88\x09\x03\xf4restart");
}
