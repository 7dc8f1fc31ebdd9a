//! Whole lists, as people have them.

use super::*;

fn ids(text: &str) -> Result<Vec<String>, String> {
    parse(text, None).map(|list| list.ids)
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let marked = format!("\u{feff}{text}");
    marked.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn ids_are_read_from_lists_and_tables() {
    for text in [
        "00u1\n00u2\n",
        "\n 00u1\r\n\r\n00u2",
        "# on call\n00u1\n\n  # and\n00u2\n",
        "\"00u1\"\n\"00u2\"\n",
        "id\n00u1\n00u2\n",
        "login\n00u1\n00u2\n",
        "User ID\n00u1\n00u2\n",
        "\"user.id\"\n\"00u1\"\n\"00u2\"\n",
        "name,userId\n\"Ada, L.\",00u1\nBob,00u2\n",
        "name;okta_id\nAda;00u1\nBob;00u2\n",
        "name\tid\nAda\t00u1\nBob\t00u2\n",
        "sep=;\nname;id\nA,da;00u1\nBob;00u2\n",
        "\"Name, full\";id\nAda;00u1\nBob;00u2\n",
        "#TYPE Selected.User\n\"id\",\"name\"\n\"00u1\",\"Ada\"\n\"00u2\",\"Bob\"\n",
        "id,login,email\n00u1,a@b.c,a@b.c\n00u2,b@b.c,b@b.c\n",
        "email,login\na@b.c,00u1\nb@b.c,00u2\n",
        "\"Name, full\",id,managerId\n\"Love\n\"\"lace\"\", Ada\",00u1,00u8\nBob,00u2,00u9\n",
        "  \nid,name\n00u1,Ada\n  \n00u2,Bob\n",
        // The System Log, whose actors are not all users.
        "uuid,actor.id,actor.type\n1,00u1,User\n2,0oa1,PublicClientApp\n3,00u2,User\n",
        // A report of ours.
        "user,outcome,attempts,reason\r\n00u1,forbidden,1,x\r\n00u2,unknown,2,\r\n",
        r#"{"org": "x", "not_revoked": [{"user": "00u1", "outcome": "unknown", "attempts": 1},
            {"user": "00u2", "outcome": "unknown", "attempts": 1}]}"#,
        r#"["00u1", "00u2"]"#,
        r#"[{"id": "00u1", "profile": {"login": "a@b.c"}, "type": {"id": "oty1"}},
            {"id": "00u2", "status": "ACTIVE"}]"#,
        "{\"uuid\": \"1\", \"actor\": {\"id\": \"00u1\", \"type\": \"User\"}}\n\
         {\"uuid\": \"2\", \"actor\": {\"id\": \"0oa1\", \"type\": \"SystemPrincipal\"}}\n\
         {\"uuid\": \"3\", \"actor\": {\"id\": \"00u2\", \"type\": \"User\"}}\n",
    ] {
        assert_eq!(
            ids(text).as_deref(),
            Ok(&["00u1".into(), "00u2".into()][..]),
            "{text}"
        );
    }
    for one in ["user@acme.com\n", "o'brien@acme.com\n"] {
        assert_eq!(ids(one).unwrap(), [one.trim()]);
    }
    for nobody in ["", "\n", "# nobody\n", "userId\n", "[]"] {
        assert_eq!(ids(nobody).as_deref(), Ok(&[][..]), "{nobody:?}");
    }
    // Not a formula.
    assert_eq!(
        ids("user,outcome,attempts\n\"'=a@b.c\",unknown,1\n").unwrap(),
        ["=a@b.c"]
    );
}

#[test]
fn a_column_can_be_named_or_numbered() {
    let text = "uuid,actor.id,target0.id\n1,00u1,00u2\n";
    for (column, id) in [("actor.id", "00u1"), ("Target0.ID", "00u2"), ("3", "00u2")] {
        assert_eq!(parse(text, Some(column)).unwrap().ids, [id]);
    }
    for (column, part) in [
        ("0", "no column \"0\""),
        ("4", "\"actor.id\""),
        ("user", "no column"),
    ] {
        assert!(parse(text, Some(column)).unwrap_err().contains(part));
    }
    assert!(
        parse("a,a\n1,2\n", Some("a"))
            .unwrap_err()
            .contains("several")
    );
    assert_eq!(parse("who\n00u1\n", Some("who")).unwrap().ids, ["00u1"]);
}

#[test]
fn skipped_rows_are_counted() {
    let list = parse("actor.id,actor.type\n00u1,User\n0oa,App\n", None).unwrap();
    assert_eq!(
        list.notes,
        [
            "the ids are in the column \"actor.id\"",
            "1 row was skipped whose \"actor.type\" is not User"
        ]
    );
}

#[test]
fn utf_16_is_read_and_other_encodings_are_refused() {
    let text = "login\tname\r\na@b.c\tÄda\r\n";
    for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)] {
        assert_eq!(encoding::decode(bytes).unwrap(), text);
    }
    let with_mark = format!("\u{feff}{text}").into_bytes();
    assert_eq!(encoding::decode(with_mark).unwrap(), text);
    for (bytes, part) in [
        (vec![0xff, 0xfe, 0x41], "neither UTF-8"),
        (vec![0xff, 0xfe, 0x00, 0xd8], "neither UTF-8"),
        (b"login\n\xc4da\n".to_vec(), "neither UTF-8"),
        (b"i\0d\0\n\0".to_vec(), "zero bytes"),
    ] {
        assert!(encoding::decode(bytes).unwrap_err().contains(part));
    }
}

#[test]
fn ambiguous_lists_are_refused_with_their_place() {
    for (text, part) in [
        ("id,userId\n1,00u1\n", "\"id\", \"userId\""),
        (
            "uuid,actor.id,target0.id\n1,00u1,00u2\n",
            "\"actor.id\", \"target0.id\"",
        ),
        ("name,mail address\nAda,a@b.c\n", "--column"),
        ("login;id,login\n1;2,3\n", "several separators"),
        // A quote that is never closed.
        ("id,name\n00u1,Ada\n00u2,\"Bob\n00u3,Eve\n", "line 3 opens"),
        ("id,name\n00u1,\"A\nda\"\n00u2,\"Bob", "line 4 opens"),
        ("\"id\n00u2\n", "line 1 opens"),
        ("\"00u1\n00u2\n", "line 1"),
        ("00u1\n\"00u2\n00u3\n", "line 2"),
        // Text next to quotes.
        ("id,name\n00u1,\"Ada\" L\n", "line 2 has text next to"),
        ("id,name\n00u1, \"Ada\"\n", "line 2 has text next to"),
        ("id,name\n00u1,Ada \"L\"\n", "line 2 has text next to"),
        ("00u1\"\n", "line 1"),
        // Columns that shift.
        ("name,id\nLovelace, Ada,00u1\n", "line 2 has 3 fields"),
        ("name,id\n\"A\n\",00u1\nBob,00u2,\n", "line 4 has 3 fields"),
        ("name,id\nAda\n", "line 2 has 1 field"),
        ("00u1\n00u2,00u3\n", "line 2"),
        ("00u1\r00u2\n", "line 1"),
        (
            "id,x\n00u1,1\n,2\n",
            "line 3 has nothing in the column \"id\"",
        ),
        // What is not a list, or not an id.
        ("Users report 2026\nid,name\n00u1,Ada\n", "line 1"),
        ("Users,report\nid,name\n00u1,Ada\n", "--column"),
        ("user\n00u1\n", "looks like the heading"),
        ("<html><body>00u1", "HTML"),
        ("{\"header\":{\"format\":1}}\n{\"outcome\":{}}\n", "journal"),
        ("{\"errorCode\": \"E0000011\"}", "none of its columns"),
        (
            "[{\"id\": \"00u1\"}, {\"name\": \"x\"}]",
            "entry 2 has nothing",
        ),
        ("[{\"id\": \"00u1\"}, \"00u2\"]", "entry 2 is not an object"),
        ("[\"00u1\"", "not valid JSON"),
        ("00u1\n00u2 # break glass\n", "line 2"),
        ("00u1 00u2\n", "line 1"),
        ("- 00u1\n", "line 1"),
        ("'root@acme.com'\n", "line 1"),
        ("“root@acme.com”\n", "line 1"),
        ("00u1\u{200b}\n", "invisible"),
        ("id,x\n00u\u{202e}1,\n", "invisible"),
    ] {
        let refused = ids(text).unwrap_err();
        assert!(refused.contains(part), "{text:?}: {refused}");
    }
}
