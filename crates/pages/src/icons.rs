//! Line icons, drawn on a 24 by 24 grid.

/// The markup of an icon, hidden from screen readers: the text beside it says what it means.
pub fn svg(name: &str) -> &'static str {
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
        "search" => icon!(r#"<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>"#),
        "cart" => {
            icon!(
                r#"<path d="M5 8h14l-1.2 11.2a1.5 1.5 0 0 1-1.5 1.3H7.7a1.5 1.5 0 0 1-1.5-1.3Z"/><path d="M8.5 10.5V7a3.5 3.5 0 0 1 7 0v3.5"/>"#
            )
        }
        "parcel" => {
            icon!(
                r#"<path d="m12 3 8 4.2v9.6L12 21l-8-4.2V7.2Z"/><path d="m4.2 7.4 7.8 4.1 7.8-4.1M12 11.5V21M8 5.2l8 4.2"/>"#
            )
        }
        "filter" => icon!(
            r#"<path d="M4 7h9m5 0h2M4 17h2m5 0h9"/><circle cx="15.5" cy="7" r="2.3"/><circle cx="8.5" cy="17" r="2.3"/>"#
        ),
        "chevron" => icon!(r#"<path d="m6 9.5 6 6 6-6"/>"#),
        "left" => icon!(r#"<path d="M19 12H5m6-6-6 6 6 6"/>"#),
        "right" => icon!(r#"<path d="M5 12h14m-6-6 6 6-6 6"/>"#),
        "close" => icon!(r#"<path d="m6.5 6.5 11 11m0-11-11 11"/>"#),
        "check" => icon!(r#"<path d="m5 12.5 4.7 4.7L19.5 7.3"/>"#),
        "alert" => icon!(r#"<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5m0 3.2v.1"/>"#),
        "truck" => {
            icon!(
                r#"<path d="M2.5 6.5h11v10h-11zM13.5 10h4l4 3.5v3h-8z"/><circle cx="7" cy="17.5" r="2"/><circle cx="17" cy="17.5" r="2"/>"#
            )
        }
        "return" => icon!(r#"<path d="M8.5 5 4.5 9l4 4"/><path d="M4.5 9h9a6 6 0 0 1 0 12H8"/>"#),
        "shield" => icon!(
            r#"<path d="m12 3 7.5 2.7V12c0 4.5-3.2 7.5-7.5 9-4.3-1.5-7.5-4.5-7.5-9V5.7Z"/><path d="m8.7 11.8 2.5 2.5 4.2-4.6"/>"#
        ),
        "card" => icon!(
            r#"<rect x="3" y="5.5" width="18" height="13" rx="2.5"/><path d="M3 10h18M7 15h3"/>"#
        ),
        "tag" => icon!(
            r#"<path d="M3.5 12V4.5a1 1 0 0 1 1-1H12l8.5 8.5-8.5 8.5Z"/><circle cx="8" cy="8" r="1.3"/>"#
        ),
        "lock" => icon!(
            r#"<rect x="5" y="10.5" width="14" height="10" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>"#
        ),
        "menu" => icon!(r#"<path d="M4 7h16M4 12h16M4 17h16"/>"#),
        _ => "",
    }
}
