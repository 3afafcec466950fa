//! What lists of the merchant's API are asked for: the same parameters everywhere.

use std::str::FromStr;

use stoa_domain::Refusal;
use stoa_domain::catalog::FieldError;
use stoa_kernel::limits;

use crate::api::products::pairs;
use crate::reply::ApiError;

/// Items of a page unless asked otherwise.
const ITEMS: i64 = 50;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery<Id, Status> {
    /// `q`: words; empty for all.
    pub text: String,
    /// `status`: only what is in this state.
    pub status: Option<Status>,
    /// `cursor`: what comes after this one.
    pub after: Option<Id>,
    /// `limit`: at most so many.
    pub limit: i64,
}

impl<Id: FromStr + ToString + Copy, Status> ListQuery<Id, Status> {
    /// Reads a query string.
    ///
    /// # Errors
    /// `422` with every parameter that is wrong.
    pub fn read(
        query: Option<&str>,
        status: impl Fn(&str) -> Option<Status>,
    ) -> Result<Self, ApiError> {
        let mut list = Self { text: String::new(), status: None, after: None, limit: ITEMS };
        let mut errors = Vec::new();
        for (name, value) in pairs(query.unwrap_or("")) {
            let fault = match name.as_str() {
                "q" if value.len() > limits::QUERY_BYTES => Some("at most 200 bytes"),
                "q" => {
                    list.text = value;
                    None
                }
                "status" => {
                    list.status = status(&value);
                    list.status.is_none().then_some("not a status of this list")
                }
                "limit" => match value.parse() {
                    Ok(limit @ 1..=100) => {
                        list.limit = limit;
                        None
                    }
                    _ => Some("1 to 100"),
                },
                "cursor" => {
                    list.after = value.parse().ok();
                    list.after.is_none().then_some("not a cursor of this list")
                }
                _ => Some("no such parameter"),
            };
            errors.extend(fault.map(|fault| FieldError::new(format!("/{name}"), fault)));
        }
        if errors.is_empty() { Ok(list) } else { Err(Refusal::Invalid(errors).into()) }
    }

    /// The same of a list that is not searched.
    ///
    /// # Errors
    /// `422` when it was asked for words.
    pub fn without_text(self) -> Result<Self, ApiError> {
        if self.text.is_empty() {
            Ok(self)
        } else {
            Err(Refusal::field("/q", "no such parameter").into())
        }
    }

    /// The cursor of the next page, after a page of `n` items that ends with `last`.
    pub fn next(&self, n: usize, last: Option<Id>) -> Option<String> {
        let is_full = i64::try_from(n) == Ok(self.limit);
        last.filter(|_| is_full).map(|last| last.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<ListQuery<u32, bool>, Vec<String>> {
        let read = ListQuery::read(Some(query), |text| text.parse().ok());
        read.map_err(|error| error.0.errors.into_iter().map(|error| error.pointer).collect())
    }

    #[test]
    fn parameters_are_read_and_faults_named() {
        let list = read("q=a+b&status=true&limit=2&cursor=7").unwrap();
        let wanted =
            ListQuery { text: "a b".to_owned(), status: Some(true), after: Some(7), limit: 2 };
        assert_eq!(list, wanted);
        assert_eq!(list.next(2, Some(9)).as_deref(), Some("9"));
        assert_eq!(list.next(1, Some(9)), None);
        assert_eq!(read("").unwrap().limit, ITEMS);
        let faults = read("limit=0&limit=101&status=x&cursor=x&page=2").unwrap_err();
        assert_eq!(faults, ["/limit", "/limit", "/status", "/cursor", "/page"]);
        assert_eq!(read(&format!("q={}", "x".repeat(201))).unwrap_err(), ["/q"]);
    }
}
