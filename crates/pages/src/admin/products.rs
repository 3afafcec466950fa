//! What is on sale, and its stock.

use askama::Template;
use stoa_kernel::{Money, Timestamp};

use super::form::{Choice, Field, error_of};
use super::parts::{Badge, Pager, count, grouped, stock_badge, when};
use super::{FieldError, Frame, Picture, icons};

pages!(ProductListPage, ProductPage);

/// A product in a list.
#[derive(Debug, Clone)]
pub struct ProductRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub title: String,
    /// Its picture.
    pub picture: Picture,
    /// Manufacturer or vendor.
    pub brand: Option<String>,
    /// The name of its category.
    pub category: Option<String>,
    /// `active`, `draft` or `archived`.
    pub status: String,
    /// Lowest and highest price; nothing when it has none.
    pub prices: Option<(Money, Money)>,
    /// Its variants.
    pub n_variants: i64,
    /// Pieces of all variants that can be sold.
    pub available: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The list of products.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/products.html")]
pub struct ProductListPage {
    /// The frame.
    pub frame: Frame,
    /// The words searched for.
    pub query: String,
    /// The status chosen; empty for all.
    pub status: String,
    /// The stock chosen: `in`, `low`, `out`; empty for all.
    pub stock: String,
    /// The category chosen, by value; empty for all.
    pub category: String,
    /// All categories.
    pub categories: Vec<Choice>,
    /// The products of this page.
    pub rows: Vec<ProductRow>,
    /// Where the list goes on.
    pub pager: Pager,
}

impl ProductListPage {
    fn is_filtered(&self) -> bool {
        [&self.query, &self.status, &self.stock, &self.category].iter().any(|it| !it.is_empty())
    }

    fn statuses(&self) -> [(&'static str, &'static str); 4] {
        [("", "Any status"), ("active", "Active"), ("draft", "Draft"), ("archived", "Archived")]
    }

    fn stocks(&self) -> [(&'static str, &'static str); 4] {
        [("", "Any stock"), ("in", "In stock"), ("low", "Running low"), ("out", "Out of stock")]
    }
}

/// A variant as the form holds it: texts, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantForm {
    /// Its id; empty for a new one.
    pub id: String,
    /// One value for each option.
    pub options: Vec<String>,
    /// Stock keeping unit.
    pub sku: String,
    /// GTIN, EAN, UPC or ISBN.
    pub barcode: String,
    /// What is asked, in major units: `12.99`.
    pub price: String,
    /// The former price, in major units.
    pub compare_at: String,
    /// Weight in grams.
    pub weight_g: String,
    /// Marked for removal.
    pub remove: bool,
}

/// An attribute as the form holds it: texts, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeForm {
    /// The key of a stored one; empty for a new one, whose key is made from its label.
    pub key: String,
    /// What people read.
    pub label: String,
    /// `text`, `number`, `boolean` or `list`.
    pub kind: String,
    /// The value; items of a list separated by commas, `yes` or `no`.
    pub value: String,
    /// The unit of a number.
    pub unit: String,
}

/// A product as the form holds it: texts, as entered. Field names are the JSON pointers of the
/// catalogue's drafts, without the first slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductForm {
    /// `title`.
    pub title: String,
    /// `handle`.
    pub handle: String,
    /// `status`: `active`, `draft` or `archived`.
    pub status: String,
    /// `brand`.
    pub brand: String,
    /// `category`: the value of a choice; empty for none.
    pub category: String,
    /// `vendor`: the handle of a vendor; empty for the shop itself.
    pub vendor: String,
    /// `product_type`.
    pub product_type: String,
    /// `tags`, separated by commas.
    pub tags: String,
    /// `description_html`.
    pub description_html: String,
    /// `media`: one address a line, a description after a blank.
    pub media: String,
    /// `options/0` and so on.
    pub options: Vec<String>,
    /// `variants/0/...` and so on.
    pub variants: Vec<VariantForm>,
    /// `attributes/0/...` and so on.
    pub attributes: Vec<AttributeForm>,
}

/// Stock of a variant at a location.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StockRow {
    /// The variant's option values; empty for a product without choice.
    pub variant: String,
    /// The variant's SKU.
    pub sku: String,
    /// Code of the location.
    pub location: String,
    /// Its name.
    pub location_name: String,
    /// Pieces there now; what the form sends along as `expected`.
    pub on_hand: i64,
    /// Pieces of them that are promised to orders.
    pub reserved: i64,
    /// The number in the control; `on_hand` unless an entry was refused.
    pub entered: String,
    /// Why the entry was refused.
    pub error: Option<String>,
}

/// What is known of a product that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedProduct {
    /// Its id.
    pub id: String,
    /// The version the form was filled from.
    pub version: i64,
    /// The handle it has in the store.
    pub handle: String,
    /// Its page in the shop, where shoppers can see it.
    pub shop_href: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One product, stored or new.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "admin/product.html")]
pub struct ProductPage {
    /// The frame.
    pub frame: Frame,
    /// What is stored of it; nothing for a new one.
    pub saved: Option<SavedProduct>,
    /// The form.
    pub form: ProductForm,
    /// What is wrong with it.
    pub errors: Vec<FieldError>,
    /// All categories.
    pub categories: Vec<Choice>,
    /// Vendors to choose from; none hides the choice.
    pub vendors: Vec<Choice>,
    /// Brands that exist, to choose from while typing.
    pub brands: Vec<String>,
    /// The description as shoppers will see it, sanitised.
    pub preview_html: String,
    /// Whether the preview was asked for just now.
    pub preview_open: bool,
    /// Its pictures.
    pub pictures: Vec<Picture>,
    /// The code of the currency of prices.
    pub currency: String,
    /// Stock by variant and location.
    pub stock: Vec<StockRow>,
}

/// A control in a row of variants.
struct Cell {
    id: String,
    name: String,
    heading: String,
    label: String,
    value: String,
    class: &'static str,
    numeric: bool,
    readonly: bool,
    invalid: bool,
}

impl ProductPage {
    fn title(&self) -> &str {
        match (&self.saved, self.form.title.trim()) {
            (None, _) => "New product",
            (Some(_), "") => "Untitled product",
            (Some(_), title) => title,
        }
    }

    fn action(&self) -> String {
        match &self.saved {
            Some(saved) => format!("/admin/products/{}", saved.id),
            None => "/admin/products/new".to_owned(),
        }
    }

    fn text<'a>(&'a self, name: &'a str, label: &'a str, value: &'a str) -> Field<'a> {
        Field::new(name, label, value).errors(&self.errors)
    }

    fn title_field(&self) -> Field<'_> {
        self.text("title", "Title", &self.form.title).required()
    }

    fn handle_field(&self) -> Field<'_> {
        let field = self.text("handle", "Handle", &self.form.handle);
        if self.saved.is_some() {
            field.required().hint(
                "The readable part of the address. When you change it, the old address leads \
                 here.",
            )
        } else {
            field.optional().hint("The readable part of the address; made from the title if empty.")
        }
    }

    fn status_field<'a>(&'a self, statuses: &'a [Choice]) -> Field<'a> {
        self.text("status", "Status", &self.form.status)
            .choices(statuses)
            .hint("Shoppers see active products only.")
    }

    fn statuses(&self) -> [Choice; 3] {
        [("active", "Active"), ("draft", "Draft"), ("archived", "Archived")]
            .map(|(value, label)| Choice::new(value, label))
    }

    fn category_field<'a>(&'a self, choices: &'a [Choice]) -> Field<'a> {
        self.text("category", "Category", &self.form.category).choices(choices)
    }

    fn category_choices(&self) -> Vec<Choice> {
        let none = Choice::new("", "No category");
        std::iter::once(none).chain(self.categories.iter().cloned()).collect()
    }

    fn vendor_field<'a>(&'a self, choices: &'a [Choice]) -> Field<'a> {
        self.text("vendor", "Sold by", &self.form.vendor).choices(choices)
    }

    fn vendor_choices(&self) -> Vec<Choice> {
        let own = Choice::new("", "The shop itself");
        std::iter::once(own).chain(self.vendors.iter().cloned()).collect()
    }

    fn brand_field(&self) -> Field<'_> {
        self.text("brand", "Brand", &self.form.brand).optional().list("brands")
    }

    fn type_field(&self) -> Field<'_> {
        self.text("product_type", "Type", &self.form.product_type).optional()
    }

    fn tags_field(&self) -> Field<'_> {
        self.text("tags", "Tags", &self.form.tags).optional().hint("Separated by commas.")
    }

    fn description_field(&self) -> Field<'_> {
        self.text("description_html", "Description", &self.form.description_html)
            .kind("textarea")
            .rows(10)
            .class("field--code")
            .optional()
            .hint("HTML. Scripts, styles and anything unsafe are taken out when it is saved.")
    }

    fn media_field(&self) -> Field<'_> {
        self.text("media", "Addresses", &self.form.media)
            .kind("textarea")
            .rows(3)
            .class("field--code")
            .optional()
            .hint(
                "One https:// address a line; after a blank, what the picture shows. Without \
                 any, the shop draws one.",
            )
    }

    fn option_fields(&self) -> Vec<(String, String, &str, Option<&str>)> {
        let fields = self.form.options.iter().enumerate().map(|(index, value)| {
            let name = format!("options/{index}");
            let error = error_of(&self.errors, &name);
            (name, format!("Option {}", index + 1), value.as_str(), error)
        });
        fields.collect()
    }

    fn option_name(&self, index: usize) -> String {
        match self.form.options.get(index).map(|name| name.trim()) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => format!("Option {}", index + 1),
        }
    }

    fn headings(&self) -> Vec<(String, bool)> {
        let options = (0..self.form.options.len()).map(|index| (self.option_name(index), false));
        let price = format!("Price ({})", self.currency);
        let fixed = [
            ("SKU", false),
            ("Barcode", false),
            (price.as_str(), true),
            ("Compare at", true),
            ("Weight (g)", true),
        ];
        options.chain(fixed.map(|(name, numeric)| (name.to_owned(), numeric))).collect()
    }

    fn cells(&self, row: &usize, variant: &VariantForm) -> Vec<Cell> {
        let at = format!("variants/{row}");
        let options = (0..self.form.options.len()).map(|index| {
            let value = variant.options.get(index).cloned().unwrap_or_default();
            // The catalogue reports a fault of the options as a whole: it is shown at the first.
            let id =
                if index == 0 { format!("{at}/options") } else { format!("{at}/options/{index}") };
            (
                id,
                format!("{at}/options/{index}"),
                self.option_name(index),
                value,
                "cell--option",
                false,
            )
        });
        let fixed = [
            ("sku", "SKU", &variant.sku, "cell--sku", false),
            ("barcode", "Barcode", &variant.barcode, "cell--barcode", false),
            ("prices/0/price", "Price", &variant.price, "cell--price", true),
            ("prices/0/compare_at", "Compare at", &variant.compare_at, "cell--price", true),
            ("weight_g", "Weight in grams", &variant.weight_g, "cell--weight", true),
        ];
        let fixed = fixed.map(|(name, label, value, class, numeric)| {
            let name = format!("{at}/{name}");
            (name.clone(), name, label.to_owned(), value.clone(), class, numeric)
        });
        options
            .chain(fixed)
            .map(|(id, name, label, value, class, numeric)| Cell {
                readonly: class == "cell--sku" && !variant.id.is_empty(),
                invalid: error_of(&self.errors, &id).is_some(),
                label: format!("{label} of variant {}", row + 1),
                heading: label,
                id,
                name,
                value,
                class,
                numeric,
            })
            .collect()
    }

    fn kinds(&self) -> [(&'static str, &'static str); 4] {
        [("text", "Text"), ("number", "Number"), ("boolean", "Yes or no"), ("list", "List")]
    }

    /// Whether a control has a value that cannot be used.
    fn is_invalid(&self, list: &str, row: &usize, name: &str) -> bool {
        error_of(&self.errors, &format!("{list}/{row}/{name}")).is_some()
    }

    /// What is wrong with a row of a list, so that it can be said below the row.
    fn row_errors(&self, list: &str, row: &usize) -> Vec<&FieldError> {
        let at = format!("{list}/{row}/");
        self.errors.iter().filter(|error| error.field.starts_with(&at)).collect()
    }

    fn n_columns(&self) -> usize {
        self.headings().len() + 1
    }

    fn general_variant_error(&self) -> Option<&str> {
        error_of(&self.errors, "variants")
    }

    fn several_locations(&self) -> bool {
        self.stock.windows(2).any(|pair| match pair {
            [one, two] => one.location != two.location,
            _ => false,
        })
    }

    fn has_stock_errors(&self) -> bool {
        self.stock.iter().any(|row| row.error.is_some())
    }
}
