//! What a store promises, whichever database it is in: one list of tests, run on both.
//!
//! The lists of other modules that need no file run here again ([`again_on_postgres`]); what is about databases alone is in
//! the files of this folder.

mod again;
mod audit;
pub mod cluster;
mod commits;
mod console;
mod feeds;
mod gate;
mod gate_plays;
mod heads;
mod journeys;
mod kept;
mod mail;
mod moves;
mod named;
mod nodes;
mod overview;
mod pairing;
mod races;
mod rows;
mod steps;
mod waits;

use std::cell::Cell;

use cluster::Database;
use rand_chacha::ChaCha20Rng;
use sync_server::Store;
use tempfile::TempDir;

thread_local! {
    static ON_POSTGRES: Cell<bool> = const { Cell::new(false) };
}

/// Where a store of the tests is.
pub enum Home {
    /// In this folder alone.
    Folder,
    /// In this database; the folder has the key.
    Database(Database),
}

/// An empty store, on the database that this test is for.
pub fn make_store(rng: &mut ChaCha20Rng) -> (Store, TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = match ON_POSTGRES.get() {
        false => Home::Folder,
        true => Home::Database(Database::make()),
    };
    (open(&folder, &home, rng), folder, home)
}

/// Another store on the same data: another thread's, or another program's.
pub fn open(folder: &TempDir, home: &Home, rng: &mut ChaCha20Rng) -> Store {
    match home {
        Home::Folder => Store::open(folder.path(), rng).unwrap(),
        Home::Database(database) => Store::open_shared(folder.path(), &database.relay(), rng).unwrap(),
    }
}

/// Runs a test whose stores are all in PostgreSQL.
pub fn on_postgres(test: fn()) {
    ON_POSTGRES.set(true);
    test();
    ON_POSTGRES.set(false);
}

/// Tests of this module, each on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name() })*
        }
        mod on_postgres {
            $(#[test] fn $name() { crate::contract::on_postgres(super::$name) })*
        }
    };
}
pub(crate) use on_both;
