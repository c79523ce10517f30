//! Automerge, with the very changes of our store.

use anyhow::{Context, Result};
use automerge::{ActorId, Automerge, AutomergeError, Change, ObjId, ObjType, ROOT, ReadDoc, transaction::Transactable};

use super::{BATCH, EDITED, History, Library, READER};

pub struct Bare {
    changes: Vec<Vec<u8>>,
    saved: Vec<u8>,
}

impl Bare {
    pub fn of(history: &History) -> Result<Self> {
        let mut bare = Self {
            changes: history.changes.clone(),
            saved: Vec::new(),
        };
        bare.saved = bare.apply()?.save();
        Ok(bare)
    }
}

fn list(doc: &Automerge) -> Result<ObjId> {
    let (_, note) = doc.get(ROOT, "note")?.context("a note")?;
    Ok(doc.get(note, EDITED)?.context("a plan")?.1)
}

impl Library for Bare {
    type Doc = Automerge;

    fn apply(&self) -> Result<Automerge> {
        let mut doc = Automerge::new();
        for batch in self.changes.chunks(BATCH) {
            let changes: Vec<Change> = batch
                .iter()
                .map(|bytes| Change::try_from(bytes.as_slice()))
                .collect::<Result<_, _>>()?;
            doc.apply_changes(changes)?;
        }
        Ok(doc)
    }

    fn load(&self) -> Result<Automerge> {
        Ok(Automerge::load(&self.saved)?)
    }

    fn edit(&self, doc: &mut Automerge, text: &str) -> Result<Vec<u8>> {
        let list = list(doc)?;
        doc.set_actor(ActorId::from(READER.to_be_bytes()));
        let done = doc.transact::<_, _, AutomergeError>(|transaction| {
            let sentence = transaction.insert_object(&list, 0, ObjType::Map)?;
            transaction.put(&sentence, "text", text)?;
            transaction.delete(&list, 1)
        });
        done.map_err(|failure| failure.error)?;
        let sent = doc.get_last_local_change().context("it was made")?;
        Ok(sent.raw_bytes().to_vec())
    }

    fn plan(&self, doc: &Automerge) -> Result<Vec<String>> {
        let list = list(doc)?;
        (0..doc.length(&list))
            .map(|place| {
                let (_, sentence) = doc.get(&list, place)?.context("a sentence")?;
                let (text, _) = doc.get(sentence, "text")?.context("a text")?;
                Ok(text.as_str().context("words")?.to_owned())
            })
            .collect()
    }

    fn n_saved(&self) -> usize {
        self.saved.len()
    }
}
