//! How a parcel is followed.

use stoa_kernel::limits;

use crate::catalog::FieldError;

/// What a carrier calls a parcel. Each part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracking {
    /// The carrier's name, as people know it.
    pub carrier: Option<String>,
    /// The carrier's number for it.
    pub number: Option<String>,
    /// Where it is followed, if the merchant gave an address: `http` or `https`.
    pub url: Option<String>,
}

/// Where well-known carriers show a parcel, by name in lower case; the number comes last.
const CARRIERS: &[(&str, &str)] = &[
    ("dhl", "https://www.dhl.com/global-en/home/tracking.html?tracking-id="),
    ("fedex", "https://www.fedex.com/fedextrack/?trknbr="),
    ("la poste", "https://www.laposte.fr/outils/suivre-vos-envois?code="),
    ("royal mail", "https://www.royalmail.com/track-your-item#/tracking-results/"),
    ("ups", "https://www.ups.com/track?tracknum="),
    ("usps", "https://tools.usps.com/go/TrackConfirmAction?tLabels="),
];

impl Tracking {
    /// The same without blanks around its parts, and without parts that are blank.
    #[must_use]
    pub fn trimmed(self) -> Self {
        let trim = |part: Option<String>| {
            part.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        Self { carrier: trim(self.carrier), number: trim(self.number), url: trim(self.url) }
    }

    /// What is wrong with it, each with a pointer below `pointer`.
    pub fn check(&self, pointer: &str, errors: &mut Vec<FieldError>) {
        let mut line = |name: &str, text: &Option<String>, bytes: usize| {
            let is_wrong = text
                .as_deref()
                .is_some_and(|text| text.len() > bytes || text.chars().any(char::is_control));
            if is_wrong {
                let detail = format!("one line of at most {bytes} bytes");
                errors.push(FieldError::new(format!("{pointer}/{name}"), detail));
            }
        };
        line("carrier", &self.carrier, limits::TRACKING_BYTES);
        line("number", &self.number, limits::TRACKING_BYTES);
        line("url", &self.url, limits::TRACKING_URL_BYTES);
        let is_link = |url: &str| {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.starts_with('/') && !rest.is_empty())
                && !url.chars().any(char::is_whitespace)
        };
        if self.url.as_deref().is_some_and(|url| !is_link(url)) {
            let detail = "an address that begins with https:// or http://";
            errors.push(FieldError::new(format!("{pointer}/url"), detail));
        }
    }

    /// Carrier and number, as far as they are known; may be empty.
    pub fn name(&self) -> String {
        let parts = [&self.carrier, &self.number].into_iter().flatten().map(String::as_str);
        parts.collect::<Vec<_>>().join(" ")
    }

    /// Where the parcel is followed: the address that was given, or that of a well-known carrier.
    pub fn link(&self) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(url.clone());
        }
        let (carrier, number) = (self.carrier.as_ref()?.to_lowercase(), self.number.as_ref()?);
        let (_, page) = CARRIERS.iter().find(|(name, _)| *name == carrier)?;
        // Numbers are letters and digits; whatever else people put between them is not looked for.
        let number: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
        (!number.is_empty()).then(|| format!("{page}{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracking(carrier: &str, number: &str, url: &str) -> Tracking {
        let (carrier, number, url) = (carrier.to_owned(), number.to_owned(), url.to_owned());
        Tracking { carrier: Some(carrier), number: Some(number), url: Some(url) }.trimmed()
    }

    #[test]
    fn a_given_address_wins_over_that_of_a_known_carrier() {
        assert_eq!(
            tracking(" UPS ", "1Z 999 AA1", "").link().as_deref(),
            Some("https://www.ups.com/track?tracknum=1Z999AA1")
        );
        let own = "https://parcels.example/7";
        assert_eq!(tracking("UPS", "1Z", own).link().as_deref(), Some(own));
        assert_eq!(tracking("Bike courier", "7", "").link(), None);
        assert_eq!(tracking("UPS", "é", "").link(), None);
        assert_eq!(Tracking::default().link(), None);
    }

    #[test]
    fn a_parcel_is_called_by_what_is_known_of_it() {
        assert_eq!(tracking("UPS", "1Z", "").name(), "UPS 1Z");
        assert_eq!(tracking("", "1Z", "").name(), "1Z");
        assert_eq!(Tracking::default().name(), "");
    }

    #[test]
    fn only_addresses_of_the_web_and_single_lines_are_taken() {
        let faults = |tracking: Tracking| {
            let mut errors = Vec::new();
            tracking.check("/tracking", &mut errors);
            errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
        };
        assert!(faults(tracking("DHL", "0034", "https://example.com/a?b=c")).is_empty());
        assert!(faults(tracking("", "", "")).is_empty());
        for bad in ["javascript:alert(1)", "example.com", "https://", "https:///x", "http://a b"] {
            assert_eq!(faults(tracking("", "", bad)), ["/tracking/url"], "{bad}");
        }
        assert_eq!(faults(tracking("a\nb", "", "")), ["/tracking/carrier"]);
        assert_eq!(faults(tracking("", &"9".repeat(101), "")), ["/tracking/number"]);
    }
}
