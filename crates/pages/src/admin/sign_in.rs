//! How people get in.

use askama::Template;

use super::form::Field;
use super::{FieldError, Notice};

pages!(SetUpPage, SignInPage);

/// Makes the first administrator, by a link that the server printed.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/set_up.html")]
pub struct SetUpPage {
    /// The shop's name.
    pub shop: String,
    /// Where the form goes: the link itself.
    pub action: String,
    /// What the form must carry.
    pub csrf: String,
    /// The name as entered.
    pub name: String,
    /// The e-mail address as entered.
    pub email: String,
    /// What is wrong; fields are `name`, `email`, `password` and `repeat`.
    pub errors: Vec<FieldError>,
}

impl SetUpPage {
    fn fields(&self) -> [Field<'_>; 4] {
        let password =
            |name, label| Field::new(name, label, "").kind("password").autocomplete("new-password");
        [
            Field::new("name", "Your name", &self.name).autocomplete("name"),
            Field::new("email", "E-mail address", &self.email)
                .kind("email")
                .autocomplete("username")
                .hint("You sign in with it."),
            password("password", "Password")
                .hint("At least 12 characters. A few unrelated words are easy to keep in mind."),
            password("repeat", "Password again"),
        ]
        .map(|field| field.required().errors(&self.errors))
    }
}

/// Asks who is there.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/sign_in.html")]
pub struct SignInPage {
    /// The shop's name.
    pub shop: String,
    /// What the form must carry.
    pub csrf: String,
    /// The e-mail address as entered.
    pub email: String,
    /// Where to go afterwards: a path below `/admin`.
    pub next: String,
    /// Why the last try failed, or why one must sign in again.
    pub notice: Option<Notice>,
}

impl SignInPage {
    fn fields(&self) -> [Field<'_>; 2] {
        [
            Field::new("email", "E-mail address", &self.email)
                .kind("email")
                .autocomplete("username")
                .required(),
            Field::new("password", "Password", "")
                .kind("password")
                .autocomplete("current-password")
                .required(),
        ]
    }
}
