//! All tables together: read once, checked once, then only looked into.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use domain::Route;

use crate::row::{Row, read_rows};
use crate::{
    CrossReactivity, DoseMaximum, Interaction, KnowledgeError, Product, Source, Substance, SubstanceKind, search,
};

/// The tables as CSV text, one field for each file in `data/`.
#[derive(Debug, Clone, Copy)]
pub struct Csv<'a> {
    /// What stands on the shelf.
    pub products: &'a str,
    /// Active ingredients.
    pub ingredients: &'a str,
    /// Classes of ingredients.
    pub classes: &'a str,
    /// What belongs to which class.
    pub class_members: &'a str,
    /// Which allergy speaks against which medicine.
    pub cross_reactivity: &'a str,
    /// Pairs that do not go well together.
    pub interactions: &'a str,
    /// The most at a time and in a day.
    pub dose_maxima: &'a str,
}

impl Csv<'static> {
    /// The tables that ship.
    pub const SHIPPED: Self = Self {
        products: include_str!("../data/products.csv"),
        ingredients: include_str!("../data/ingredients.csv"),
        classes: include_str!("../data/classes.csv"),
        class_members: include_str!("../data/class_members.csv"),
        cross_reactivity: include_str!("../data/cross_reactivity.csv"),
        interactions: include_str!("../data/interactions.csv"),
        dose_maxima: include_str!("../data/dose_maxima.csv"),
    };
}

/// Everything that the clinic knows about medicines. Every key in it resolves, every row has a source.
#[derive(Debug)]
pub struct Tables {
    pub(crate) products: Vec<Product>,
    pub(crate) substances: Vec<Substance>,
    /// By member: the class, with the source that says so; classes are members of wider classes too.
    memberships: BTreeMap<String, Vec<(String, Source)>>,
    cross_reactivity: Vec<CrossReactivity>,
    interactions: Vec<Interaction>,
    dose_maxima: Vec<DoseMaximum>,
}

impl Tables {
    /// The tables that ship, read at first use.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Tables> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            Self::read(&Csv::SHIPPED).expect("the shipped tables are read by the test `the_shipped_tables_are_sound`")
        })
    }

    /// Reads tables and refuses them unless every row has a source and every key resolves.
    pub fn read(csv: &Csv) -> Result<Self, KnowledgeError> {
        let mut keys = Keys::default();
        let mut substances = read_rows("ingredients", csv.ingredients, |row| {
            let substance = Substance::read(row, SubstanceKind::Ingredient)?;
            keys.add("ingredients", row, &substance.key).map(|()| substance)
        })?;
        substances.extend(read_rows("classes", csv.classes, |row| {
            let substance = Substance::read(row, SubstanceKind::Class)?;
            keys.add("classes", row, &substance.key).map(|()| substance)
        })?);

        let mut product_keys = Keys::default();
        let products = read_rows("products", csv.products, |row| {
            let product = Product::read(row)?;
            product_keys.add("products", row, &product.key)?;
            keys.know(
                "products",
                row,
                product.strengths.iter().map(|strength| &strength.ingredient),
            )?;
            Ok(product)
        })?;

        let mut memberships = BTreeMap::<String, Vec<_>>::new();
        read_rows("class_members", csv.class_members, |row| {
            let (class, member) = (row.text("class")?, row.text("member")?);
            keys.know("class_members", row, [&class, &member])?;
            memberships.entry(member).or_default().push((class, row.source()?));
            Ok(())
        })?;

        let tables = Self {
            cross_reactivity: read_rows("cross_reactivity", csv.cross_reactivity, |row| {
                let rule = CrossReactivity::read(row)?;
                keys.know("cross_reactivity", row, [&rule.allergy, &rule.medicine])
                    .map(|()| rule)
            })?,
            interactions: read_rows("interactions", csv.interactions, |row| {
                let rule = Interaction::read(row)?;
                keys.know("interactions", row, [&rule.one, &rule.other]).map(|()| rule)
            })?,
            dose_maxima: read_rows("dose_maxima", csv.dose_maxima, |row| {
                let rule = DoseMaximum::read(row)?;
                keys.know("dose_maxima", row, [&rule.ingredient]).map(|()| rule)
            })?,
            products,
            substances,
            memberships,
        };
        match tables
            .substances
            .iter()
            .find(|substance| tables.classes_of(&substance.key).contains(&*substance.key))
        {
            Some(substance) => Err(KnowledgeError::CircularClass {
                class: substance.key.clone(),
            }),
            None => Ok(tables),
        }
    }

    /// The product with this key.
    pub fn product(&self, key: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.key == key)
    }

    /// All products, in the order of the table.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// The ingredient or class with this key, with its names.
    pub fn substance(&self, key: &str) -> Option<&Substance> {
        self.substances.iter().find(|substance| substance.key == key)
    }

    /// The products whose name, ingredients or brands fit what was typed, best first, at most `limit`.
    ///
    /// Every word must fit, as a beginning or with a slip of the finger; an empty query finds nothing.
    pub fn search_products(&self, query: &str, limit: usize) -> Vec<&Product> {
        search::products(self, query, limit)
    }

    /// The key of the ingredient or class that a text names, in English or Malay: "Penisilin" gives `penicillins`.
    ///
    /// `None` when it names none that the tables know: the caller must ask, not guess.
    pub fn match_substance(&self, text: &str) -> Option<&str> {
        search::substance(self, text).map(|substance| substance.key.as_str())
    }

    /// Every class that the ingredient or class belongs to, directly or through another class.
    pub fn classes_of<'t>(&'t self, substance: &str) -> BTreeSet<&'t str> {
        let mut found = BTreeSet::new();
        let mut open = self.nearest(substance);
        while let Some((class, _)) = open.pop() {
            if found.insert(class.as_str()) {
                open.extend(self.nearest(class));
            }
        }
        found
    }

    /// The classes that name the substance as their member in so many words.
    fn nearest<'t>(&'t self, substance: &str) -> Vec<&'t (String, Source)> {
        self.memberships.get(substance).into_iter().flatten().collect()
    }

    /// Is it this very substance, or one of this class?
    pub fn is_a(&self, substance: &str, wanted: &str) -> bool {
        substance == wanted || self.classes_of(substance).contains(wanted)
    }

    /// Who says that the substance belongs to the class: the row that leads there; `None` when it doesn't belong.
    pub fn membership<'t>(&'t self, substance: &str, class: &str) -> Option<&'t Source> {
        let (_, source) = self
            .memberships
            .get(substance)?
            .iter()
            .find(|(nearest, _)| self.is_a(nearest, class))?;
        Some(source)
    }

    /// The gravest rule by which somebody allergic to `allergy` may react to the ingredient.
    pub fn cross_reactivity(&self, allergy: &str, ingredient: &str) -> Option<&CrossReactivity> {
        let applies =
            |rule: &&CrossReactivity| self.is_a(allergy, &rule.allergy) && self.is_a(ingredient, &rule.medicine);
        self.cross_reactivity
            .iter()
            .filter(applies)
            .min_by_key(|rule| rule.level)
    }

    /// The gravest interaction of two ingredients, in either order.
    pub fn interaction(&self, one: &str, other: &str) -> Option<&Interaction> {
        let applies = |rule: &&Interaction| {
            let fits = |one, other| self.is_a(one, &rule.one) && self.is_a(other, &rule.other);
            fits(one, other) || fits(other, one)
        };
        self.interactions.iter().filter(applies).min_by_key(|rule| rule.level)
    }

    /// All interactions, in the order of the table.
    pub fn interactions(&self) -> &[Interaction] {
        &self.interactions
    }

    /// The rows of maxima for an ingredient by a route, one per range of age.
    pub fn dose_maxima(&self, ingredient: &str, route: Route) -> impl Iterator<Item = &DoseMaximum> {
        self.dose_maxima
            .iter()
            .filter(move |rule| rule.ingredient == ingredient && rule.route == route)
    }
}

/// The keys of one name space.
#[derive(Default)]
struct Keys(BTreeSet<String>);

impl Keys {
    fn add(&mut self, table: &'static str, row: &Row, key: &str) -> Result<(), KnowledgeError> {
        match self.0.insert(key.to_owned()) {
            true => Ok(()),
            false => Err(KnowledgeError::DuplicateKey {
                table,
                row: row.number(),
                key: key.to_owned(),
            }),
        }
    }

    fn know<'k>(
        &self,
        table: &'static str,
        row: &Row,
        wanted: impl IntoIterator<Item = &'k String>,
    ) -> Result<(), KnowledgeError> {
        match wanted.into_iter().find(|key| !self.0.contains(*key)) {
            None => Ok(()),
            Some(key) => Err(KnowledgeError::UnknownKey {
                table,
                row: row.number(),
                key: key.clone(),
            }),
        }
    }
}
