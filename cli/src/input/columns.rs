//! Which column of a table has the ids.

/// A column that was asked for.
#[derive(Debug)]
pub struct Column {
    text: String,
}

impl Column {
    pub fn parse(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// By name, in any case; or else by number, from 1.
    pub fn find(&self, columns: &[String]) -> Result<usize, String> {
        let wanted = self.text.trim();
        let mut named = (0..columns.len())
            .filter(|&at| columns[at].trim().to_lowercase() == wanted.to_lowercase());
        match (named.next(), named.next()) {
            (Some(at), None) => return Ok(at),
            (Some(_), Some(_)) => {
                return Err(format!(
                    "several of its columns are called {wanted:?}; give the number of one with --column"
                ));
            }
            (None, _) => {}
        }
        match wanted.parse() {
            Ok(number @ 1..) if number <= columns.len() => Ok(number - 1),
            _ => Err(format!(
                "it has no column {wanted:?}; its columns are {}",
                names(columns)
            )),
        }
    }
}

/// The names that columns of ids have, without case and punctuation. Columns of the first
/// group that a table has are its ids: an id is safer than a login, which may be reassigned.
const GROUPS: [&[&str]; 3] = [
    &[
        "id",
        "userid",
        "oktaid",
        "oktauserid",
        "actorid",
        "targetid",
        "target0id",
        "target1id",
    ],
    &[
        "login",
        "username",
        "profilelogin",
        "userlogin",
        "oktalogin",
        "oktausername",
    ],
    &[
        "email",
        "emailaddress",
        "primaryemail",
        "useremail",
        "profileemail",
        "mail",
        "upn",
        "userprincipalname",
    ],
];

/// The column that has the users' ids, if there is no doubt about it.
pub fn of_ids(columns: &[String]) -> Result<usize, String> {
    if let Some(at) = of_our_report(columns) {
        return Ok(at);
    }
    for group in GROUPS {
        let found: Vec<usize> = (0..columns.len())
            .filter(|&at| group.contains(&bare(&columns[at]).as_str()))
            .collect();
        match found.as_slice() {
            [] => {}
            [at] => return Ok(*at),
            several => {
                let several: Vec<_> = several.iter().map(|&at| columns[at].clone()).collect();
                return Err(format!(
                    "several of its columns may have the users' ids ({}); name one with --column",
                    names(&several)
                ));
            }
        }
    }
    Err(format!(
        "none of its columns has a name like id or userId; name the one with the users' ids with --column (its columns are {})",
        names(columns)
    ))
}

/// The column that says of what kind the ids in a column like `actor.id` are.
pub fn of_types(columns: &[String], ids: &str) -> Option<usize> {
    let owner = bare(ids);
    let owner = owner
        .strip_suffix("id")
        .filter(|owner| ["actor", "target", "target0", "target1"].contains(owner))?;
    columns
        .iter()
        .position(|column| bare(column) == format!("{owner}type"))
}

/// The column of users, if it is a report of ours.
pub fn of_our_report(columns: &[String]) -> Option<usize> {
    let at = |name| columns.iter().position(|column| column == name);
    at("outcome").and(at("attempts")).and(at("user"))
}

/// Whether a column of this name has users' ids.
pub fn has_ids(name: &str) -> bool {
    let name = name.trim();
    // Not a login like user@acme.com.
    !name.contains('@')
        && GROUPS
            .iter()
            .any(|group| group.contains(&bare(name).as_str()))
}

/// Whether a line looks like a heading that does not say what kind of ids follow. Sent as
/// an id, it might be somebody's login.
pub fn is_heading(line: &str) -> bool {
    const WORDS: [&str; 8] = [
        "ids",
        "userids",
        "user",
        "users",
        "usernames",
        "name",
        "logins",
        "emails",
    ];
    !line.contains('@') && WORDS.contains(&bare(line).as_str())
}

pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn bare(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.collect::<String>().to_lowercase()
}

fn names(columns: &[String]) -> String {
    let shown = columns
        .iter()
        .take(40)
        .map(|column| format!("{:?}", column.trim()));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if columns.len() > 40 {
        text += ", …";
    }
    text
}
