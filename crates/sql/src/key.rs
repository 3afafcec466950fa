//! Keys by which rows are read.

use crate::value::Param;

/// A key of one column or of several.
pub trait Key<'a> {
    /// Its columns.
    fn columns(&self) -> &[Param<'a>];
}

impl<'a> Key<'a> for Param<'a> {
    fn columns(&self) -> &[Param<'a>] {
        std::slice::from_ref(self)
    }
}

impl<'a, const N: usize> Key<'a> for [Param<'a>; N] {
    fn columns(&self) -> &[Param<'a>] {
        self
    }
}

/// The values of each column; nothing where there are no keys.
pub(crate) fn by_column<'a>(keys: impl IntoIterator<Item: Key<'a>>) -> Vec<Vec<Param<'a>>> {
    let mut columns: Vec<Vec<Param<'a>>> = Vec::new();
    for key in keys {
        columns.resize_with(key.columns().len(), Vec::new);
        for (column, value) in columns.iter_mut().zip(key.columns()) {
            column.push(*value);
        }
    }
    columns
}
