//! Icons that only the back office uses; the others are in [`crate::icons`].

/// The markup of an icon, hidden from screen readers: the text beside it says what it means.
pub(crate) fn svg(name: &str) -> &'static str {
    macro_rules! icon {
        ($body:literal) => {
            concat!(
                r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">"#,
                $body,
                "</svg>"
            )
        };
    }
    match name {
        "dashboard" => icon!(r#"<path d="M4 20V10m5.4 10V4m5.3 16v-7M20 20V7"/>"#),
        "orders" => {
            icon!(r#"<path d="M6 3.5h12v17l-3-2-3 2-3-2-3 2Z"/><path d="M9.5 8.5h5m-5 4h5"/>"#)
        }
        "products" => icon!(
            r#"<rect x="3.5" y="3.5" width="7" height="7" rx="1.5"/><rect x="13.5" y="3.5" width="7" height="7" rx="1.5"/><rect x="3.5" y="13.5" width="7" height="7" rx="1.5"/><rect x="13.5" y="13.5" width="7" height="7" rx="1.5"/>"#
        ),
        "system" => icon!(r#"<path d="M3 12.5h4l2.5-7 5 13 2.5-6h4"/>"#),
        "mails" => {
            icon!(
                r#"<rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="m4 7 8 6 8-6"/>"#
            )
        }
        "people" => icon!(
            r#"<circle cx="9" cy="8.5" r="3.5"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0m1-14.7a3.5 3.5 0 0 1 0 6.4m1.5 2.6a6.5 6.5 0 0 1 3.5 5.7"/>"#
        ),
        "customers" => {
            icon!(r#"<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>"#)
        }
        "events" => {
            icon!(r#"<path d="M8 6h12M8 12h12M8 18h12"/><path d="M4 6h.01M4 12h.01M4 18h.01"/>"#)
        }
        "webhooks" => icon!(
            r#"<circle cx="6" cy="17" r="2.5"/><circle cx="18" cy="17" r="2.5"/><circle cx="12" cy="6" r="2.5"/><path d="M10.8 8.2 7.2 14.8M8.5 17h7M16.8 14.8l-3.6-6.6"/>"#
        ),
        "jobs" => icon!(r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5.3l3.5 2"/>"#),
        "shop" => icon!(
            r#"<path d="M4 9.5 5.5 4h13L20 9.5a2.7 2.7 0 0 1-5.3 0 2.7 2.7 0 0 1-5.4 0 2.7 2.7 0 0 1-5.3 0Z"/><path d="M5.5 12.5v8h13v-8"/>"#
        ),
        "sign-out" => icon!(r#"<path d="M14 4H6v16h8m-4-8h10m-3.5-3.5L20 12l-3.5 3.5"/>"#),
        "plus" => icon!(r#"<path d="M12 5v14m-7-7h14"/>"#),
        "print" => icon!(
            r#"<path d="M7 9V3.5h10V9M7 17H4V9h16v8h-3"/><rect x="7" y="14" width="10" height="6.5"/>"#
        ),
        "external" => icon!(r#"<path d="M13.5 4.5h6v6m0-6-9 9M10 5.5H5v13.5h13.5V14"/>"#),
        "empty" => icon!(
            r#"<path d="M3.5 13 6 5h12l2.5 8v6h-17Z"/><path d="M3.5 13h5a3.5 3.5 0 0 0 7 0h5"/>"#
        ),
        other => crate::icons::svg(other),
    }
}
