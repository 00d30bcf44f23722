use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Sheet {
    Sheet::read(text.as_bytes(), Header::Guess).unwrap()
}

fn cells(sheet: &Sheet) -> Vec<Vec<&str>> {
    sheet.rows.iter().map(|row| row.cells.iter().map(String::as_str).collect()).collect()
}

#[test]
fn any_separator_and_a_byte_order_mark_are_read() {
    for text in
        ["SĐT,Tên\n0901234567,Lan\n", "\u{feff}SĐT;Tên\r\n0901234567;Lan", "SĐT\tTên\r0901234567\tLan\r"]
    {
        let sheet = read(text);
        assert_eq!((sheet.names.clone(), sheet.has_header), (vec!["SĐT".to_owned(), "Tên".to_owned()], true));
        assert_eq!(cells(&sheet), [["0901234567", "Lan"]]);
    }
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("SĐT\tTên\n0901\tÝ".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(cells(&Sheet::read(&wide, Header::Guess).unwrap()), [["0901", "Ý"]]);
}

#[test]
fn without_a_header_the_first_line_is_a_row_and_one_can_say_otherwise() {
    let sheet = read("0901234567,Lan\n0907654321,Mai\n");
    assert_eq!(
        (sheet.names.clone(), sheet.has_header, sheet.rows.len()),
        (vec!["1".to_owned(), "2".to_owned()], false, 2)
    );
    let turned = sheet.clone().retaken(true);
    assert_eq!((turned.names[0].as_str(), turned.rows.len(), turned.rows[0].line), ("0901234567", 1, 2));
    assert_eq!(turned.retaken(false), sheet);
    // Ids alone, under a name that is known.
    assert!(read("leadId\nlead-01\nlead-02").has_header);
    assert!(!read("lead-01,2.450.000\nlead-02,3.000.000").has_header);
}

#[test]
fn rows_keep_the_line_that_they_have_in_the_file() {
    let sheet = read("phone,name\n0901234567,Lan\n\n,\n0907654321,\"Mai\nAnh\"\n0909999999,Bo\n");
    let lines: Vec<_> = sheet.rows.iter().map(|row| row.line).collect();
    assert_eq!((lines.clone(), cells(&sheet)[1][1]), (vec![2, 5, 7], "Mai Anh"));
    assert_eq!(read("phone,name\r\n0901234567,Lan\r\n\r\n0907654321,Mai").rows[1].line, 4);
    let again = Sheet::parse(&sheet.canonical(), Header::Yes).unwrap();
    assert_eq!(again, sheet);
}

#[test]
fn what_is_no_list_says_what_it_is() {
    let error = |bytes: &[u8]| Sheet::read(bytes, Header::Guess).unwrap_err();
    assert_eq!(error(b"PK\x03\x04rest"), SheetError::Workbook);
    assert_eq!(error(b"phone\n0901\nL\xe2n"), SheetError::NotUtf8(3));
    assert_eq!(error(b"\x00\x01"), SheetError::Binary);
    assert_eq!(error(b" \n,,\n"), SheetError::Empty);
    assert_eq!(error(b"phone,name\n"), SheetError::Empty);
    assert_eq!(
        error(format!("phone\n{}", "0901234567\n".repeat(10_001)).as_bytes()),
        SheetError::TooMany(10_001)
    );
    assert_eq!(error("phone,".repeat(41).as_bytes()), SheetError::TooWide(42));
    let unclosed = format!("phone,name\n0901234567,\"Lan\n{}", "0901234567,Mai\n".repeat(50));
    assert_eq!(error(unclosed.as_bytes()), SheetError::Unclosed(2));
}

#[test]
fn a_row_with_too_many_cells_is_seen_and_one_with_too_few_is_filled() {
    let sheet = read("phone,amount\n0901234567,2,450,000\n0907654321\n0907654322,1,,\n");
    assert_eq!(sheet.rows.iter().map(|row| row.cells.len()).collect::<Vec<_>>(), [4, 2, 2]);
}

#[test]
fn a_guarded_cell_is_read_as_what_it_guards() {
    assert_eq!([guarded("=1+1"), guarded("+84901234567"), guarded("Lan")], ["'=1+1", "'+84901234567", "Lan"]);
    assert_eq!(cells(&read("phone\n'+84901234567\n'Lan\n")), [["+84901234567"], ["'Lan"]]);
}

proptest! {
    #[test]
    fn the_canonical_form_says_the_same(
        rows in prop::collection::vec(prop::collection::vec("[a-zé0-9 \",;\t'\r\n=]{0,8}", 3), 1..8),
    ) {
        let mut table = Table::with(',');
        table.push(["phone", "b", "c"].into_iter());
        for row in &rows {
            table.push(row.iter().map(String::as_str));
        }
        if let Ok(sheet) = Sheet::parse(&table.text(), Header::Yes) {
            let again = Sheet::parse(&sheet.canonical(), Header::Yes).unwrap();
            // A guard that shows only once another was taken away is no guard that we wrote.
            prop_assume!(!sheet.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.starts_with('\'')));
            prop_assert_eq!(again, sheet);
        }
    }
}
