use proptest::prelude::*;

use super::*;

fn body(text: &str) -> TemplateBody {
    TemplateBody::parse(text).unwrap()
}

fn error(text: &str) -> TemplateError {
    TemplateBody::parse(text).unwrap_err()
}

const fn at(line: usize, character: usize) -> Place {
    Place { line, character }
}

fn value(name: &str) -> Option<&'static str> {
    [
        ("name", "Lan"),
        ("order.id", "7"),
        ("blank", " \u{a0}\t\u{200b}"),
        ("raw", "{{ name }} }}"),
        ("mark", "\u{301}x"),
    ]
    .into_iter()
    .find(|(one, _)| *one == name)
    .map(|(_, value)| value)
}

#[test]
fn variables_are_named_in_order_of_first_use_without_repeats() {
    let body = body("{{b}} {{ a_1 }}{{  b }} {{order.id}}");
    assert_eq!(body.variables(), ["b", "a_1", "order.id"]);
    assert_eq!(body.source(), "{{b}} {{ a_1 }}{{  b }} {{order.id}}");
}

#[test]
fn values_go_into_their_places() {
    let text = body("Chào {{ name }}, đơn {{order.id}} của {{name}}.").render(value);
    assert_eq!(text.unwrap(), "Chào Lan, đơn 7 của Lan.");
    assert_eq!(body("Không có biến").render(value).unwrap(), "Không có biến");
}

#[test]
fn all_missing_variables_are_named_and_a_blank_value_is_missing() {
    let error = body("{{z}} {{name}} {{blank}} {{a}} {{z}}").render(value).unwrap_err();
    assert_eq!(error.names(), ["z", "blank", "a"]);
    assert_eq!(error.to_string(), "no value for z, blank, a");
}

#[test]
fn a_value_is_not_looked_into() {
    assert_eq!(body("<{{raw}}>").render(value).unwrap(), "<{{ name }} }}>");
}

#[test]
fn body_and_result_are_composed() {
    assert_eq!(body("Tie\u{302}\u{301}ng").source(), "Ti\u{1ebf}ng");
    assert_eq!(body("e{{mark}}").render(value).unwrap(), "\u{e9}x");
}

#[test]
fn single_braces_are_text() {
    let text = "a { b } c {} {x} 1 } 2 {";
    assert_eq!(body(text).render(value).unwrap(), text);
}

#[test]
fn what_does_not_parse_is_refused_with_its_place() {
    assert_eq!(error("Chào {{ name"), TemplateError::Unclosed(at(1, 6)));
    assert_eq!(error("Chào\nbạn {{ name } }"), TemplateError::Unclosed(at(2, 5)));
    assert_eq!(error("{{ a \n {{ b }}"), TemplateError::Unclosed(at(1, 1)));
    assert_eq!(error("{{a}}\nđó }} x"), TemplateError::Stray(at(2, 4)));
    assert_eq!(error("{{a}}}}"), TemplateError::Stray(at(1, 6)));
    assert_eq!(error("x{{}}"), TemplateError::NoName(at(1, 2)));
    assert_eq!(error("x{{  \n}}"), TemplateError::NoName(at(1, 2)));
    assert_eq!(error("a\0"), TemplateError::Nul(at(1, 2)));
}

#[test]
fn a_bad_name_is_quoted_with_its_place() {
    for name in ["1a", "_a", ".a", "a b", "tên", "a-b", "a|upper", "{ a", "a}b"] {
        let text = format!("x\n y {{{{ {name} }}}}");
        assert_eq!(error(&text), TemplateError::BadName { name: name.to_owned(), place: at(2, 4) });
    }
    assert_eq!(error("{{{a}}}").to_string().split(" is no").next(), Some("`{a` at line 1, character 1"));
    let TemplateError::BadName { name, .. } = error(&format!("{{{{{}}}}}", "é".repeat(99))) else {
        panic!("another error")
    };
    assert_eq!(name.chars().count(), 40);
}

#[test]
fn errors_show_the_braces_as_they_are_written() {
    assert_eq!(error("{{a").to_string(), "`{{` at line 1, character 1 is never closed");
    assert_eq!(error("a}}").to_string(), "`}}` at line 1, character 2 closes nothing");
    assert_eq!(error("{{}}").to_string(), "`{{ }}` at line 1, character 1 names no variable");
}

#[test]
fn the_length_is_limited_in_characters_of_the_composed_form() {
    assert_eq!(body(&"ế".repeat(4_000)).source().chars().count(), 4_000);
    assert!(TemplateBody::parse(&"e\u{302}\u{301}".repeat(4_000)).is_ok());
    assert_eq!(error(&"x".repeat(4_001)), TemplateError::TooLong(4_001));
    assert_eq!(error(" \n"), TemplateError::Blank);
    assert_eq!(error(""), TemplateError::Blank);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_parses_keeps_its_source(text in "[{}a. \nđ\u{301}\0]{0,40}") {
        if let Ok(body) = TemplateBody::parse(&text) {
            prop_assert_eq!(body.source(), nfc(&text));
            let same = body.render(|name| Some(format!("{{{{{name}}}}}"))).unwrap();
            let squeezed = |text: &str| text.replace([' ', '\n'], "");
            prop_assert_eq!(squeezed(&same), squeezed(body.source()));
        }
    }

    #[test]
    fn texts_between_variables_stay_as_they_are(a in "[a-zđ {}]{0,9}", b in "[a-zđ {}]{0,9}", v in "\\PC{0,9}") {
        prop_assume!(!format!("{a}|{b}").contains("}}") && !format!("{a}|{b}").contains("{{"));
        prop_assume!(!a.ends_with('{') && !b.starts_with('}'));
        let text = body(&format!("{a}{{{{x}}}}{b}")).render(|_| Some(format!("-{v}")));
        prop_assert_eq!(text.unwrap(), nfc(&format!("{a}-{v}{b}")));
    }
}

#[test]
fn what_has_no_value_stays_a_variable() {
    let body = TemplateBody::parse("Chào {{name}}, {{ owner.name }} chờ {{  name }}. {x}").unwrap();
    let filled = body.fill(|name| (name == "name").then_some("{{ b }}"));
    assert_eq!(filled.text, "Chào {{ b }}, {{ owner.name }} chờ {{ b }}. {x}");
    assert_eq!(filled.missing, ["owner.name"]);
    assert_eq!(body.fill(|_| Some("x")).missing, Vec::<String>::new());
    assert_eq!(body.fill(|_| Some(" ")).missing, ["name", "owner.name"]);
}

#[test]
fn a_new_key_can_stand_in_a_path_and_a_title_on_a_line() {
    for key in ["remind_paid50", "a.b-c", "0"] {
        assert_eq!(new_key(key).unwrap().as_str(), key);
    }
    for key in ["", "..", "Nhac", "a b", "a/b", &"a".repeat(65)] {
        assert_eq!(new_key(key), Err(BadKey), "{key}");
    }
    assert_eq!(new_title(" Nhắc học phí "), Ok("Nhắc học phí".to_owned()));
    assert_eq!(new_title(" \n"), Err(BadTitle::Blank));
    assert_eq!(new_title("a\nb"), Err(BadTitle::ControlCharacter));
    assert_eq!(new_title(&"ế".repeat(201)), Err(BadTitle::TooLong));
}
