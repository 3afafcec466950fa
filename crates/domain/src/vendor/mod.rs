//! Vendors: others who sell in the merchant's shop.
//!
//! Table: `vendors`. Events: `vendor.created`, `vendor.updated`. A vendor is not removed, because
//! orders name it; one that is suspended keeps what it has, but its tokens are refused.

use stoa_kernel::{Timestamp, VendorId, handle, limits};

use crate::address;
use crate::catalog::FieldError;

/// Whether a vendor's programs are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorStatus {
    /// They are.
    Active,
    /// Their tokens are refused; products stay as they are.
    Suspended,
}

impl VendorStatus {
    /// The word used in SQL, API and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "suspended" => Some(Self::Suspended),
            _ => None,
        }
    }
}

/// Someone who sells in the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// Its id.
    pub id: VendorId,
    /// The name that files and commands use, unique in the shop. It never changes.
    pub handle: String,
    /// The name people read.
    pub name: String,
    /// Where the merchant reaches it.
    pub email: String,
    /// Whether its programs are let in.
    pub status: VendorStatus,
    /// Counts its changes, from 1; what `If-Match` compares.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A vendor as handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorDraft {
    /// Made from the name where it is empty.
    pub handle: String,
    /// The name people read.
    pub name: String,
    /// Where the merchant reaches it.
    pub email: String,
    /// Whether its programs are let in.
    pub status: VendorStatus,
}

impl VendorDraft {
    /// Fills in the handle and checks everything that needs no other row.
    ///
    /// # Errors
    /// Every fault found, not only the first.
    pub fn check(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        self.name = self.name.trim().to_owned();
        self.email = self.email.trim().to_owned();
        if self.name.is_empty() || self.name.len() > limits::LINE_BYTES {
            errors.push(FieldError::new("/name", "between 1 and 500 bytes"));
        }
        if self.handle.is_empty() {
            self.handle = handle::slugify(&self.name);
        }
        if !handle::is_handle(&self.handle) {
            errors.push(FieldError::new(
                "/handle",
                "a handle has lower-case letters, digits and single hyphens, at most 120",
            ));
        }
        if !address::is_email(&self.email) {
            errors.push(FieldError::new("/email", "an e-mail address such as name@example.com"));
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_made_from_the_name_and_every_fault_is_named() {
        let draft = |name: &str, email: &str| VendorDraft {
            handle: String::new(),
            name: name.to_owned(),
            email: email.to_owned(),
            status: VendorStatus::Active,
        };
        let checked = draft(" Blue Kiln ", "kiln@example.com").check().unwrap();
        assert_eq!((checked.handle.as_str(), checked.name.as_str()), ("blue-kiln", "Blue Kiln"));
        let faults = draft(" ", "kiln").check().unwrap_err();
        let faults: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(faults, ["/name", "/handle", "/email"]);
    }
}
