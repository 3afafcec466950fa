use proptest::prelude::*;
use stoa_domain::catalog::{AttributeValue, Draft, Status};

use super::super::{Row, checked};
use super::*;

const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 \
                      Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory \
                      Qty,Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Image \
                      Position,Image Alt Text,Variant Image";

fn read_bytes(csv: &[u8]) -> Vec<RowResult> {
    let found = match scattered(csv) {
        Ok(found) => found,
        Err(rejected) => return vec![Err(rejected)],
    };
    match rows(csv, Currency::USD, found) {
        Ok(rows) => checked(rows).collect(),
        Err(rejected) => vec![Err(rejected)],
    }
}

fn read(csv: &str) -> Vec<RowResult> {
    read_bytes(csv.as_bytes())
}

/// With [`HEADER`] before it.
fn read_rows(rows: &str) -> Vec<RowResult> {
    read(&format!("{HEADER}\n{rows}"))
}

fn one(csv: &str) -> Row {
    let mut rows = read(csv);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).unwrap_or_else(|bad| panic!("{bad:?}"))
}

fn split(rows: Vec<RowResult>) -> (Vec<Draft>, Vec<String>) {
    let mut drafts = Vec::new();
    let mut faults = Vec::new();
    for row in rows {
        match row {
            Ok(row) => drafts.push(row.draft),
            Err(rejected) => faults.extend(rejected.faults.iter().map(ToString::to_string)),
        }
    }
    (drafts, faults)
}

fn handles(drafts: &[Draft]) -> Vec<&str> {
    drafts.iter().map(|draft| draft.handle.as_str()).collect()
}

#[test]
fn variants_and_pictures_of_one_handle_are_one_product() {
    let row = one(&format!(
        "{HEADER}
tee,Tee,\"<p>Soft, \"\"organic\"\"</p>
<script>x()</script>\",Acme,Shirts > Tees,\"a, b,a\",TRUE,Size,S,Colour,Red,T-S-R,150,4,\"1,299.00\",1500,'0123,https://e.com/b.jpg,2,Back,https://e.com/v.jpg
tee,,,,,,,,M,,Red,T-M-R,150.0,-3,$10,0,,https://e.com/a.jpg,1,Front,https://e.com/b.jpg
tee,,,,,,,,,,,,,,,,,https://e.com/c.jpg,,,
"
    ));
    let draft = row.draft;
    assert_eq!((draft.handle.as_str(), draft.title.as_str()), ("tee", "Tee"));
    assert_eq!(draft.description_html, "<p>Soft, \"organic\"</p>\n");
    assert_eq!(draft.brand.as_deref(), Some("Acme"));
    assert_eq!(draft.product_type.as_deref(), Some("Shirts > Tees"));
    assert_eq!(draft.category, ["Shirts", "Tees"]);
    assert_eq!(draft.tags, ["a", "b"]);
    assert_eq!(draft.status, Status::Active);
    assert_eq!(draft.options, ["Size", "Colour"]);
    let pictures: Vec<_> =
        draft.media.iter().map(|media| (media.url.as_str(), media.alt.as_deref())).collect();
    assert_eq!(
        pictures,
        [
            ("https://e.com/a.jpg", Some("Front")),
            ("https://e.com/b.jpg", Some("Back")),
            ("https://e.com/c.jpg", None),
            ("https://e.com/v.jpg", None),
        ]
    );
    let [small, medium] = draft.variants.as_slice() else {
        panic!("two variants: {:?}", draft.variants);
    };
    assert_eq!(small.options, ["S", "Red"]);
    assert_eq!(small.sku, "T-S-R");
    assert_eq!(small.barcode.as_deref(), Some("0123"));
    assert_eq!(small.prices[0].price.minor, 129_900);
    assert_eq!(small.prices[0].compare_at.unwrap().minor, 150_000);
    assert_eq!((small.weight_g, small.stock), (Some(150), Some(4)));
    assert_eq!(medium.options, ["M", "Red"]);
    assert_eq!(medium.prices[0].price.minor, 1_000);
    assert_eq!(medium.prices[0].compare_at, None);
    assert_eq!((medium.weight_g, medium.stock), (Some(150), Some(0)));
    assert_eq!(row.variant_lines, [2, 4]);
    assert_eq!(row.notes, [BadRow::new(4, "a stock of -3 was taken as 0")]);
}

#[test]
fn default_title_means_no_options_and_a_missing_sku_is_made_the_same_each_time() {
    let csv = format!("{HEADER}\npot,Pot,,,,,true,Title,Default Title,,,,0,,9.99,,,,,,\n");
    let draft = one(&csv).draft;
    assert!(draft.options.is_empty());
    assert_eq!(draft.variants[0].sku, "POT");
    assert_eq!((draft.variants[0].weight_g, draft.variants[0].stock), (None, None));
    let with_options = format!(
        "{HEADER}\npot,Pot,,,,,true,Size,Große,,,,,,9.99,,,,,,\npot,,,,,,,,Klein,,,,,,9.99,,,,,,\n"
    );
    let skus = |csv: &str| -> Vec<String> {
        let variants = one(csv).draft.variants;
        variants.into_iter().map(|variant| variant.sku).collect()
    };
    assert_eq!(skus(&with_options), ["POT-GROSSE", "POT-KLEIN"]);
    assert_eq!(skus(&with_options), skus(&with_options));
}

#[test]
fn columns_may_be_missing_in_another_order_and_of_the_newer_names() {
    let csv = "\u{feff}Price,Status,Title,URL handle,Product category,Option1 name,Option1 \
               value,Inventory quantity,Weight value (grams),Material (product.metafields.custom.\
               material),Wide (product.metafields.custom.wide),Google: x (product.metafields.mm-\
               google-shopping.age_group),Product image URL\r\n12.50,Draft,Lamp,lamp,\"Home & \
               Garden > Lighting\",Title,Default Title,7,1200,\"oak; steel\",\"{\"\"value\"\":30,\
               \"\"unit\"\":\"\"cm\"\"}\",adult,//cdn.e.com/l.jpg\r\n";
    let draft = one(csv).draft;
    assert_eq!(draft.handle, "lamp");
    assert_eq!(draft.status, Status::Draft);
    assert_eq!(draft.category, ["Home & Garden", "Lighting"]);
    assert_eq!(draft.variants[0].prices[0].price.minor, 1_250);
    assert_eq!((draft.variants[0].stock, draft.variants[0].weight_g), (Some(7), Some(1_200)));
    assert_eq!(draft.media[0].url, "https://cdn.e.com/l.jpg");
    let shown: Vec<_> =
        draft.attributes.iter().map(|a| (a.key.as_str(), a.label.as_str(), a.display())).collect();
    assert_eq!(
        shown,
        [("material", "Material", "oak, steel".to_owned()), ("wide", "Wide", "30 cm".to_owned()),]
    );
    let oak = AttributeValue::List(vec!["oak".to_owned(), "steel".to_owned()]);
    assert_eq!(draft.attributes[0].value, oak);
}

#[test]
fn semicolons_and_tabs_of_spreadsheets_are_understood() {
    for sign in [";", "\t"] {
        let csv = "Handle|Title|Variant Price\ncup|Cup, big|5\n".replace('|', sign);
        assert_eq!(one(&csv).draft.title, "Cup, big");
    }
}

#[test]
fn status_and_published_say_who_sees_it() {
    for (published, status, expected) in [
        ("TRUE", "", Status::Active),
        ("", "", Status::Active),
        ("false", "", Status::Draft),
        ("true", "active", Status::Active),
        ("false", "active", Status::Draft),
        ("true", "draft", Status::Draft),
        ("true", "Archived", Status::Archived),
    ] {
        let csv =
            format!("Handle,Title,Variant Price,Published,Status\na,A,1,{published},{status}\n");
        assert_eq!(one(&csv).draft.status, expected, "{published} {status}");
    }
    let (_, faults) = split(read("Handle,Title,Variant Price,Status\na,A,1,gone\n"));
    assert_eq!(
        faults,
        ["2: product `a` not imported: Status is `gone`; it is active, draft or archived"]
    );
}

#[test]
fn a_product_with_a_bad_row_is_left_out_whole_and_the_rest_goes_on() {
    let (drafts, faults) = split(read_rows(
        "good,Good,,,,,true,Size,S,,,G-S,,,1,,,,,,
bad,Bad,,,,,true,Size,S,,,B-S,,,1,,,,,,
bad,,,,,,,,M,,,B-M,,,,,,,,,
bad,,,,,,,,,,,B-X,heavy,few,free,,,,,,
last,Last,,,,,true,Title,Default Title,,,L,,,1,,,,,,
",
    ));
    assert_eq!(handles(&drafts), ["good", "last"]);
    assert_eq!(
        faults,
        [
            "4: product `bad` not imported: Variant Price is blank",
            "5: Option1 Value (Size) is blank",
            "5: Variant Price: `free` is not an amount of USD",
            "5: Variant Inventory Qty is `few`; it is a whole number",
            "5: Variant Grams is `heavy`; it is a number",
        ]
    );
}

#[test]
fn what_the_check_finds_is_reported_on_the_line_of_its_variant() {
    let (drafts, faults) = split(read_rows(
        "a,A,,,,,true,Size,S,,,A-S,,,1,,,,,,
a,,,,,,,,S,,,A-M,,,1,,,,,,
b,B,,,,,true,Size,S,,,A-1,,,1,,,,,,
c,C,,,,,true,Title,Default Title,,,A-1,,,1,,,,,,
",
    ));
    assert_eq!(handles(&drafts), ["b"]);
    assert_eq!(
        faults,
        [
            "3: /variants/1/options: another variant has the same options",
            "5: the SKU `A-1` is already that of the product on line 4",
        ]
    );
}

#[test]
fn rows_of_a_handle_that_comes_back_are_brought_together() {
    let (drafts, faults) = split(read_rows(
        "a,A,,,,,true,Size,S,,,A-S,,,1,,,,,,
b,B,,,,,true,Title,Default Title,,,B,,,1,,,,,,
a,,,,,,,,M,,,A-M,,,1,,,,,,
c,C,,,,,true,Title,Default Title,,,C,,,1,,,,,,
d,D,,,,,true,Size,S,,,D-S,,,1,,,,,,
a,,,,,,,,,,,,,,,,,https://e.com/a.jpg,,,
d,,,,,,,,M,,,D-M,,,oops,,,,,,
",
    ));
    assert_eq!(handles(&drafts), ["b", "c", "a"]);
    let a = &drafts[2];
    assert_eq!((a.variants.len(), a.media.len()), (2, 1));
    assert_eq!(
        faults,
        ["8: product `d` not imported: Variant Price: `oops` is not an amount of USD"]
    );
}

#[test]
fn rows_without_a_place_are_reported_with_the_product_above() {
    let (drafts, faults) = split(read_rows(
        "a,A,,,,,true,Size,S,,,A-S,,,1,,,,,,
,,,,,,,,M,,,A-M,,,1,,,,,,
,Ünnamed One,,,,,true,Title,Default Title,,,U,,,1,,,,,,
b,,,,,,true,Title,Default Title,,,B,,,1,,,,,,
c,C,,,,,true,Title,Default Title,,,C,,,1,,,,,,
c,,,,,,true,,,,,,,5,,,,,,,
,,,,,,,,,,,,,,,,,,,,
",
    ));
    assert_eq!(handles(&drafts), ["uennamed-one"]);
    assert_eq!(
        faults,
        [
            "3: product `a` not imported: neither a handle nor a title",
            "5: product `b` not imported: Title is blank",
            "7: product `c` not imported: neither a variant nor a picture",
        ]
    );
}

#[test]
fn malformed_rows_are_reported_with_their_product() {
    let mut csv =
        format!("{HEADER}\na,A,,,,,true,Title,Default Title,,,A,,,1,,,,,,,one,too many\n")
            .into_bytes();
    csv.extend(b"b,B\xff,,,,,true,Title,Default Title,,,B,,,1,,,,,,\n");
    csv.extend(b"c,C,,,,,true,Title,Default Title,,,C,,,1\n");
    let (drafts, faults) = split(read_bytes(&csv));
    assert_eq!(handles(&drafts), ["c"]);
    assert_eq!(
        faults,
        [
            "2: product `a` not imported: 23 cells, but the first line has 21: a comma or quotation \
             mark too many",
            "3: product `b` not imported: not valid UTF-8",
        ]
    );
}

#[test]
fn a_quotation_mark_that_is_never_closed_does_not_fill_the_memory() {
    let mut csv = format!("{HEADER}\na,A,,,,,true,Title,Default Title,,,A,,,1,,,,,,\nb,\"B,");
    csv.push_str(&"x\n".repeat(ROW_BYTES));
    let (drafts, faults) = split(read(&csv));
    assert!(drafts.is_empty());
    assert_eq!(
        faults,
        [
            "3: the file cannot be read from here on: a row longer than 8 MiB; is a quotation mark \
             not closed?",
            "2: `a` may have more rows after line 3, which cannot be read",
        ]
    );
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    for csv in ["", "a,b,c\n1,2,3\n", "Handle,Title\na,A\n", "{\"title\":1}"] {
        let (drafts, faults) = split(read(csv));
        assert!(drafts.is_empty());
        assert_eq!(faults.len(), 1, "{csv}");
        assert!(faults[0].starts_with("1: not a Shopify product CSV"), "{faults:?}");
    }
}

#[test]
fn option_values_need_a_name() {
    let (_, faults) = split(read_rows("a,A,,,,,true,,Red,,,A,,,1,,,,,,\n"));
    assert_eq!(
        faults,
        ["2: product `a` not imported: Option1 Value is given, but Option1 Name is blank"]
    );
}

#[test]
fn handles_of_other_scripts_stay_distinct() {
    let (drafts, faults) =
        split(read("Handle,Title,Variant Price\n日本,One,1\n中国,Two,1\nA_B,Three,1\n"));
    assert_eq!(handles(&drafts), ["p-65e5-672c", "p-4e2d-56fd", "a-b"]);
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn weights_in_units_become_grams() {
    for (weight, unit, grams) in [
        ("1.5", "kg", Some(1_500)),
        ("2", "lb", Some(908)),
        ("1", "oz", Some(29)),
        ("20", "g", Some(20)),
        ("0", "kg", None),
    ] {
        let csv = format!(
            "Handle,Title,Variant Price,Variant Weight,Variant Weight Unit\na,A,1,{weight},{unit}\n"
        );
        assert_eq!(one(&csv).draft.variants[0].weight_g, grams, "{weight} {unit}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_bytes(&bytes);
        let mut csv = HEADER.as_bytes().to_vec();
        csv.push(b'\n');
        csv.extend(bytes);
        read_bytes(&csv);
    }

    /// Whatever is done to a row, a product comes with all its variants or not at all, in whatever
    /// order the rows are.
    #[test]
    fn never_half_a_product(
        order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
        broken in prop::collection::vec((0..12_usize, 0..4_usize), 0..4),
    ) {
        let lines: Vec<String> = (0..12).map(|index| {
            let kind = broken.iter().find(|(line, _)| *line == index).map(|(_, kind)| *kind);
            size_row(index, kind)
        }).collect();
        let rows: Vec<String> = order.iter().map(|index| lines[*index].clone()).collect();
        whole_products(&rows)?;
    }

    /// The same where damage takes rows away: handles and closing quotation marks. Which product
    /// such a row was of can be told only where rows follow one another.
    #[test]
    fn never_half_a_product_in_a_damaged_file(
        broken in prop::collection::vec((0..12_usize, 0..6_usize), 0..4),
    ) {
        let rows: Vec<String> = (0..12).map(|index| {
            let kind = broken.iter().find(|(line, _)| *line == index).map(|(_, kind)| *kind);
            size_row(index, kind)
        }).collect();
        whole_products(&rows)?;
    }
}

/// One of three sizes of one of four products, broken in some way.
fn size_row(index: usize, broken: Option<usize>) -> String {
    let (product, size) = (index / 3, index % 3);
    let title = if size == 0 { "Title" } else { "" };
    let good = (format!("p{product}"), format!("S{size}"), "true", "1", "");
    let (handle, value, published, price, end) = match broken {
        Some(0) => (good.0, good.1, "true", "", ""),
        Some(1) => (good.0, good.1, "true", "1", ",too,many"),
        Some(2) => (good.0, String::new(), "true", "1", ""),
        Some(3) => (good.0, good.1, "maybe", "one", ""),
        Some(4) => (String::new(), good.1, "true", "1", ""),
        Some(_) => (good.0, good.1, "true", "\"1", ""),
        None => good,
    };
    let title = if handle.is_empty() { "" } else { title };
    format!("{handle},{title},,,,,{published},Size,{value},,,SKU{index},,,{price},,,,,,{end}")
}

fn whole_products(rows: &[String]) -> Result<(), TestCaseError> {
    let (drafts, _) = split(read_rows(&rows.join("\n")));
    for draft in drafts {
        prop_assert_eq!(draft.variants.len(), 3, "{:?} of {:?}", draft, rows);
    }
    Ok(())
}

#[test]
fn the_rows_of_the_properties_are_good_where_they_are_not_broken() {
    let rows: Vec<String> = (0..12).map(|index| size_row(index, None)).collect();
    assert_eq!(split(read_rows(&rows.join("\n"))).0.len(), 4);
}
