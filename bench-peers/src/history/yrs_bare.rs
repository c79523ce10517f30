//! yrs, with an update for each edit; what was deleted it forgets, as it does unless told otherwise.

use anyhow::{Context, Result};
use yrs::{
    Array, ArrayPrelim, ArrayRef, Doc, In, Map, MapPrelim, Out, ReadTxn, StateVector, Transact, TransactionMut, Update,
    updates::decoder::Decode,
};

use super::{BATCH, EDITED, History, Library, READER, WRITER};

pub struct Bare {
    updates: Vec<Vec<u8>>,
    saved: Vec<u8>,
}

impl Bare {
    pub fn of(history: &History) -> Result<Self> {
        let doc = Doc::with_client_id(WRITER);
        let note = doc.get_or_insert_map("note");
        let mut transaction = doc.transact_mut();
        for (section, sentences) in &history.note {
            let sentences: ArrayPrelim = sentences.iter().map(|text| In::from(sentence(text))).collect();
            note.insert(&mut transaction, section.as_str(), sentences);
        }
        let mut updates = vec![transaction.encode_update_v1()];
        drop(transaction);
        for (place, text) in &history.edits {
            let mut transaction = doc.transact_mut();
            replace(&mut transaction, *place, text)?;
            updates.push(transaction.encode_update_v1());
        }
        let saved = doc.transact().encode_state_as_update_v2(&StateVector::default());
        Ok(Self { updates, saved })
    }
}

fn sentence(text: &str) -> MapPrelim {
    MapPrelim::from([("text", text)])
}

fn list(transaction: &impl ReadTxn) -> Result<ArrayRef> {
    let note = transaction.get_map("note").context("a note")?;
    match note.get(transaction, EDITED) {
        Some(Out::YArray(list)) => Ok(list),
        _ => anyhow::bail!("no list"),
    }
}

/// A sentence takes another's place.
fn replace(transaction: &mut TransactionMut, place: usize, text: &str) -> Result<()> {
    let (list, place) = (list(transaction)?, u32::try_from(place)?);
    list.insert(transaction, place, sentence(text));
    list.remove(transaction, place + 1);
    Ok(())
}

impl Library for Bare {
    type Doc = Doc;

    fn apply(&self) -> Result<Doc> {
        let doc = Doc::with_client_id(READER);
        doc.get_or_insert_map("note");
        for batch in self.updates.chunks(BATCH) {
            let mut transaction = doc.transact_mut();
            for update in batch {
                transaction.apply_update(Update::decode_v1(update)?)?;
            }
        }
        Ok(doc)
    }

    fn load(&self) -> Result<Doc> {
        let doc = Doc::with_client_id(READER);
        doc.get_or_insert_map("note");
        doc.transact_mut().apply_update(Update::decode_v2(&self.saved)?)?;
        Ok(doc)
    }

    fn edit(&self, doc: &mut Doc, text: &str) -> Result<Vec<u8>> {
        let mut transaction = doc.transact_mut();
        replace(&mut transaction, 0, text)?;
        Ok(transaction.encode_update_v1())
    }

    fn plan(&self, doc: &Doc) -> Result<Vec<String>> {
        let transaction = doc.transact();
        let list = list(&transaction)?;
        list.iter(&transaction)
            .map(|sentence| match sentence {
                Out::YMap(fields) => {
                    let text = fields.get(&transaction, "text").context("a text")?;
                    text.cast::<String>().map_err(|_| anyhow::anyhow!("no words"))
                }
                _ => anyhow::bail!("no sentence"),
            })
            .collect()
    }

    fn n_saved(&self) -> usize {
        self.saved.len()
    }
}
