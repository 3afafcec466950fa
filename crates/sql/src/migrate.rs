//! Numbered, forward-only migrations, embedded in the binary; the same names for both databases.

/// A step of the schema.
#[derive(Debug)]
pub(crate) struct Migration {
    /// Its place; numbers grow.
    pub(crate) number: i64,
    /// Its file name without the ending.
    pub(crate) name: &'static str,
    /// What SQLite runs.
    pub(crate) sqlite: &'static str,
    /// What PostgreSQL runs.
    pub(crate) postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),*]
    };
}

/// All of them, in order.
pub(crate) const MIGRATIONS: &[Migration] = migrations![
    1 "0001_foundation",
    3 "0003_jobs",
    4 "0004_mail",
    7 "0007_installation",
    8 "0008_events",
    9 "0009_webhooks",
    10 "0010_vendors",
    11 "0011_fulfilments",
    12 "0012_checks_of_fulfilments",
    13 "0013_sales",
    14 "0014_abandoned_carts",
    15 "0015_customers",
    16 "0016_row_storage",
];

/// The number of the newest one.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_migrations() {
        let names = |database: &str| {
            let folder = format!("{}/../../migrations/{database}", env!("CARGO_MANIFEST_DIR"));
            let mut names: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let listed: Vec<String> = MIGRATIONS.iter().map(|m| format!("{}.sql", m.name)).collect();
        assert_eq!(names("sqlite"), listed);
        assert_eq!(names("postgres"), listed);
        assert!(MIGRATIONS.is_sorted_by(|before, after| before.number < after.number));
        for migration in MIGRATIONS {
            assert!(migration.name.starts_with(&format!("{:04}_", migration.number)));
        }
    }
}
