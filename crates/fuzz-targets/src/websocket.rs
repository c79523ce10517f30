//! WebSocket frames as the relay reads them, from whoever connects. The first byte says how the others are cut.

use sync_server::decoders::{Heard, frames};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) fn websocket(bytes: &[u8]) {
    let Some((&cut, bytes)) = bytes.split_first() else {
        return;
    };
    let heard = frames(bytes, usize::from(cut) + 1);
    let n_bytes = heard.messages.iter().chain(&heard.pings).map(Vec::len).sum::<usize>();
    assert!(n_bytes <= bytes.len(), "{n_bytes} bytes were heard of {}", bytes.len());
    assert!(heard == frames(bytes, bytes.len()), "it counts how the bytes are cut");
    let messages = heard.messages;
    let again: Vec<u8> = messages.iter().flat_map(|message| frame(0x82, message)).collect();
    let expected = Heard {
        messages,
        pings: Vec::new(),
        n_others: 0,
        to_the_end: true,
    };
    assert!(
        frames(&again, usize::MAX) == expected,
        "what was read is written so that it reads"
    );
}

/// A frame as a client makes it.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(body.len()), u16::try_from(body.len())) {
        (Ok(short @ ..126), _) => bytes.push(0x80 | short),
        (_, Ok(middle)) => {
            bytes.push(0x80 | 126);
            bytes.extend(middle.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((body.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(body.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

pub(crate) fn conversations() -> Vec<Vec<u8>> {
    let usual = [
        frame(0x82, b"hello"),
        frame(0x02, b"first, "),
        frame(0x89, b"are you there?"),
        frame(0x00, b"second, "),
        frame(0x80, &[7; 200]),
        frame(0x8a, b""),
        frame(0x88, &1000_u16.to_be_bytes()),
    ]
    .concat();
    // A head alone, for as much as a message may have; and many fragments of one byte each.
    let promise = [&[0x82, 0x80 | 127][..], &(2_u64 << 20).to_be_bytes(), &MASK].concat();
    let crumbs = std::iter::once(frame(0x02, b"x")).chain((0..200).map(|_| frame(0x00, b"y")));
    let crumbs = crumbs.chain([frame(0x80, b"z")]).flatten().collect();
    [(255, usual.clone()), (2, usual), (255, promise), (6, crumbs)]
        .map(|(cut, bytes)| [vec![cut], bytes].concat())
        .into()
}
