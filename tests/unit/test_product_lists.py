"""The loader of product lists: the CDC's two headings, CSV and spreadsheets, and what it refuses."""

import zipfile

import pytest
from claimtwin.codes.opioids import factors_of, places_of, read_products
from claimtwin.errors import ConfigError

NEW = "NDC,NDC_Numeric,PRODNME,GENNME,Master_Form,Class,Drug,LongShortActing,DEAClassCode,Strength_Per_Unit,UOM"
OLD = "NDC_Numeric,NDC,Product_Name,Generic_Drug_Name,Master_Form,Class,Drug,LongShortActing,DEAClassCode,"
OLD += "Strength_Per_Unit,UOM,MME_Conversion_Factor"
ROW = "00000000002,2,P,Oxycodone,Tablet,Opioid,Oxycodone SA,SA,2,7.5,MG"
PATCH = '00000000001,1,BUTRANS,Buprenorphine,"Patch, Extended Release",Opioid,Buprenorphine,LA,3,5,MCG/HR'
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def read(path):
    return read_products(str(path), "env: code_lists.opioid")


def csv_file(tmp_path, *lines):
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    return path


def xlsx_file(tmp_path, header, rows):
    """A workbook as spreadsheets save it: a first sheet of words, headings as shared strings, gaps left out."""
    words = "".join(f"<si><t>{word}</t></si>" for word in header)
    lines = ["".join(f'<c r="{chr(65 + k)}1" t="s"><v>{k}</v></c>' for k in range(len(header)))]
    for n, row in enumerate(rows, 2):
        told = [(k, text) for k, text in enumerate(row) if text]
        lines.append("".join(f'<c r="{chr(65 + k)}{n}" t="inlineStr"><is><t>{text}</t></is></c>' for k, text in told))
    sheet = "".join(f'<row r="{n}">{line}</row>' for n, line in enumerate(lines, 1))
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{SPACE}"><sheetData/></worksheet>')
        book.writestr(
            "xl/worksheets/sheet2.xml", f'<worksheet xmlns="{SPACE}"><sheetData>{sheet}</sheetData></worksheet>'
        )
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{SPACE}">{words}</sst>')
    return path


def test_products_come_in_the_order_of_their_codes(tmp_path):
    found = read(csv_file(tmp_path, NEW, ROW, PATCH))
    assert [(p.ndc, p.ingredient, p.long_acting, str(p.strength), p.unit, p.use) for p in found] == [
        ("00000000001", "buprenorphine", True, "5", "MCG/HR", "pain"),
        ("00000000002", "oxycodone", False, "7.5", "MG", "pain"),
    ]


def test_the_headings_of_2016_do_too(tmp_path):
    row = "2,00000000002,P,Oxycodone,Tablet,Opioid,Oxycodone SA,SA,2,7.5,MG,1.5"
    assert read(csv_file(tmp_path, OLD, row)) == read(csv_file(tmp_path, NEW, ROW))


def test_a_workbook_holds_the_same_as_its_export(tmp_path):
    rows = [line.split(",") for line in (ROW, ROW.replace("00002", "00003").replace("7.5", ""))]
    book = read(xlsx_file(tmp_path, NEW.split(","), rows))
    assert book == read(csv_file(tmp_path, NEW, *(",".join(row) for row in rows)))
    assert book[1].strength is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([NEW], "has rows and the columns"),
        ([NEW.replace("Master_Form", "Form"), ROW], "has rows and the columns"),
        ([NEW.replace("GENNME", "Generic"), ROW], "no column GENNME or Generic_Drug_Name"),
        ([NEW, ROW[1:]], "1 are not 11 digits"),
        ([NEW, ROW, ROW], "1 are there again"),
    ],
)
def test_a_list_that_would_mislead_is_refused(tmp_path, lines, words):
    with pytest.raises(ConfigError) as error:
        read(csv_file(tmp_path, *lines))
    assert words in str(error.value)
    assert "00000000002" not in str(error.value)


def test_a_missing_and_a_broken_file_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="missing"):
        read(tmp_path / "none.csv")
    broken = tmp_path / "broken.xlsx"
    broken.write_text("no archive")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(broken)


def test_an_unknown_edition_names_the_known():
    with pytest.raises(ConfigError) as error:
        factors_of("cdc_2023")
    assert "cdc_2022" in str(error.value)


def test_a_code_that_is_not_listed_may_be_another_package_of_a_product(tmp_path):
    twin = ROW.replace("00000000002", "00000000103").replace("7.5", "10")
    other = ROW.replace("00000000002", "00000000102")
    products = read(csv_file(tmp_path, NEW, ROW, PATCH, other, twin))
    codes = ["00000000002", "00000000102", "00000000199", None, "000000002", "99999999999"]
    assert places_of(codes, products, None).tolist() == [1, 2, -1, -1, -1, -1]
    # Of the two products 000000000 one is a patch, and of the two 000000001 one is stronger: neither is told.
    assert places_of(codes, products, 9).tolist() == [1, 2, -1, -1, -1, -1]
    alike = read(csv_file(tmp_path, NEW, ROW, other, ROW.replace("00000000002", "00000000104")))
    assert places_of(["00000000199", "00000000001"], alike, 9).tolist() == [4, 3]
