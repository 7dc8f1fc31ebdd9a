//! What must not compile does not.

#[test]
fn a_credential_of_the_other_operation_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/must_not_compile/*.rs");
}
