//! The layers laid over one another.

use toml::{Table, Value};

use super::Origin;
use super::address::Address;
use super::kind::Kind;
use super::table::{KEYS, STREAMERS};

/// A value that somebody set, checked against its key.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// For which key.
    pub(crate) address: Address,
    /// The value.
    pub(crate) value: Value,
    /// Who set it.
    pub(crate) origin: Origin,
}

/// What holds for a key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) address: Address,
    /// Its value, none if it is unset.
    pub(crate) value: Option<Value>,
    /// Where that came from.
    pub(crate) origin: Origin,
}

/// What holds for every key, in the order of the table, and then what is set for streamers, by name.
#[derive(Clone, Debug)]
pub(crate) struct Values(Vec<Entry>);

impl Values {
    /// Starts with what `fallback` says for each key.
    pub(crate) fn new(fallback: impl Fn(&Address) -> Option<Value>) -> Self {
        let entry = |key| {
            let address = Address { streamer: None, key };
            Entry { value: fallback(&address), address, origin: Origin::Default }
        };
        Self(KEYS.iter().map(entry).collect())
    }

    /// Lays one value over what holds so far.
    pub(crate) fn set(&mut self, Given { address, value, origin }: Given) {
        let entry = Entry { value: Some(value), address, origin };
        match self.0.iter_mut().find(|known| known.address == entry.address) {
            Some(known) => *known = entry,
            None => {
                let place = self.0.partition_point(|known| known.address.streamer <= entry.address.streamer);
                self.0.insert(place, entry);
            }
        }
    }

    /// All of them.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The entry of a key of the table, by its dotted name.
    pub(crate) fn entry(&self, section: &str, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| {
            entry.address.streamer.is_none()
                && entry.address.key.section == section
                && entry.address.key.name == name
        })
    }

    /// What holds for one streamer: the keys of `[streamers.NAME]` change those that they name; phrases and hashtags are added.
    pub(crate) fn for_streamer(&self, name: &str) -> Self {
        let name = name.to_lowercase();
        let mut merged = self.clone();
        for own in self.0.iter().filter(|entry| entry.address.streamer.as_ref() == Some(&name)) {
            let shared = |entry: &&mut Entry| {
                entry.address.streamer.is_none()
                    && entry.address.key.section == own.address.key.section
                    && entry.address.key.name == own.address.key.name
            };
            let Some(entry) = merged.0.iter_mut().find(shared) else { continue };
            entry.origin = own.origin.clone();
            let is_added = matches!(own.address.key.kind, Kind::Phrases | Kind::Hashtags);
            match (&mut entry.value, &own.value) {
                (Some(Value::Table(base)), Some(Value::Table(more))) => base.extend(more.clone()),
                (Some(Value::Array(base)), Some(Value::Array(more))) if is_added => {
                    base.extend(more.iter().cloned());
                }
                (base, value) => base.clone_from(value),
            }
        }
        merged
    }

    /// As one table of sections, the shape that `Settings` is read from.
    pub(crate) fn to_table(&self) -> Table {
        let mut table = Table::new();
        table.insert(STREAMERS.to_owned(), Value::Table(Table::new()));
        for entry in &self.0 {
            let Some(value) = &entry.value else { continue };
            let section = match &entry.address.streamer {
                None => subtable(&mut table, entry.address.key.section),
                Some(streamer) => {
                    subtable(&mut table, STREAMERS).and_then(|streamers| subtable(streamers, streamer))
                }
            };
            if let Some(section) = section {
                section.insert(entry.address.key.name.to_owned(), value.clone());
            }
        }
        table
    }
}

/// The table of that name, made if it is not there; none if something else has the name, which the address forbids.
fn subtable<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    table.entry(name).or_insert_with(|| Value::Table(Table::new())).as_table_mut()
}
