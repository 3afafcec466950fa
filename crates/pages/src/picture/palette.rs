//! Colours of generated pictures.

/// A colour as red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rgb(u8, u8, u8);

const INK: Rgb = Rgb(0x1c, 0x24, 0x21);
const WHITE: Rgb = Rgb(0xff, 0xff, 0xfc);
const LEAF: Rgb = Rgb(0x3f, 0x86, 0x57);

impl Rgb {
    const fn new(hex: u32) -> Self {
        let [_, red, green, blue] = hex.to_be_bytes();
        Self(red, green, blue)
    }

    /// This colour with `percent` of another one.
    fn mix(self, other: Self, percent: u16) -> Self {
        let blend = |own: u8, others: u8| {
            let sum = u16::from(own) * (100 - percent) + u16::from(others) * percent;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Self(blend(self.0, other.0), blend(self.1, other.1), blend(self.2, other.2))
    }

    /// How light it looks, from 0 to 255.
    fn lightness(self) -> u16 {
        (u16::from(self.0) * 3 + u16::from(self.1) * 6 + u16::from(self.2)) / 10
    }

    pub(super) fn push_to(self, text: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        text.push('#');
        for part in [self.0, self.1, self.2] {
            for digit in [part >> 4, part & 15] {
                let letter = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
                text.push(char::from(letter));
            }
        }
    }
}

/// Background, object and accent that go together.
const PALETTES: [(u32, u32, u32); 14] = [
    (0xdfe8d2, 0x2f6b4f, 0xf2b84b),
    (0xf6e1cf, 0xc75b39, 0x2c5a4b),
    (0xd6e5ec, 0x2c5f8a, 0xf0a35e),
    (0xf2dcdc, 0xa63a50, 0xf0c25b),
    (0xe5dff0, 0x5b4a9c, 0xf28f6b),
    (0xf4eac6, 0xb07d12, 0x2f5d50),
    (0xd3eae1, 0x1f7a70, 0xf4c95d),
    (0xebe4d8, 0x6b5744, 0xd98f4e),
    (0xe7efc0, 0x4c6b1f, 0xe36f4f),
    (0xdde3f3, 0x33418f, 0xd3f04f),
    (0xf7dcd0, 0x8d3b2a, 0x5aa48f),
    (0xdae4e3, 0x3f565c, 0xf0b54a),
    (0xd5e7f2, 0x1d7fa6, 0xf7d35e),
    (0xf3dfe9, 0x8c3f77, 0x7fc8a9),
];

/// Backgrounds on which white and cream things can be seen.
const DEEP: [u32; 5] = [0xaac4ae, 0xd9b08c, 0x9fbccf, 0xc9a3a8, 0xb5aed0];

/// Words that name a colour.
const NAMES: &[(&str, u32)] = &[
    ("amber", 0xd98a1f),
    ("anthracite", 0x3a4143),
    ("aqua", 0x3aa6a8),
    ("beige", 0xd9c6a5),
    ("black", 0x2b302f),
    ("blue", 0x2f63b0),
    ("blush", 0xe3aca5),
    ("bone", 0xe6dcc6),
    ("bordeaux", 0x6e2233),
    ("bronze", 0x9a6b3f),
    ("brown", 0x74503a),
    ("burgundy", 0x6e2233),
    ("camel", 0xbd8d56),
    ("chalk", 0xf1efe8),
    ("charcoal", 0x444b4d),
    ("chestnut", 0x7a4630),
    ("clay", 0xb9694a),
    ("cobalt", 0x1f4aa8),
    ("copper", 0xb56a43),
    ("coral", 0xe8705a),
    ("cream", 0xf3ead6),
    ("cyan", 0x12a5cc),
    ("denim", 0x3f5f86),
    ("ecru", 0xeadfc8),
    ("emerald", 0x14795a),
    ("fern", 0x4f7f4a),
    ("forest", 0x2b5a40),
    ("gold", 0xc9a040),
    ("graphite", 0x4a5052),
    ("gray", 0x868d8c),
    ("green", 0x3b8050),
    ("grey", 0x868d8c),
    ("indigo", 0x3c3f8f),
    ("ivory", 0xf4eedd),
    ("khaki", 0x8f8a5c),
    ("lavender", 0xa79bd0),
    ("lilac", 0xb79fcb),
    ("lime", 0x9cc23a),
    ("linen", 0xe6dcc8),
    ("magenta", 0xc92a82),
    ("marine", 0x24405f),
    ("maroon", 0x6d2b33),
    ("mauve", 0x9d7a95),
    ("midnight", 0x232e4a),
    ("mint", 0x8fc9ad),
    ("moss", 0x66743a),
    ("mustard", 0xcf9a2b),
    ("natural", 0xcdb48c),
    ("navy", 0x25375e),
    ("oak", 0xc09a67),
    ("oat", 0xdfd0b4),
    ("ochre", 0xc4862c),
    ("olive", 0x727a3c),
    ("orange", 0xe27d2c),
    ("peach", 0xf0b08d),
    ("petrol", 0x1f5c66),
    ("pink", 0xe58aa4),
    ("plum", 0x693a5f),
    ("purple", 0x6f479e),
    ("red", 0xc23a32),
    ("rose", 0xd98c92),
    ("rust", 0xa9502c),
    ("sage", 0x93a888),
    ("sand", 0xd6c29c),
    ("silver", 0xb9c0c0),
    ("sky", 0x7fb2d6),
    ("slate", 0x566470),
    ("stone", 0xb7b0a2),
    ("tan", 0xbf9568),
    ("taupe", 0x8d7f71),
    ("teal", 0x1c7a7c),
    ("terracotta", 0xbf6445),
    ("turquoise", 0x2fa8a0),
    ("violet", 0x7550a8),
    ("walnut", 0x6d4b34),
    ("white", 0xf6f5f0),
    ("yellow", 0xe9bd2e),
];

/// The colour a word names; the word is in lower case.
pub(super) fn named(word: &str) -> Option<Rgb> {
    let index = NAMES.binary_search_by_key(&word, |(name, _)| name).ok()?;
    NAMES.get(index).map(|(_, hex)| Rgb::new(*hex))
}

/// The colours of one picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) background: Rgb,
    pub(super) glow: Rgb,
    pub(super) shadow: Rgb,
    main: Rgb,
    dark: Rgb,
    light: Rgb,
    pale: Rgb,
    ink: Rgb,
    accent: Rgb,
}

impl Palette {
    /// A palette chosen by a hash; the object takes the tint, if there is one.
    pub(super) fn new(hash: u64, tint: Option<Rgb>) -> Self {
        let pick =
            |count: usize| usize::try_from(hash % u64::try_from(count).unwrap_or(1)).unwrap_or(0);
        let (background, main, accent) =
            PALETTES.get(pick(PALETTES.len())).copied().unwrap_or((0xebe4d8, 0x6b5744, 0xd98f4e));
        let main = tint.unwrap_or(Rgb::new(main));
        let pale_object = main.lightness() > 205;
        let background = match DEEP.get(pick(DEEP.len())) {
            Some(deep) if pale_object => Rgb::new(*deep),
            _ => Rgb::new(background),
        };
        let dark_object = main.lightness() < 70;
        Self {
            background,
            glow: background.mix(WHITE, if pale_object { 22 } else { 48 }),
            shadow: background.mix(INK, 16),
            main,
            dark: main.mix(INK, if pale_object { 15 } else { 32 }),
            light: main.mix(WHITE, if dark_object { 18 } else { 28 }),
            pale: background.mix(WHITE, 82),
            ink: if dark_object { Rgb(0x12, 0x16, 0x15) } else { INK.mix(main, 12) },
            accent: Rgb::new(accent),
        }
    }

    /// The colour a placeholder of a drawing stands for.
    pub(super) fn of(&self, placeholder: char) -> Rgb {
        match placeholder {
            'm' => self.main,
            'd' => self.dark,
            'l' => self.light,
            'p' => self.pale,
            'a' => self.accent,
            'g' => LEAF,
            'b' => self.glow,
            _ => self.ink,
        }
    }
}

/// The colour a label such as `Midnight blue` names, as CSS: its last word that names one.
pub(super) fn css_of(label: &str) -> Option<&'static str> {
    // Leaked never: the names are few, so their text is made once.
    static TEXTS: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| NAMES.iter().map(|(_, hex)| format!("#{hex:06x}")).collect());
    label
        .to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
        .filter_map(|word| NAMES.binary_search_by_key(&word, |(name, _)| name).ok())
        .next_back()
        .and_then(|index| TEXTS.get(index))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_for_binary_search() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
        assert_eq!(named("cyan"), Some(Rgb::new(0x12a5cc)));
        assert_eq!(named("cable"), None);
    }
}
