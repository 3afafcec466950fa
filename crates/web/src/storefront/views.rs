//! What several pages show, made from what the shop knows.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_app::catalog::store::Card;
use stoa_domain::address::Address;
use stoa_domain::pricing::{self, TaxLine};
use stoa_domain::shop::{Discount, DiscountKind, ShippingMethod};
use stoa_kernel::{Money, ProductId, Timestamp};
use stoa_pages::storefront::{AmountLine, Picture, ProductCard, Totals};

use super::countries;
use crate::api::products::drawn_picture;
use crate::api::suggest::encode;
use crate::reply::ApiError;
use crate::state::Web;

/// The page of a product.
pub(super) fn product_href(handle: &str) -> String {
    format!("/products/{handle}")
}

/// A product in a grid.
pub(super) fn card(card: &Card) -> ProductCard {
    ProductCard {
        href: product_href(&card.handle),
        title: card.title.clone(),
        brand: card.brand.clone(),
        picture: Picture {
            url: card.image.clone().unwrap_or_else(|| drawn_picture(&card.handle)),
            alt: String::new(),
        },
        price: card.price,
        // With several prices it is not known which one the former price belonged to.
        compare_at: card.compare_at.filter(|former| {
            !card.price_varies && card.price.is_some_and(|p| p.minor < former.minor)
        }),
        price_varies: card.price_varies,
        in_stock: card.in_stock,
        label: None,
        note: (card.n_variants > 1).then(|| format!("{} variants", card.n_variants)),
    }
}

/// The cards of these products, in the order asked for.
pub(super) async fn cards(web: &Web, ids: &[ProductId]) -> Result<Vec<ProductCard>, ApiError> {
    let found = web.shop().catalog.cards(ids).await?;
    Ok(found.iter().map(|found| card(found)).collect())
}

/// The picture that the shop draws for a variant: in its colour, where its options name one.
pub(super) fn drawn_variant(handle: &str, variant_title: &str) -> String {
    let url = drawn_picture(handle);
    if variant_title.is_empty() { url } else { format!("{url}?variant={}", encode(variant_title)) }
}

/// The pictures of products as lines of carts and orders show them.
pub(super) struct Pictures(HashMap<ProductId, Arc<Card>>);

impl Pictures {
    pub(super) async fn load(web: &Web, ids: &[ProductId]) -> Result<Self, ApiError> {
        let cards = web.shop().catalog.cards(ids).await?;
        Ok(Self(cards.into_iter().map(|card| (card.id, card)).collect()))
    }

    /// The picture of a variant. A product that is gone has none any more, and a drawn one needs
    /// its handle.
    pub(super) fn of(&self, product: ProductId, variant_title: &str) -> Picture {
        let url = match self.0.get(&product) {
            Some(card) => {
                card.image.clone().unwrap_or_else(|| drawn_variant(&card.handle, variant_title))
            }
            None => stoa_pages::assets::url("favicon.svg").to_owned(),
        };
        Picture { url, alt: String::new() }
    }
}

/// The totals of a cart or order.
pub(super) fn totals(
    sums: &pricing::Totals,
    discount_code: Option<&str>,
    shipping_method: Option<&str>,
    tax_lines: &[TaxLine],
) -> Totals {
    let off = Money { minor: sums.discount.minor.saturating_neg(), ..sums.discount };
    Totals {
        subtotal: sums.subtotal,
        discounts: if sums.discount.minor > 0 {
            vec![AmountLine::new(discount_code.unwrap_or("Discount"), off)]
        } else {
            Vec::new()
        },
        shipping: shipping_method.map(|name| AmountLine::new(name, sums.shipping)),
        taxes: tax_lines
            .iter()
            .filter(|line| line.amount.minor > 0)
            .map(|line| {
                AmountLine::new(format!("{} {}", line.name, percent(line.rate_ppm)), line.amount)
            })
            .collect(),
        tax_included: sums.tax_included,
        total: sums.total,
    }
}

/// A rate as people read it: `19 %`, `8.25 %`.
pub(super) fn percent(ppm: i64) -> String {
    let (whole, rest) = (ppm / 10_000, (ppm % 10_000).abs());
    if rest == 0 {
        return format!("{whole} %");
    }
    format!("{whole}.{} %", format!("{rest:04}").trim_end_matches('0'))
}

/// What a discount code does.
pub(super) fn discount_label(discount: &Discount) -> String {
    let off = match discount.kind {
        DiscountKind::Percent(rate) => format!("{} off", percent(rate.ppm())),
        DiscountKind::Amount(amount) => format!("{amount} off"),
    };
    match discount.min_subtotal {
        Some(min) => format!("{off} from {min}"),
        None => off,
    }
}

/// How long a way to ship takes.
pub(super) fn shipping_time(method: &ShippingMethod) -> Option<String> {
    let (min, max) = method.days?;
    Some(match (min, max) {
        (1, 1) => "1 working day".to_owned(),
        (min, max) if min == max => format!("{min} working days"),
        (min, max) => format!("{min} to {max} working days"),
    })
}

/// An address in lines, as it is written on a parcel.
pub(super) fn address_lines(address: &Address) -> Vec<String> {
    let town = [address.postal_code.as_str(), address.city.as_str()];
    let town = town.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let town = match &address.region {
        Some(region) => format!("{town}, {region}"),
        None => town,
    };
    let mut lines = vec![address.name.clone(), address.line1.clone()];
    lines.extend(address.line2.clone());
    lines.push(town);
    lines.push(countries::name(&address.country).to_owned());
    lines
}

/// A time as people read it: `24 November 2026, 13:30 UTC`.
pub(super) fn when(time: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let text = time.to_string();
    let parts = || {
        let (date, clock) = text.split_once('T')?;
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (date.next()?, date.next()?, date.next()?);
        let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        let mut clock = clock.split(':');
        let (hour, minute) = (clock.next()?, clock.next()?);
        Some(format!("{} {month} {year}, {hour}:{minute} UTC", day.trim_start_matches('0')))
    };
    parts().unwrap_or_else(|| text.clone())
}

/// A remark of the domain as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let mut out: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    out.push_str(characters.as_str());
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

/// A text cut after so many characters, at a blank where there is one.
pub(super) fn excerpt(text: &str, characters: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= characters {
        return text;
    }
    let cut: String = text.chars().take(characters).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_times_rates_and_sentences() {
        let time: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        assert_eq!(when(time), "4 March 2026, 05:06 UTC");
        assert_eq!(percent(190_000), "19 %");
        assert_eq!(percent(82_500), "8.25 %");
        assert_eq!(percent(5_000), "0.5 %");
        assert_eq!(sentence("must not be empty"), "Must not be empty.");
        assert_eq!(sentence(""), ".");
        assert_eq!(excerpt("one  two\nthree", 8), "one two…");
        assert_eq!(excerpt("one two", 8), "one two");
    }

    #[test]
    fn an_address_is_written_in_lines() {
        let address = Address {
            name: "Ada".into(),
            line1: "1 Road".into(),
            city: "Springfield".into(),
            region: Some("IL".into()),
            postal_code: "62701".into(),
            country: "US".into(),
            line2: None,
        };
        let lines = ["Ada", "1 Road", "62701 Springfield, IL", "United States"];
        assert_eq!(address_lines(&address), lines);
    }
}
