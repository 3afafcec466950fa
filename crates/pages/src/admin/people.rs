//! Who runs the shop, and how they get in when they forgot how.

use askama::Template;
use stoa_kernel::Timestamp;

use super::form::Field;
use super::parts::when;
use super::{FieldError, Frame, Notice, icons};

pages!(PeoplePage, ForgotPage, NewPasswordPage);

/// Who may sign in, and who is invited.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/people.html")]
pub struct PeoplePage {
    /// The frame.
    pub frame: Frame,
    /// Name and address of each.
    pub people: Vec<(String, String)>,
    /// Address of each who is invited, and until when.
    pub invited: Vec<(String, Timestamp)>,
    /// Whether a mail server sends invitations.
    pub sends: bool,
    /// The address as entered.
    pub email: String,
    /// What is wrong with it.
    pub errors: Vec<FieldError>,
}

impl PeoplePage {
    fn email_field(&self) -> Field<'_> {
        Field::new("email", "E-mail address", &self.email)
            .kind("email")
            .required()
            .errors(&self.errors)
    }
}

/// Asks for the address of someone who forgot the password.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/forgot.html")]
pub struct ForgotPage {
    /// The shop's name.
    pub shop: String,
    /// What the form must carry.
    pub csrf: String,
    /// What was done, or why not.
    pub notice: Option<Notice>,
    /// Whether the form is shown.
    pub asks: bool,
}

impl ForgotPage {
    fn email_field(&self) -> Field<'_> {
        Field::new("email", "E-mail address", "").kind("email").autocomplete("username").required()
    }
}

/// Sets a password: a new one, or the first of someone who was invited.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/new_password.html")]
pub struct NewPasswordPage {
    /// The shop's name.
    pub shop: String,
    /// What it is about: `Set a new password`.
    pub title: String,
    /// Where the form goes: the link itself.
    pub action: String,
    /// What the form must carry.
    pub csrf: String,
    /// Whose password.
    pub email: String,
    /// The name as entered; `None` where none is asked for.
    pub name: Option<String>,
    /// What is wrong; fields are `name`, `password` and `repeat`.
    pub errors: Vec<FieldError>,
}

impl NewPasswordPage {
    fn fields(&self) -> Vec<Field<'_>> {
        let password =
            |name, label| Field::new(name, label, "").kind("password").autocomplete("new-password");
        let name = self
            .name
            .as_deref()
            .map(|name| Field::new("name", "Your name", name).autocomplete("name"));
        let passwords = [
            password("password", "Password")
                .hint("At least 12 characters. A few unrelated words are easy to keep in mind."),
            password("repeat", "Password again"),
        ];
        let all = name.into_iter().chain(passwords);
        all.map(|field| field.required().errors(&self.errors)).collect()
    }
}
