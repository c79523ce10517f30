//! Where two devices meet: one host, one who joins, ten minutes; and the two at different nodes.

use rand_chacha::ChaCha20Rng;
use sync_protocol::{ConnectionId, PAIRING_LIFETIME_MS, RefusedCode};
use sync_server::{FILE_NAME, PairingLook, PairingPlace, PairingSeat, Store};
use tempfile::TempDir;

use super::{Home, make_store, on_both, on_postgres, open};
use crate::world::{NOW, rng};

const HOST: PairingSeat = seat(1, 1);
const JOINER: PairingSeat = seat(2, 1);
const THIRD: PairingSeat = seat(3, 1);

const fn seat(run: u32, connection: u64) -> PairingSeat {
    PairingSeat {
        run,
        connection: ConnectionId(connection),
    }
}

/// Two nodes of one relay; on a file, two ways into it.
struct Nodes {
    one: Store,
    two: Store,
    folder: TempDir,
    home: Home,
    _rng: ChaCha20Rng,
}

impl Nodes {
    fn new(seed: u8) -> Self {
        let mut rng = rng(seed);
        let (one, folder, home) = make_store(&mut rng);
        let two = open(&folder, &home, &mut rng);
        Self {
            one,
            two,
            folder,
            home,
            _rng: rng,
        }
    }

    /// Behind the relay's back.
    fn change(&self, sql: &str) {
        match &self.home {
            Home::Folder => {
                let file = rusqlite::Connection::open(self.folder.path().join(FILE_NAME)).unwrap();
                file.execute_batch(sql).unwrap();
            }
            Home::Database(database) => database.raw().batch_execute(sql).unwrap(),
        }
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        match &self.home {
            Home::Folder => {
                let file = rusqlite::Connection::open(self.folder.path().join(FILE_NAME)).unwrap();
                file.query_row(&sql, [], |row| row.get(0)).unwrap()
            }
            Home::Database(database) => database.raw().query_one(&sql, &[]).unwrap().get(0),
        }
    }

    /// So much time passes, as far as pairings can tell.
    fn pass(&self, ms: i64) {
        self.change(&format!(
            "UPDATE pairing SET ends_ms = ends_ms - {ms}; UPDATE pairing_try SET at_ms = at_ms - {ms};"
        ));
    }

    /// The host waits at one node, and the joiner comes to the other.
    fn met(&mut self) -> (PairingPlace, PairingPlace) {
        let host = self.one.host_pairing(HOST, "7KD", NOW).unwrap().unwrap();
        let (joiner, told) = self.two.join_pairing(JOINER, "7KD", NOW).unwrap().unwrap();
        assert_eq!(told, HOST);
        (host, joiner)
    }
}

fn posts(posts: &[&[u8]]) -> PairingLook {
    PairingLook {
        has_met: true,
        posts: posts.iter().map(|post| post.to_vec()).collect(),
        is_over: false,
    }
}

fn what_one_side_says_the_other_fetches_once_and_in_order() {
    let mut nodes = Nodes::new(1);
    let host = nodes.one.host_pairing(HOST, "7KD", NOW).unwrap().unwrap();
    assert_eq!(nodes.one.look_at_pairing(&host, NOW).unwrap(), PairingLook::default());
    let (joiner, _) = nodes.two.join_pairing(JOINER, "7KD", NOW).unwrap().unwrap();
    assert_eq!(nodes.one.look_at_pairing(&host, NOW).unwrap(), posts(&[]));
    for word in [b"a", b"b"] {
        assert_eq!(nodes.one.post_to_pairing(&host, word, NOW).unwrap(), Ok(Some(JOINER)));
    }
    assert_eq!(nodes.two.post_to_pairing(&joiner, b"c", NOW).unwrap(), Ok(Some(HOST)));
    assert_eq!(nodes.two.look_at_pairing(&joiner, NOW).unwrap(), posts(&[b"a", b"b"]));
    assert_eq!(nodes.two.look_at_pairing(&joiner, NOW).unwrap(), posts(&[]));
    assert_eq!(nodes.one.look_at_pairing(&host, NOW).unwrap(), posts(&[b"c"]));

    // The last word of one who leaves is still heard, and then that it is over.
    nodes.one.post_to_pairing(&host, b"last", NOW).unwrap().unwrap();
    assert_eq!(nodes.one.leave_pairing(&host).unwrap(), Some(JOINER));
    assert_eq!(nodes.two.post_to_pairing(&joiner, b"too late", NOW).unwrap(), Ok(None));
    let last = PairingLook {
        is_over: true,
        ..posts(&[b"last"])
    };
    assert_eq!(nodes.two.look_at_pairing(&joiner, NOW).unwrap(), last);
    assert_eq!(nodes.two.leave_pairing(&joiner).unwrap(), None);
    for table in ["pairing", "pairing_side", "pairing_post"] {
        assert_eq!(nodes.count(table), 0, "{table}");
    }
}

fn a_rendezvous_is_used_up_by_the_first_who_comes() {
    let mut nodes = Nodes::new(2);
    let (host, joiner) = nodes.met();
    assert_eq!(
        nodes.one.join_pairing(THIRD, "7KD", NOW).unwrap(),
        Err(RefusedCode::NobodyWaits)
    );
    assert_eq!(
        nodes.two.host_pairing(THIRD, "7KD", NOW).unwrap(),
        Err(RefusedCode::Busy)
    );
    assert_eq!(nodes.two.leave_pairing(&joiner).unwrap(), Some(HOST));
    assert_eq!(
        nodes.one.join_pairing(THIRD, "7KD", NOW).unwrap(),
        Err(RefusedCode::NobodyWaits)
    );
    assert!(nodes.one.look_at_pairing(&host, NOW).unwrap().is_over);
    // Somebody else's pairing at the same place is none of theirs.
    let third = nodes.one.host_pairing(THIRD, "7KD", NOW).unwrap().unwrap();
    for stale in [&host, &joiner] {
        assert!(nodes.two.look_at_pairing(stale, NOW).unwrap().is_over);
        assert_eq!(nodes.two.post_to_pairing(stale, b"x", NOW).unwrap(), Ok(None));
        assert_eq!(nodes.two.leave_pairing(stale).unwrap(), None);
    }
    assert!(!nodes.one.look_at_pairing(&third, NOW).unwrap().is_over);
    // A host that leaves alone leaves nothing.
    assert_eq!(nodes.one.leave_pairing(&third).unwrap(), None);
    assert_eq!(nodes.count("pairing"), 0);
}

fn a_pairing_is_over_after_ten_minutes() {
    let mut nodes = Nodes::new(3);
    let now_ms = sync_server::now_ms();
    let host = nodes.one.host_pairing(HOST, "7KD", now_ms).unwrap().unwrap();
    nodes.pass(PAIRING_LIFETIME_MS - 60_000);
    assert!(!nodes.one.look_at_pairing(&host, now_ms).unwrap().is_over);
    nodes.pass(60_001);
    assert_eq!(
        nodes.two.join_pairing(JOINER, "7KD", now_ms).unwrap(),
        Err(RefusedCode::NobodyWaits)
    );
    assert!(nodes.one.look_at_pairing(&host, now_ms).unwrap().is_over);
    let again = nodes.one.host_pairing(HOST, "7KD", now_ms).unwrap().unwrap();
    nodes.pass(PAIRING_LIFETIME_MS + 1);
    assert!(nodes.one.look_at_pairing(&again, now_ms).unwrap().is_over);
    assert_eq!(nodes.count("pairing"), 0);
}

fn guessing_is_slowed_to_sixty_a_minute_at_all_nodes_together() {
    let mut nodes = Nodes::new(4);
    for guess in 0..60 {
        let node = if guess % 2 == 0 { &mut nodes.one } else { &mut nodes.two };
        let answer = node.join_pairing(seat(9, guess), "7KD", NOW).unwrap();
        assert_eq!(answer, Err(RefusedCode::NobodyWaits));
    }
    for node in [&mut nodes.one, &mut nodes.two] {
        assert_eq!(
            node.join_pairing(seat(9, 60), "7KD", NOW).unwrap(),
            Err(RefusedCode::Busy)
        );
        assert_eq!(node.host_pairing(HOST, "7KD", NOW).unwrap(), Err(RefusedCode::Busy));
    }
    assert_eq!(
        nodes.count("pairing_try"),
        60,
        "who is refused for the pace is not written down"
    );
    nodes.pass(60_001);
    let later = nodes.one.join_pairing(seat(9, 61), "7KD", NOW).unwrap();
    assert_eq!(later, Err(RefusedCode::NobodyWaits));
}

fn no_more_than_256_are_open() {
    let mut nodes = Nodes::new(5);
    let insert = "INSERT INTO pairing (name, ends_ms) SELECT name, 9000000000000 FROM (";
    let names: Vec<String> = (0..255)
        .map(|nth| match nodes.home {
            Home::Folder => format!("SELECT x'{nth:064x}' AS name"),
            Home::Database(_) => format!("SELECT '\\x{nth:064x}'::bytea AS name"),
        })
        .collect();
    nodes.change(&format!("{insert}{}) AS names", names.join(" UNION ALL ")));
    nodes.one.host_pairing(HOST, "7KD", NOW).unwrap().unwrap();
    assert_eq!(
        nodes.two.host_pairing(THIRD, "8KD", NOW).unwrap(),
        Err(RefusedCode::Busy)
    );
}

fn what_is_said_is_small_and_a_rendezvous_is_short() {
    let mut nodes = Nodes::new(6);
    for odd in ["", "123456789"] {
        assert_eq!(
            nodes.one.host_pairing(THIRD, odd, NOW).unwrap(),
            Err(RefusedCode::BadMessage)
        );
    }
    // Nothing of what a stranger may call a rendezvous troubles a database.
    for odd in ["", "\0", "7KD\0", "é'; --"] {
        assert_eq!(
            nodes.one.join_pairing(THIRD, odd, NOW).unwrap(),
            Err(RefusedCode::NobodyWaits)
        );
    }
    let host = nodes.one.host_pairing(HOST, "7KD", NOW).unwrap().unwrap();
    assert_eq!(
        nodes.one.post_to_pairing(&host, b"x", NOW).unwrap(),
        Err(RefusedCode::BadMessage),
        "nobody is there to hear it"
    );
    let (joiner, _) = nodes.two.join_pairing(JOINER, "7KD", NOW).unwrap().unwrap();
    let large = vec![0; seal::MAX_PAIRING_MESSAGE_BYTES + 1];
    assert_eq!(
        nodes.two.post_to_pairing(&joiner, &large, NOW).unwrap(),
        Err(RefusedCode::BadMessage)
    );
    for _ in 0..8 {
        nodes.one.post_to_pairing(&host, b"x", NOW).unwrap().unwrap();
    }
    assert_eq!(
        nodes.one.post_to_pairing(&host, b"x", NOW).unwrap(),
        Err(RefusedCode::BadMessage)
    );
}

on_both! {
    what_one_side_says_the_other_fetches_once_and_in_order,
    a_rendezvous_is_used_up_by_the_first_who_comes,
    a_pairing_is_over_after_ten_minutes,
    guessing_is_slowed_to_sixty_a_minute_at_all_nodes_together,
    no_more_than_256_are_open,
    what_is_said_is_small_and_a_rendezvous_is_short,
}

/// A node that is killed says nothing any more; what its side said before does not hold anybody up.
#[test]
fn a_side_whose_node_died_is_gone_after_some_seconds() {
    on_postgres(|| {
        let mut nodes = Nodes::new(7);
        let (host, joiner) = nodes.met();
        let seen = |ms: i64, is_host: i64| {
            format!("UPDATE pairing_side SET seen_ms = seen_ms - {ms} WHERE is_host = {is_host}")
        };
        nodes.change(&seen(5_000, 1));
        assert!(!nodes.two.look_at_pairing(&joiner, NOW).unwrap().is_over);
        // It was only slow: its own look says that it is here.
        assert!(!nodes.one.look_at_pairing(&host, NOW).unwrap().is_over);
        nodes.change(&seen(5_000, 1));
        assert!(!nodes.two.look_at_pairing(&joiner, NOW).unwrap().is_over);
        nodes.change(&seen(10_000, 1));
        assert!(nodes.two.look_at_pairing(&joiner, NOW).unwrap().is_over);
        assert_eq!(nodes.count("pairing"), 0);

        // Nobody meets a host whose node is dead, and its place is free.
        nodes.one.host_pairing(HOST, "7KD", NOW).unwrap().unwrap();
        nodes.change(&seen(10_001, 1));
        assert_eq!(
            nodes.two.join_pairing(THIRD, "7KD", NOW).unwrap(),
            Err(RefusedCode::NobodyWaits)
        );
        nodes.two.host_pairing(THIRD, "7KD", NOW).unwrap().unwrap();
    });
}
