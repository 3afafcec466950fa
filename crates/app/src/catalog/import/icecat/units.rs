//! What the names of attributes say: key, label, unit, and which texts are lists.
//!
//! The data names no units; those here are what its values show (a notebook's `width` of 380 is
//! millimetres). Where one name is used with several units, or the values do not tell, there is
//! none.

use stoa_domain::catalog::AttributeValue;
use stoa_kernel::Decimal;

use super::fields::Fields;

/// Names used with two types, and the rarer type: its key gets a suffix, so that one key has one
/// type in the whole catalogue.
const TWO_TYPES: &[(&str, char)] = &[
    ("size", 't'),
    ("data_transfer_rate", 't'),
    ("physical_address_extension_pae", 'b'),
    ("capacity", 't'),
    ("lifetime", 't'),
    ("maximum_scan_area", 'n'),
    ("height_adjustment", 'n'),
    ("display_resolution", 'n'),
    ("number_of_colours", 't'),
    ("response_time", 't'),
    ("emi_rfi_noise_filtering", 'n'),
    ("airflow", 'n'),
    ("dc_output_voltage", 'n'),
];

/// The key, made distinct where it is the rarer of two types of one name.
pub(super) fn typed_key(key: String, kind: char) -> String {
    if TWO_TYPES.contains(&(key.as_str(), kind)) {
        let suffix = match kind {
            't' => "text",
            'n' => "number",
            _ => "flag",
        };
        format!("{key}_{suffix}")
    } else {
        key
    }
}

/// Texts that are lists separated by commas, wherever they have more than one item.
const LISTS: &str = "ac_outlet_types all_in_one_functions analog_signal_format_system aspect_ratio \
    audio_formats_supported bluetooth_profiles built_in_barcodes cable_colour \
    cable_types_supported cables_included colour_all_in_one_functions compatible_chipsets \
    compatible_memory_cards compatible_processor_series copper_ethernet_cabling_technology \
    disc_types_supported display_filter_features envelopes_sizes ethernet_interface_type \
    ethernet_lan_data_rates flash_modes google_applications hdd_interface housing_material \
    hp_segment image_formats_supported iso_a_series_sizes_a0_a9 iso_b_series_sizes_b0_b9 \
    iso_c_series_sizes_c0_c9 iso_sensitivity led_indicators mac_operating_systems_supported \
    material memory_clock_speeds_supported_by_processor mobile_operating_systems_supported \
    networking_standards non_iso_print_media_sizes on_screen_display_osd_languages \
    other_operating_systems_supported page_description_languages panel_mounting_interface \
    paper_tray_media_types password_protection_type pci_express_configurations \
    pci_express_slots_version playback_disc_formats playback_modes power_protection_features \
    power_source_type printing_colours product_colour protection_features raid_levels \
    scan_drivers scan_file_formats scanning_media_types_supported scene_modes \
    security_algorithms server_operating_systems_supported ssd_interface standard_interfaces \
    supported_graphics_resolutions supported_instruction_sets supported_memory_clock_speeds \
    supported_motherboard_form_factors supported_processor_sockets supported_radio_bands \
    supported_storage_drive_interfaces supported_tv_bands supported_video_modes \
    surge_protection_features video_formats_supported video_recording_modes white_balance \
    wi_fi_standards windows_operating_systems_supported";

/// A text or a list; `None` when there is nothing in it. A line break is written `\n` in the data.
pub(super) fn text_value(key: &str, text: &str) -> Option<AttributeValue> {
    if LISTS.split_ascii_whitespace().any(|list| list == key) {
        let mut items: Vec<String> = Vec::new();
        for item in text.split([',', '\n']).flat_map(|part| part.split("\\n")) {
            let item = super::one_line(item);
            if !item.is_empty() && !items.contains(&item) && items.len() < 200 {
                items.push(item);
            }
        }
        return (!items.is_empty()).then_some(AttributeValue::List(items));
    }
    let text = text.replace("\\n", "\n");
    let text = text.trim();
    (!text.is_empty()).then(|| AttributeValue::Text(text.to_owned()))
}

/// Units by whole name.
const UNITS: &[(&str, &[&str])] = &[
    (
        "mm",
        &[
            "width",
            "height",
            "depth",
            "diameter",
            "fan_diameter",
            "driver_unit",
            "tape_width",
            "outer_diameter",
            "viewable_size_horizontal",
            "viewable_size_vertical",
            "filter_size",
            "print_margin_top_a4",
            "print_margin_bottom_a4",
            "print_margin_left_a4",
            "print_margin_right_a4",
            "height_front",
            "roll_width",
        ],
    ),
    (
        "m",
        &["cable_length", "roll_length", "closest_focusing_distance", "maximum_transfer_distance"],
    ),
    ("g", &["weight", "empty_weight", "keyboard_weight", "weight_with_stand"]),
    ("kg", &["maximum_weight_capacity"]),
    (
        "in",
        &[
            "display_diagonal",
            "maximum_screen_size_compatibility",
            "minimum_screen_size_compatibility",
        ],
    ),
    (
        "W",
        &[
            "thermal_design_power_tdp",
            "output_power",
            "ac_adapter_power",
            "bulb_power",
            "output_power_capacity",
            "speaker_power",
            "maximum_input_power",
            "power_supply",
        ],
    ),
    ("mAh", &["battery_capacity"]),
    ("Wh", &["battery_capacity_watt_hours"]),
    (
        "V",
        &[
            "battery_voltage",
            "operating_voltage",
            "input_operation_voltage_min",
            "input_operation_voltage_max",
            "output_operation_voltage_min",
            "output_operation_voltage_max",
        ],
    ),
    (
        "A",
        &[
            "maximum_current",
            "maximum_input_current_per_phase",
            "maximum_total_current_draw_per_phase",
        ],
    ),
    ("J", &["surge_energy_rating"]),
    (
        "GB",
        &[
            "total_storage_capacity",
            "hdd_capacity",
            "ssd_capacity",
            "total_ssds_capacity",
            "internal_storage_capacity",
        ],
    ),
    ("MB", &["storage_drive_buffer_size", "cd_storage_capacity"]),
    ("MHz", &["memory_clock_speed", "processor_front_side_bus", "bus_clock_rate"]),
    ("GHz", &["processor_frequency", "processor_boost_frequency"]),
    ("Hz", &["maximum_refresh_rate"]),
    ("nm", &["processor_lithography"]),
    ("°C", &["tcase", "tjunction", "maximum_operating_temperature"]),
    (
        "°",
        &[
            "viewing_angle_horizontal",
            "viewing_angle_vertical",
            "swivel_angle",
            "angle_of_rotation",
        ],
    ),
    ("%", &["efficiency"]),
    ("ms", &["response_time", "average_latency"]),
    ("s", &["warm_up_time", "time_to_first_page_black_normal"]),
    (
        "min",
        &["typical_backup_time_at_half_load", "typical_backup_time_at_full_load", "recording_time"],
    ),
    ("h", &["battery_recharge_time", "service_life_of_lamp", "mean_time_between_failures_mtbf"]),
    ("years", &["number_of_years"]),
    ("cd/m²", &["display_brightness", "display_brightness_typical"]),
    ("dB", &["noise_level", "headphone_sensitivity", "signal_to_noise_ratio_snr"]),
    ("Ω", &["impedance"]),
    ("ppi", &["pixel_density"]),
    ("g/m²", &["media_weight", "print_media_weight"]),
    ("pages", &["page_yield", "maximum_duty_cycle"]),
    (
        "sheets",
        &[
            "media_sheets_per_package",
            "sheets_per_pack",
            "total_input_capacity",
            "total_output_capacity",
        ],
    ),
    ("ml", &["colour_ink_volume", "black_ink_volume"]),
    ("MP", &["front_camera_resolution_numeric", "rear_camera_resolution_numeric"]),
    ("Gbit/s", &["switching_capacity"]),
];

/// Units by how a name ends; tried after [`UNITS`], the first that fits.
const UNITS_BY_END: &[(&str, &str)] = &[
    ("weight_imperial", "lb"),
    ("width_imperial", "in"),
    ("height_imperial", "in"),
    ("depth_imperial", "in"),
    ("_page_yield", "pages"),
    ("_case_width", "mm"),
    ("_case_height", "mm"),
    ("_case_length", "mm"),
    ("package_width", "mm"),
    ("package_height", "mm"),
    ("package_depth", "mm"),
    ("package_weight", "g"),
    ("label_width", "mm"),
    ("label_height", "mm"),
    ("sheet_width", "mm"),
    ("sheet_length", "mm"),
    ("width_with_stand", "mm"),
    ("height_with_stand", "mm"),
    ("depth_with_stand", "mm"),
];

/// Units by how a name begins; tried last.
const UNITS_BY_START: &[(&str, &str)] =
    &[("power_consumption_", "W"), ("print_speed_", "ppm"), ("copy_speed_", "cpm")];

/// The unit of a number. Processor frequencies are given in MHz for slow ones and GHz for fast
/// ones; all become GHz, so that they compare.
pub(super) fn with_unit(
    key: &str,
    value: AttributeValue,
    fields: &Fields,
) -> (AttributeValue, Option<&'static str>) {
    let AttributeValue::Number(number) = value else {
        return (value, None);
    };
    const FASTEST_GHZ: i64 = 20;
    if key == "processor_frequency" && number.as_millionths() > FASTEST_GHZ * 1_000_000 {
        let gigahertz = Decimal::from_millionths(number.as_millionths() / 1_000);
        return (AttributeValue::Number(gigahertz), Some("GHz"));
    }
    let unit = if key == "internal_memory" { memory_unit(fields) } else { unit_of(key) };
    (value, unit)
}

/// Printers count their memory in MB, computers in GB; of the rest there is no telling.
fn memory_unit(fields: &Fields) -> Option<&'static str> {
    if fields.has_attribute("print_technology") || fields.has_attribute("maximum_duty_cycle") {
        Some("MB")
    } else if fields.has_attribute("processor_model") {
        Some("GB")
    } else {
        None
    }
}

fn unit_of(key: &str) -> Option<&'static str> {
    let exact = UNITS.iter().find(|(_, keys)| keys.contains(&key));
    let by_end = || UNITS_BY_END.iter().find(|(end, _)| key.ends_with(end));
    let by_start = || UNITS_BY_START.iter().find(|(start, _)| key.starts_with(start));
    exact
        .map(|(unit, _)| *unit)
        .or_else(|| by_end().map(|(_, unit)| *unit))
        .or_else(|| by_start().map(|(_, unit)| *unit))
}

/// Words that are written otherwise than in lower case.
const SPELLINGS: &[(&str, &str)] = &[
    ("2g", "2G"),
    ("3g", "3G"),
    ("4g", "4G"),
    ("5g", "5G"),
    ("ac", "AC"),
    ("adsl2", "ADSL2"),
    ("awg", "AWG"),
    ("bluetooth", "Bluetooth"),
    ("cd", "CD"),
    ("cpu", "CPU"),
    ("dc", "DC"),
    ("ddr", "DDR"),
    ("dimm", "DIMM"),
    ("displayport", "DisplayPort"),
    ("displayports", "DisplayPorts"),
    ("dvd", "DVD"),
    ("dvi", "DVI"),
    ("ecc", "ECC"),
    ("emi", "EMI"),
    ("esata", "eSATA"),
    ("ethernet", "Ethernet"),
    ("euro", "Euro"),
    ("firewire", "FireWire"),
    ("fsb", "FSB"),
    ("google", "Google"),
    ("gps", "GPS"),
    ("gpu", "GPU"),
    ("hd", "HD"),
    ("hdd", "HDD"),
    ("hdds", "HDDs"),
    ("hdmi", "HDMI"),
    ("hdr", "HDR"),
    ("hp", "HP"),
    ("hs", "HS"),
    ("id", "ID"),
    ("ieee", "IEEE"),
    ("intel", "Intel"),
    ("ip", "IP"),
    ("ipv4", "IPv4"),
    ("ipv6", "IPv6"),
    ("iso", "ISO"),
    ("lan", "LAN"),
    ("lcd", "LCD"),
    ("led", "LED"),
    ("lte", "LTE"),
    ("mac", "Mac"),
    ("mp3", "MP3"),
    ("mtbf", "MTBF"),
    ("nfc", "NFC"),
    ("nvidia", "NVIDIA"),
    ("oem", "OEM"),
    ("osd", "OSD"),
    ("pc", "PC"),
    ("pci", "PCI"),
    ("pcie", "PCIe"),
    ("pdu", "PDU"),
    ("pin", "PIN"),
    ("poe", "PoE"),
    ("pfc", "PFC"),
    ("qos", "QoS"),
    ("raid", "RAID"),
    ("ram", "RAM"),
    ("rf", "RF"),
    ("rfi", "RFI"),
    ("rms", "RMS"),
    ("rohs", "RoHS"),
    ("sas", "SAS"),
    ("sata", "SATA"),
    ("scsi", "SCSI"),
    ("sd", "SD"),
    ("sfp", "SFP"),
    ("sim", "SIM"),
    ("snr", "SNR"),
    ("ssd", "SSD"),
    ("ssds", "SSDs"),
    ("tdp", "TDP"),
    ("tpm", "TPM"),
    ("tv", "TV"),
    ("uk", "UK"),
    ("ups", "UPS"),
    ("us", "US"),
    ("usb", "USB"),
    ("vesa", "VESA"),
    ("vga", "VGA"),
    ("vlan", "VLAN"),
    ("voip", "VoIP"),
    ("vt", "VT"),
    ("windows", "Windows"),
    ("wlan", "WLAN"),
    ("wxdxh", "W×D×H"),
    ("wxhxd", "W×H×D"),
    ("lxwxd", "L×W×D"),
    ("a0", "A0"),
    ("a3", "A3"),
    ("a4", "A4"),
    ("a9", "A9"),
    ("b0", "B0"),
    ("b9", "B9"),
    ("c0", "C0"),
    ("c9", "C9"),
];

/// Pairs of words written as one.
const PAIRS: &[(&str, &str, &str)] = &[
    ("wi", "fi", "Wi-Fi"),
    ("d", "sub", "D-Sub"),
    ("rj", "45", "RJ-45"),
    ("rj", "11", "RJ-11"),
    ("type", "a", "Type-A"),
    ("type", "b", "Type-B"),
    ("type", "c", "Type-C"),
    ("ps", "2", "PS/2"),
    ("t", "t", "T-T"),
    ("h", "h", "H-H"),
    ("i", "o", "I/O"),
    ("built", "in", "built-in"),
    ("dvi", "d", "DVI-D"),
    ("dvi", "i", "DVI-I"),
    ("vt", "x", "VT-x"),
    ("vt", "d", "VT-d"),
    ("on", "board", "on-board"),
    ("s", "video", "S-Video"),
    ("m", "2", "M.2"),
];

/// What people read: `thermal_design_power__tdp_` is `Thermal design power (TDP)`.
///
/// Double underscores stand for the parentheses of the original, a single one before a final `s_`
/// for `(s)`, and one between single digits for a point.
pub(super) fn label_of(raw: &str) -> String {
    // `intel__` was a trade mark sign, not a parenthesis.
    let raw = raw.replace("intel__", "intel_").replace("___", "__");
    let raw = raw.trim_start_matches('_');
    let closes = raw.ends_with('_');
    let parts: Vec<&str> =
        raw.trim_end_matches('_').split("__").filter(|part| !part.is_empty()).collect();
    let mut label = String::new();
    for (index, part) in parts.iter().enumerate() {
        let words = phrase(part);
        let last = index + 1 == parts.len();
        if index % 2 == 1 && (!last || closes) {
            label.push_str(" (");
            label.push_str(&words);
            label.push(')');
        } else {
            if index > 0 {
                label.push(' ');
            }
            label.push_str(&words);
        }
    }
    if closes
        && parts.len() == 1
        && let Some(stem) = label.strip_suffix(" s")
    {
        label = format!("{stem}(s)");
    }
    let mut characters = label.chars();
    match characters.next() {
        Some(first) if !label.starts_with("eSATA") => {
            first.to_uppercase().chain(characters).collect()
        }
        _ => label,
    }
}

fn phrase(part: &str) -> String {
    let words: Vec<&str> = part.split('_').filter(|word| !word.is_empty()).collect();
    let mut written: Vec<String> = Vec::with_capacity(words.len());
    let mut rest = words.as_slice();
    while let [word, after @ ..] = rest {
        let digit = |word: &str| word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_digit());
        if let [next, beyond @ ..] = after {
            if let Some((_, _, pair)) = PAIRS.iter().find(|(a, b, _)| a == word && b == next) {
                written.push((*pair).to_owned());
                rest = beyond;
                continue;
            }
            if digit(word) && digit(next) {
                written.push(format!("{word}.{next}"));
                rest = beyond;
                continue;
            }
        }
        let spelled = SPELLINGS.iter().find(|(plain, _)| plain == word);
        written.push(spelled.map_or(*word, |(_, spelled)| spelled).to_owned());
        rest = after;
    }
    written.join(" ")
}

#[cfg(test)]
mod tests {
    use stoa_domain::catalog::attribute_key;

    use super::*;

    #[test]
    fn labels_read_like_the_originals() {
        for (raw, label) in [
            ("thermal_design_power__tdp_", "Thermal design power (TDP)"),
            ("width", "Width"),
            (
                "usb_3_2_gen_1__3_1_gen_1__type_a_ports_quantity",
                "USB 3.2 gen 1 (3.1 gen 1) Type-A ports quantity",
            ),
            ("connector_s_", "Connector(s)"),
            ("operating_temperature__t_t_", "Operating temperature (T-T)"),
            ("wi_fi", "Wi-Fi"),
            ("vga__d_sub__ports_quantity", "VGA (D-Sub) ports quantity"),
            ("dimensions__wxdxh_", "Dimensions (W×D×H)"),
            ("esata_ports_quantity", "eSATA ports quantity"),
            ("intel__turbo_boost_technology", "Intel turbo boost technology"),
            ("ethernet_lan__rj_45__ports", "Ethernet LAN (RJ-45) ports"),
        ] {
            assert_eq!(label_of(raw), label);
        }
    }

    #[test]
    fn keys_are_clean_and_of_one_type() {
        assert_eq!(attribute_key("thermal_design_power__tdp_"), "thermal_design_power_tdp");
        assert_eq!(attribute_key("__"), "");
        assert_eq!(typed_key("size".to_owned(), 't'), "size_text");
        assert_eq!(typed_key("size".to_owned(), 'n'), "size");
        assert_eq!(typed_key("airflow".to_owned(), 'n'), "airflow_number");
    }

    #[test]
    fn texts_are_split_only_where_they_are_lists() {
        let list = |items: &[&str]| {
            AttributeValue::List(items.iter().map(|item| (*item).to_owned()).collect())
        };
        assert_eq!(
            text_value("product_colour", "Black, Silver,Black"),
            Some(list(&["Black", "Silver"]))
        );
        assert_eq!(text_value("product_colour", "Black"), Some(list(&["Black"])));
        assert_eq!(text_value("product_colour", " , "), None);
        assert_eq!(
            text_value("capacity", "5 kg, or\\n11 lb"),
            Some(AttributeValue::Text("5 kg, or\n11 lb".to_owned()))
        );
        assert_eq!(text_value("capacity", " "), None);
    }

    #[test]
    fn every_name_has_at_most_one_unit() {
        let mut keys: Vec<&str> = UNITS.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert_eq!(unit_of("print_speed_black_normal_quality_a4_us_letter"), Some("ppm"));
        assert_eq!(unit_of("black_toner_page_yield"), Some("pages"));
        assert_eq!(unit_of("master_outer_case_width"), Some("mm"));
        assert_eq!(unit_of("package_weight_imperial"), Some("lb"));
        assert_eq!(unit_of("buttons_quantity"), None);
    }

    #[test]
    fn processor_frequencies_compare_and_memory_has_the_unit_of_its_kind() {
        let number = |text: &str| AttributeValue::Number(text.parse().unwrap());
        let plain: Fields = serde_json::from_str("{}").unwrap();
        let printer: Fields = serde_json::from_str(r#"{"attr_t_print_technology":"x"}"#).unwrap();
        let frequency = |text| with_unit("processor_frequency", number(text), &plain);
        assert_eq!(frequency("460"), (number("0.46"), Some("GHz")));
        assert_eq!(frequency("2.8"), (number("2.8"), Some("GHz")));
        let memory = |fields| with_unit("internal_memory", number("64"), fields).1;
        assert_eq!((memory(&printer), memory(&plain)), (Some("MB"), None));
    }
}
